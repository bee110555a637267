"""What every route of the control API begins with: who may ask, and what a request holds."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from .records import Json
from .refusals import Refusal
from .wire import json_response

HOSTS = ("127.0.0.1", "localhost", "[::1]")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def guarded(handler: Handler) -> Handler:
    """Refuses requests that another site's page could send, and words what is wrong with a request."""

    async def serve(request: web.Request) -> web.StreamResponse:
        host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if host not in HOSTS or request.headers.get("Origin", f"http://{request.host}") != f"http://{request.host}":
            return json_response({"message": "only the playground's own page may steer it"}, 403)
        try:
            return await handler(request)
        except Refusal as refusal:
            return json_response(refusal.body, refusal.reason.status)
        except ValueError as error:
            return json_response({"message": str(error)}, 400)

    return serve


async def asked(request: web.Request) -> Json:
    """The body; raises ValueError unless it is a JSON object, declared as JSON."""
    if request.content_type != "application/json":
        raise ValueError("the body must be JSON, with `Content-Type: application/json`")
    fields = json.loads(await request.text())
    if not isinstance(fields, dict):
        raise ValueError("the body must be a JSON object")
    return fields


def text(fields: Json, name: str) -> str:
    """A field that must not be empty; raises ValueError."""
    value = fields.get(name)
    if not isinstance(value, str | int) or value == "":
        raise ValueError(f"`{name}` is missing")
    return str(value)


def number(name: str, value: object) -> int:
    """A whole number, also one written as text; raises ValueError."""
    digits = str(value)
    if not digits.isascii() or not digits.isdigit():
        raise ValueError(f"`{name}` must be a number, not {digits!r}")
    return int(digits)


def path_id(request: web.Request, name: str) -> int:
    """An id in the path; raises ValueError."""
    return number(name, request.match_info[name])
