"""Serves the page at `/`, and the part of the control API that only the page needs, under `/_control/`:

    GET  events                        server-sent: `snapshot`, then every change (Last-Event-ID, or ?last=)
    GET  earlier?channel=&before=      older messages of a channel
    POST bot {do: "start" | "kill" | "kill-amid"}   the bot's process, if the application provides it;
                                       kill-amid: kills once, when its next line is stored and not yet answered
    GET  cards                         GET cards/{name}/picture
    POST cards?filename=               a Tavern card file as the body
    PATCH cards/{name} {field: text}   edits a card
    GET  inspector/{path}              the page's own requests to the bot's inspector; 204 while the bot is down
    GET, POST, DELETE /inspector/{path}   the bot's inspector, on the page's own origin. This server adds
                                       its token, so that it is in no URL and in no browser

Failure modes: 409 if the application provides no hook; 422 with one sentence for a card that is refused;
503 for the inspector while the bot is down.
"""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, web

from .control_requests import Handler, asked, checked, number, text
from .hooks import CARD_BYTES_MAX, CARD_FIELDS, BotControl, CardRefused, CardShelf
from .images import image_type
from .input import in_time
from .page_view import newest_view
from .wire import json_response

if TYPE_CHECKING:
    from .server import PlaygroundServer

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
EARLIER_MAX = 100
CONNECT_S = 2.0
"""Short, because the inspector is on this machine."""
PASSED_ON = (
    *("Content-Type", "Cache-Control", "ETag"),
    *("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"),
)
ASKED_WITH = ("Accept", "Content-Type", "Last-Event-ID", "If-None-Match")
INSPECTED_BY = ("GET", "POST", "DELETE")
"""POST and DELETE set and remove breakpoints."""


def mount_page(app: web.Application, server: "PlaygroundServer") -> None:
    """Adds the page, its files, and its routes."""
    routes = _PageRoutes(server)
    found: dict[tuple[str, str], Handler] = {
        ("GET", "/_control/events"): server.feed.serve,
        ("GET", "/_control/earlier"): routes.earlier,
        ("POST", "/_control/bot"): routes.steer_bot,
        ("GET", "/_control/cards"): routes.cards,
        ("POST", "/_control/cards"): routes.save_card,
        ("PATCH", "/_control/cards/{name}"): routes.edit_card,
        ("GET", "/_control/cards/{name}/picture"): routes.card_picture,
        ("GET", "/_control/inspector/{path:.*}"): routes.look,
        **{(method, "/inspector/{path:.*}"): routes.inspect for method in INSPECTED_BY},
        ("GET", "/"): _index,
        ("GET", "/page/{name}"): _file,
    }
    app.on_cleanup.append(routes.disarm)
    for (method, path), handler in found.items():
        app.router.add_route(method, path, checked(handler))


class _PageRoutes:
    """One method per route."""

    def __init__(self, server: "PlaygroundServer") -> None:
        self._server = server
        self._amid: asyncio.Task[None] | None = None

    async def disarm(self, app: web.Application) -> None:
        """Cancels a kill that is still waiting for a line."""
        if self._amid is not None:
            self._amid.cancel()

    async def earlier(self, request: web.Request) -> web.StreamResponse:
        channel = self._server.discord.find_channel(request.query.get("channel", ""))
        before = number("before", request.query.get("before", ""))
        return json_response(newest_view(self._server.discord, channel, before, EARLIER_MAX))

    async def steer_bot(self, request: web.Request) -> web.StreamResponse:
        control = self._server.bot_control
        if control is None:
            return _missing("this playground does not run the bot: start and stop it where you started it")
        do = text(await asked(request), "do")
        if do == "kill-amid":
            self._arm(control)
        else:
            await _steer(control, do)
        return web.Response(status=204)

    def _arm(self, control: BotControl) -> None:
        """Kills the bot during its next line; done here, because the page may be closed by then."""
        if self._amid is not None:
            self._amid.cancel()
        self._server.hold.arm()
        self._amid = asyncio.create_task(self._kill_amid(control))

    async def _kill_amid(self, control: BotControl) -> None:
        await self._server.hold.wait_caught()
        try:
            await control.kill()
        finally:
            self._server.hold.release()

    async def cards(self, request: web.Request) -> web.StreamResponse:
        shelf = self._server.card_shelf
        return _no_cards() if shelf is None else json_response([asdict(card) for card in await shelf.list()])

    async def card_picture(self, request: web.Request) -> web.StreamResponse:
        shelf = self._server.card_shelf
        picture = None if shelf is None else await shelf.picture(request.match_info["name"])
        if picture is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "private, max-age=86400"}
        return web.Response(body=picture, content_type=image_type(picture), headers=headers)

    async def save_card(self, request: web.Request) -> web.StreamResponse:
        shelf = self._server.card_shelf
        return _no_cards() if shelf is None else await _save(shelf, request)

    async def edit_card(self, request: web.Request) -> web.StreamResponse:
        shelf = self._server.card_shelf
        return _no_cards() if shelf is None else await _edit(shelf, request)

    async def inspect(self, request: web.Request) -> web.StreamResponse:
        """Passes on a user's request to the inspector; 503 while it is unavailable."""
        if self._server.inspector_url is None:
            return json_response({"message": "this playground has no address of the bot's inspector"}, 503)
        found = await self._passed_on(request, self._server.inspector_url)
        if found is None:
            return json_response({"message": "the bot's inspector does not answer; check that the bot is running"}, 503)
        return found

    async def look(self, request: web.Request) -> web.StreamResponse:
        """Passes on the page's own request; 204 while the bot is off, because browsers log an error status in red."""
        url = self._server.inspector_url
        found = None if url is None else await self._passed_on(request, url)
        return web.Response(status=204) if found is None else found

    async def _passed_on(self, request: web.Request, inspector_url: str) -> web.StreamResponse | None:
        """Passes the request on and streams the answer back; None if the inspector does not answer."""
        path = request.raw_path.removeprefix("/_control").removeprefix("/inspector")
        url = inspector_url.rstrip("/") + path
        headers = {name: request.headers[name] for name in ASKED_WITH if name in request.headers}
        if self._server.inspector_token is not None:
            headers["Authorization"] = f"Bearer {self._server.inspector_token}"
        body = await in_time(request.read()) or None
        async with ClientSession(timeout=ClientTimeout(total=None, connect=CONNECT_S)) as session:
            try:
                found = await session.request(request.method, url, headers=headers, data=body, allow_redirects=False)
            except (ClientError, TimeoutError):
                return None
            # Release it even if cancelled during a stream: else only the garbage collector closes the connection.
            async with found:
                return await _answered_with(found, request)


async def _answered_with(found: ClientResponse, request: web.Request) -> web.StreamResponse:
    """Streams the answer."""
    passed_on = {name: found.headers[name] for name in PASSED_ON if name in found.headers}
    response = web.StreamResponse(status=found.status, headers=passed_on)
    try:
        await response.prepare(request)
        async for chunk in found.content.iter_any():
            await response.write(chunk)
    except (ClientError, ConnectionError):
        return response  # the bot or the page has disconnected; the other one sees the connection end
    return response


async def _steer(control: BotControl, do: str) -> None:
    match do:
        case "start":
            await control.start()
        case "kill":
            await asyncio.shield(asyncio.ensure_future(control.kill()))
        case other:
            raise ValueError(f"unknown `do` {other!r}; known: start, kill, kill-amid")


async def _save(shelf: CardShelf, request: web.Request) -> web.StreamResponse:
    try:
        card = await shelf.save(await in_time(_file_in(request)), request.query.get("filename", ""))
    except CardRefused as refused:
        return json_response({"message": str(refused)}, 422)
    return json_response(asdict(card), 201)


async def _file_in(request: web.Request) -> bytes:
    """The body; one that is too long is cut above CARD_BYTES_MAX, so that the shelf refuses it and says what to do."""
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > CARD_BYTES_MAX:
            break
    return bytes(data)


async def _edit(shelf: CardShelf, request: web.Request) -> web.StreamResponse:
    fields = await asked(request)
    wrong = [name for name, value in fields.items() if name not in CARD_FIELDS or not isinstance(value, str)]
    if wrong:
        raise ValueError(f"`{wrong[0]}` is not a text field of a card; known: {', '.join(CARD_FIELDS)}")
    try:
        card = await shelf.edit(request.match_info["name"], fields)
    except CardRefused as refused:
        return json_response({"message": str(refused)}, 422)
    return json_response(asdict(card))


def _no_cards() -> web.Response:
    return _missing("this playground has no characters to show")


def _missing(words: str) -> web.Response:
    return json_response({"message": words}, 409)


async def _index(request: web.Request) -> web.StreamResponse:
    return _served("index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    return _served(request.match_info["name"])


def _served(name: str) -> web.Response:
    """A file of the page's folder; read each time, because it is small, local, and changes during development."""
    path = PAGE / name
    if path.parent != PAGE or path.suffix not in KINDS or not path.is_file():
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=KINDS[path.suffix], charset="utf-8", headers=PAGE_HEADERS)
