"""A process that is killed at any moment leaves nothing lost, nothing doubled and nothing untold."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import anyio
import pytest

from actors.ports import MessageDeleted, Moved, Refused
from actors.roleplay.model import OutboundKind
from machines.facts import WaitElapsed
from machines.response import Limits
from tests.fakes.discord import FakeDiscord, Fault
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing
from tests.fakes.virtual_time import BACKENDS, VirtualClock, run_virtually

voices = pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])

STEP_S = 0.05
"""Killed at 0, 50, 100 … ms after a message, until its turn was over before the kill."""

KILLS_MAX = 120

STEPS = {"asyncio": 1, "trio": 5}
"""Every moment on asyncio; trio, which is slower under its mock clock, gets every fifth."""

LATENCY_S = 0.004
QUICK = Limits(send_attempts=6, generate_attempts=6, backoff_base_s=0.2, settle_s=0.6)
FAULTS: tuple[Fault, ...] = ("stored_then_cut", "ok", Refused("rate_limit", 429, 0.3), ("late", 0.3), "lost")
TWO_PARTS = "word " * 300 + "\n\n" + "other " * 250


async def killed_and_taken_over(
    discord: FakeDiscord, faults: tuple[Fault, ...], kill_after_s: float
) -> tuple[bool, Play]:
    """Two speakers answer under faults, the process dies; whether the turn was over, and who took over."""
    model = FakeModel(takes_s=0.3)
    async with playing(discord=discord, limits=QUICK, latency_s=LATENCY_S, model=model) as first:
        await first.start("Ada", "Bo")
        first.discord.faults.extend(faults)
        model.answers.append(TWO_PARTS)
        first.say("before")
        await anyio.sleep(kill_after_s)
        was_over = first.session_state() == "Idle" and bool(first.trace.moves)
        first.kill()
    first.discord.user_says(CHANNEL, "meanwhile")
    await anyio.sleep(0.2)
    async with playing(before=first, limits=QUICK, latency_s=LATENCY_S) as after:
        after.say("after")
        await after.quiet(for_s=5.0)
    return was_over, after


async def assert_all_once(after: Play) -> None:
    """Each message has one answer of each character, in order, and each line one nonce over both processes."""
    after.executor.latency_s = 0.0
    discord = after.discord
    users = [m.id for m in discord.shown if not m.is_ours and not m.text.startswith("!")]
    assert len(users) == 3
    causes = await after.causes()
    assert list(causes) == users
    turns = list(dict.fromkeys(causes.values()))
    assert await after.triggers() == [cause_id for cause_id in turns for _ in ("Ada", "Bo")]
    names = [name for name, _ in await after.history()]
    assert [name for name in names if name != "Robin"] == ["Ada", "Bo"] * len(turns)
    await equal_to_the_channel(after)
    assert_one_nonce_a_text(discord)


def assert_one_nonce_a_text(discord: FakeDiscord) -> None:
    nonces, texts = defaultdict(set), defaultdict(set)
    for post in discord.posts:
        nonces[post.text].add(post.nonce)
        texts[post.nonce].add(post.text)
    assert {len(alike) for alike in nonces.values()} == {1}
    assert {len(alike) for alike in texts.values()} == {1}


@pytest.mark.parametrize("backend", BACKENDS)
@voices
@pytest.mark.parametrize(
    ("faults", "orphans_land"),
    [((), True), ((), False), (FAULTS, True)],
    ids=["what is on the wire lands", "what is on the wire is lost", "faults before and after"],
)
def test_killed_at_any_moment_every_line_comes_once_and_every_message_is_answered_once(
    faults: tuple[Fault, ...], orphans_land: bool, kind: OutboundKind, backend: str
) -> None:
    async def main(kill_after_s: float) -> bool:
        async with anyio.create_task_group() as group:
            discord = FakeDiscord(VirtualClock().now, kind)
            group.start_soon(partial(discord.land_late_ones, orphans_land=orphans_land))
            was_over, after = await killed_and_taken_over(discord, faults, kill_after_s)
            await assert_all_once(after)
            if not faults:
                assert discord.deletions == []  # once, and not twice and then tidied up
            group.cancel_scope.cancel()
        return was_over

    was_over, n = False, 0
    while not was_over:  # the kills cover the whole turn
        try:
            was_over = run_virtually(backend, partial(main, n * STEP_S))
        except BaseException as error:
            error.add_note(f"killed {n * STEP_S:.2f} s after the message")
            raise
        n += STEPS[backend]
        assert n < KILLS_MAX


async def test_a_wait_goes_on_to_its_durable_due_time_and_not_anew() -> None:
    async with playing(faults=[Refused("rate_limit", 429, 60.0)]) as first:
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Retrying"])
        due_at = first.trace.last_move_at + 60.0
        await anyio.sleep(20.7)  # so that it falls due between two sweeps
        first.kill()
    await anyio.sleep(10)
    async with playing(before=first) as after:
        await after.quiet(for_s=100)
        moves = [event.move for event in after.trace.events if isinstance(event, Moved)]
        assert type(moves[0].fact) is WaitElapsed
        assert due_at <= moves[0].at < due_at + 0.05  # a sweep took it up before, and it waited out the rest
        assert after.trace.states_of("Ada") == ["Sending", "Delivered"]
        await equal_to_the_channel(after)


async def test_a_wait_whose_due_time_passed_while_nobody_was_there_is_over_at_once() -> None:
    async with playing(faults=[Refused("rate_limit", 429, 60.0)]) as first:
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Retrying"])
        first.kill()
    await anyio.sleep(100)
    async with playing(before=first) as after:
        await anyio.sleep(1)
        assert after.trace.states_of("Ada") == ["Sending", "Delivered"]


async def test_an_end_that_was_asked_for_before_the_kill_holds_after_it() -> None:
    async with playing(faults=[Refused("rate_limit", 429, 30.0)]) as first:
        await first.start("Ada", "Bo")
        first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Retrying"])
        first.kill()
    first.discord.user_says(CHANNEL, "!end")
    async with playing(before=first) as after:
        await after.quiet(for_s=100)
        assert after.trace.states_of("Ada") == ["Failed"]
        assert after.session_state() == "Ended"
        assert after.discord.character_lines(CHANNEL) == []
        assert len(after.discord.texts(CHANNEL)) == 2  # the answers to !start and !end, and no failure


async def test_killed_again_and_again_it_still_comes_to_an_end() -> None:
    async with playing(latency_s=LATENCY_S) as play:
        await play.start("Ada")
        play.say("Hello?")
        await anyio.sleep(0.3)
        play.kill()
    for _ in range(6):  # each life is too short for the model's answer
        async with playing(before=play, latency_s=LATENCY_S, wait_ready=False) as play:
            await anyio.sleep(0.3)
            play.kill()
    async with playing(before=play) as play:
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == []
        assert play.discord.texts(CHANNEL)[-1].startswith("⚠️ Failed to send response from Ada.")
        assert len(play.model.prompts) == Limits().generate_attempts


async def test_nothing_is_tried_before_discord_was_reached() -> None:
    async with playing(faults=["stored_then_cut"]) as first:
        first.discord.tells_of_ours = False
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Retrying"], step_s=0.01)
        first.kill()
    begun = first.clock.now()
    async with playing(before=first, early=[MessageDeleted(CHANNEL, 1)]) as after:  # READY comes half a second on
        await after.quiet()
        assert after.trace.states_of("Ada") == ["Delivered"]
        assert begun + 0.5 <= after.trace.last_move_at < begun + 1.0
        await equal_to_the_channel(after)


async def test_a_part_deleted_before_its_answer_came_stays_deleted_over_a_kill() -> None:
    async with playing(answers=[TWO_PARTS]) as first:
        first.discord.answer_takes_s = 2.0
        await first.start("Ada")
        first.say("Hello?")
        await first.until(lambda: bool(first.discord.character_lines(CHANNEL)))
        part = next(m for m in first.discord.shown if m.webhook_id)
        first.discord.user_deletes(CHANNEL, part.id)
        await first.until(lambda: first.trace.states_of("Ada").count("Sending") == 2)  # its answer came
        first.kill()
    async with playing(before=first) as after:  # too soon for a comparison with the channel to count
        await after.quiet()
        assert after.trace.states_of("Ada")[-1] == "Delivered"
        assert part.id not in [message_id for entry in await after.entries() for message_id in entry.message_ids]
        await equal_to_the_channel(after)
