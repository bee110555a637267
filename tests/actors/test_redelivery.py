"""A failed line that somebody asks for again arrives once, as it was, whatever its first tries left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest

from actors.outbox import REPLY_WAIT_MAX_S
from actors.ports import MessageSeen, ModelFailed, Refused
from actors.reaper import WATCH_S
from actors.redeliveries import REPLY_LIFE_S, UNKNOWN_BUTTON
from actors.roleplay.model import OutboundKind
from machines.response import Limits
from tests.fakes.discord import FakeDiscord, Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing
from tests.fakes.virtual_time import VirtualClock, run_virtually

voices = pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
REFUSED = Refused("rate_limit", 429)
AGAIN = "🔁 Ada's line is on its way again."
QUICK = Limits(backoff_base_s=0.2, settle_s=1.0)
LINE = ("Ada", "Line 1 by Ada.")


@asynccontextmanager
async def failed(*faults: Fault, kind: OutboundKind = OutboundKind.WEBHOOK, **options: object) -> AsyncIterator[Play]:
    """A play in which Ada's only line has failed and the channel was told."""
    async with playing(kind=kind, limits=QUICK, **options) as play:  # type: ignore[arg-type]
        await play.start("Ada")
        play.discord.faults.extend(faults or [REFUSED] * 3)
        play.say("Hello?")
        await play.until(lambda: bool(play.discord.buttons(CHANNEL)))
        await anyio.sleep(0.2)
        yield play


def press(play: Play, number: int = -1) -> str:
    """Press a Retry button; returns the token of the press."""
    return play.discord.press(CHANNEL, play.discord.buttons(CHANNEL)[number]).token


# ── what it does ────────────────────────────────────────────────────────────────────────────────────


@voices
async def test_a_press_delivers_the_stored_text_once_without_generating(kind: OutboundKind) -> None:
    async with failed(kind=kind) as play:
        token = press(play)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [LINE]
        assert len(play.model.prompts) == 1
        assert play.discord.replies == {token: [AGAIN]}
        assert play.trace.states_of("Ada")[-2:] == ["Sending", "Delivered"]
        assert play.session_state() == "Idle"
        await equal_to_the_channel(play)


async def test_the_command_does_the_same_and_is_answered_in_the_channel() -> None:
    async with failed() as play:
        play.say("!retry")
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [LINE]
        assert play.discord.texts(CHANNEL)[-1] == AGAIN
        await equal_to_the_channel(play)


async def test_a_line_that_never_had_a_text_is_generated() -> None:
    answers = [ModelFailed("overloaded")] * 3
    async with playing(limits=QUICK, answers=answers) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: bool(play.discord.buttons(CHANNEL)))
        press(play)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [("Ada", "Line 4 by Ada.")]
        await equal_to_the_channel(play)


async def test_all_parts_of_a_line_come_again_after_those_shown_were_taken_back() -> None:
    two_parts = "word " * 300 + "\n\n" + "other " * 250
    async with failed("ok", *[REFUSED] * 3, answers=[two_parts]) as play:
        press(play)
        await play.quiet()
        assert len(play.discord.character_lines(CHANNEL)) == 2
        await equal_to_the_channel(play)


async def test_a_retry_that_fails_has_its_own_notice_and_the_first_button_means_it() -> None:
    async with failed() as play:
        play.discord.faults.extend([REFUSED] * 3)
        press(play)
        await play.until(lambda: len(play.discord.buttons(CHANNEL)) == 2)
        first, second = play.discord.buttons(CHANNEL)
        assert first != second
        play.discord.press(CHANNEL, first)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [LINE]
        assert len(play.model.prompts) == 1
        late = [press(play, 0), press(play, 1)]
        await play.quiet()
        assert [play.discord.replies[token] for token in late] == [["✅ Ada's line is in the channel."]] * 2
        await equal_to_the_channel(play)


async def test_the_retry_comes_before_the_messages_that_wait() -> None:
    async with failed(cast=("Ada",)) as play:
        play.discord.faults.append(("hang", 3.0))
        play.say("one")
        await play.until(lambda: len(play.model.prompts) == 2)
        play.say("two")
        press(play)
        await play.quiet()
        assert [text for _, text in play.discord.character_lines(CHANNEL)] == [
            "Line 2 by Ada.",
            "Line 1 by Ada.",
            "Line 3 by Ada.",
        ]
        await equal_to_the_channel(play)


# ── what it refuses ─────────────────────────────────────────────────────────────────────────────────


async def test_a_second_wish_changes_nothing_while_the_first_is_on_its_way() -> None:
    async with failed() as play:
        play.discord.faults.append(("hang", 5.0))
        press(play)
        await anyio.sleep(1)
        token = press(play)
        play.say("!retry")
        await play.quiet()
        assert play.discord.replies[token] == ["🔁 Ada's line is on its way already."]
        assert play.discord.texts(CHANNEL)[-1] == "🔁 Ada's line is on its way already."
        assert play.discord.character_lines(CHANNEL) == [LINE]
        await equal_to_the_channel(play)


async def test_the_same_press_told_twice_is_answered_and_carried_out_once() -> None:
    async with failed() as play:
        play.discord.faults.extend([REFUSED] * 3)
        once = play.discord.press(CHANNEL, play.discord.buttons(CHANNEL)[0])
        await play.until(lambda: len(play.discord.buttons(CHANNEL)) == 2)
        play.discord.press(CHANNEL, "", again=once)  # as a resumed connection does
        await play.quiet()
        assert play.discord.replies == {once.token: [AGAIN]}
        assert play.discord.character_lines(CHANNEL) == []


async def test_nothing_failed_an_ended_scene_and_a_deleted_message_are_answered_in_words() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.say("!retry")
        await play.quiet()
        assert play.discord.texts(CHANNEL)[-1] == "There is no failed line here to deliver again."
    async with failed() as play:
        (said,) = [m.id for m in play.discord.shown if m.text == "Hello?"]
        play.discord.user_deletes(CHANNEL, said)
        withdrawn = press(play)
        await play.quiet()
        play.say("!end")
        await play.quiet()
        ended = press(play)
        play.say("!retry")
        await play.quiet()
        assert "was deleted" in play.discord.replies[withdrawn][0]
        assert "has ended" in play.discord.replies[ended][0]
        assert play.discord.texts(CHANNEL)[-1].startswith("No scene is open here.")
        assert play.discord.character_lines(CHANNEL) == []


async def test_a_button_pressed_in_another_channel_or_of_no_kind_we_know_does_nothing() -> None:
    async with failed() as play:
        elsewhere = play.discord.press(CHANNEL + 1, play.discord.buttons(CHANNEL)[0])
        unknown = play.discord.press(CHANNEL, "dance:1")
        await play.quiet()
        assert play.discord.replies[elsewhere.token] == ["There is no failed line here to deliver again."]
        assert play.discord.replies[unknown.token] == [UNKNOWN_BUTTON]
        assert play.discord.character_lines(CHANNEL) == []


async def test_a_failure_that_the_same_text_would_meet_again_has_no_button() -> None:
    async with playing(faults=[Refused("too_long", 400, final=True)]) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
        assert play.discord.texts(CHANNEL)[-1].startswith("⚠️")
        assert play.discord.buttons(CHANNEL) == []


# ── the answers ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_is_tried_until_its_token_expires_and_holds_no_text_back() -> None:
    async with failed() as play:
        play.discord.text_faults.extend([Refused("webhook_gone", 404)] * 200)
        press(play)
        await anyio.sleep(30)
        play.discord.text_faults.clear()
        play.say("!status")
        await anyio.sleep(1)
        assert play.discord.texts(CHANNEL)[-1].startswith("Session")
        play.discord.text_faults.extend([Refused("webhook_gone", 404)] * 200)
        await anyio.sleep(REPLY_LIFE_S + 100)
        assert play.discord.replies == {}
        assert await play.store.next_outbox_due() is None
        with play.executor.engine.connect() as conn:
            assert conn.exec_driver_sql("SELECT count(*) FROM outbox WHERE reply_token > ''").scalar() == 0


async def test_whoever_pressed_is_answered_within_ten_seconds_of_discord_s_return() -> None:
    async with failed() as play:
        play.discord.text_faults.extend(["lost"] * 200)
        press(play)
        await anyio.sleep(600)
        play.discord.text_faults.clear()
        await anyio.sleep(REPLY_WAIT_MAX_S + 1)
        assert [len(answers) for answers in play.discord.replies.values()] == [1]


# ── copies of the failed line ───────────────────────────────────────────────────────────────────────


def lands(play: Play) -> None:
    """A try of the failed line lands after all."""
    first = next(post for post in play.discord.posts if post.kind is not OutboundKind.TEXT)
    play.discord.land(first)


MOMENTS = (-0.5, 0.02, 0.07, 0.12, 0.17, 0.3, 0.9, 1.3, 2.0, 30.0)
"""Before the press, and before, during and after each of the retry's requests; seconds."""


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@voices
@pytest.mark.parametrize("fault", ["ok", "stored_then_cut", "lost", ("late", 0.5), ("late", 3.0)])
@pytest.mark.parametrize("after_s", MOMENTS)
async def test_a_late_copy_of_the_failed_line_and_the_retry_leave_one_line(
    kind: OutboundKind, fault: Fault, after_s: float
) -> None:
    async with failed("lost", "lost", "lost", kind=kind, latency_s=0.004) as play:
        if after_s < 0:
            lands(play)
        await anyio.sleep(1.0)
        play.discord.faults.append(fault)
        play.group.start_soon(play.discord.land_late_ones)
        press(play)
        if after_s > 0:
            await anyio.sleep(after_s)
            lands(play)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [LINE]
        assert len(play.model.prompts) == 1
        await equal_to_the_channel(play)


@voices
async def test_a_line_that_stood_unseen_when_it_was_called_failed_is_taken_back_before_the_retry(
    kind: OutboundKind,
) -> None:
    async with playing(kind=kind, limits=QUICK) as play:
        await play.start("Ada")
        sink, play.discord.sink = play.discord.sink, None  # the gateway tells nothing of it
        play.discord.faults.append("stored_then_cut")
        play.discord.read_faults.append(Refused("forbidden", 403, final=True))
        said = play.discord.user_says(CHANNEL, "Hello?")
        assert sink is not None
        play.gateway.offer(MessageSeen(said))
        await play.until(lambda: bool(play.discord.buttons(CHANNEL)))
        await anyio.sleep(WATCH_S + 60)
        play.discord.sink = sink
        assert len(play.discord.character_lines(CHANNEL)) == 1  # told as failed, and there
        press(play)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [LINE]
        await equal_to_the_channel(play)


# ── killed ──────────────────────────────────────────────────────────────────────────────────────────

KILL_STEP_S = 0.01
KILLS_MAX = 80


async def killed_after(after_s: float, discord: FakeDiscord, fault: Fault) -> tuple[bool, Play]:
    async with failed("lost", "lost", REFUSED, discord=discord, latency_s=0.004) as first:
        first.discord.faults.append(fault)
        press(first)
        await anyio.sleep(after_s)
        was_over = bool(first.discord.character_lines(CHANNEL)) and first.session_state() == "Idle"
        first.kill()
    await anyio.sleep(0.2)
    async with playing(before=first, limits=QUICK, latency_s=0.004) as after:
        after.group.start_soon(partial(discord.land_late_ones, orphans_land=True))
        if not after.discord.replies:
            after.say("!retry")  # the press died with the process: they ask again
        await after.quiet()
    return was_over, after


@pytest.mark.parametrize("fault", ["ok", "stored_then_cut"])
def test_killed_at_any_moment_after_the_press_the_line_comes_once(fault: Fault) -> None:
    async def main(after_s: float) -> bool:
        was_over, after = await killed_after(after_s, FakeDiscord(VirtualClock().now), fault)
        assert after.discord.character_lines(CHANNEL) == [LINE], after_s
        assert len(after.model.prompts) == 1
        await equal_to_the_channel(after)
        return was_over

    for number in range(KILLS_MAX):
        if run_virtually("asyncio", partial(main, number * KILL_STEP_S)):
            break
    else:
        pytest.fail("the retry was never over before the kill")
    assert number > 10


async def test_a_command_that_the_next_process_reads_again_asks_for_nothing_more() -> None:
    async with failed() as first:
        first.discord.faults.extend([REFUSED] * 3)
        first.say("!retry")
        await first.until(lambda: len(first.discord.buttons(CHANNEL)) == 2)
        await first.quiet()
    async with playing(before=first, limits=QUICK) as play:  # catch-up reads from the last user's message on
        await play.quiet()
        assert play.discord.texts(CHANNEL).count(AGAIN) == 1
        assert play.discord.character_lines(CHANNEL) == []
