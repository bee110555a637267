"""What people edit and delete while nobody is there is learnt at the next connection, and never wrongly."""

from __future__ import annotations

from collections import deque

import anyio
import pytest

from actors.ports import Diverged, Refused, ShardReady, Unconfirmed
from actors.roleplay.model import OutboundKind
from machines.response import Limits
from tests.fakes.discord import Fault
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

TWO_PARTS = "word " * 300 + "\n\n" + "other " * 250


async def played(play: Play, *texts: str) -> None:
    await play.start("Ada")
    for text in texts:
        play.say(text)
        await play.quiet()


def ids(play: Play, *, ours: bool) -> list[int]:
    """Those of the users' or of the characters' messages, oldest first."""
    lines = [m for m in play.discord.shown if (m.webhook_id or m.is_embed if ours else not m.is_ours)]
    return sorted(m.id for m in lines if not m.text.startswith("!"))


@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
async def test_edits_and_deletions_made_while_nobody_is_there_are_learnt(kind: OutboundKind) -> None:
    async with playing(kind=kind, answers=["An answer.", TWO_PARTS]) as first:
        await played(first, "Helo?", "Never mind.", "What?")
    edited, deleted, _ = ids(first, ours=False)
    line, part, *_ = ids(first, ours=True)
    first.discord.user_edits(CHANNEL, edited, "Hello?")
    for message_id in (deleted, line, part):
        first.discord.user_deletes(CHANNEL, message_id)
    async with playing(before=first) as after:
        (read,) = after.discord.reads  # the one request of the catch-up
        assert read[0] == CHANNEL
        assert read[1] < edited
        assert [text for name, text in await after.history() if name == "Robin"] == ["Hello?", "What?"]
        await after.quiet()
        await equal_to_the_channel(after)
        after.say("And now?")
        await after.quiet()
        assert "Helo?" not in str(after.model.prompts[-1])


async def test_a_new_connection_within_one_process_learns_them_too() -> None:
    async with playing() as play:
        await played(play, "Hello?")
        sink, play.discord.sink = play.discord.sink, None
        play.discord.user_deletes(CHANNEL, ids(play, ours=True)[0])
        play.discord.sink = sink
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        await play.quiet()
        assert await play.history() == [("Robin", "Hello?")]
        await equal_to_the_channel(play)


async def test_a_trigger_deleted_meanwhile_takes_the_reason_of_its_turn_away() -> None:
    async with playing(faults=[Refused("rate_limit", 429, 60.0)]) as first:
        await first.start("Ada")
        first.say("Regretted.")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Retrying"])
        await anyio.sleep(10)
        first.kill()
    first.discord.user_deletes(CHANNEL, ids(first, ours=False)[0])
    async with playing(before=first) as after:
        await after.quiet(for_s=100)
        assert after.trace.states_of("Ada") == ["Failed"]
        assert after.discord.character_lines(CHANNEL) == []
        await equal_to_the_channel(after)


async def test_such_a_turn_ends_even_while_its_line_is_being_written() -> None:
    async with playing(model=FakeModel(takes_s=30.0)) as first:
        await first.start("Ada")
        first.say("Regretted.")
        await anyio.sleep(10)
        first.kill()
    first.discord.user_deletes(CHANNEL, ids(first, ours=False)[0])
    first.discord.read_takes_s = 5.0  # the line is begun anew before the channel is read
    async with playing(before=first) as after:
        await anyio.sleep(1)
        assert after.trace.states_of("Ada")[-1] == "Failed"
        assert after.discord.character_lines(CHANNEL) == []


async def test_a_message_unheard_and_edited_meanwhile_enters_as_it_is_now() -> None:
    async with playing() as first:
        await played(first)
    said = first.discord.user_says(CHANNEL, "Helo?")
    first.discord.user_edits(CHANNEL, said.id, "Hello?")
    async with playing(before=first) as after:
        await after.quiet()
        assert (await after.history())[0] == ("Robin", "Hello?")


@pytest.mark.parametrize("before", ["((brb))", "\\not part of it", "!status"])
async def test_an_aside_that_is_edited_into_the_play_is_heard_and_answered_once(before: str) -> None:
    async with playing() as play:
        await played(play, "Hello?")
        aside = play.say(before)
        await play.quiet()
        for text in ("I open teh door.", "I open the door."):
            play.discord.user_edits(CHANNEL, aside, text)
        await play.quiet()
        assert (await play.triggers()).count(aside) == 1
        await equal_to_the_channel(play)
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        await play.quiet()
        await equal_to_the_channel(play)


@pytest.mark.parametrize("after", ["((never mind, phone))", "\\never mind", "!status"])
async def test_a_line_that_is_edited_out_of_the_play_leaves_the_history_and_comes_back_with_the_next_edit(
    after: str,
) -> None:
    async with playing() as play:
        await played(play, "Hello?")
        (line,) = ids(play, ours=False)
        play.discord.user_edits(CHANNEL, line, after)
        play.say("Now?")
        await play.quiet()
        assert [text for name, text in await play.history() if name == "Robin"] == ["Now?"]
        assert "never mind" not in str(play.model.prompts[-1])
        assert (await play.store.recent_history(await play.session_id(), entries_max=9)).length == 3
        play.discord.user_edits(CHANNEL, line, "Hello again?")
        await play.quiet()
        assert [text for name, text in await play.history() if name == "Robin"] == ["Hello again?", "Now?"]
        assert (await play.store.recent_history(await play.session_id(), entries_max=9)).length == 4
        await equal_to_the_channel(play)


async def test_a_line_that_is_edited_out_of_the_play_while_nobody_is_there_leaves_the_history() -> None:
    async with playing() as first:
        await played(first, "Hello?")
    (line,) = ids(first, ours=False)
    first.discord.user_edits(CHANNEL, line, "((never mind))")
    async with playing(before=first) as after:
        await after.quiet()
        assert [name for name, _ in await after.history()] == ["Ada"]
        after.discord.user_deletes(CHANNEL, line)
        await after.quiet()
        assert (await after.store.recent_history(await after.session_id(), entries_max=9)).length == 1


async def test_it_is_heard_as_it_is_now_whatever_it_was_while_a_line_was_on_its_way() -> None:
    async with playing(faults=[("hang", 5.0)]) as play:
        await play.start("Ada")
        play.say("Hello?")
        aside = play.say("((brb))")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Sending"])
        play.discord.user_edits(CHANNEL, aside, "((back))")  # for all we know a part of the line on its way
        await play.quiet()
        play.discord.user_edits(CHANNEL, aside, "I open the door.")
        await play.until(lambda: "I open the door." in str(play.model.prompts[-1]))
        await equal_to_the_channel(play)


async def test_a_message_from_before_the_scene_stays_outside_of_it_when_it_is_edited() -> None:
    async with playing() as play:
        before = play.say("Before the scene.")
        await played(play)
        play.discord.user_edits(CHANNEL, before, "Before the scene, edited.")
        await play.quiet()
        assert await play.history() == []


async def test_what_was_changed_right_after_it_was_known_is_learnt_at_a_second_look() -> None:
    async with playing() as first:
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Delivered"])
        first.kill()
    first.discord.user_deletes(CHANNEL, ids(first, ours=True)[0])
    async with playing(before=first) as after:
        assert len(await after.history()) == 2  # a read may be too young to show it
        await after.quiet()
        assert await after.history() == [("Robin", "Hello?")]
        assert len(after.discord.reads) == 2


async def test_a_line_that_a_read_does_not_show_yet_is_not_taken_for_deleted() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Delivered"])
        line = ids(play, ours=True)[0]
        play.discord.unseen = {line}
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        await anyio.sleep(1)
        play.discord.unseen = set()
        await play.quiet()
        assert len(await play.history()) == 2
        await equal_to_the_channel(play)


async def test_a_line_delivered_during_the_read_is_not_taken_for_deleted() -> None:
    async with playing(limits=Limits(settle_s=0.0)) as play:
        await played(play, "Hello?")
        play.discord.read_takes_s = 30.0
        play.say("Go on.")
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        await play.quiet(for_s=100)
        assert len(await play.history()) == 4
        await equal_to_the_channel(play)


@pytest.mark.parametrize("refused", [Unconfirmed("outage", 503), Refused("forbidden", 403, final=True)])
async def test_a_read_that_fails_amends_nothing(refused: Refused | Unconfirmed) -> None:
    async with playing() as first:
        await played(first, "Hello?")
    before = await first.history()
    first.discord.read_faults_of[CHANNEL] = deque([refused] * 3)
    async with playing(before=first, wait_ready=False) as after:
        await anyio.sleep(2.5)
        assert await after.history() == before


async def test_where_too_much_else_was_said_to_compare_what_was_missed_is_heard() -> None:
    async with playing() as first:
        await played(first, "Hello?", "And?")
    missed = first.discord.user_says(CHANNEL, "missed").id
    first.discord.read_faults_of[CHANNEL] = deque([Refused("too_many_messages", final=True)])
    async with playing(before=first) as after:
        await after.quiet()
        assert await after.triggers() == [*ids(after, ours=False)[:2], missed]
        await equal_to_the_channel(after)


@pytest.mark.parametrize("fault", ["stored_then_cut", ("late", 3.0)])
async def test_a_line_in_doubt_is_not_amended_by_the_read_of_the_catch_up(fault: Fault) -> None:
    async with playing(faults=[fault]) as play, anyio.create_task_group() as group:
        play.discord.tells_of_ours = False
        group.start_soon(play.discord.land_late_ones)
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Retrying"])
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        await play.quiet()
        assert len(await play.history()) == 2
        await equal_to_the_channel(play)
        group.cancel_scope.cancel()


async def test_a_line_of_ours_that_is_nobodys_is_told_and_let_be() -> None:
    async with playing() as first:
        await played(first, "Hello?")
    line = next(m for m in first.discord.shown if m.webhook_id)
    sink, first.discord.sink = first.discord.sink, None
    first.discord.forge(line, "Who said that?")
    first.discord.sink = sink
    async with playing(before=first) as after:
        await after.quiet()
        diverged = [event for event in after.trace.events if isinstance(event, Diverged)]
        assert diverged == [Diverged(None, "extra", 1, CHANNEL)]
        assert ("Ada", "Who said that?") in after.discord.character_lines(CHANNEL)
