"""The supervisor: one crash touches one actor, is told in full to the log, and the actor starts again.

It is the only place that catches `Exception`. Cancellation passes through it.
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
"""A crashed actor starts again after 1, 2, 4 … 60 s, so that one that cannot live does not burn the machine."""

STEADY_S: Final = 60.0
"""An actor that lived this long is well again: its next crash counts as the first."""


class Supervisor:
    """Contains crashes. `fatal` names the exceptions that end the process instead: a restart cannot mend them."""

    def __init__(self, trace: Trace, *, fatal: tuple[type[Exception], ...] = ()) -> None:
        self._trace = trace
        self._fatal = fatal

    async def keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` for ever: start it again after a crash, and after an end that nobody asked for."""
        crashes = 0
        while True:
            began = anyio.current_time()
            await self.contain(name, work)
            crashes = 1 if anyio.current_time() - began >= STEADY_S else crashes + 1
            await anyio.sleep(backoff_s(crashes, base_s=RESTART_WAIT_FIRST_S, max_s=RESTART_WAIT_MAX_S))

    async def contain(
        self, name: str, work: Callable[[], Awaitable[None]], *, session_id: SessionId | None = None
    ) -> bool:
        """Run `work`, that of a session where one is named, once; False when it crashed: it is in the log then."""
        try:
            await work()
        except Exception as error:  # the one place that contains crashes
            if _is_all(error, self._fatal):
                raise
            if _is_all(error, (Fenced,)):
                self._trace.publish(Noted("info", f"{name}: another worker holds this now.", session_id))
            elif isinstance(error, ConnectionLost):
                self._trace.publish(Noted("warning", f"{name}: {error}; it is tried again."))
            else:
                words = f"{name} crashed{_whereabouts(error)} and starts again."
                self._trace.publish(Noted("error", words, session_id, error))
            return False
        return True


@contextmanager
def concerning(subject: str) -> Iterator[None]:
    """Note on whatever is raised inside which response, channel or row it concerned: a crash is logged with it."""
    try:
        yield
    except Exception as error:
        error.add_note(subject)
        raise


def _whereabouts(error: BaseException) -> str:
    subjects = list(dict.fromkeys(_notes(error)))
    return f" ({', '.join(subjects)})" if subjects else ""


def _notes(error: BaseException) -> Iterator[str]:
    """What `concerning` noted, on the error and on those that a task group gathered in it."""
    yield from getattr(error, "__notes__", ())
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _notes(each)


def _is_all(error: Exception, kinds: tuple[type[Exception], ...]) -> bool:
    """Whether `error` is one of `kinds`, or comes out of task groups with nothing else beside it."""
    if isinstance(error, ExceptionGroup):
        return bool(kinds) and error.split(kinds)[1] is None
    return isinstance(error, kinds)
