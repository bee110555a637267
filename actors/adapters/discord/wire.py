"""The one way to Discord's REST: one try, its time limit, its pauses, and its outcome as a value.

Failure modes: every one is a value (`outcomes`). Cancellation passes through; what was sent is then
unknown, as after a kill.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

import anyio
import discord

from actors.adapters.discord.buckets import Buckets
from actors.adapters.discord.budgets import Budgets
from actors.adapters.discord.guard import Stopped, Tries, guarded
from actors.adapters.discord.outcomes import EXPECTED, Refusal, judged
from actors.ports import Budget, HeldBack, Refused, note_request
from actors.ports.server_words import plain_words

T = TypeVar("T")

log: Final = logging.getLogger("ensemble.discord")

WAIT_STEP_S: Final = 60.0
"""Wall time may be set while we sleep."""

NOT_CONNECTED_WAIT_S: Final = 2.0
NOT_CONNECTED_WAIT_MAX_S: Final = 30.0
NOT_CONNECTED_SHARE: Final = 0.25
"""How long what comes while no client is logged in is put off: a login takes about two seconds. Later it is a share
of the time without one, since each time is a move in the journal of each line that waits."""


class Wire:
    """Makes single tries with whichever client is logged in at the moment."""

    def __init__(self, *, now: Callable[[], float], try_timeout_s: float) -> None:
        self.now = now
        self._buckets = Buckets(now)
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
        return self._budgets.view(self._buckets.until, self._buckets.everything_until(), self._buckets.closed())

    def is_closed(self, bucket: str) -> bool:
        """Whether a request in `bucket` would be held back."""
        return self._buckets.is_closed(bucket)

    async def wait_until_open(self, bucket: str) -> None:
        """Wait until `bucket` is open, for a request that nobody else brings back."""
        while (held := self._buckets.held(bucket)) is not None:  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(min(WAIT_STEP_S, held.until - self.now()))

    def note_limit(self, stopped: Stopped, bucket: str | None, resource: str | None = None) -> float:
        """Close what a 429 limits, for everybody who uses it; returns since when it is closed."""
        if stopped.limit is None:
            return 0.0
        since = self._buckets.close(bucket, resource, stopped.limit)
        words = "Discord limits %s (%s): nothing goes out on it for %.1f s. %s"
        limit, said = stopped.limit, plain_words(stopped.words)
        log.warning(words, bucket or "interactions", limit.scope, limit.wait_s, said, extra={"said": said})
        return since

    async def attempt(
        self,
        bucket: str | None,
        request: Callable[[discord.Client], Awaitable[T]],
        *,
        resource: str | None = None,
    ) -> T | Refusal:
        """Await `request(client)`, which is one request on the wire; `bucket` names what shares its limits.

        None for interactions, which have no bucket and are outside of the global limit. `resource` names what a limit
        that Discord calls shared closes besides.
        """
        held = self._buckets.held(bucket, resource)
        if held is not None:
            return held
        client = next(iter(self.clients), None)
        if client is None:
            return self._not_connected()
        self._not_connected_since = None
        with guarded() as tries:
            try:
                with anyio.fail_after(self._try_timeout_s):
                    return await request(client)
            except EXPECTED as error:
                outcome = judged(error, tries)
                if isinstance(error, Stopped) and isinstance(outcome, Refused):
                    return replace(outcome, since=self.note_limit(error, bucket, resource))
                return outcome
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
        self._buckets.learn(bucket, tries.headers.get("x-ratelimit-bucket"))
        if tries.pause_s:
            self._buckets.note_empty(bucket, tries.pause_s)

    def _not_connected(self) -> HeldBack:
        now = self.now()
        since = self._not_connected_since = self._not_connected_since or now
        wait_s = max(NOT_CONNECTED_WAIT_S, min(NOT_CONNECTED_WAIT_MAX_S, (now - since) * NOT_CONNECTED_SHARE))
        return HeldBack(now + wait_s)
