"""Waits between tries to read a channel or to handle one of its events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

from machines.backoff import backoff_s

RE_READ_WAIT_S: Final = 1.0
RE_READ_WAIT_MAX_S: Final = 60.0
"""A channel that cannot be read is tried again after 1, 2, 4 … 60 s."""


def waits(tries_max: int | None = None) -> Iterator[float]:
    """The wait after each try: 1, 2, 4 … 60 s."""
    tries = count() if tries_max is None else range(tries_max)
    return (backoff_s(number + 1, base_s=RE_READ_WAIT_S, max_s=RE_READ_WAIT_MAX_S) for number in tries)
