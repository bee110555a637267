"""Notices and answers arrive in order, until they do; copies of lines go, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import anyio
import pytest

from actors.copies import UNDECIDED_MAX
from actors.outbox import BATCH, FORBIDDEN_S, WAIT_MAX_S
from actors.ports import HeldBack, Noted, Refused, Unconfirmed
from actors.reaper import WATCH_S
from actors.roleplay.model import Button, ChannelMessage, OutboundKind, OutboxDraft, OutboxKind
from machines.backoff import JITTER_SHARE
from machines.reasons import SendReason
from machines.waits import NONCE_WINDOW_S
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing
from tests.fakes.virtual_time import EPOCH

OTHER = 43


async def enqueue(play: Play, *texts: str, channel_id: int = CHANNEL) -> None:
    for text in texts:
        draft = OutboxDraft(f"answer:{channel_id}:{text}", OutboxKind.ANSWER, channel_id, text)
        await play.store.enqueue(draft, at=play.clock.now())
    play.services.outbox_bell.ring()


async def take_down(play: Play, message_id: int) -> None:
    draft = OutboxDraft(f"takedown:{message_id}", OutboxKind.TAKEDOWN, CHANNEL, message_id=message_id)
    await play.store.enqueue(draft, at=play.clock.now())
    play.services.outbox_bell.ring()


def errors(play: Play) -> list[str]:
    return [e.words for e in play.trace.events if isinstance(e, Noted) and e.level == "error"]


# ── the outbox ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", ["lost", "stored_then_cut", Refused("rate_limit", 429, 7.0), HeldBack(EPOCH + 9.0)])
async def test_texts_of_a_channel_keep_their_order_over_a_retry(fault: Fault) -> None:
    async with playing() as play:
        play.discord.text_faults.append(fault)
        await enqueue(play, "one", "two")
        await anyio.sleep(0.5)
        await enqueue(play, "three")  # while "one" waits
        await play.quiet()
        assert play.discord.texts(CHANNEL) == ["one", "two", "three"]


async def test_a_channel_where_discord_does_not_answer_holds_no_other_up() -> None:
    async with playing() as play:
        play.discord.text_faults.append(("hang", 60.0))
        await enqueue(play, "slow", "behind it")
        await anyio.sleep(1)
        await enqueue(play, "quick", channel_id=OTHER)
        await anyio.sleep(1)
        assert play.discord.texts(OTHER) == ["quick"]
        assert play.discord.texts(CHANNEL) == []
        await anyio.sleep(70)
        assert play.discord.texts(CHANNEL) == ["slow", "behind it"]


async def test_the_waits_double_up_to_a_minute_and_it_never_gives_up() -> None:
    async with playing() as play:
        play.discord.text_faults.extend([Refused("rate_limit", 429)] * 12)
        tried: list[float] = []
        await enqueue(play, "patience")
        while not play.discord.texts(CHANNEL):
            count = len(play.discord.posts)
            await play.until(lambda count=count: len(play.discord.posts) > count)  # type: ignore[misc]
            tried.append(play.clock.now())
            await anyio.sleep(0.2)
        waits = [later - sooner for sooner, later in pairwise(tried)]
        for wait_s, least_s in zip(waits, [1, 2, 4, 8, 16, 32, *[WAIT_MAX_S] * 6], strict=True):
            assert least_s - 0.3 <= wait_s <= min(WAIT_MAX_S, least_s * (1 + JITTER_SHARE)) + 0.3


@pytest.mark.parametrize("reason", ["forbidden", "channel_gone"])
async def test_only_a_final_refusal_drops_a_text_which_is_told_and_lets_the_next_go(reason: SendReason) -> None:
    async with playing() as play:
        play.discord.text_faults.append(Refused(reason, 403, final=True))
        await enqueue(play, "dropped", "kept")
        await play.quiet()
        assert play.discord.texts(CHANNEL) == ["kept"]
        (words,) = errors(play)
        assert words.startswith(f"The answer could not be delivered and was dropped: {reason}")
        assert words.endswith(f"; outbox row 1 of channel {CHANNEL}.")


async def test_a_text_that_a_moderator_removed_is_not_said_again() -> None:
    async with playing() as play:
        play.discord.text_faults.append(Refused("removed", 404, final=True))
        await enqueue(play, "gone at once")
        await play.quiet()
        assert len(play.discord.posts) == 1
        assert errors(play) == []


@asynccontextmanager
async def stored_unseen_long_ago(reads: Sequence[Refused | Unconfirmed] = ()) -> AsyncIterator[Play]:
    """A text was stored without our knowing, and Discord has forgotten its nonce when it is tried again."""
    async with playing() as play:
        play.discord.nonce_window_s = NONCE_WINDOW_S
        play.discord.text_faults.append("stored_then_cut")
        await enqueue(play, "once")
        await play.until(lambda: len(play.discord.posts) == 1)
        play.discord.read_faults.extend(reads)
        hold = play.clock.now() + NONCE_WINDOW_S + 5
        play.discord.text_faults.append(HeldBack(hold))
        await play.quiet(for_s=200)
        yield play


async def test_a_notice_is_not_taken_for_another_s_that_reads_alike() -> None:
    async with playing() as play:

        async def tell(response: str) -> None:
            button = Button("Retry", f"retry:{response}")
            draft = OutboxDraft(f"notice:{response}", OutboxKind.NOTICE, CHANNEL, "It failed.", buttons=(button,))
            await play.store.enqueue(draft, at=play.clock.now())
            play.services.outbox_bell.ring()

        await tell("a")
        await play.quiet()
        play.discord.text_faults.extend(["lost"] * 8)  # until Discord may have forgotten its nonce
        await tell("b")
        await anyio.sleep(NONCE_WINDOW_S)
        play.discord.forge(play.discord.shown[0], "It failed.")  # a copy of the first one, minutes late
        await play.quiet(for_s=300)
        assert [message.button_ids for message in play.discord.shown] == [("retry:a",), ("retry:a",), ("retry:b",)]


async def test_after_the_nonce_window_the_channel_is_read_before_the_next_try() -> None:
    async with stored_unseen_long_ago(reads=[Unconfirmed("outage", 503)]) as play:
        assert play.discord.texts(CHANNEL) == ["once"]
        assert len(play.discord.posts) == 1
        assert len(play.discord.reads) == 2


async def test_where_nobody_lets_us_look_it_is_told_again_and_the_first_taken_back() -> None:
    async with stored_unseen_long_ago(reads=[Refused("forbidden", 403, final=True)]) as play:
        assert len(play.discord.posts) == 2
        assert play.discord.texts(CHANNEL) == ["once"]
        assert errors(play) == []


async def test_a_takedown_is_tried_until_the_message_is_away_and_absent_is_success() -> None:
    async with playing() as play:
        unwanted = play.say("unwanted")
        play.discord.delete_faults.extend([Refused("rate_limit", 429, 3.0), Unconfirmed("outage", 502)])
        await take_down(play, unwanted)
        await take_down(play, 999)  # nobody ever saw this one
        await enqueue(play, "a text does not wait for it")
        await anyio.sleep(1.5)
        assert play.discord.texts(CHANNEL) == ["a text does not wait for it"]
        await play.quiet()
        assert play.discord.lines(CHANNEL) == [("", "a text does not wait for it")]
        assert sorted(set(play.discord.deletions)) == sorted({unwanted, 999})
        assert await play.store.next_outbox_due() is None


async def test_a_takedown_that_is_forbidden_waits_for_the_permission_and_the_operator_is_told_once() -> None:
    async with playing() as play:
        unwanted = play.say("unwanted")
        play.discord.delete_faults.extend([Refused("forbidden", 403, final=True)] * 3)
        await take_down(play, unwanted)
        await anyio.sleep(600)  # 1, 2 and 4 minutes
        assert play.discord.lines(CHANNEL) == []
        assert len(play.discord.deletions) == 4
        assert len(errors(play)) == 1
        assert "Manage Messages" in errors(play)[0]


@pytest.mark.parametrize(("reason", "status"), [("forbidden", 403), ("unauthorized", 401)])
async def test_a_failure_is_told_when_the_bot_may_speak_again_and_later_texts_wait_behind(
    reason: SendReason, status: int
) -> None:
    async with playing(kind=OutboundKind.EMBED) as play:
        await play.start("Ada")
        refused = Refused(reason, status, final=True)
        play.discord.faults.append(refused)
        play.discord.text_faults.extend([refused] * 3)
        play.say("Hello?")
        await anyio.sleep(10)
        play.say("!status")
        await anyio.sleep(600)  # 1, 2 and 4 minutes
        told = [text[:2] for text in play.discord.texts(CHANNEL)]
        assert told == ["🎭 ", "⚠️", "Se"]
        assert len(errors(play)) == 1


async def test_a_takedown_waits_for_a_valid_token() -> None:
    async with playing() as play:
        unwanted = play.say("unwanted")
        # A first try that fails otherwise does not keep the operator from being told.
        play.discord.delete_faults.extend([Unconfirmed("outage", 503), Refused("unauthorized", 401, final=True)])
        await take_down(play, unwanted)
        await anyio.sleep(300)
        assert play.discord.lines(CHANNEL) == []
        assert len(errors(play)) == 1
        assert "token" in errors(play)[0]


async def test_a_takedown_that_stays_forbidden_is_given_up_after_a_week() -> None:
    async with playing() as play:
        unwanted = play.say("unwanted")
        play.discord.delete_faults.extend([Refused("forbidden", 403, final=True)] * 2)
        await take_down(play, unwanted)
        await anyio.sleep(10)
        with play.executor.engine.begin() as conn:  # a week in steps of two seconds takes long even virtually
            conn.exec_driver_sql(f"UPDATE outbox SET first_try_at = first_try_at - {FORBIDDEN_S}")
        await anyio.sleep(120)
        assert await play.store.next_outbox_due() is None
        assert len(play.discord.deletions) == 2
        assert errors(play)[-1] == (
            f"The takedown could not be delivered and was dropped: forbidden 403; outbox row 1 of channel {CHANNEL}."
        )


async def test_a_flood_in_a_channel_that_does_not_answer_hides_no_other_channel() -> None:
    async with playing() as play:
        play.discord.text_faults.append(("hang", 600.0))
        await enqueue(play, *[f"flood {number}" for number in range(BATCH + 50)])
        await anyio.sleep(5)
        await enqueue(play, "quick", channel_id=OTHER)
        await anyio.sleep(1)
        assert play.discord.texts(OTHER) == ["quick"]


# ── the reaper ──────────────────────────────────────────────────────────────────────────────────────


def copy_of_line(play: Play, *, text: str | None = None) -> ChannelMessage:
    """What the first line's first message would look like, landing now for a second time."""
    (first, *_) = [post for post in play.discord.posts if post.kind is not OutboundKind.TEXT]
    return play.discord.land(replace(first, nonce="", text=first.text if text is None else text))


async def one_line(play: Play, text: str = "Hello?") -> None:
    if not play.discord.texts(CHANNEL):
        await play.start("Ada")
    play.say(text)
    await play.quiet()


async def test_a_late_copy_of_a_delivered_line_is_taken_back_and_the_line_stays() -> None:
    async with playing(faults=["lost"]) as play:
        await one_line(play)
        (line,) = [m.id for m in play.discord.shown if m.webhook_id]
        late = copy_of_line(play)
        await play.quiet()
        assert play.discord.deletions == [late.id]
        assert line != late.id
        await equal_to_the_channel(play)


async def test_a_line_that_lands_after_its_failure_was_told_is_taken_back() -> None:
    async with playing(faults=["lost"] * 3) as play:
        await one_line(play)
        assert play.discord.texts(CHANNEL)[-1].startswith("⚠️")
        copy_of_line(play)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == []
        assert await play.history() == [("Robin", "Hello?")]


async def test_a_copy_that_lands_while_nobody_is_there_is_taken_back_by_the_next_process() -> None:
    async with playing(faults=["lost"]) as first:
        await one_line(first)
    late = copy_of_line(first)
    async with playing(before=first) as after:
        await after.quiet()
        assert after.discord.deletions == [late.id]
        await equal_to_the_channel(after)


async def test_a_copy_that_lands_after_its_session_ended_and_while_nobody_is_there_is_taken_back() -> None:
    async with playing(faults=["lost"]) as first:
        await one_line(first)
        first.say("!end")
        await first.quiet()
    late = copy_of_line(first)
    async with playing(before=first) as after:
        await after.quiet()
        assert after.discord.deletions == [late.id]


async def test_a_copy_that_an_earlier_try_sent_as_an_embed_is_taken_back_from_behind_the_webhooks_line() -> None:
    async with playing(faults=["lost"]) as play:
        await one_line(play)
        (first, *_) = [post for post in play.discord.posts if post.kind is OutboundKind.WEBHOOK]
        late = play.discord.land(replace(first, kind=OutboundKind.EMBED, webhook_id=None, nonce="late"))
        await play.quiet()
        assert play.discord.deletions == [late.id]
        await equal_to_the_channel(play)


async def test_a_line_that_is_still_on_its_way_is_never_taken_for_a_copy() -> None:
    async with playing(faults=["stored_then_cut"]) as play:
        await play.start("Ada")
        play.discord.read_faults.extend([Unconfirmed("outage", 503)] * 6)  # long seen before it is confirmed
        await one_line(play)
        await play.quiet(for_s=100)
        assert play.discord.deletions == []
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)


async def test_a_copy_that_comes_during_the_next_line_is_judged_when_that_has_ended() -> None:
    async with playing(faults=["lost"]) as play:
        await one_line(play)
        play.discord.faults.append(("hang", 5.0))
        play.say("Go on")
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Sending")
        late = copy_of_line(play)
        await anyio.sleep(3)
        assert play.discord.deletions == []
        await play.quiet()
        assert play.discord.deletions == [late.id]
        await equal_to_the_channel(play)


@pytest.mark.parametrize("operation", ["own_messages", "watched", "enqueue_copy"])
async def test_a_copy_that_the_store_could_not_judge_is_judged_again(operation: str) -> None:
    async with playing(faults=["lost"]) as play:
        await one_line(play)
        play.discord.faults.append(("hang", 5.0))
        play.say("Go on")
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Sending")
        late = copy_of_line(play)
        await anyio.sleep(3)
        play.executor.faults[operation] = [OSError("the disk is full")] * 2
        await play.quiet()
        assert play.discord.deletions == [late.id]
        await equal_to_the_channel(play, crashes=2)


async def test_a_text_that_is_legitimately_said_again_stays() -> None:
    async with playing(answers=["Yes.", "Yes."], faults=["lost"]) as play:
        await play.start("Ada", "Bo")
        play.say("Agreed?")
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [("Ada", "Yes."), ("Bo", "Yes.")]
        assert play.discord.deletions == []
        await equal_to_the_channel(play)


async def test_what_shows_no_line_of_ours_is_let_be() -> None:
    async with playing(faults=["lost"]) as play:
        await one_line(play)
        copy_of_line(play, text="something else under her name")
        play.discord.user_says(CHANNEL, "Line 1 by Ada.", name="Ada")  # somebody repeats her
        await play.quiet()
        assert play.discord.deletions == []


async def test_after_its_watch_a_copy_is_let_be() -> None:
    async with playing(faults=["lost"]) as play:
        await one_line(play)
        await anyio.sleep(WATCH_S + 1)
        copy_of_line(play)
        await play.quiet()
        assert play.discord.deletions == []


async def test_what_waits_for_judgement_is_bounded_and_the_newest_is_kept() -> None:
    async with playing(faults=["lost"]) as play:
        await one_line(play)
        play.discord.faults.append(("hang", 5.0))
        play.say("Go on")
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Sending")
        copies = [copy_of_line(play).id for _ in range(UNDECIDED_MAX + 3)]
        await play.quiet(for_s=60)
        # The response's own message is among those that waited.
        assert play.discord.deletions == copies[-(UNDECIDED_MAX - 1) :]
