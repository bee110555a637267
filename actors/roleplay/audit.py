"""The history held against the channel: what has to be amended, and what differs."""

from __future__ import annotations

from collections.abc import Iterable

from actors.roleplay.model import Amendment, ChannelMessage, KnownMessage


def amendments(known: Iterable[KnownMessage], seen: Iterable[ChannelMessage]) -> tuple[Amendment, ...]:
    """What a whole read of a channel says of the messages that were known when it began."""
    shown = {message.id: message.text for message in seen}
    return tuple(
        Amendment(each.message_id, shown.get(each.message_id))
        for each in known
        if shown.get(each.message_id) != each.text
    )
