"""Looks for strangers' regular expressions with `regex`, in a worker thread, each and all of a prompt within a time.

    run(work) ─► thread: work(match) ─► translated ─► compiled ─► search with a timeout, which frees the interpreter

Failure modes: an expression that takes too long, or is none, is a verdict. A thread whose caller was cancelled ends by
itself: its work is bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, TypeVar

import anyio
import anyio.to_thread
import regex

from actors.roleplay.lore.expressions import translated
from actors.roleplay.lore.model import Match, Pattern, Verdict

KEY_S: Final = 0.05
"""One expression in one text."""

PROMPT_S: Final = 0.5
"""All expressions of a prompt."""

THREADS: Final = 2
"""At once: lore is no more than a part of what the process does."""

COMPILED_MAX: Final = 512

T = TypeVar("T")
_FLAGS: Final = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}


class RegexPatterns:
    """The port Patterns with `regex`."""

    def __init__(self, *, key_s: float = KEY_S, prompt_s: float = PROMPT_S) -> None:
        self._key_s = key_s
        self._prompt_s = prompt_s
        self._threads = anyio.CapacityLimiter(THREADS)

    async def run(self, work: Callable[[Match], T]) -> T:
        match = _Timed(self._key_s, self._prompt_s)
        return await anyio.to_thread.run_sync(partial(work, match), abandon_on_cancel=True, limiter=self._threads)


class _Timed:
    """Looks for expressions until the time of the prompt is over."""

    def __init__(self, key_s: float, prompt_s: float) -> None:
        self._key_s = key_s
        self._left_s = prompt_s

    def __call__(self, pattern: Pattern, text: str) -> Verdict:
        if self._left_s <= 0:
            return Verdict.NO_TIME
        began = time.perf_counter()
        timeout_s = min(self._key_s, self._left_s)
        try:
            return _search(pattern, text, timeout_s)
        except TimeoutError:
            return Verdict.TIMED_OUT if timeout_s == self._key_s else Verdict.NO_TIME
        finally:
            self._left_s -= time.perf_counter() - began


def _search(pattern: Pattern, text: str, timeout_s: float) -> Verdict:
    compiled = _compiled(pattern)
    if compiled is None:
        return Verdict.WRONG
    found = compiled.search(text, concurrent=True, timeout=timeout_s)
    return Verdict.ABSENT if found is None else Verdict.FOUND


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(pattern: Pattern) -> regex.Pattern[str] | None:
    source = translated(pattern)
    flags = regex.VERSION0
    for letter in pattern.flags:
        flags |= _FLAGS.get(letter, 0)
    try:
        return None if source is None else regex.compile(source, flags, cache_pattern=False)
    except (regex.error, ValueError, OverflowError, RecursionError):
        return None
