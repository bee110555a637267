"""Holds interactions (buttons pressed, commands used) and ephemeral answers, which the world's file does not keep.

    press, command ─► INTERACTION_CREATE ─► callback (once, within 3 s) ─► original ─► edits, follow-ups (15 min)

An ephemeral message is visible to one person only, is in no channel, and is lost when the server stops; on Discord,
when the client does. Every other answer of the bot is an ordinary message.
Source: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

from .records import Channel, Json, Message, User
from .refusals import (
    ALREADY_ACKNOWLEDGED,
    INVALID_WEBHOOK_TOKEN,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    Refusal,
    invalid_field,
)

CALLBACK_S = 3.0
TOKEN_S = 15 * 60.0
PRESSES_MAX = 1_000
"""Beyond this the oldest are dropped, even if their tokens have not expired."""
EPHEMERAL = 1 << 6
LOADING = 1 << 7
BUTTON = 2
LINK_STYLE = 5


class Kind(IntEnum):
    """What the person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4


class Callback(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8


FITTING = {
    Kind.COMMAND: (Callback.MESSAGE, Callback.DEFERRED_MESSAGE),
    Kind.COMPONENT: (Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.DEFERRED_UPDATE, Callback.UPDATE),
    Kind.AUTOCOMPLETE: (Callback.CHOICES,),
}
"""The callbacks that each kind allows."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One press or command. `original_id`: the message that the callback created or, for an update, changes."""

    id: int
    token: str
    user_id: int
    channel_id: int
    kind: Kind
    data: Json
    """The button, or the command with its options."""
    message: Message | None
    """The message with the button or the menu, as it was at that time."""
    at: float
    answered_with: Callback | None = None
    original_id: int | None = None
    choices: tuple[Json, ...] = ()
    """The answer to an autocompletion."""


@dataclass(frozen=True, slots=True)
class Whisper:
    """An ephemeral message, and the only person who sees it; `is_gone` once the bot has deleted it."""

    message: Message
    user_id: int
    interaction_id: int
    is_gone: bool = False


class Desk:
    """Holds the recent interactions and the whispers that answer them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._by_token: dict[str, Interaction] = {}
        self._whispers: dict[int, Whisper] = {}

    def open(
        self, interaction_id: int, user: User, channel: Channel, kind: Kind, data: Json, message: Message | None
    ) -> Interaction:
        """Creates an interaction; does not announce it to the bot."""
        token = secrets.token_urlsafe(48)
        opened = Interaction(interaction_id, token, user.id, channel.id, kind, data, message, self._now())
        self._by_token[token] = opened
        while len(self._by_token) > PRESSES_MAX:
            del self._by_token[next(iter(self._by_token))]
        return opened

    def to_call_back(self, interaction_id: int, token: str) -> Interaction:
        """An interaction without a callback yet. Raises 10062 after 3 s or if unknown, 40060 if answered."""
        found = self._by_token.get(token)
        if found is None or found.id != interaction_id:
            raise Refusal(UNKNOWN_INTERACTION)
        if found.answered_with is not None:
            raise Refusal(ALREADY_ACKNOWLEDGED)
        if self._now() - found.at > CALLBACK_S:
            raise Refusal(UNKNOWN_INTERACTION)
        return found

    def answered(self, token: str) -> Interaction:
        """An interaction that was called back. Raises 50027 if the token has expired, 10015 before the callback."""
        found = self._by_token.get(token)
        if found is None or self._now() - found.at > TOKEN_S:
            raise Refusal(INVALID_WEBHOOK_TOKEN)
        if found.answered_with is None:
            raise Refusal(UNKNOWN_WEBHOOK)
        return found

    def note(
        self, interaction: Interaction, kind: Callback, original_id: int | None, choices: tuple[Json, ...] = ()
    ) -> Interaction:
        """Records the callback."""
        noted = replace(interaction, answered_with=kind, original_id=original_id, choices=choices)
        self._by_token[interaction.token] = noted
        return noted

    def whisper(self, message_id: int | None) -> Whisper:
        """The whisper with this id. Raises 10008 if it is unknown or deleted."""
        found = None if message_id is None else self._whispers.get(message_id)
        if found is None or found.is_gone:
            raise Refusal(UNKNOWN_MESSAGE)
        return found

    def keep(self, whisper: Whisper) -> None:
        """Stores a new or changed whisper."""
        self._whispers[whisper.message.id] = whisper
        while len(self._whispers) > PRESSES_MAX:
            del self._whispers[next(iter(self._whispers))]

    def is_whisper(self, message_id: int | None) -> bool:
        return message_id in self._whispers


def press_of(message: Message, custom_id: str) -> Json:
    """The interaction's data for a press. Raises 50035 if the message has no such button, or a disabled one."""
    if custom_id not in _custom_ids(message.components):
        raise invalid_field("custom_id", "COMPONENT_VALIDATION_FAILED", "Component validation failed")
    return {"component_type": BUTTON, "custom_id": custom_id}


def _custom_ids(components: tuple[Json, ...]) -> set[str]:
    """The ids of all buttons that can be pressed, at any depth."""
    found: set[str] = set()
    for component in components:
        if component.get("type") == BUTTON and not component.get("disabled") and component.get("style") != LINK_STYLE:
            found.add(str(component.get("custom_id")))
        inner = component.get("components")
        found |= _custom_ids(tuple(inner)) if isinstance(inner, list) else set()
    return found
