"""`run --take-over`: moves the database's lock from a running process to a new one.

    new: connect ─► ask ───────────────► wait … ─► lock ─► database ─► channels ─► port
    old:             └─► no new work, sends in flight end ─► release ─► its connection and its port close
                            until here it writes incoming messages into the inbox

Only the holder of the lock writes. Messages that arrive while no process holds it are read by the new one, from the
channels and from its own connection, which is already open.

Failure modes: a holder that does not answer, or whose asker dies before the answer, keeps the lock and keeps
running. If the asker dies later, the old process still ends, and the next start continues from the journal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from actors.adapters.store import AlreadyRunning, DatabaseLock, StoreError

ANSWER_S: Final = 20.0
"""How long the running process may take to answer, or to end."""

DRAIN_S: Final = 60.0
"""How long it may take after its answer: ten seconds for its sends, the rest for its database."""

LOOK_EVERY_S: Final = 0.2
"""Interval at which the holder looks for a request."""

TRY_EVERY_S: Final = 0.02
"""Interval at which the asker tries the lock; it adds to the time without a writer."""

ASK_TRIES: Final = 50
"""The holder's look locks the request for a moment; after this many failed tries there must be another asker."""


class NotHandedOver(StoreError):
    """The hand-over failed; the running process keeps the database."""


async def wait_until_asked(lock: DatabaseLock) -> None:
    """Wait until another process asks for the lock, and acknowledge its request."""
    while not lock.is_asked_for:  # noqa: ASYNC110 - another process cannot set an event
        await anyio.sleep(LOOK_EVERY_S)
    lock.note_handing_over()


async def take_lock(lock: DatabaseLock, *, now: Callable[[], float], answer_s: float = ANSWER_S) -> None:
    """Ask the holder for the lock, and acquire it when it is released.

    Raises NotHandedOver if it is not released, and AlreadyRunning if another process is already asking.
    """
    async with _asking(lock):
        until, has_answered = anyio.current_time() + answer_s, False
        while not lock.acquire_if_free(at=now()):
            if not has_answered and lock.is_handing_over:
                until, has_answered = anyio.current_time() + DRAIN_S, True
            if anyio.current_time() >= until:
                raise NotHandedOver(_why(lock, answer_s, has_answered=has_answered))
            await anyio.sleep(TRY_EVERY_S)


@asynccontextmanager
async def _asking(lock: DatabaseLock) -> AsyncIterator[None]:
    for _ in range(ASK_TRIES):
        with lock.asking() as is_asking:
            if is_asking:
                yield
                return
        await anyio.sleep(TRY_EVERY_S)
    raise AlreadyRunning("Another process is already taking over: wait until it has finished, then try again")


def _why(lock: DatabaseLock, answer_s: float, *, has_answered: bool) -> str:
    if has_answered:
        return f"Ensemble ({lock.holder}) hands over, but has not ended after {DRAIN_S:.0f} s: stop it, then try again"
    return (
        f"Ensemble ({lock.holder}) has not answered within {answer_s:g} s and keeps running: "
        "check its log, or stop it, then try again"
    )
