"""Breakpoints over HTTP: everyone who may read the inspector sees them; changing them needs the token.

    GET, POST /api/breakpoints      DELETE /api/breakpoints/{id}      POST /api/breakpoints/{id}/step, …/release

Failure modes: 403 if no token is configured, 400 for an invalid body, 404 for an unknown breakpoint, 409 if it cannot
be set or stops nothing, 415 for a body that is not JSON; each says what to do.
"""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from actors.adapters.inspector.breakpoints import (
    BREAKPOINTS_MAX,
    EDGES,
    STOP_MAX_S,
    STOPPED_MAX,
    Breakpoint,
    Breakpoints,
    CannotSet,
    StoppedResponse,
)
from actors.adapters.inspector.feed import compact_json

PATH: Final = "/api/breakpoints"
WORDS_MAX: Final = 100
"""Characters of a given name or id; Discord's names have up to 80, our ids 13."""

OFF: Final = (
    "Breakpoints hold lines back, so they need a token: set INSPECTOR_TOKEN where the bot runs and start the bot again."
)


class BreakpointRoutes:
    """The routes. `breakpoints` is None if no token is configured: then no response can be stopped."""

    def __init__(self, breakpoints: Breakpoints | None) -> None:
        self._breakpoints = breakpoints

    def add_to(self, router: web.UrlDispatcher, prefix: str = "") -> None:
        path = prefix + PATH
        router.add_get(path, self._list)
        router.add_post(path, self._set)
        router.add_delete(path + "/{id}", self._remove)
        router.add_post(path + "/{id}/step", self._step)
        router.add_post(path + "/{id}/release", self._release)

    async def _list(self, request: web.Request) -> web.Response:
        limits = {"breakpoints_max": BREAKPOINTS_MAX, "paused_max": STOPPED_MAX, "pause_max_s": STOP_MAX_S}
        told: dict[str, Any] = {"is_on": False, "why": OFF, "edges": EDGES, **limits, "breakpoints": [], "lapsed": []}
        if self._breakpoints is not None:
            every = [self._view(each) for each in self._breakpoints.all]
            lapsed = [breakpoint_view(each.breakpoint) | {"at": each.at} for each in self._breakpoints.lapsed]
            told |= {"is_on": True, "why": None, "breakpoints": every, "lapsed": lapsed}
        return _json(told)

    async def _set(self, request: web.Request) -> web.Response:
        breakpoints = self._allowed()
        given = await _body(request, {"character", "session", "edge"})
        if not given.get("character") and not given.get("session"):
            raise web.HTTPBadRequest(text="Name a character, a session, or both, whose responses to stop.\n")
        edge = given.get("edge")
        if edge is not None and edge not in EDGES:
            raise web.HTTPBadRequest(text=f"There is no such edge to pause before; there are: {', '.join(EDGES)}.\n")
        try:
            new = breakpoints.add(given.get("character"), given.get("session"), edge)
        except CannotSet as error:
            raise web.HTTPConflict(text=f"{error}\n") from error
        return _json(self._view(new), status=201)

    async def _remove(self, request: web.Request) -> web.Response:
        breakpoints = self._allowed()
        return _json({"let_go": breakpoints.remove(_found(breakpoints, request))})

    async def _step(self, request: web.Request) -> web.Response:
        breakpoints = self._allowed()
        return _json({"let_go": breakpoints.step(await self._waiting(breakpoints, request))})

    async def _release(self, request: web.Request) -> web.Response:
        breakpoints = self._allowed()
        return _json({"let_go": breakpoints.let_go(await self._waiting(breakpoints, request))})

    def _allowed(self) -> Breakpoints:
        if self._breakpoints is None:
            raise web.HTTPForbidden(text=f"{OFF}\n")
        return self._breakpoints

    async def _waiting(self, breakpoints: Breakpoints, request: web.Request) -> list[StoppedResponse]:
        """The stopped responses to let go: the one that the body names, or all of this breakpoint."""
        wanted = (await _body(request, {"response"})).get("response")
        held = breakpoints.stopped_by(_found(breakpoints, request))
        found = [each for each in held if wanted in (None, each.context.response_id)]
        if not found:
            raise web.HTTPConflict(text="Nothing waits there any more.\n")
        return found

    def _view(self, breakpoint: Breakpoint) -> dict[str, Any]:
        held = self._breakpoints.stopped_by(breakpoint) if self._breakpoints is not None else []
        waiting = [
            {"response": each.context.response_id, "name": each.context.name, "session": each.context.session_id}
            | stop_view(each)
            for each in held
        ]
        return breakpoint_view(breakpoint) | {"paused": waiting}


def breakpoint_view(breakpoint: Breakpoint) -> dict[str, Any]:
    return {
        "id": breakpoint.id,
        "character": breakpoint.character,
        "session": breakpoint.session_id,
        "edge": breakpoint.edge,
        "set_at": breakpoint.set_at,
    }


def stop_view(paused: StoppedResponse) -> dict[str, Any]:
    """Return a stop as JSON; the response goes on at `until` at the latest (seconds since 1970)."""
    return {
        "breakpoint": paused.breakpoint.id,
        "fact": type(paused.move.fact).__name__,
        "from": paused.move.source,
        "to": paused.move.dest.value,
        "since": paused.since,
        "until": paused.until,
    }


def _found(breakpoints: Breakpoints, request: web.Request) -> Breakpoint:
    found = breakpoints.get(request.match_info["id"])
    if found is None:
        raise web.HTTPNotFound(text="There is no such breakpoint; it may have been removed.\n")
    return found


async def _body(request: web.Request, known: set[str]) -> dict[str, str | None]:
    """Return the JSON object in the body; values are texts or null. Forms are refused: other pages can send them."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON, with Content-Type: application/json.\n")
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text="The body is not JSON.\n") from error
    if not isinstance(given, dict) or not known.issuperset(given):
        raise web.HTTPBadRequest(text=f"The body is a JSON object; it may have: {', '.join(sorted(known))}.\n")
    if not all(value is None or _is_word(value) for value in given.values()):
        raise web.HTTPBadRequest(text=f"Each value is a text of 1 to {WORDS_MAX} characters, or null.\n")
    return {name: value and value.strip() for name, value in given.items()}


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value) <= WORDS_MAX


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(text=compact_json(value) + "\n", content_type="application/json", status=status)
