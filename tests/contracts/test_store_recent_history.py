"""What every store promises about reading the newest lines: those of the whole history, and how many there are."""

from __future__ import annotations

from dataclasses import replace

from actors.roleplay.model import Entry, Reading
from machines.facts import Sent
from tests.contracts.scene import CHANNEL, MIRA, NOW, TOBIN, Line, Scene, said


async def a_long_scene(scene: Scene) -> tuple[Entry, ...]:
    """Twelve heard lines, three said ones of two parts, an edit, and deletions at both ends and in the middle."""
    for number in range(12):
        await scene.hear(100 + 10 * number, f"Line {number}")
    for number in range(3):
        if not number:
            await scene.take_turn(210, MIRA, MIRA, MIRA)
        line = await (await scene.line()).start("One.", "Two.")
        await line.tell(Sent(NOW, 135 + 10 * number, "One."))
        await line.tell(Sent(NOW, 136 + 10 * number, "Two."))
    await scene.store.amend(CHANNEL, 120, text="Line 2, edited", at=NOW)
    for deleted in (100, 135, 145, 146, 210):
        await scene.store.amend(CHANNEL, deleted, text=None, at=NOW)
    return await scene.store.history(scene.claim.session_id)


async def test_the_newest_lines_are_the_end_of_the_history_with_its_length(scene: Scene) -> None:
    whole = await a_long_scene(scene)
    assert len(whole) == 12
    for count in range(1, 20):
        recent = await scene.store.recent_history(scene.claim.session_id, entries_max=count)
        assert recent.entries == whole[-count:]
        assert recent.length == len(whole)


async def test_the_first_line_of_a_person_is_told_where_it_was_not_read(scene: Scene) -> None:
    whole = await a_long_scene(scene)
    recent = await scene.store.recent_history(scene.claim.session_id, entries_max=3)
    assert recent.first_user == whole[0]
    assert whole[0].text == "Line 1", "the first was deleted"
    all_of_it = await scene.store.recent_history(scene.claim.session_id, entries_max=12)
    assert (all_of_it.entries, all_of_it.first_user) == (whole, None)


async def test_people_of_one_name_are_told_in_the_order_of_first_lines_that_were_not_read(scene: Scene) -> None:
    spoke = ((9, "Robin"), (3, "Rоbin"), (5, "Ann"), (3, "Robin"), (9, "Robin"), (5, "Ann"))
    for number, (author_id, name) in enumerate(spoke):
        message = replace(said(10 + number), author_id=author_id, name=name)
        assert await scene.store.accept(message) is not None
    recent = await scene.store.recent_history(scene.claim.session_id, entries_max=3)
    assert recent.first_authors == (9, 3)
    nobody = await scene.store.recent_history(scene.claim.session_id, entries_max=2)
    assert nobody.first_authors == ()
    whole = await scene.store.recent_history(scene.claim.session_id, entries_max=6)
    assert whole.first_authors == (), "the entries themselves have the order"


async def test_it_ends_with_the_line_that_is_too_much(scene: Scene) -> None:
    for number, text in enumerate(("a" * 50, "b" * 50, "c" * 50, "d" * 50)):
        await scene.hear(10 + number, text)
    for characters, lines in ((0, 1), (49, 1), (50, 2), (99, 2), (100, 3), (199, 4), (1000, 4)):
        recent = await scene.store.recent_history(scene.claim.session_id, entries_max=10, characters_max=characters)
        assert len(recent.entries) == lines
        assert recent.length == 4


async def test_a_line_of_which_not_all_was_read_is_left_out(scene: Scene) -> None:
    await scene.hear(10)
    parts = [(20 + number, f"Part {number}.") for number in range(6)]
    line = await (await scene.line()).start(*(words for _, words in parts))
    for message_id, words in parts:
        await line.tell(Sent(NOW, message_id, words))
    recent = await scene.store.recent_history(scene.claim.session_id, entries_max=1)
    assert (recent.entries, recent.length) == ((), 2)
    recent = await scene.store.recent_history(scene.claim.session_id, entries_max=2)
    assert recent.entries == await scene.store.history(scene.claim.session_id)


async def test_a_session_in_which_nothing_was_said_has_no_newest_lines(scene: Scene) -> None:
    recent = await scene.store.recent_history(scene.claim.session_id, entries_max=5)
    assert (recent.entries, recent.older, recent.first_user) == ((), 0, None)


async def test_a_newest_line_whose_first_message_is_deleted_stands_where_its_next_one_does(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await scene.hear(21, "Between")
    await line.tell(Sent(NOW, 22, "Two."))
    await scene.store.amend(CHANNEL, 20, text=None, at=NOW)
    recent = await scene.store.recent_history(scene.claim.session_id, entries_max=2)
    assert [entry.text for entry in recent.entries] == ["Between", "Two."]


async def test_a_response_reads_its_turns_messages_and_the_lines_up_to_its_own_turn(scene: Scene) -> None:
    async def read(line: Line) -> tuple[list[str], int]:
        assert line.record.turn_id is not None
        reading = Reading(line.record.trigger_id, line.record.turn_id)
        recent = await scene.store.recent_history(scene.claim.session_id, entries_max=9, reading=reading)
        return [entry.text for entry in recent.entries], recent.length

    await scene.hear(10, "one")
    await scene.hear(11, "two")
    first_turn = await scene.take_turn(11, MIRA, TOBIN)
    first = await (await scene.line()).start("Mira.")
    assert await read(first) == (["one", "two"], 2)
    await scene.hear(12, "three, meanwhile")
    assert await read(first) == (["one", "two"], 2)
    await first.tell(Sent(NOW, 13, "Mira."))
    second = await (await scene.line()).start("Tobin.")
    assert await read(second) == (["one", "two", "Mira."], 3), "its own turn's lines"
    await second.tell(Sent(NOW, 14, "Tobin."))
    await scene.take_turn(12)
    third = await (await scene.line()).start("Mira again.")
    assert await read(third) == (["one", "two", "three, meanwhile", "Mira.", "Tobin."], 5)
    await third.tell(Sent(NOW, 15, "Mira again."))
    again = replace(second, record=replace(second.record, turn_id=first_turn.id))
    assert await read(again) == (["one", "two", "Mira.", "Tobin."], 4), "a redelivery reads what its line did"
    await scene.store.amend(CHANNEL, 12, text=None, at=NOW)
    assert await read(again) == (["one", "two", "Mira.", "Tobin."], 4)
