"""Reads messages of servers that write null where Discord omits a field; discord.py treats null as a value.

    REST ─► create_message ─┐
    a webhook's answer ─────┼─► without_nulls ─► discord.Message
    the gateway's dispatch ─┘

Failure modes: a payload that is not a message raises the same exceptions as in discord.py itself.
"""

from __future__ import annotations

from typing import Any, Final

import discord

MEANT: Final = frozenset({"referenced_message"})
"""Fields in which Discord itself sends null: the message was deleted
(https://discord.com/developers/docs/resources/message#message-object)."""
OF_MESSAGES: Final = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})
OF_INTERACTIONS: Final = "INTERACTION_CREATE"

Json = dict[str, Any]


class NothingReturned(ValueError):
    """A webhook's request succeeded, but its answer has no body."""


class Webhook(discord.Webhook):
    """A webhook whose messages are read without nulls. Raises NothingReturned for an answer without a body."""

    def _create_message(self, data: Any, *, thread: discord.abc.Snowflake) -> discord.WebhookMessage:  # noqa: ANN401 - Discord's JSON
        if not data:
            raise NothingReturned
        message: discord.WebhookMessage = super()._create_message(without_nulls(data), thread=thread)
        return message


class Embed(discord.Embed):
    """An embed that is sent without empty fields, such as "flags": 0, which other servers refuse."""

    def to_dict(self) -> Any:  # noqa: ANN401 - Discord's JSON
        """Return only the fields that were set."""
        return {name: value for name, value in super().to_dict().items() if value and name != "type"}


def accept_nulls(client: discord.Client) -> None:
    """Make `client` accept nulls in messages over REST; GatewayClient calls `dispatched` for the gateway."""
    create = client._connection.create_message

    def create_message(*, channel: Any, data: Any) -> discord.Message:  # noqa: ANN401 - discord.py's own
        return create(channel=channel, data=without_nulls(data))

    client._connection.create_message = create_message  # type: ignore[method-assign]


def without_nulls(message: Any) -> Any:  # noqa: ANN401 - Discord's JSON
    """Return `message`, and the message it replies to, without null fields (but MEANT)."""
    kept = {name: value for name, value in message.items() if value is not None or name in MEANT}
    replied_to = kept.get("referenced_message")
    if replied_to is not None:
        kept["referenced_message"] = without_nulls(replied_to)
    if "embeds" in kept:
        kept["embeds"] = [_without_nulls(embed) for embed in kept["embeds"]]
    return {"content": ""} | kept


def dispatched(name: str, payload: Any) -> Any:  # noqa: ANN401 - Discord's JSON
    """Return a dispatch's payload with its messages without nulls. Raises what `without_nulls` raises."""
    if name in OF_MESSAGES:
        return without_nulls(payload)
    if name == OF_INTERACTIONS and payload.get("message") is not None:
        return payload | {"message": without_nulls(payload["message"])}
    return payload


def _without_nulls(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
