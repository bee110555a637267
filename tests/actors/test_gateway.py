"""Events of a channel are handled in its order, each once, however the connection and the store behave."""

from __future__ import annotations

from collections import deque

import anyio
import pytest

from actors.gaps import LOOK_AGAIN_S, LOOKS_MAX
from actors.gateway import CHANNEL_EVENTS_MAX, HANDLE_TRIES_MAX
from actors.ports import MessageSeen, Noted, Refused, ShardReady, Unconfirmed
from actors.roleplay.model import ChannelMessage
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

OTHER = 43


def said_unheard(play: Play, text: str, *, channel_id: int = CHANNEL) -> ChannelMessage:
    """A user's message that the gateway does not tell of."""
    sink, play.discord.sink = play.discord.sink, None
    message = play.discord.user_says(channel_id, text)
    play.discord.sink = sink
    return message


async def heard(play: Play, channel_id: int = CHANNEL) -> list[str]:
    return [text for name, text in await play.history(channel_id) if name == "Robin"]


async def test_a_message_seen_before_ready_is_answered() -> None:
    async with playing() as first:
        await first.start("Ada")
        await first.quiet()
    early = first.discord.user_says(CHANNEL, "early")
    async with playing(before=first, early=[MessageSeen(early)]) as play:
        await play.quiet()
        assert await play.triggers() == [early.id]
        await equal_to_the_channel(play)


async def test_what_is_said_while_nobody_is_there_is_caught_up_once_and_in_order() -> None:
    async with playing() as first:
        await first.start("Ada")
        await first.quiet()
    missed = [first.discord.user_says(CHANNEL, text) for text in ("one", "two", "three")]
    async with playing(before=first, early=[MessageSeen(missed[2])]) as play:
        play.say("four")
        await play.quiet()
        assert list(await play.causes())[:3] == [message.id for message in missed]
        assert await heard(play) == ["one", "two", "three", "four"]
        await equal_to_the_channel(play)


async def test_what_reads_do_not_show_yet_is_caught_up_a_little_later() -> None:
    async with playing() as first:
        await first.start("Ada")
        await first.quiet()
    missed = first.discord.user_says(CHANNEL, "just before you came")
    first.discord.hidden_s = 2.0
    async with playing(before=first) as play:
        play.say("and now you are here")
        await play.quiet()
        assert await heard(play) == ["just before you came", "and now you are here"]
        with play.executor.engine.begin() as conn:
            wanted = "SELECT turn_id FROM inbox WHERE message_id = ?"
            assert conn.exec_driver_sql(wanted, (missed.id,)).scalar() is not None, "a turn answers it"
        await equal_to_the_channel(play)


async def test_what_reads_did_not_show_to_a_process_that_died_is_caught_up_by_the_next() -> None:
    async with playing() as first:
        await first.start("Ada")
        first.say("first")
        await first.quiet()
    missed = first.discord.user_says(CHANNEL, "just before you came")
    first.discord.unseen.add(missed.id)
    async with playing(before=first) as second:
        second.say("and now you are here")
        await anyio.sleep(1.0)  # the second read would come later
        second.kill()
    second.discord.unseen.clear()
    async with playing(before=second) as play:
        await play.quiet()
        assert sorted(await heard(play)) == ["and now you are here", "first", "just before you came"]
        await equal_to_the_channel(play)


async def test_the_first_message_of_a_scene_is_heard_though_later_ones_were_heard_before() -> None:
    async with playing() as first:
        await first.start("Ada")
        said_unheard(first, "the first")
        first.say("the second")
        await first.quiet()
    async with playing(before=first) as play:
        await play.quiet()
        assert sorted(await heard(play)) == ["the first", "the second"]
        await equal_to_the_channel(play)


async def test_a_new_connection_within_one_process_catches_up_too() -> None:
    async with playing(latency_s=0.05) as play:
        await play.start("Ada")
        missed = said_unheard(play, "missed")
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        after = play.say("after")  # its event comes before the channels to read are listed
        await play.quiet()
        assert list(await play.causes()) == [missed.id, after]
        await equal_to_the_channel(play)


async def test_what_was_said_before_the_start_is_never_read() -> None:
    async with playing() as first:
        first.say("before the scene")
        await first.start("Ada")
    async with playing(before=first) as play:
        await play.quiet()
        assert await play.history() == []
        assert play.model.prompts == []


async def test_a_command_missed_is_carried_out_once() -> None:
    async with playing() as first:
        await first.start("Ada")
        first.say("Hello?")
        await first.quiet()
    first.discord.user_says(CHANNEL, "!end")
    async with playing(before=first) as play:
        await play.quiet()
        assert play.session_state() == "Ended"
        assert sum(text.startswith("🎬") for text in play.discord.texts(CHANNEL)) == 1


async def test_an_end_that_a_read_shows_does_not_overtake_what_was_told_before_it() -> None:
    # Reads show new messages late, and not in their order. Found by `simulate --seed 1`, world 159.
    async with playing() as first:
        await first.start("Ada")
        await first.quiet()
    line = first.discord.user_says(CHANNEL, "before the end")
    end = first.discord.user_says(CHANNEL, "!end")
    first.discord.unseen.add(line.id)
    async with playing(before=first, early=[MessageSeen(line), MessageSeen(end)]) as play:
        await anyio.sleep(1.0)  # the second read comes later
        play.discord.unseen.clear()
        await play.quiet()
        assert play.session_state() == "Ended"
        assert await heard(play) == ["before the end"]


async def test_a_channel_that_cannot_be_read_yet_holds_back_its_own_events_only() -> None:
    async with playing() as first:
        for channel_id in (CHANNEL, OTHER):
            await first.start("Ada", channel_id=channel_id)
    missed = first.discord.user_says(CHANNEL, "missed")
    first.discord.read_faults_of[CHANNEL] = deque([Unconfirmed("outage", 503)] * 4)
    async with playing(before=first, wait_ready=False) as play:
        after = play.say("after")
        play.say("Hello?", channel_id=OTHER)
        await anyio.sleep(5)
        assert len(play.discord.character_lines(OTHER)) == 1
        assert await heard(play) == []
        assert not play.gateway.ready.is_set()
        await play.quiet()
        assert play.gateway.ready.is_set()
        assert list(await play.causes()) == [missed.id, after]


async def test_a_channel_that_can_never_be_read_is_told_and_does_not_keep_us_from_being_ready() -> None:
    async with playing() as first:
        await first.start("Ada")
    first.discord.read_faults_of[CHANNEL] = deque([Refused("forbidden", 403, final=True)])
    async with playing(before=first) as play:
        told = [e for e in play.trace.events if isinstance(e, Noted) and e.level == "error"]
        assert ["forbidden" in event.words for event in told] == [True]
        play.say("Hello?")
        await play.quiet()
        assert len(play.discord.character_lines(CHANNEL)) == 1


async def test_a_channel_that_went_while_nobody_was_there_ends_its_session() -> None:
    async with playing() as first:
        await first.start("Ada")
    first.discord.read_faults_of[CHANNEL] = deque([Refused("channel_gone", 404, final=True)])
    async with playing(before=first) as play:
        await play.quiet()
        assert play.session_state() == "Ended"


async def test_what_a_full_mailbox_drops_is_read_again_and_nothing_overtakes_it() -> None:
    count = CHANNEL_EVENTS_MAX + 20
    async with playing(latency_s=0.01) as play:
        await play.start("Ada")
        for n in range(count):
            play.say(f"line {n}")
        await anyio.sleep(1)  # there is room again, but the dropped ones are not heard yet
        play.say("last")
        await play.quiet(for_s=60)
        assert await heard(play) == [*(f"line {n}" for n in range(count)), "last"]
        assert await play.triggers() == sorted(await play.triggers())
        await equal_to_the_channel(play)


@pytest.mark.parametrize("count", [CHANNEL_EVENTS_MAX, CHANNEL_EVENTS_MAX + 20])
async def test_edits_and_deletions_that_a_full_mailbox_drops_are_read_again(count: int) -> None:
    async with playing(latency_s=0.01) as play:
        await play.start("Ada")
        edited, deleted = play.say("Helo?"), play.say("Regretted.")
        await play.quiet()
        for n in range(count):
            play.say(f"line {n}")
        play.discord.user_edits(CHANNEL, edited, "Hello?")
        play.discord.user_deletes(CHANNEL, deleted)
        await play.quiet(for_s=60)
        assert (await heard(play))[:2] == ["Hello?", "line 0"]
        await equal_to_the_channel(play)
        assert [e for e in play.trace.events if isinstance(e, Noted) and e.level == "error"] == []


async def test_a_message_that_the_store_did_not_take_is_taken_before_the_next() -> None:
    async with playing(latency_s=0.01) as play:
        await play.start("Ada")
        play.executor.faults["accept"] = [OSError("the disk is full")]
        first, second = play.say("first"), play.say("second")
        await play.quiet()
        assert list(await play.causes()) == [first, second]
        await equal_to_the_channel(play, crashes=1)


async def test_a_message_that_could_not_be_handled_for_minutes_lets_later_ones_go_and_is_heard_after_all() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.executor.faults["accept"] = [OSError("the disk is full")] * HANDLE_TRIES_MAX
        first, second = play.say("first"), play.say("second")
        await play.quiet(for_s=2 * LOOK_AGAIN_S)
        assert await play.triggers() == [second, first]
        await equal_to_the_channel(play, crashes=HANDLE_TRIES_MAX)


async def test_what_is_missed_while_the_disk_is_full_for_an_hour_after_the_start_is_heard() -> None:
    async with playing() as first:
        await first.start("Ada")
        await first.quiet()
    missed = first.discord.user_says(CHANNEL, "missed")
    full: list[Exception] = [OSError("the disk is full") for _ in range(4 * HANDLE_TRIES_MAX)]
    async with playing(before=first, faults_of_store={"known_messages": full}) as play:
        await play.quiet(for_s=2 * LOOK_AGAIN_S)
        assert await play.triggers() == [missed.id]
        await equal_to_the_channel(play, crashes=4 * HANDLE_TRIES_MAX)


async def test_a_message_that_nobody_can_handle_does_not_silence_its_channel_for_ever() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.executor.faults["accept"] = [KeyError("a programmer's error")] * 1_000
        play.say("poison")
        await play.quiet(for_s=2 * LOOK_AGAIN_S)
        given_up = [e for e in play.trace.events if isinstance(e, Noted) and "given up" in e.words]
        assert len(given_up) == 1
        assert len(play.trace.crashes) == (1 + LOOKS_MAX) * HANDLE_TRIES_MAX
        play.executor.faults.clear()
        second = play.say("second")
        await play.quiet()
        assert await play.triggers() == [second]


async def test_sessions_that_could_not_be_listed_are_listed_again_before_anything_else() -> None:
    async with playing() as first:
        await first.start("Ada")
    missed = first.discord.user_says(CHANNEL, "missed")
    async with playing(before=first, faults_of_store={"open_sessions": [OSError("the disk is full")]}) as play:
        after = play.say("after")
        await play.quiet()
        assert list(await play.causes()) == [missed.id, after]


async def test_what_is_said_while_the_last_sends_finish_is_left_to_the_next_process() -> None:
    async with playing() as first:
        await first.start("Ada")
        await first.quiet()
    # The client is still connected then: an exception here would take it away from those sends.
    late = first.discord.user_says(OTHER, "elsewhere"), first.discord.user_says(CHANNEL, "late")
    for message in late:
        first.gateway.offer(MessageSeen(message))
    async with playing(before=first) as play:
        await play.quiet()
        assert await play.triggers() == [late[1].id]
        await equal_to_the_channel(play)
