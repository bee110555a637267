"""A flood in one channel: nothing of it is lost, every queue keeps its bound, and nobody else waits for it."""

from __future__ import annotations

from collections import deque
from typing import Final

import anyio
import pytest

from actors.catch_up import READS_AT_ONCE
from actors.commands import ANSWERS_WAITING_MAX, TOO_MANY_COMMANDS
from actors.gateway import CHANNEL_EVENTS_MAX
from actors.outbox import BATCH
from actors.ports import HeldBack, Noted, Refused
from actors.roleplay.model import OutboxDraft, OutboxKind
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

FLOODS: Final = (2_500, pytest.param(10_000, marks=pytest.mark.slow))
"""More than a channel is read back at once; and what the design promises."""
OTHERS: Final = tuple(range(100, 108))
ROUNDS: Final = 6
BUSY_S: Final = 0.002
"""Of the one writer, for each call: some ten times what it takes, so that a queue there would show."""


async def answer_s(play: Play, channel_id: int) -> float:
    """Virtual seconds from a message to the character's line."""
    posts = play.discord.posts
    before, began = len(posts), anyio.current_time()
    play.say("What do you see?", channel_id=channel_id)
    await play.until(lambda: any(post.channel_id == channel_id for post in posts[before:]), step_s=0.01)
    return anyio.current_time() - began


async def answers_s(play: Play) -> list[float]:
    """All other channels at once, some rounds of it; sorted."""
    took: list[float] = []

    async def talk(channel_id: int) -> None:
        took.extend([await answer_s(play, channel_id) for _ in range(ROUNDS)])

    async with anyio.create_task_group() as group:
        for channel_id in OTHERS:
            group.start_soon(talk, channel_id)
    return sorted(took)


def queued(play: Play) -> int:
    """Events that wait in the fullest mailbox."""
    return max(map(len, play.gateway._mailboxes.values()), default=0)


async def test_a_flood_delays_no_other_channel() -> None:
    async with playing(cast=("Ada",)) as play:
        for channel_id in (*OTHERS, CHANNEL):
            await play.start("Ada", channel_id=channel_id)
        play.executor.busy_s = BUSY_S
        quiet = await answers_s(play)
        async with anyio.create_task_group() as group:

            async def flood() -> None:
                while True:
                    play.say("A wave of it.", name="Sam")
                    await anyio.sleep(0.02)

            group.start_soon(flood)
            flooded = await answers_s(play)
            group.cancel_scope.cancel()
        p99 = int(0.99 * len(quiet))
        assert flooded[p99] <= 1.5 * quiet[p99], (quiet[p99], flooded[p99])
        assert len(play.discord.lines(CHANNEL)) > 50 * sum(quiet) / len(OTHERS) * 0.5, "it was a flood"


@pytest.mark.parametrize("flood", FLOODS)
async def test_messages_by_the_thousand_are_each_in_the_history_once_and_in_order(flood: int) -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        await play.start("Ada", channel_id=OTHERS[0])
        fullest = 0
        for number in range(flood):
            play.say(f"Wave {number}.", name="Sam")
            fullest = max(fullest, queued(play))
        others = [await answer_s(play, OTHERS[0]) for _ in range(3)]
        await play.until(lambda: not play.gateway._mailboxes, step_s=1.0)
        await play.quiet()

        assert fullest == CHANNEL_EVENTS_MAX
        assert max(others) < 2 * play.model.takes_s, "another channel was answered meanwhile"
        assert [text for name, text in await play.history() if name == "Sam"] == [
            f"Wave {number}." for number in range(flood)
        ]
        await equal_to_the_channel(play)
        told = [e for e in play.trace.events if isinstance(e, Noted) and "mailbox is full" in e.words]
        assert len(told) == 1
        answered = len(set(await play.triggers()))
        assert 2 <= answered < 20, "a turn answers all that waits"


async def test_what_was_said_while_the_bot_was_away_is_heard_however_much_it_is() -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
    missed = [play.discord.user_says(CHANNEL, f"Missed {number}.", name="Sam").text for number in range(2_100)]
    too_many, held_back = Refused("too_many_messages", final=True), HeldBack(play.clock.now() + 9.0)
    play.discord.read_faults_of[CHANNEL] = deque([too_many, too_many, Refused("outage", 503), held_back])
    async with playing(before=play, cast=("Ada",)) as after:
        assert after.clock.now() >= held_back.until
        await after.quiet()
        assert [text for name, text in await after.history() if name == "Sam"] == missed
        await equal_to_the_channel(after)


async def test_commands_by_the_dozen_are_answered_up_to_a_bound_and_the_last_answer_says_so() -> None:
    async with playing() as play:
        await play.start("Ada")
        await play.quiet()  # until its own answer is done
        play.discord.text_faults.extend(["lost"] * 3)
        for _ in range(100):
            play.say("!help")
        play.say("!start Ada", channel_id=OTHERS[0])
        await play.until(lambda: len(play.discord.texts(OTHERS[0])) == 1, timeout_s=5.0)
        await play.quiet(120.0)
        answers = play.discord.texts(CHANNEL)[1:]
        assert len(answers) == ANSWERS_WAITING_MAX
        assert answers[-1] == TOO_MANY_COMMANDS
        assert TOO_MANY_COMMANDS not in answers[:-1]
        play.say("!help")
        await play.quiet()
        assert len(play.discord.texts(CHANNEL)) == 1 + ANSWERS_WAITING_MAX + 1, "later ones are answered again"


async def test_a_command_that_was_left_out_is_not_carried_out_by_a_later_catch_up() -> None:
    async with playing() as first:
        await first.start("Ada")
        await first.quiet()  # until its own answer is done
        first.discord.text_faults.extend(["lost"] * 3)
        for _ in range(2 * ANSWERS_WAITING_MAX):
            first.say("!help")
        await first.quiet(120.0)
        first.kill()
    async with playing(before=first) as after:
        await after.quiet(60.0)
        assert len(after.discord.texts(CHANNEL)) == 1 + ANSWERS_WAITING_MAX


async def test_end_is_carried_out_however_many_answers_wait() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.discord.text_faults.extend(["lost"] * 3)
        for _ in range(2 * ANSWERS_WAITING_MAX):
            play.say("!help")
        play.say("!end")
        await play.until(lambda: play.session_state() == "Ended", timeout_s=5.0)


async def test_a_channel_with_more_to_be_told_than_a_batch_holds_hides_no_other() -> None:
    async with playing() as play:
        play.discord.text_faults.append(("hang", 10.0))
        for number in range(2 * BATCH):
            draft = OutboxDraft(f"notice:{number}", OutboxKind.NOTICE, CHANNEL, f"Notice {number}.")
            await play.store.enqueue(draft, at=play.clock.now())
        play.services.outbox_bell.ring()
        await play.until(lambda: bool(play.discord.posts))
        draft = OutboxDraft("notice:other", OutboxKind.NOTICE, OTHERS[0], "Another's.")
        await play.store.enqueue(draft, at=play.clock.now())
        play.services.outbox_bell.ring()
        await play.until(lambda: play.discord.texts(OTHERS[0]) == ["Another's."], timeout_s=5.0)
        assert len(play.discord.texts(CHANNEL)) <= 1, "the first of the many still hangs"
        await play.quiet(60.0)
        assert play.discord.texts(CHANNEL) == [f"Notice {number}." for number in range(2 * BATCH)]


async def test_after_a_new_connection_no_more_channels_are_read_at_once_than_discord_takes() -> None:
    channels = range(1000, 1000 + 2 * READS_AT_ONCE)
    async with playing(cast=("Ada",)) as play:
        for channel_id in channels:
            play.say("!start Ada", channel_id=channel_id)
        await play.until(lambda: all(play.discord.texts(channel_id) for channel_id in channels))
    async with playing(before=play, wait_ready=False) as after:
        before = len(after.discord.reads)
        await anyio.sleep(0.06)  # a read takes 0.05
        assert len(after.discord.reads) - before == READS_AT_ONCE
        await after.gateway.ready.wait()
        assert {channel_id for channel_id, _ in after.discord.reads[before:]} == set(channels)
