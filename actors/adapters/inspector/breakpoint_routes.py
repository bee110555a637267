"""Breakpoints over HTTP: looked at by whoever may look, set and let go only by whoever gave the token.

    GET, POST /api/breakpoints      DELETE /api/breakpoints/{id}      POST /api/breakpoints/{id}/step, …/release

Failure modes: 403 where no token is configured, 400 for a body that asks for nothing that there is, 404 for a
breakpoint that is gone, 409 where it cannot be set or nothing waits; each says what to do.
"""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from actors.adapters.inspector.breakpoints import (
    BREAKPOINTS_MAX,
    EDGES,
    PAUSE_MAX_S,
    PAUSED_MAX,
    Breakpoint,
    Breakpoints,
    CannotSet,
    Paused,
)
from actors.adapters.inspector.feed import compact_json

PATH: Final = "/api/breakpoints"
WORDS_MAX: Final = 100
"""Characters of a name or an id that is given; Discord's names have 80, our ids 13."""

OFF: Final = (
    "Breakpoints hold lines back, so they are only for whoever has the token: set INSPECTOR_TOKEN where the bot "
    "runs and start it again."
)


class BreakpointRoutes:
    """`breakpoints` is None where no token is configured: then nothing can be held at all."""

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
        limits = {"breakpoints_max": BREAKPOINTS_MAX, "paused_max": PAUSED_MAX, "pause_max_s": PAUSE_MAX_S}
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
            raise web.HTTPBadRequest(text="Name whose responses to hold: a character, a session, or both.\n")
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

    async def _waiting(self, breakpoints: Breakpoints, request: web.Request) -> list[Paused]:
        """Who is asked to go on: the response that the body names, or everyone who waits there."""
        wanted = (await _body(request, {"response"})).get("response")
        held = breakpoints.held_by(_found(breakpoints, request))
        found = [each for each in held if wanted in (None, each.context.response_id)]
        if not found:
            raise web.HTTPConflict(text="Nothing waits there any more.\n")
        return found

    def _view(self, breakpoint: Breakpoint) -> dict[str, Any]:
        held = self._breakpoints.held_by(breakpoint) if self._breakpoints is not None else []
        waiting = [
            {"response": each.context.response_id, "name": each.context.name, "session": each.context.session_id}
            | pause_view(each)
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


def pause_view(paused: Paused) -> dict[str, Any]:
    """Before which edge a response waits, since when, and by which breakpoint; `until` it is let go at the latest."""
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
    """The JSON object that was sent, its values words or null. A form is none: other pages can send those."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON, with Content-Type: application/json.\n")
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text="The body is no JSON.\n") from error
    if not isinstance(given, dict) or not known.issuperset(given):
        raise web.HTTPBadRequest(text=f"The body is a JSON object; it may have: {', '.join(sorted(known))}.\n")
    if not all(value is None or _is_word(value) for value in given.values()):
        raise web.HTTPBadRequest(text=f"Each value is a text of 1 to {WORDS_MAX} characters, or null.\n")
    return {name: value and value.strip() for name, value in given.items()}


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value) <= WORDS_MAX


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(text=compact_json(value) + "\n", content_type="application/json", status=status)
