"""The page at `/`, and the part of the control API that only the page needs, under `/_control/`:

    GET  events                        server-sent: `snapshot`, then every change (Last-Event-ID, or ?last=)
    GET  earlier?channel=&before=      older messages of a channel
    POST bot {do: "start" | "kill" | "kill-amid"}   the bot's process, where the application gave us one;
                                       kill-amid: once, when its next line is stored and not yet answered
    GET  cards                         GET cards/{name}/picture
    POST cards?filename=               a Tavern card file as the body
    PATCH cards/{name} {field: text}   edits a card
    GET  inspector/{path}              what the page asks of the bot's inspector by itself; 204 while the bot is down
    GET, POST, DELETE /inspector/{path}   the bot's inspector, on the page's own origin. Its token is added here:
                                       it is in no address and in no browser

Failure modes: 409 where the application filled in no hook; 422 with one sentence for a card that is refused;
503 for the inspector while the bot is down.
"""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, web

from .asking import Handler, asked, guarded, number, text
from .hooks import CARD_BYTES_MAX, CARD_FIELDS, BotControl, CardRefused, CardShelf
from .images import image_type
from .page_view import newest_view
from .wire import json_response

if TYPE_CHECKING:
    from .server import PlaygroundServer

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
EARLIER_MAX = 100
CONNECT_S = 2.0
"""The inspector is on this machine."""
CHUNK_BYTES = 64 * 1024
PASSED_ON = (
    *("Content-Type", "Cache-Control", "ETag"),
    *("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"),
)
ASKED_WITH = ("Accept", "Content-Type", "Last-Event-ID", "If-None-Match")
INSPECTED_BY = ("GET", "POST", "DELETE")
"""POST and DELETE set breakpoints and take them away."""


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
        app.router.add_route(method, path, guarded(handler))


class _PageRoutes:
    """One method a route."""

    def __init__(self, server: "PlaygroundServer") -> None:
        self._server = server
        self._amid: asyncio.Task[None] | None = None

    async def disarm(self, app: web.Application) -> None:
        """Nobody is to be killed any more."""
        if self._amid is not None:
            self._amid.cancel()

    async def earlier(self, request: web.Request) -> web.StreamResponse:
        channel = self._server.world.find_channel(request.query.get("channel", ""))
        before = number("before", request.query.get("before", ""))
        return json_response(newest_view(self._server.world, channel, before, EARLIER_MAX))

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
        """Kill the bot amid its next line; here and not in the page, which may be closed by then."""
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
        headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=picture, content_type=image_type(picture), headers=headers)

    async def save_card(self, request: web.Request) -> web.StreamResponse:
        shelf = self._server.card_shelf
        return _no_cards() if shelf is None else await _save(shelf, request)

    async def edit_card(self, request: web.Request) -> web.StreamResponse:
        shelf = self._server.card_shelf
        return _no_cards() if shelf is None else await _edit(shelf, request)

    async def inspect(self, request: web.Request) -> web.StreamResponse:
        """For who asks for the inspector: while it is not there, that is an error."""
        if self._server.inspector_url is None:
            return json_response({"message": "the bot's inspector is not known here"}, 503)
        found = await self._passed_on(request, self._server.inspector_url)
        if found is None:
            return json_response({"message": "the bot's inspector does not answer; is the bot running?"}, 503)
        return found

    async def look(self, request: web.Request) -> web.StreamResponse:
        """For the page: a bot that is off on purpose is no error, which every browser would log in red."""
        url = self._server.inspector_url
        found = None if url is None else await self._passed_on(request, url)
        return web.Response(status=204) if found is None else found

    async def _passed_on(self, request: web.Request, inspector_url: str) -> web.StreamResponse | None:
        """Passes the request on, and the answer back as it comes; None while nobody answers."""
        path = request.raw_path.removeprefix("/_control").removeprefix("/inspector")
        url = inspector_url.rstrip("/") + path
        headers = {name: request.headers[name] for name in ASKED_WITH if name in request.headers}
        if self._server.inspector_token is not None:
            headers["Authorization"] = f"Bearer {self._server.inspector_token}"
        body = await request.read() or None
        async with ClientSession(timeout=ClientTimeout(total=None, connect=CONNECT_S)) as session:
            try:
                found = await session.request(request.method, url, headers=headers, data=body, allow_redirects=False)
            except (ClientError, TimeoutError):
                return None
            # Released even where we are cancelled amid a stream: else its connection is left to the garbage collector.
            async with found:
                return await _answered_with(found, request)


async def _answered_with(found: ClientResponse, request: web.Request) -> web.StreamResponse:
    """The answer as it comes."""
    passed_on = {name: found.headers[name] for name in PASSED_ON if name in found.headers}
    response = web.StreamResponse(status=found.status, headers=passed_on)
    try:
        await response.prepare(request)
        async for chunk in found.content.iter_any():
            await response.write(chunk)
    except (ClientError, ConnectionError):
        return response  # the bot or the page has gone; either knows by the connection's end
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
        card = await shelf.save(await _file_in(request), request.query.get("filename", ""))
    except CardRefused as refused:
        return json_response({"message": str(refused)}, 422)
    return json_response(asdict(card), 201)


async def _file_in(request: web.Request) -> bytes:
    """The body; of one that is too long as much as shows it, so that the shelf says what to do about it."""
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
        raise ValueError(f"`{wrong[0]}` is no text of a card; known: {', '.join(CARD_FIELDS)}")
    try:
        card = await shelf.edit(request.match_info["name"], fields)
    except CardRefused as refused:
        return json_response({"message": str(refused)}, 422)
    return json_response(asdict(card))


def _no_cards() -> web.Response:
    return _missing("this playground has no characters of its own to show")


def _missing(words: str) -> web.Response:
    return json_response({"message": words}, 409)


async def _index(request: web.Request) -> web.StreamResponse:
    return _served("index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    return _served(request.match_info["name"])


def _served(name: str) -> web.Response:
    """A file of the page's folder, read each time: it is small, local, and being worked on."""
    path = PAGE / name
    if path.parent != PAGE or path.suffix not in KINDS or not path.is_file():
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=KINDS[path.suffix], charset="utf-8", headers=SAFE)
