"""Compares the committed history of each session with its channel, which is read back over REST.

    database (read-only) ─► lines ─┐
    Discord ─► pages ──────────────┴► differences ─► look again after SETTLE_S ─► those found twice

A bot may be running: a message that one look misses may be on its way. Only what both looks find is a difference.

Failure modes: AuditError if the user must fix something. If a channel cannot be read, its session counts as not
checked, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import anyio

from actors.adapters.clock import SystemClock
from actors.adapters.discord import DiscordChannel, open_channels
from actors.adapters.store import Audited, SqlStore, database_path
from actors.app.composition import urls_of
from actors.app.read_only_store import is_playground, open_to_read
from actors.app.settings import Settings
from actors.ports import HeldBack, Page, Refused
from actors.reaper import WATCH_S
from actors.roleplay.audit import Allowed, Difference, Kind, differences
from actors.roleplay.model import ChannelMessage, SessionId, snowflake_at

RECENT_DAYS: Final = 7
"""Without an argument, sessions that are open or ended within this many days are checked."""
PAGE_TRIES_MAX: Final = 6
"""Tries for one page, over about half a minute; waits that Discord asks for do not count."""
PAGE_WAIT_S: Final = 1.0


class AuditError(Exception):
    """The audit cannot run; the text is one line: what is wrong and how to fix it."""


@dataclass(frozen=True, slots=True)
class SessionAudit:
    """Result for one session. `unread` says why its channel could not be read; empty if it could."""

    session_id: SessionId
    channel_id: int
    lines: int
    differences: tuple[Difference, ...] = ()
    unread: str = ""
    redacted: int = 0
    """Messages in the channel whose words were removed from the history."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Results of all audited sessions, oldest first."""

    sessions: tuple[SessionAudit, ...]

    @property
    def sessions_checked(self) -> int:
        return sum(not each.unread for each in self.sessions)

    @property
    def sessions_unread(self) -> int:
        return len(self.sessions) - self.sessions_checked

    @property
    def lines_compared(self) -> int:
        return sum(each.lines for each in self.sessions if not each.unread)

    @property
    def redacted(self) -> int:
        return sum(each.redacted for each in self.sessions)

    @property
    def by_kind(self) -> Counter[Kind]:
        """Number of differences of each kind."""
        return Counter(found.kind for each in self.sessions for found in each.differences)

    @property
    def holds(self) -> bool:
        """True if every channel was read and nothing differs."""
        return not self.by_kind and not self.sessions_unread


async def audit_all(settings: Settings, wanted: str | None = None) -> AuditResult:
    """Audit the sessions of a channel, one session, or all recent ones. Writes nothing.

    Raises AuditError, StoreError, WrongToken, GatewayLost.
    """
    if settings.discord_token is None:
        raise AuditError(f"DISCORD_TOKEN is not set, and the audit needs it to read channels: {_token_of(settings)}")
    clock = SystemClock()
    async with open_to_read(settings) as store:
        session_ids = await _chosen(store, settings, wanted, now=clock.now())
        async with open_channels(
            settings.discord_token.get_secret_value(),
            webhooks=store,
            now=clock.now,
            endpoints=urls_of(settings),
            try_timeout_s=settings.send_timeout_s,
        ) as channels:
            looking = _Looking(store, channels, clock, settings.command_prefix)
            return await _audit(looking, session_ids, settings.settle_s)


def _token_of(settings: Settings) -> str:
    """What to do to get the missing token."""
    if is_playground(settings):
        return "start `play --no-bot` on this playground and set the three variables that it prints (docs/audit.md)"
    return "put the bot's token into .env"


async def _chosen(store: SqlStore, settings: Settings, wanted: str | None, *, now: float) -> tuple[SessionId, ...]:
    if wanted is None:
        return await store.sessions_since(since=now - RECENT_DAYS * 86_400)
    found = tuple(session.id for session in await store.find_sessions(wanted))
    if not found:
        path = database_path(settings.database_url, folder=settings.data_dir)
        raise AuditError(f"there is no session {wanted!r} in {path}: give a channel id, or a session id from `!status`")
    return found


async def _audit(looking: _Looking, session_ids: Iterable[SessionId], settle_s: float) -> AuditResult:
    first = [await looking.look(session_id) for session_id in session_ids]
    if any(each.differences for each in first):
        await anyio.sleep(settle_s)
    return AuditResult(tuple([await looking.confirm(each) if each.differences else each for each in first]))


@dataclass(frozen=True, slots=True)
class _Looking:
    """Looks at one session at a time."""

    store: SqlStore
    channels: DiscordChannel
    clock: SystemClock
    prefix: str

    async def confirm(self, before: SessionAudit) -> SessionAudit:
        """Look again, and keep only the differences that both looks found."""
        again = await self.look(before.session_id)
        known = {(each.kind, each.message_id) for each in before.differences}
        return replace(again, differences=tuple(e for e in again.differences if (e.kind, e.message_id) in known))

    async def look(self, session_id: SessionId) -> SessionAudit:
        session = await self.store.audited(session_id)
        shown = await self._read(session)
        lines = len(session.lines)
        if isinstance(shown, str):
            return SessionAudit(session_id, session.channel_id, lines, unread=shown)
        last = max((message_id for line in session.lines for message_id, _ in line.messages), default=0)
        # In an ended session, messages after its last line may have been written after its end.
        heard_until = None if session.ended_at is None else last
        allowed = Allowed(session.accounted, session.on_their_way, heard_until, session.redacted)
        found = differences(shown, session.lines, prefix=self.prefix, allowed=allowed)
        redacted = sum(message.id in session.redacted for message in shown)
        return SessionAudit(session_id, session.channel_id, lines, found, redacted=redacted)

    async def _read(self, session: Audited) -> list[ChannelMessage] | str:
        """The channel's messages within the session; the reason if the channel cannot be read."""
        shown: list[ChannelMessage] = []
        after: int | None = session.opened_after
        until = _end(session)
        while after is not None and after < until:
            page = await self._page(session.channel_id, after)
            if isinstance(page, str):
                return page
            shown += [message for message in page.messages if message.id <= until]
            after = page.newest
        return shown

    async def _page(self, channel_id: int, after: int) -> Page | str:
        tries = 0
        while True:
            page = await self.channels.page(channel_id, after=after)
            if isinstance(page, Page):
                return page
            if isinstance(page, HeldBack):
                await self.clock.sleep_until(page.until)
                continue
            reason = page.reason if isinstance(page, Refused) else page.cause
            tries += 1
            if tries == PAGE_TRIES_MAX or (isinstance(page, Refused) and page.final):
                return reason
            await anyio.sleep(max(PAGE_WAIT_S * tries, page.retry_after_s))


def _end(session: Audited) -> float:
    """The last message id that can belong to a session: a copy of a line may land after the session's end."""
    return float("inf") if session.ended_at is None else snowflake_at(session.ended_at + WATCH_S)
