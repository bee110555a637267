"""The supervisor: limits a crash to one actor, logs it in full, and starts the actor again.

It is the only place that catches `Exception`. Cancellation passes through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from actors.ports import ConnectionLost, Fenced, Noted, Trace
from actors.roleplay.model import SessionId
from machines.backoff import backoff_s

RESTART_WAIT_FIRST_S: Final = 1.0
RESTART_WAIT_MAX_S: Final = 60.0
"""A crashed actor starts again after 1, 2, 4 … 60 s, so that a permanent crash does not use up the CPU."""

STEADY_S: Final = 60.0
"""After running this long an actor counts as healthy: its next crash counts as the first."""


class Supervisor:
    """Contains crashes. `fatal` lists the exceptions that end the process instead, since a restart cannot fix them."""

    def __init__(self, trace: Trace, *, fatal: tuple[type[Exception], ...] = ()) -> None:
        self._trace = trace
        self._fatal = fatal

    async def keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until cancelled: start it again after a crash or an unexpected end."""
        crashes = 0
        while True:
            began = anyio.current_time()
            await self.contain(name, work)
            crashes = 1 if anyio.current_time() - began >= STEADY_S else crashes + 1
            await anyio.sleep(backoff_s(crashes, base_s=RESTART_WAIT_FIRST_S, max_s=RESTART_WAIT_MAX_S))

    async def contain(
        self, name: str, work: Callable[[], Awaitable[None]], *, session_id: SessionId | None = None
    ) -> bool:
        """Run `work` once; log a crash, with the session if given, and return False for it."""
        try:
            await work()
        except Exception as error:  # the one place that contains crashes
            if _is_all(error, self._fatal):
                raise
            if _is_all(error, (Fenced,)):
                self._trace.publish(Noted("info", f"{name}: another worker has taken over.", session_id))
            elif isinstance(error, ConnectionLost):
                self._trace.publish(Noted("warning", f"{name}: {error}; it is tried again."))
            else:
                words = f"{name} crashed{_whereabouts(error)} and starts again."
                self._trace.publish(Noted("error", words, session_id, error))
            return False
        return True


@contextmanager
def concerning(subject: str) -> Iterator[None]:
    """Add a note to an exception raised inside: the response, channel or row that it concerns, for the log."""
    try:
        yield
    except Exception as error:
        error.add_note(subject)
        raise


def _whereabouts(error: BaseException) -> str:
    subjects = list(dict.fromkeys(_notes(error)))
    return f" ({', '.join(subjects)})" if subjects else ""


def _notes(error: BaseException) -> Iterator[str]:
    """The notes that `concerning` added to the error, and to the errors in its groups."""
    yield from getattr(error, "__notes__", ())
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _notes(each)


def _is_all(error: Exception, kinds: tuple[type[Exception], ...]) -> bool:
    """Whether `error` is one of `kinds`, or an exception group that contains nothing else."""
    if isinstance(error, ExceptionGroup):
        return bool(kinds) and error.split(kinds)[1] is None
    return isinstance(error, kinds)
