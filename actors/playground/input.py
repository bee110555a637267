"""Reads what comes from outside: JSON, numbers, and bodies that take their time.

Python reads more than JSON allows (`NaN`, `Infinity`), and fails with its own errors on much nesting; both would end
in a 500, or in a wait without end.
"""

import asyncio
import json
import math
from collections.abc import Awaitable
from typing import NoReturn, TypeVar

from aiohttp import web

BODY_S = 10.0
"""How long a body may take to arrive; on one machine it takes milliseconds."""

T = TypeVar("T")


def parsed(content: str | bytes) -> object:
    """The value of a JSON text; raises ValueError that says what is wrong."""
    try:
        return json.loads(content, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def finite(name: str, value: object) -> float:
    """A number that is neither negative nor endless, also if it is given as text; raises ValueError."""
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"`{name}` must be a number from 0 on, not {str(value)[:40]!r}")
    return number


async def in_time(body: Awaitable[T]) -> T:
    """What the client sends; raises HTTPRequestTimeout after BODY_S."""
    try:
        async with asyncio.timeout(BODY_S):
            return await body
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not come in time: send it again") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
