"""What every store promises about the shared history: the channel's order, and what the channel shows."""

from __future__ import annotations

import pytest

from actors.ports.work import NextMessages
from actors.roleplay.model import Amendment, KnownMessage
from machines.facts import SendRefused, Sent
from tests.contracts.scene import CHANNEL, MIRA, NOW, Line, Scene


async def texts(scene: Scene) -> list[str]:
    entries = await scene.store.history(scene.claim.session_id)
    record = await scene.store.session(scene.claim.session_id)
    assert record is not None
    return [entry.text for entry in entries]


async def deliver(scene: Scene, *parts: tuple[int, str]) -> Line:
    line = await (await scene.line()).start(*(words for _, words in parts))
    for message_id, words in parts:
        await line.tell(Sent(NOW, message_id, words))
    return line


async def length_after_a_move(scene: Scene) -> int:
    """The length that `record` tells, asked by a line that fails."""
    await scene.hear(9_000 + scene.number)
    line = await (await scene.line()).start("In vain.")
    return await line.tell(SendRefused(NOW, "forbidden", 403, final=True)) - 1


async def test_the_history_is_in_the_channels_order(scene: Scene) -> None:
    await scene.hear(10, "First")
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await scene.hear(21, "Between")
    await scene.hear(15, "Late through the gateway")
    await line.tell(Sent(NOW, 22, "Two."))
    assert await texts(scene) == ["First", "Late through the gateway", "One.\nTwo.", "Between"]


async def test_a_line_that_lost_its_first_message_stands_where_its_next_one_does(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await scene.hear(21, "Between")
    await line.tell(Sent(NOW, 22, "Two."))
    await scene.store.amend(CHANNEL, 20, text=None, at=NOW)
    assert (await texts(scene))[-2:] == ["Between", "Two."]


async def test_a_characters_line_names_its_messages_and_its_response(scene: Scene) -> None:
    await scene.hear(10)
    line = await deliver(scene, (20, "One."), (21, "Two."))
    user, entry = await scene.store.history(scene.claim.session_id)
    assert (entry.kind, entry.name, entry.character_id) == ("character", "Mira", MIRA.id)
    assert (entry.message_ids, entry.response_id, entry.author_id) == ((20, 21), line.response.id, None)
    assert (user.kind, user.name, user.author_id, user.message_ids) == ("user", "Robin", 7, (10,))


async def test_a_failed_line_never_enters(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await line.tell(SendRefused(NOW, "forbidden", 403, final=True))
    assert await texts(scene) == ["Hello?"]


async def test_an_edit_changes_what_is_shown(scene: Scene) -> None:
    await scene.hear(10)
    await deliver(scene, (20, "One."), (21, "Two."))
    assert await scene.store.amend(CHANNEL, 10, text="Hello!", at=NOW) == scene.claim.session_id
    assert await scene.store.amend(CHANNEL, 21, text="Three.", at=NOW) == scene.claim.session_id
    assert await scene.store.amend(CHANNEL, 21, text="Four.", at=NOW) == scene.claim.session_id
    assert await texts(scene) == ["Hello!", "One.\nFour."]


async def test_an_edit_back_to_the_first_text_counts(scene: Scene) -> None:
    await scene.hear(10, "A")
    await scene.store.amend(CHANNEL, 10, text="B", at=NOW)
    await scene.store.amend(CHANNEL, 10, text="A", at=NOW)
    assert await texts(scene) == ["A"]


async def test_a_deleted_line_is_left_out_and_the_history_is_shorter(scene: Scene) -> None:
    await scene.hear(10)
    await deliver(scene, (20, "One."), (21, "Two."))
    assert await length_after_a_move(scene) == 2
    await scene.store.amend(CHANNEL, 20, text=None, at=NOW)
    assert await texts(scene) == ["Hello?", "Two.", "Hello?"]
    assert await length_after_a_move(scene) == 3
    await scene.store.amend(CHANNEL, 21, text=None, at=NOW)
    await scene.store.amend(CHANNEL, 21, text=None, at=NOW)
    assert await texts(scene) == ["Hello?"] * 3
    assert await length_after_a_move(scene) == 3


async def test_deleted_is_for_good(scene: Scene) -> None:
    await scene.hear(10)
    await scene.store.amend(CHANNEL, 10, text=None, at=NOW)
    assert await scene.store.amend(CHANNEL, 10, text="An edit that came late", at=NOW) == scene.claim.session_id
    assert await texts(scene) == []


async def test_a_part_that_is_deleted_before_the_last_is_sent_stays_deleted(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    assert await scene.store.amend(CHANNEL, 20, text=None, at=NOW) == scene.claim.session_id
    assert await line.tell(Sent(NOW, 21, "Two.")) == 2
    assert await texts(scene) == ["Hello?", "Two."]


async def test_a_message_that_is_no_line_is_not_amended(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await line.tell(SendRefused(NOW, "forbidden", 403, final=True))
    assert await scene.store.amend(CHANNEL, 20, text=None, at=NOW) is None
    assert await scene.store.amend(CHANNEL, 999, text="What?", at=NOW) is None


async def test_what_is_told_of_a_part_before_its_id_is_known_waits_for_it(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.", "Three.")
    assert await scene.store.amend(CHANNEL, 20, text=None, at=NOW) is None
    assert await scene.store.amend(CHANNEL, 21, text="Too!", at=NOW) is None
    assert await scene.store.amend(CHANNEL, 20, text="An edit that came late", at=NOW) is None
    for message_id, words in ((20, "One."), (21, "Two."), (22, "Three.")):
        length = await line.tell(Sent(NOW, message_id, words))
    assert await texts(scene) == ["Hello?", "Too!\nThree."]
    assert length == 2


async def test_a_line_deleted_whole_before_it_is_known_never_counts(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.")
    await scene.store.amend(CHANNEL, 20, text=None, at=NOW)
    assert await line.tell(Sent(NOW, 20, "One.")) == 1
    assert await texts(scene) == ["Hello?"]


@pytest.mark.parametrize(("message_id", "channel_id"), [(9, CHANNEL), (20, CHANNEL + 1)])
async def test_what_can_be_no_part_of_a_line_on_its_way_is_not_kept(
    scene: Scene, message_id: int, channel_id: int
) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.")
    await scene.store.amend(channel_id, message_id, text=None, at=NOW)
    await line.tell(Sent(NOW, message_id, "One."))
    assert await texts(scene) == (["One.", "Hello?"] if message_id < 10 else ["Hello?", "One."])


async def test_with_no_line_on_its_way_nothing_unknown_is_kept(scene: Scene) -> None:
    await scene.store.amend(CHANNEL, 10, text=None, at=NOW)
    await scene.hear(10)
    assert await texts(scene) == ["Hello?"]


async def test_a_line_whose_first_message_is_deleted_stands_where_its_next_one_does(scene: Scene) -> None:
    await scene.hear(10, "First")
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await scene.hear(21, "Between")
    await line.tell(Sent(NOW, 22, "Two."))
    await scene.store.amend(CHANNEL, 20, text=None, at=NOW)
    assert await texts(scene) == ["First", "Between", "Two."]


async def test_what_is_known_of_a_channel_is_what_its_lines_show(scene: Scene) -> None:
    await scene.hear(10)
    delivered = await (await scene.line()).start("One.", "Two.")
    for message_id, words in ((20, "One."), (21, "Two.")):
        await delivered.keep_intent()
        await delivered.tell(Sent(NOW, message_id, words))
    await scene.hear(30)
    on_its_way = await (await scene.line()).start("Three.", "Four.")
    await on_its_way.keep_intent()
    await on_its_way.tell(Sent(NOW + 40, 31, "Three."))
    await scene.store.amend(CHANNEL, 20, text=None, at=NOW + 50)
    await scene.store.amend(CHANNEL, 21, text="Too!", at=NOW + 60)
    assert await scene.store.known_messages(CHANNEL, after=10) == (
        KnownMessage(21, "Too!", NOW + 60),
        KnownMessage(30, "Hello?", NOW + 30),
        KnownMessage(31, "Three.", NOW + 40),
    )
    assert await scene.store.known_messages(CHANNEL + 1, after=0) == ()
    await on_its_way.tell(SendRefused(NOW + 41, "forbidden", 403, final=True))
    assert [each.message_id for each in await scene.store.known_messages(CHANNEL, after=21)] == [30]


async def test_many_are_amended_at_once_or_none(scene: Scene) -> None:
    await scene.hear(10)
    await scene.hear(11)
    learnt = (Amendment(10, "Hello!"), Amendment(11, None), Amendment(999, None))
    assert await scene.store.amend_all(CHANNEL, learnt, at=NOW) == (scene.claim.session_id,)
    assert await texts(scene) == ["Hello!"]


async def test_what_is_edited_out_of_the_play_waits_for_no_turn_until_it_is_edited_into_it_again(scene: Scene) -> None:
    async def next_message() -> int | None:
        work = await scene.store.next_work(scene.claim)
        return work.messages[0].message_id if isinstance(work, NextMessages) else None

    await scene.hear(10)
    await scene.hear(11)
    for text, waits in (("", 11), ("Hello again", 10), ("Hello once more", 10)):
        await scene.store.amend(CHANNEL, 10, text=text, at=NOW)
        assert await next_message() == waits
    await scene.store.amend_all(CHANNEL, [Amendment(10, ""), Amendment(11, "")], at=NOW)
    assert await next_message() is None
    await scene.store.amend(CHANNEL, 10, text=None, at=NOW)
    await scene.store.amend(CHANNEL, 10, text="Deleted is for good", at=NOW)
    assert await next_message() is None


async def test_a_trigger_that_is_edited_out_of_the_play_takes_its_turns_reason_away(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.")
    await scene.store.amend(CHANNEL, 10, text="", at=NOW)
    assert await scene.store.cancel_reason(line.response.id) == "trigger_deleted"
    await scene.store.amend(CHANNEL, 10, text="Hello again", at=NOW)
    assert await scene.store.cancel_reason(line.response.id) is None
