"""What a move writes: each effect becomes one thing, and a move without effects writes nothing beside itself."""

from __future__ import annotations

import pytest

from actors.ports import NO_WRITES, ResponseRecord, Writes
from actors.roleplay import notices
from actors.roleplay.model import OutboxDraft, OutboxKind
from actors.writes import writes_of
from machines.facts import Announce, ArmReaper, CommitLine, Effect, Notify, Started, TakeBack
from machines.response import FAILED, Limits, Move, Response
from tests.fakes.play import CHANNEL, card

ADA = card("Ada")
RECORD = ResponseRecord(Response("r1", Limits(), texts=("Hello.",)), "s1", CHANNEL, "t1", 1, ADA, None, ())
NOTICE = OutboxDraft(
    "notice:r1", OutboxKind.NOTICE, CHANNEL, notices.failure("Ada", "outage", "!", is_written=True),
    response_id="r1", buttons=notices.buttons("r1", "outage"),
)  # fmt: skip


def written(*effects: Effect) -> Writes:
    move = Move("r1", 2, "Sending", FAILED, Started(1.0), 1, 1, effects)
    return writes_of(move, RECORD, stray_sender=77, prefix="!", indicator="none")


def takedown(message_id: int, channel_id: int, webhook_id: int | None = None) -> OutboxDraft:
    return OutboxDraft(
        f"takedown:{message_id}",
        OutboxKind.TAKEDOWN,
        channel_id,
        message_id=message_id,
        webhook_id=webhook_id,
        response_id="r1",
    )


@pytest.mark.parametrize(
    ("effects", "writes"),
    [
        ((), NO_WRITES),
        ((CommitLine(),), Writes(line_by=ADA)),
        ((ArmReaper(),), Writes(arms_reaper=True)),
        ((Notify("outage"),), Writes(outbox=(NOTICE,))),
        ((TakeBack((7, 8)),), Writes(outbox=(takedown(7, CHANNEL), takedown(8, CHANNEL)))),
        # Of a part that stands elsewhere nobody but this try knows the webhook.
        ((TakeBack((9,), 43),), Writes(outbox=(takedown(9, 43, 77),))),
        ((TakeBack((7,)), Notify("outage"), ArmReaper()), Writes(None, (takedown(7, CHANNEL), NOTICE), True)),
    ],
    ids=["nothing", "the line", "the reaper", "a notice", "takedowns", "a takedown elsewhere", "all at the end"],
)
def test_each_effect_is_written_as_what_it_asks_for(effects: tuple[Effect, ...], writes: Writes) -> None:
    assert written(*effects) == writes


def test_a_line_that_comes_late_is_announced_once_for_its_channel_and_cause() -> None:
    (draft,) = written(Announce("discord_down", 5.0)).outbox
    assert draft.key == notices.late_key(CHANNEL, "discord_down", 5.0)
    assert draft.text == notices.held("Ada", "discord_down")
    assert written(Announce("discord_down", 5.4)).outbox[0].key == draft.key
    assert written(Announce("discord_down", 65.0)).outbox[0].key != draft.key
