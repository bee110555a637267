"""Sends every REST request to Discord: one attempt with a time limit and rate limits; returns the outcome as a value.

Failure modes: each is a value (`outcomes`). Cancellation passes through; as after a kill, it is then unknown what was
sent.
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
from actors.adapters.discord.one_attempt import Stopped, Tries, counted
from actors.adapters.discord.outcomes import EXPECTED, Refusal, judged
from actors.observation import Budget
from actors.ports import HeldBack, Refused, note_request
from actors.ports.server_words import plain_words

T = TypeVar("T")

log: Final = logging.getLogger("ensemble.discord")

WAIT_STEP_S: Final = 60.0
"""The wait is split into steps, because the wall clock may be changed during it."""

NOT_CONNECTED_WAIT_S: Final = 2.0
NOT_CONNECTED_WAIT_MAX_S: Final = 30.0
NOT_CONNECTED_SHARE: Final = 0.25
"""How long a request is held while no client is logged in: first two seconds, as long as a login takes; later a share
of the time without a client, since each hold adds a move to the journal of each waiting line."""


class Wire:
    """Makes single attempts with any client that is logged in."""

    def __init__(self, *, now: Callable[[], float], try_timeout_s: float) -> None:
        self.now = now
        self._buckets = Buckets(now)
        self._budgets = Budgets(now)
        self._try_timeout_s = try_timeout_s
        self._clients: list[discord.Client] = []
        self._not_connected_since: float | None = None  # when the lack of a client was noticed

    @property
    def clients(self) -> tuple[discord.Client, ...]:
        """The clients that are logged in; REST can use any of them."""
        return tuple([client for client in self._clients if not client.is_closed()])

    def add(self, client: discord.Client) -> None:
        self._clients.append(client)

    def remove(self, client: discord.Client) -> None:
        if client in self._clients:
            self._clients.remove(client)

    def budgets(self) -> tuple[Budget, ...]:
        """The limits that Discord reported last, with the times until which requests are held."""
        return self._budgets.view(self._buckets.until, self._buckets.everything_until(), self._buckets.closed())

    def is_closed(self, bucket: str) -> bool:
        """Whether a request in `bucket` would be held."""
        return self._buckets.is_closed(bucket)

    async def wait_until_open(self, bucket: str) -> None:
        """Wait until `bucket` is open, for a request that no caller repeats."""
        while (held := self._buckets.held(bucket)) is not None:  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(min(WAIT_STEP_S, held.until - self.now()))

    def note_limit(self, stopped: Stopped, bucket: str | None, resource: str | None = None) -> float:
        """Close what a 429 limits, for all its callers. Returns since when it is closed."""
        if stopped.limit is None:
            return 0.0
        since = self._buckets.close(bucket, resource, stopped.limit)
        words = "Discord limits %s (%s): no request is sent on it for %.1f s. %s"
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
        """Await `request(client)`, which sends one request, and return its outcome.

        `bucket` names the rate-limit bucket; None for interactions, which have none and are exempt from the global
        limit. `resource` names what a 429 with Discord's scope `shared` closes in addition.
        """
        held = self._buckets.held(bucket, resource)
        if held is not None:
            return held
        client = next(iter(self.clients), None)
        if client is None:
            return self._not_connected()
        self._not_connected_since = None
        with counted() as tries:
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
                return self._not_connected()  # closed while the request was queued: aiohttp raises a RuntimeError
            finally:
                self._learn(tries, bucket)

    def _learn(self, tries: Tries, bucket: str | None) -> None:
        """Store the limits that an attempt reported, and record the request in the exchange."""
        if tries.begun:
            note_request(tries.as_request(anyio.current_time()))
        if bucket is None:
            return
        self._budgets.learn(bucket, tries.headers)
        self._buckets.learn(bucket, tries.headers.get("x-ratelimit-bucket"))
        if tries.empty_s:
            self._buckets.note_empty(bucket, tries.empty_s)

    def _not_connected(self) -> HeldBack:
        now = self.now()
        since = self._not_connected_since = self._not_connected_since or now
        wait_s = max(NOT_CONNECTED_WAIT_S, min(NOT_CONNECTED_WAIT_MAX_S, (now - since) * NOT_CONNECTED_SHARE))
        return HeldBack(now + wait_s)
