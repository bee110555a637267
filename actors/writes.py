"""Turns a move's effects into writes: a history entry, outbox rows, or a mark on the response.

move ─► writes_of ─► Writes ─► the store, in one transaction with the move and the response after it
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from actors.ports import Indicator, ResponseRecord, Writes
from actors.roleplay import notices
from actors.roleplay.model import Character, OutboxDraft, OutboxKind
from machines.facts import Announce, ArmReaper, CommitLine, Notify, TakeBack
from machines.reasons import NoticeReason
from machines.response import Move


def writes_of(
    move: Move, record: ResponseRecord, *, stray_sender: int | None, prefix: str, indicator: Indicator
) -> Writes:
    """Turn the effects of `record`'s move into the rows stored with it.

    `stray_sender` is the webhook of the current attempt, the only one that can have posted elsewhere. The command
    `prefix` and the status page's `indicator` appear in notices.
    """
    line_by: Character | None = None
    arms_reaper = False
    outbox: list[OutboxDraft] = []
    for effect in move.effects:
        match effect:
            case CommitLine():
                line_by = record.character
            case TakeBack():
                outbox += _takedowns(record, effect, stray_sender)
            case Notify(reason=reason):
                outbox.append(_notice(record, reason, prefix))
            case Announce():
                outbox.append(_delay(record, effect, indicator))
            case ArmReaper():
                arms_reaper = True
            case _:
                assert_never(effect)
    return Writes(line_by, tuple(outbox), arms_reaper)


def _takedowns(record: ResponseRecord, effect: TakeBack, stray_sender: int | None) -> Iterator[OutboxDraft]:
    """The take-downs of messages. The store knows the webhook of a confirmed part; a stray's webhook is given here."""
    is_stray = effect.channel_id is not None
    for message_id in effect.message_ids:
        yield OutboxDraft(
            key=f"takedown:{message_id}",
            kind=OutboxKind.TAKEDOWN,
            channel_id=record.channel_id if effect.channel_id is None else effect.channel_id,
            message_id=message_id,
            webhook_id=stray_sender if is_stray else None,
            response_id=record.response.id,
        )


def _notice(record: ResponseRecord, reason: NoticeReason, prefix: str) -> OutboxDraft:
    response = record.response
    return OutboxDraft(
        key=f"notice:{response.id}",
        kind=OutboxKind.NOTICE,
        channel_id=record.channel_id,
        text=notices.failure(record.character.name, reason, prefix, is_written=bool(response.texts)),
        response_id=response.id,
        buttons=notices.buttons(response.id, reason),
    )


def _delay(record: ResponseRecord, effect: Announce, indicator: Indicator) -> OutboxDraft:
    # One key per channel and outage (or bucket closing): a second response that waits there needs no notice of its own.
    return OutboxDraft(
        key=notices.late_key(record.channel_id, effect.cause, effect.since),
        kind=OutboxKind.NOTICE,
        channel_id=record.channel_id,
        text=notices.held(record.character.name, effect.cause, indicator, until=effect.until),
        response_id=record.response.id,
    )
