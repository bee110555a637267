"""Compares the history with its channel: the differences, and the changes that catch-up must record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from actors.roleplay.history import as_played, belongs, is_line, shows
from actors.roleplay.model import Amendment, ChannelMessage, KnownMessage, Line, Outbound


class Kind(StrEnum):
    MISSING = "missing"  # in the history, not in the channel
    EXTRA = "extra"  # in the channel, and the history lacks it
    ALTERED = "altered"
    OUT_OF_ORDER = "out of order"  # in the history it stands before an older one


@dataclass(frozen=True, slots=True)
class Difference:
    """One message that differs; a text is None if there is none."""

    kind: Kind
    message_id: int
    name: str
    committed: str | None
    shown: str | None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be in a channel without being in the history.

    These are messages of ours with another purpose, sends that may have arrived already, users' messages after
    `heard_until`, and `redacted` ones, whose words were removed from the history.
    """

    message_ids: frozenset[int] = frozenset()
    on_their_way: tuple[Outbound, ...] = ()
    heard_until: int | None = None
    redacted: frozenset[int] = frozenset()


def differences(
    channel: Sequence[ChannelMessage], history: Sequence[Line], *, prefix: str = "!", allowed: Allowed | None = None
) -> tuple[Difference, ...]:
    """Every difference between `channel`, read since the session began, and its `history`; by message id."""
    shown = {message.id: message.text for message in channel}
    owned = {message_id for line in history for message_id, _ in line.messages}
    strangers = (message for message in channel if message.id not in owned)
    found = (
        *_of_the_history(history, shown),
        *_of_the_channel(strangers, prefix, allowed or Allowed()),
        *_of_the_order(history, shown),
    )
    return tuple(sorted(found, key=lambda each: each.message_id))


def amendments(
    known: Iterable[KnownMessage], seen: Iterable[ChannelMessage], *, prefix: str = "!"
) -> tuple[Amendment, ...]:
    """Return the edits and deletions of messages that were known before a complete read of the channel."""
    shown = {message.id: as_played(message, prefix) for message in seen}
    return tuple(
        Amendment(each.message_id, shown.get(each.message_id))
        for each in known
        if shown.get(each.message_id) != each.text
    )


def _of_the_history(history: Sequence[Line], shown: dict[int, str]) -> Iterator[Difference]:
    for line in history:
        for message_id, text in line.messages:
            if message_id not in shown:
                yield Difference(Kind.MISSING, message_id, line.name, text, None)
            elif shown[message_id] != text:
                yield Difference(Kind.ALTERED, message_id, line.name, text, shown[message_id])


def _of_the_channel(strangers: Iterable[ChannelMessage], prefix: str, allowed: Allowed) -> Iterator[Difference]:
    for message in strangers:
        if is_line(message):
            is_extra = message.id not in allowed.message_ids and not any(
                shows(message, outbound) for outbound in allowed.on_their_way
            )
        else:
            was_heard = allowed.heard_until is None or message.id <= allowed.heard_until
            is_extra = was_heard and message.id not in allowed.redacted and belongs(message, prefix)
        if is_extra:
            yield Difference(Kind.EXTRA, message.id, message.name, None, message.text)


def _of_the_order(history: Sequence[Line], shown: dict[int, str]) -> Iterator[Difference]:
    beginnings = [(line.name, *line.messages[0]) for line in history]
    within = [[(line.name, *message) for message in line.messages] for line in history]
    for run in (beginnings, *within):
        for (_, before, _), (name, message_id, text) in pairwise(run):
            if message_id < before:
                yield Difference(Kind.OUT_OF_ORDER, message_id, name, text, shown.get(message_id))
