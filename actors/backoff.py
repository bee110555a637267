"""Waits between the tries at reading a channel, or at handling an event of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

RE_READ_WAIT_S: Final = 1.0
RE_READ_WAIT_MAX_S: Final = 60.0
"""A channel that cannot be read is tried again after 1, 2, 4 … 60 s."""


def waits(tries_max: int | None = None) -> Iterator[float]:
    """The wait after each try: 1, 2, 4 … 60 s."""
    tries = count() if tries_max is None else range(tries_max)
    return (min(RE_READ_WAIT_MAX_S, RE_READ_WAIT_S * 2 ** min(number, 10)) for number in tries)
