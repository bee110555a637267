"""Updates the picture of a character's webhook after a change of the card, before the next scene's first line.

    noted ─► the same? ─► nothing                     ┌► done, or finally refused ─► noted
      │         └ no, and of an older card ─► PATCH ──┴► any other failure ─► retried in AGAIN_S
      └ not noted (made by an earlier version) ─► GET: whose webhook is it? has it a picture?

Failure modes: none delays the line for longer than WAIT_S. An unconfirmed PATCH is sent again, which is harmless.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
import discord
from discord.http import Route

from actors.adapters.discord.names import NAMELESS, name_of_webhook, shown_name
from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.wire import Wire
from actors.ports import HeldBack, Refused, Unconfirmed, Webhooks
from actors.roleplay.model import Character

T = TypeVar("T")

KINDS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
"""The formats that Discord accepts (reference, "Image Data"), by their first bytes."""

SHARED: Final = "shared"
"""Noted for a webhook that several characters share: it has no picture."""

BECAUSE_OF_PICTURE: Final = ("picture_refused", "message_refused", "too_long")
"""Refusals of a webhook that its picture may have caused."""

UNKNOWN: Final = ":?"
"""Noted for a webhook that was adopted with a picture; its card is unknown."""

WAIT_S: Final = 5.0
"""The longest time that a scene waits for a picture."""

AGAIN_S: Final = 600.0
SETTLED_MAX: Final = 4_096
"""Webhooks remembered as up to date; above this number, all are checked again."""

log: Final = logging.getLogger("ensemble.discord")


def data_uri(picture: bytes | None) -> str | None:
    """Encode the picture for Discord; None if it is not PNG, JPEG or GIF."""
    kind = _kind(picture)
    return None if picture is None or kind is None else f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def noted(character: Character) -> str:
    """Return the note for a webhook with this character's picture: the card's version and the picture's hash."""
    usable = _usable(character.picture)
    return f"{character.id}:{'' if usable is None else hashlib.sha256(usable).hexdigest()}"


def _usable(picture: bytes | None) -> bytes | None:
    return None if _kind(picture) is None else picture


def _kind(picture: bytes | None) -> str | None:
    return None if picture is None else next((kind for start, kind in KINDS if picture.startswith(start)), None)


def _is_due(shown: str, character: Character) -> bool:
    """Whether the card has another picture than `shown`; a scene with an older version of the card changes nothing."""
    version, _, picture = shown.partition(":")
    return version <= character.id and picture != noted(character).partition(":")[2]


class Pictures:
    """Keeps the webhooks' pictures up to date; `table` stores the note of each webhook."""

    def __init__(self, wire: Wire, table: Webhooks, *, expect_change: Callable[[int], None]) -> None:
        """`expect_change` is called with a channel's id before one of its webhooks is changed."""
        self._wire = wire
        self._table = table
        self._expect_change = expect_change
        self._settled: set[tuple[int, str]] = set()
        self._again_at: dict[int, float] = {}

    def is_settled(self, webhook_id: int, character: Character) -> bool:
        """Whether the picture is up to date, as far as this process knows, or its retry is not yet due."""
        return (webhook_id, character.id) in self._settled or self._again_at.get(webhook_id, 0.0) > self._wire.now()

    async def update(self, channel_id: int, webhook_id: int, character: Character) -> None:
        """Change the webhook's picture to the character's, if needed."""
        token = await self._table.webhook_token(webhook_id)
        if token is None or self.is_settled(webhook_id, character):
            return
        failed: Refusal | None = Unconfirmed("timeout")
        with anyio.move_on_after(WAIT_S):
            failed = await self._settle(channel_id, webhook_id, token, character)
        if failed is None:
            self._settle_for_good(webhook_id, character)
        else:
            self._put_off(webhook_id, character, failed)

    async def _settle(self, channel_id: int, webhook_id: int, token: str, character: Character) -> Refusal | None:
        """Read, change and note the picture as needed. Returns a failure that requires a retry, else None."""
        key = character.name.casefold()
        shown = await self._table.webhook_picture(webhook_id, key)
        if shown is None:
            found = await self._attempt(webhook_id, lambda client: _look(client, webhook_id, token, character))
            if not isinstance(found, str):
                return found
            shown = found
            await self._table.note_picture(webhook_id, key, shown)
        if shown == SHARED or not _is_due(shown, character):
            return None
        self._expect_change(channel_id)
        failed = await self._attempt(webhook_id, lambda client: _change(client, webhook_id, token, character))
        if isinstance(failed, Refused) and failed.reason in BECAUSE_OF_PICTURE:
            why, said = f"HTTP {failed.status}, code {failed.code}: {failed.words}", {"said": failed.words}
            log.warning("Discord refuses the picture of %s (%s); the old one stays.", character.name, why, extra=said)
            failed = None
        if failed is None:
            await self._table.note_picture(webhook_id, key, noted(character))
        return failed

    async def _attempt(self, webhook_id: int, request: Callable[[discord.Client], Awaitable[T]]) -> T | Refusal:
        # A separate bucket: the limit on changing webhooks must not hold lines.
        return await self._wire.attempt(f"webhook-edit:{webhook_id}", request)

    def _settle_for_good(self, webhook_id: int, character: Character) -> None:
        if len(self._settled) >= SETTLED_MAX:
            self._settled.clear()
        self._settled.add((webhook_id, character.id))
        self._again_at.pop(webhook_id, None)

    def _put_off(self, webhook_id: int, character: Character, failed: Refusal) -> None:
        now = self._wire.now()
        if isinstance(failed, HeldBack):
            self._again_at[webhook_id] = failed.until
            return
        why = failed.reason if isinstance(failed, Refused) else failed.cause
        log.warning("The picture of %s could not be changed (%s); the old one stays for now.", character.name, why)
        self._again_at = {each: at for each, at in self._again_at.items() if at > now}
        self._again_at[webhook_id] = now + max(AGAIN_S, failed.retry_after_s)


async def _look(client: discord.Client, webhook_id: int, token: str, character: Character) -> str:
    """Return the note for a webhook made by an earlier version of the bot; its name identifies the character."""
    payload = await client.http.request(_route("GET", webhook_id, token))
    name = shown_name(character.name)
    if name_of_webhook(payload.get("name") or "") != name or name == NAMELESS:
        return SHARED
    return UNKNOWN if payload.get("avatar") else ":"


async def _change(client: discord.Client, webhook_id: int, token: str, character: Character) -> None:
    # Not `Webhook.edit`: it fails on an answer without a body, which some servers send.
    await client.http.request(_route("PATCH", webhook_id, token), json={"avatar": data_uri(character.picture)})


def _route(method: str, webhook_id: int, token: str) -> Route:
    path = "/webhooks/{webhook_id}/{webhook_token}"
    return Route(method, path, webhook_id=webhook_id, webhook_token=token)
