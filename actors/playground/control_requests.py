"""Reads the fields of a control request, and answers its errors."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from .input import in_time, parsed
from .records import Json
from .refusals import Refusal
from .wire import json_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def checked(handler: Handler) -> Handler:
    """Answers errors as JSON."""

    async def serve(request: web.Request) -> web.StreamResponse:
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
    fields = parsed(await in_time(request.text()))
    if not isinstance(fields, dict):
        raise ValueError("the body must be a JSON object")
    return fields


def text(fields: Json, name: str) -> str:
    """A field as text; raises ValueError if it is missing or empty."""
    value = fields.get(name)
    if not isinstance(value, str | int) or value == "":
        raise ValueError(f"`{name}` is missing")
    return str(value)


def number(name: str, value: object) -> int:
    """A whole number, also if it is given as text; raises ValueError."""
    digits = str(value)
    if not digits.isascii() or not digits.isdigit():
        raise ValueError(f"`{name}` must be a number, not {digits!r}")
    return int(digits)


def path_id(request: web.Request, name: str) -> int:
    """An id in the path; raises ValueError."""
    return number(name, request.match_info[name])
