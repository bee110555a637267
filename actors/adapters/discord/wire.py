"""The one way to Discord's REST: one try, its time limit, its pauses, and its outcome as a value.

Failure modes: every one is a value (`outcomes`). Cancellation passes through; what was sent is then
unknown, as after a kill.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
import discord

from actors.adapters.discord.budgets import Budgets
from actors.adapters.discord.guard import Stopped, Tries, guarded
from actors.adapters.discord.outcomes import EXPECTED, Refusal, judged
from actors.ports import Budget, HeldBack, note_request

T = TypeVar("T")

BUCKETS_MAX: Final = 4_096
"""Ended pauses are cleared away when there are more."""
NOT_CONNECTED_WAIT_S: Final = 2.0
NOT_CONNECTED_WAIT_MAX_S: Final = 30.0
NOT_CONNECTED_SHARE: Final = 0.25
"""How long what comes while no client is logged in is put off: a login takes about two seconds. Later it is a share
of the time without one, since each time is a move in the journal of each line that waits."""


class Pauses:
    """Until when nothing may go out: everything after a global 429, one bucket when it is empty."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._everything = 0.0
        self._buckets: dict[str, float] = {}

    def until(self, bucket: str) -> float | None:
        """The end of the pause that holds now; None when there is none."""
        until = max(self._everything, self._buckets.get(bucket, 0.0))
        return until if until > self._now() else None

    @property
    def everything_until(self) -> float | None:
        """The end of the pause of everything; None when there is none."""
        return self._everything if self._everything > self._now() else None

    def pause_everything(self, for_s: float) -> None:
        self._everything = max(self._everything, self._now() + for_s)

    def pause_bucket(self, bucket: str, for_s: float) -> None:
        now = self._now()
        if len(self._buckets) >= BUCKETS_MAX:
            self._buckets = {name: until for name, until in self._buckets.items() if until > now}
        self._buckets[bucket] = now + for_s


class Wire:
    """Makes single tries with whichever client is logged in at the moment."""

    def __init__(self, *, now: Callable[[], float], try_timeout_s: float) -> None:
        self.now = now
        self._pauses = Pauses(now)
        self._budgets = Budgets(now)
        self._try_timeout_s = try_timeout_s
        self._clients: list[discord.Client] = []
        self._not_connected_since: float | None = None  # when it was noticed that there is none

    @property
    def clients(self) -> tuple[discord.Client, ...]:
        """Those that are logged in; REST needs one of them, whichever."""
        return tuple([client for client in self._clients if not client.is_closed()])

    def add(self, client: discord.Client) -> None:
        self._clients.append(client)

    def remove(self, client: discord.Client) -> None:
        if client in self._clients:
            self._clients.remove(client)

    def budgets(self) -> tuple[Budget, ...]:
        """What Discord said last about its limits, and what we hold back for them."""
        return self._budgets.view(self._pauses.until, self._pauses.everything_until)

    async def attempt(self, bucket: str | None, request: Callable[[discord.Client], Awaitable[T]]) -> T | Refusal:
        """Await `request(client)`, which is one request on the wire; `bucket` names what shares its limits.

        None for interactions, which have no bucket and are outside of the global limit.
        """
        client = next(iter(self.clients), None)
        if client is None:
            return self._not_connected()
        self._not_connected_since = None
        until = None if bucket is None else self._pauses.until(bucket)
        if until is not None:
            return HeldBack(until)
        with guarded() as tries:
            try:
                with anyio.fail_after(self._try_timeout_s):
                    return await request(client)
            except EXPECTED as error:
                if isinstance(error, Stopped) and error.is_global:
                    self._pauses.pause_everything(error.retry_after_s)
                return judged(error, tries)
            except RuntimeError:
                if tries.wire or not client.is_closed():
                    raise
                return self._not_connected()  # closed while the request stood in a queue: aiohttp says it like this
            finally:
                self._learn(tries, bucket)

    def _learn(self, tries: Tries, bucket: str | None) -> None:
        """Take from a try what it says about limits, and tell those who listen of it."""
        if tries.begun:
            note_request(tries.as_request(anyio.current_time()))
        if bucket is None:
            return
        self._budgets.learn(bucket, tries.headers)
        if tries.pause_s:
            self._pauses.pause_bucket(bucket, tries.pause_s)

    def _not_connected(self) -> HeldBack:
        now = self.now()
        since = self._not_connected_since = self._not_connected_since or now
        wait_s = max(NOT_CONNECTED_WAIT_S, min(NOT_CONNECTED_WAIT_MAX_S, (now - since) * NOT_CONNECTED_SHARE))
        return HeldBack(now + wait_s)
