"""Finds one webhook per character and channel, with the character's picture: stored, adopted or created.

    table ─► the channel's own list (made by an earlier process) ─► a new one ─► the shared one

A webhook that was moved to another channel, or deleted, is forgotten before it is used. In its new channel it is not
adopted, because a moderator may move it back.

Failure modes: if webhooks are forbidden, or all 15 of the channel belong to others, there is none. A webhook that was
created without a confirmation is adopted at the next attempt. So is, once, a webhook that was refused although the
channel lists it; a server that refuses it twice would refuse it for ever. A refused picture is omitted. A refused name
is spelled differently; if Discord refuses every spelling, the shared webhook is used, with the name in each message.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import anyio
import discord

from actors.adapters.discord.homes import WebhookHomes
from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.names import NAMELESS, name_of_webhook, shown_name
from actors.adapters.discord.outcomes import Refusal, refused_by
from actors.adapters.discord.pictures import BECAUSE_OF_PICTURE, SHARED, UNKNOWN, Pictures, data_uri, noted
from actors.adapters.discord.spelling import Spelling
from actors.adapters.discord.wire import Wire
from actors.ports import AdapterTables, Refused, Unconfirmed
from actors.roleplay.model import Character

OWN_MAX: Final = 10
"""Webhooks of single characters in one channel; Discord allows 15, and other bots need some."""
CHANNEL_MAX: Final = 15
"""https://discord.com/developers/docs/resources/webhook: above it, Discord answers 30007."""
SHARED_NAME: Final = NAMELESS
SHARED_KEY: Final = ""
"""The table's key of the shared webhook."""
INCOMING: Final = 1
LOCKS_MAX: Final = 4_096
REFUSALS_MAX: Final = 2
"""Refusals of a listed webhook before its lines are sent as embeds for a while."""

log: Final = logging.getLogger("ensemble.discord")


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook from the channel's list; without a token we cannot use it."""

    id: int
    name: str
    token: str | None
    is_ours: bool
    picture: str = ":"  # the note for the table (`pictures`)


@dataclass(frozen=True, slots=True)
class NoWebhooks:
    """The channel has no webhook for us, so lines are sent as embeds. `refused`: Discord's refusal, if any."""

    refused: Refused | None = None


Found = int | NoWebhooks | Refusal


class CharacterWebhooks:
    """Finds the webhook of a character in a channel."""

    def __init__(
        self, wire: Wire, table: AdapterTables, ourselves: Ourselves, homes: WebhookHomes, spelling: Spelling
    ) -> None:
        self._wire = wire
        self._table = table
        self._ourselves = ourselves
        self._homes = homes
        self._spelling = spelling
        self._pictures = Pictures(wire, table, expect_change=homes.expect_change)
        self._locks: dict[int, anyio.Lock] = {}
        self._refusals: Counter[int] = Counter()  # consecutive refusals by webhook

    def note_refused(self, webhook_id: int) -> None:
        """Note that Discord did not know a webhook or its token."""
        self._refusals[webhook_id] += 1

    def note_accepted(self, webhook_id: int) -> None:
        self._refusals.pop(webhook_id, None)

    async def find(self, channel_id: int, character: Character) -> Found:
        """Return the webhook's id in this channel (for a thread: its parent), with the newest picture."""
        found = await self._find(channel_id, character)
        if isinstance(found, int) and await self._homes.is_lost(channel_id, found):
            found = await self._find(channel_id, character)
        if isinstance(found, int) and not self._pictures.is_settled(found, character):
            async with self._lock(channel_id):
                await self._pictures.update(channel_id, found, character)
        return found

    async def _find(self, channel_id: int, character: Character) -> Found:
        """Find the stored webhook, else adopt or create one; one search at a time per channel."""
        key = character.name.casefold()
        async with self._lock(channel_id):
            kept = await self._table.webhook(channel_id, key)
            if kept is not None:
                self._ourselves.webhook_ids.add(kept[0])
                return kept[0]
            return await self._keep(channel_id, key, await self._adopt_or_make(channel_id, character))

    async def find_any(self, channel_id: int) -> Found:
        """Return any webhook of ours in this channel, preferably the shared one; create that if there is none."""
        found = await self._find_any(channel_id)
        if isinstance(found, int) and await self._homes.is_lost(channel_id, found):
            return await self._find_any(channel_id)
        return found

    async def _find_any(self, channel_id: int) -> Found:
        async with self._lock(channel_id):
            kept = await self._table.any_webhook(channel_id, SHARED_KEY)
            if kept is not None:
                self._ourselves.webhook_ids.add(kept)
                return kept
            listed = await self._list(channel_id)
            if not isinstance(listed, tuple):
                return _without(listed)
            ours = [hook for hook in listed if hook.is_ours]
            hook = _named(ours, SHARED_NAME) or next(iter(ours), None) or await self._shared(channel_id, listed)
            return await self._keep(channel_id, SHARED_KEY, hook)

    async def _keep(self, channel_id: int, key: str, hook: Hook | NoWebhooks | Refusal) -> Found:
        if not isinstance(hook, Hook) or hook.token is None:
            return _without(hook)
        self._ourselves.webhook_ids.add(hook.id)
        await self._table.keep_webhook(channel_id, key, hook.id, hook.token, picture=hook.picture)
        self._homes.note_here(channel_id, hook.id)
        return hook.id

    async def _adopt_or_make(self, channel_id: int, character: Character) -> Hook | NoWebhooks | Refusal:
        listed = await self._list(channel_id)
        if not isinstance(listed, tuple):
            return listed
        ours = [hook for hook in listed if hook.is_ours]
        adopted = _named(ours, shown_name(character.name))
        if adopted is not None:
            kept = replace(adopted, picture=SHARED) if shown_name(character.name) == SHARED_NAME else adopted
            return NoWebhooks() if self._is_refused_for_ever(adopted) else kept
        if len(listed) >= CHANNEL_MAX or len(ours) - (_named(ours, SHARED_NAME) is not None) >= OWN_MAX:
            return await self._shared(channel_id, listed)
        return await self._own(channel_id, character) or await self._shared(channel_id, listed)

    async def _list(self, channel_id: int) -> tuple[Hook, ...] | Refusal:
        """List the channel's webhooks; one that was moved here from another channel does not count as ours."""
        listed = await self._wire.attempt(f"webhooks:{channel_id}", lambda client: _list(client, channel_id))
        if not isinstance(listed, tuple):
            return listed
        return tuple([replace(hook, is_ours=hook.is_ours and await self._is_of(channel_id, hook)) for hook in listed])

    async def _shared(self, channel_id: int, listed: tuple[Hook, ...]) -> Hook | NoWebhooks | Refusal:
        """Find or create the shared webhook, which any character can use, with its name in each message."""
        shared = _named([hook for hook in listed if hook.is_ours], SHARED_NAME)
        if shared is None and len(listed) >= CHANNEL_MAX:
            return NoWebhooks()
        found = shared or await self._make(channel_id, SHARED_NAME, None)
        return replace(found, picture=SHARED) if isinstance(found, Hook) else found

    async def _own(self, channel_id: int, character: Character) -> Hook | Refusal | None:
        """Create a webhook with the character's name; None if Discord refuses every spelling."""
        while (name := await self._spelling.of_webhook(character.name)) is not None:
            made = await self._make(channel_id, name, character.picture)
            if isinstance(made, Hook):
                return replace(made, picture=noted(character))
            if not isinstance(made, Refused) or made.reason != "name_refused":
                return made
            await self._spelling.note(name, made, is_of_webhook=True)
        return None

    def _is_refused_for_ever(self, hook: Hook) -> bool:
        if self._refusals[hook.id] < REFUSALS_MAX:
            return False
        del self._refusals[hook.id]  # the next time the channel is listed, it may be used again
        return True

    async def _is_of(self, channel_id: int, hook: Hook) -> bool:
        return await self._table.webhook_home(hook.id) in (None, channel_id)

    async def _make(self, channel_id: int, name: str, picture: bytes | None) -> Hook | Refusal:
        avatar = data_uri(picture)
        self._homes.expect_change(channel_id)
        made = await self._wire.attempt(
            f"webhooks:{channel_id}", lambda client: _create(client, channel_id, name, avatar)
        )
        if avatar is not None and isinstance(made, Refused) and made.reason in BECAUSE_OF_PICTURE:
            words, said = "Discord refuses the picture of %s (%s); the character speaks without it.", made.words
            log.warning(words, name, said, extra={"said": said})
            return await self._make(channel_id, name, None)  # a webhook without a picture is better than none
        return made

    def _lock(self, channel_id: int) -> anyio.Lock:
        if len(self._locks) >= LOCKS_MAX:
            self._locks = {key: lock for key, lock in self._locks.items() if lock.locked()}
        return self._locks.setdefault(channel_id, anyio.Lock())


def _without(found: Hook | NoWebhooks | Refusal) -> NoWebhooks | Refusal:
    match found:
        case Hook() | Refused(reason="webhooks_full" | "channel_type" | "name_refused"):
            return NoWebhooks()
        case Refused(reason="forbidden"):
            return NoWebhooks(found)
        case Unconfirmed():
            # Nothing of a line was sent, and a webhook that was created is adopted next time.
            return refused_by(found)
        case _:
            return found


def _named(hooks: Sequence[Hook], name: str) -> Hook | None:
    """Find the webhook with this name, in any spelling."""
    return next((hook for hook in hooks if name_of_webhook(hook.name) == name), None)


async def _list(client: discord.Client, channel_id: int) -> tuple[Hook, ...]:
    listed = await client.http.channel_webhooks(channel_id)
    if not isinstance(listed, list):
        raise ValueError(
            "a channel's webhooks are a list"
        )  # an answer without a body does not mean that there are none
    return tuple([_hook(payload, client) for payload in listed])


async def _create(client: discord.Client, channel_id: int, name: str, avatar: str | None) -> Hook:
    # discord.py's annotation says bytes, but its own callers pass a data URI.
    payload = await client.http.create_webhook(channel_id, name=name, avatar=avatar)  # type: ignore[arg-type]
    return _hook(payload, client)


def _hook(payload: Any, client: discord.Client) -> Hook:  # noqa: ANN401 - Discord's JSON
    application_id = payload.get("application_id")
    token = payload.get("token")
    is_ours = application_id is not None and int(application_id) == client.application_id
    return Hook(
        int(payload["id"]),
        payload.get("name") or "",
        token,
        is_ours and token is not None and payload["type"] == INCOMING,
        picture=UNKNOWN if payload.get("avatar") else ":",
    )
