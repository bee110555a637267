"""`run --take-over`: two processes, one database, and how it changes hands.

    new: connect ─► ask ───────────────► wait … ─► lock ─► database ─► channels ─► port
    old:             └─► no new work, what is on the wire ends ─► release ─► its connection and its port end
                             until here it writes what people say into the inbox

Only the holder of the lock writes. What is said while nobody holds it is read by the new one, from the channels and
from its own connection, which is there already.

Failure modes: a holder that does not answer keeps the lock and goes on, and so does one whose asker dies before it has
heard; where the asker dies after that, the old one ends all the same, and the next start goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from actors.adapters.store import AlreadyRunning, DatabaseLock, StoreError

ANSWER_S: Final = 20.0
"""How long the running process may take to say that it hands over, or to be gone."""

DRAIN_S: Final = 60.0
"""How long it may take after that: its sends have ten seconds, the rest is its database's."""

LOOK_EVERY_S: Final = 0.2
"""How often the holder looks whether somebody asks."""

TRY_EVERY_S: Final = 0.02
"""How often the asker tries to take the lock: a part of the time in which nobody writes."""

ASK_TRIES: Final = 50
"""The holder's look takes the request for a moment: so often is that not called another asker."""


class NotHandedOver(StoreError):
    """The running process keeps the database."""


async def wait_until_asked(lock: DatabaseLock) -> None:
    """Wait until a process asks the holder for the lock, and let it know that it is heard."""
    while not lock.is_asked_for:  # noqa: ASYNC110 - another process signals nothing
        await anyio.sleep(LOOK_EVERY_S)
    lock.note_handing_over()


async def take_lock(lock: DatabaseLock, *, now: Callable[[], float], answer_s: float = ANSWER_S) -> None:
    """Ask the holder for the lock, and take it when it is released.

    Raises NotHandedOver where that does not come, and AlreadyRunning where another process asks already.
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
    raise AlreadyRunning("Another process is taking over already: wait until it has, then try again")


def _why(lock: DatabaseLock, answer_s: float, *, has_answered: bool) -> str:
    if has_answered:
        return (
            f"Ensemble ({lock.held_by}) hands over, and has not ended after {DRAIN_S:.0f} s: stop it, then start anew"
        )
    return (
        f"Ensemble ({lock.held_by}) has not answered within {answer_s:g} s, and is left as it is: "
        "look at its log, or stop it, then start anew"
    )
