"""Notices where the bot may not write itself, or where a thread is closed: as reliable as any other."""

from __future__ import annotations

import anyio
import pytest

from actors.outbox import CLOSED_WAIT_MAX_S, FORBIDDEN_S
from actors.ports import ChannelOpened, HeldBack, Noted, Refused, ShardReady
from actors.roleplay.model import OutboundKind
from machines.response import Limits
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

FULL = Refused("thread_full", 400, final=True)
CLOSED = Refused("thread_closed", 400, final=True)
MUTED = Refused("messages_forbidden", 403, needs="Send Messages in Threads")


def noted(play: Play, level: str) -> list[str]:
    return [event.words for event in play.trace.events if isinstance(event, Noted) and event.level == level]


async def failed_line(play: Play) -> None:
    """A line that fails in a thread in which the bot may not write."""
    await play.start("Ada")
    play.discord.is_silent = True
    play.discord.faults.append(FULL)
    play.say("Hello?")


def texts_by_webhook(play: Play) -> list[str]:
    return [post.text[:2] for post in play.discord.posts if post.kind is OutboundKind.TEXT and post.webhook_id]


async def test_b26_a_notice_that_is_forbidden_as_a_message_goes_through_a_webhook_a_second_later() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.discord.text_faults.append(MUTED)
        play.discord.faults.append(FULL)
        play.say("Hello?")
        await play.until(lambda: not play.discord.text_faults)
        play.discord.is_silent = True  # as the adapter remembers it
        began = play.clock.now()
        await play.until(lambda: play.discord.texts(CHANNEL)[-1].startswith("⚠️"))
        assert play.clock.now() - began < 3.0
        assert texts_by_webhook(play) == ["⚠️"]
        assert noted(play, "error") == []
        await equal_to_the_channel(play)


@pytest.mark.parametrize("fault", ["lost", "stored_then_cut", ("late", 3.0)])
async def test_b26_a_notice_by_webhook_in_doubt_is_read_back_before_it_is_sent_again(fault: Fault) -> None:
    async with playing() as play:
        play.discord.text_faults.append("ok")  # the answer to !start
        play.discord.text_faults.append(fault)
        play.group.start_soon(play.discord.land_late_ones)
        await failed_line(play)
        await play.quiet(60)
        notices = [text for text in play.discord.texts(CHANNEL) if text.startswith("⚠️")]
        assert len(notices) == 1
        assert len(texts_by_webhook(play)) == (2 if fault == "lost" else 1)
        assert len(play.discord.deletions) == 0
        await equal_to_the_channel(play)


async def test_b26_a_notice_by_webhook_that_lands_after_its_second_try_is_taken_back() -> None:
    async with playing(limits=Limits(settle_s=2.0)) as play:
        play.discord.text_faults.extend(["ok", ("late", 20.0)])
        play.group.start_soon(play.discord.land_late_ones)
        await failed_line(play)
        await play.quiet(60)
        notices = [text for text in play.discord.texts(CHANNEL) if text.startswith("⚠️")]
        assert (len(notices), len(play.discord.deletions)) == (1, 1)
        await equal_to_the_channel(play)


async def test_b26_a_notice_in_doubt_as_a_message_is_looked_for_before_it_goes_through_a_webhook() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.discord.text_faults.append("stored_then_cut")
        play.discord.faults.append(FULL)
        play.say("Hello?")
        await play.until(lambda: not play.discord.text_faults)
        play.discord.is_silent = True
        await play.quiet()
        assert [text for text in play.discord.texts(CHANNEL) if text.startswith("⚠️")] != []
        assert texts_by_webhook(play) == []
        assert play.discord.deletions == []


async def test_b26_killed_after_the_try_the_next_process_looks_before_it_sends_again() -> None:
    async with playing() as play:
        play.discord.text_faults.extend(["ok", "stored_then_cut"])
        await failed_line(play)
        await play.until(lambda: bool(texts_by_webhook(play)))
        play.kill()
    async with playing(before=play) as after:
        await after.quiet(60)
        assert len([text for text in after.discord.texts(CHANNEL) if text.startswith("⚠️")]) == 1
        assert len(texts_by_webhook(after)) == 1


async def test_b26_the_notice_by_webhook_has_its_button_which_delivers_the_line() -> None:
    async with playing() as play:
        await failed_line(play)
        await play.quiet()
        (button,) = play.discord.buttons(CHANNEL)
        play.discord.press(CHANNEL, button)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [("Ada", "Line 1 by Ada.")]
        await equal_to_the_channel(play)


async def test_b26_the_log_names_the_permission_that_lacks_and_not_another() -> None:
    async with playing(kind=OutboundKind.EMBED) as play:
        await play.start("Ada")
        forbidden = Refused("forbidden", 403, final=True, needs="Send Messages in Threads")
        play.discord.faults.append(forbidden)
        play.discord.text_faults.extend([forbidden] * 2)
        play.say("Hello?")
        await play.quiet(300)
        (words,) = noted(play, "error")
        assert "Give the bot the permission Send Messages in Threads. (forbidden 403" in words


# ── closed threads ──────────────────────────────────────────────────────────────────────────────────


async def closed_with_a_notice_waiting(play: Play, *, tries: int) -> None:
    await play.start("Ada")
    play.discord.faults.append(CLOSED)
    play.discord.text_faults.extend([CLOSED] * tries)
    play.say("Hello?")
    await play.until(lambda: len(play.discord.text_faults) < tries)


async def test_b16_a_notice_for_a_closed_thread_waits_longer_than_a_week_and_is_not_lost() -> None:
    async with playing() as play:
        await closed_with_a_notice_waiting(play, tries=20)
        with play.executor.engine.begin() as conn:  # weeks in steps of two seconds take long even virtually
            conn.exec_driver_sql(f"UPDATE outbox SET first_try_at = first_try_at - {3 * FORBIDDEN_S}")
        await anyio.sleep(2 * CLOSED_WAIT_MAX_S)
        assert await play.store.next_outbox_due() is not None
        assert (noted(play, "error"), len(noted(play, "warning"))) == ([], 1)
        assert 20 - len(play.discord.text_faults) < 10  # 1, 2, 4 … 60 minutes
        play.discord.text_faults.clear()
        await anyio.sleep(CLOSED_WAIT_MAX_S)
        assert play.discord.texts(CHANNEL)[-1].endswith("(this thread is closed)")


@pytest.mark.parametrize("how", ["opened", "ready"])
async def test_b16_an_opened_thread_and_a_new_connection_are_reasons_to_try_at_once(how: str) -> None:
    async with playing() as play:
        await closed_with_a_notice_waiting(play, tries=5)
        await anyio.sleep(200)  # after 1, 3 and 7 minutes: the next try is far away
        play.discord.text_faults.clear()
        play.gateway.offer(ChannelOpened(CHANNEL) if how == "opened" else ShardReady(0, "Ensemble", 1))
        await anyio.sleep(2)
        assert play.discord.texts(CHANNEL)[-1].endswith("(this thread is closed)")


async def test_b16_a_line_for_a_closed_thread_fails_at_once_and_the_scene_goes_on_when_it_is_opened() -> None:
    async with playing() as play:
        await closed_with_a_notice_waiting(play, tries=1)
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert len([post for post in play.discord.posts if post.kind is not OutboundKind.TEXT]) == 1
        play.gateway.offer(ChannelOpened(CHANNEL))
        play.say("Open again?")
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)


async def test_b16_parts_that_cannot_be_taken_back_from_a_closed_thread_go_when_it_is_opened() -> None:
    async with playing(answers=["One. " * 600]) as play:
        await play.start("Ada")
        play.discord.faults.extend(["ok", CLOSED])
        play.discord.delete_faults.extend([CLOSED] * 2)
        play.discord.text_faults.append(CLOSED)
        play.say("Hello?")
        await play.until(lambda: not play.discord.faults)
        await anyio.sleep(100)
        play.discord.delete_faults.clear()
        play.gateway.offer(ChannelOpened(CHANNEL))
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == []
        await equal_to_the_channel(play)


# ── refused names ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("attempts", [1, 3])
async def test_b14_a_line_held_back_for_its_name_costs_no_attempt(attempts: int) -> None:
    async with playing(limits=Limits(send_attempts=attempts)) as play:
        await play.start("Ada")
        play.discord.faults.extend([HeldBack(play.clock.now())] * 3)  # as the adapter says of a refused name
        began = play.clock.now()
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Delivered"])
        assert play.clock.now() - began < 3.0
        assert not [text for text in play.discord.texts(CHANNEL) if text.startswith(("⚠️", "⏳"))]
        await equal_to_the_channel(play)
