"""A moderator moves a webhook: what it posts elsewhere is taken back there, and no history holds it."""

from __future__ import annotations

from collections import deque

import anyio

from actors.ports import HeldBack, Moved, Refused, Unconfirmed
from actors.roleplay.model import ChannelMessage, OutboundKind
from machines.facts import SentElsewhere
from machines.response import Limits
from tests.fakes.discord import WEBHOOK
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing
from tests.fakes.virtual_time import EPOCH

ELSEWHERE = 43
LONG = " ".join(["A long line."] * 250)
GONE = Refused("channel_gone", 404, final=True)
UNREADABLE = Refused("forbidden", 403, final=True)


def move(play: Play) -> None:
    play.discord.move_webhook_of(CHANNEL, ELSEWHERE)


def move_every_webhook(play: Play) -> None:
    play.discord.move_every_webhook(ELSEWHERE)


async def one_line(play: Play) -> None:
    await play.start("Ada")
    play.say("Hello?")
    await play.quiet()


def strays(play: Play) -> list[ChannelMessage]:
    return [message for message in play.discord.shown if message.channel_id == ELSEWHERE]


def ours_elsewhere(play: Play) -> list[ChannelMessage]:
    return [message for message in strays(play) if message.is_ours]


def facts(play: Play) -> list[str]:
    return [fact for _, fact, _ in play.trace.moves]


async def test_b15_a_line_posted_elsewhere_is_taken_back_by_its_webhook_and_sent_by_another() -> None:
    async with playing() as play:
        move(play)
        await one_line(play)
        stray = next(e.move.fact for e in play.trace.events if isinstance(e, Moved) and e.move.dest == "Retrying")
        assert isinstance(stray, SentElsewhere)
        assert play.discord.takedowns == [(ELSEWHERE, stray.message_id, WEBHOOK)]
        assert strays(play) == []
        assert [message.webhook_id for message in play.discord.shown if message.webhook_id] == [WEBHOOK + 1]
        await equal_to_the_channel(play)


async def test_b15_a_webhook_moved_between_two_parts_leaves_one_line_in_its_channel() -> None:
    async with playing(answers=[LONG]) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: len(play.discord.character_lines(CHANNEL)) == 1, step_s=0.01)
        move(play)
        await play.quiet()
        assert len(play.discord.character_lines(CHANNEL)) == 2
        assert strays(play) == []
        assert [fact for fact in facts(play) if fact.startswith("Sent")] == ["Sent", "SentElsewhere", "Sent"]
        await equal_to_the_channel(play)


async def test_b15_where_every_webhook_is_moved_the_line_fails_is_announced_and_stands_nowhere() -> None:
    async with playing() as play:
        move_every_webhook(play)
        await one_line(play)
        assert facts(play)[2:] == ["SentElsewhere", "WaitElapsed"] * 2 + ["SentElsewhere"]
        assert play.discord.character_lines(CHANNEL) == []
        assert strays(play) == []
        assert play.discord.texts(CHANNEL)[-1].endswith("(its webhook was moved to another channel)")
        assert [button.startswith("retry:") for button in play.discord.buttons(CHANNEL)] == [True]
        assert [entry.kind for entry in await play.entries()] == ["user"]


async def test_b15_a_part_that_stands_goes_as_well_when_the_next_one_only_lands_elsewhere() -> None:
    async with playing(answers=[LONG], limits=Limits(send_attempts=1)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: len(play.discord.character_lines(CHANNEL)) == 1, step_s=0.01)
        move_every_webhook(play)
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == []
        assert strays(play) == []
        assert {channel_id for channel_id, _, _ in play.discord.takedowns} == {CHANNEL, ELSEWHERE}
        assert [entry.kind for entry in await play.entries()] == ["user"]


async def test_b15_an_end_during_the_send_leaves_nothing_elsewhere() -> None:
    async with playing(faults=[("hang", 3.0)]) as play:
        move(play)
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: bool(play.discord.posts[1:]))
        play.say("!end")
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert strays(play) == []
        assert play.discord.character_lines(CHANNEL) == []
        assert not [text for text in play.discord.texts(CHANNEL) if text.startswith("⚠️")]


# ── in doubt ────────────────────────────────────────────────────────────────────────────────────────


async def test_b15_a_part_in_doubt_is_looked_for_where_its_webhook_was_moved_to() -> None:
    async with playing(faults=["stored_then_cut"]) as play:
        move(play)
        await one_line(play)
        assert facts(play)[2:] == ["SendUnconfirmed", "SentElsewhere", "WaitElapsed", "Sent"]
        assert [channel_id for channel_id, _ in play.discord.reads][-3:] == [CHANNEL, CHANNEL, ELSEWHERE]
        assert strays(play) == []
        await equal_to_the_channel(play)


async def test_b15_where_nobody_says_where_the_webhook_is_it_is_asked_again_at_no_cost() -> None:
    async with playing(faults=["stored_then_cut"]) as play:
        now = play.clock.now()
        play.discord.webhook_faults.extend(
            [Refused("rate_limit", 429, 2.0), Unconfirmed("timeout"), HeldBack(now + 60)]
        )
        move(play)
        await one_line(play)
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Delivered")
        await play.quiet()
        assert facts(play)[3:-2] == ["Held", "ReadBackFailed", "Held", "SentElsewhere"]
        assert [post.kind for post in play.discord.posts].count(OutboundKind.WEBHOOK) == 2
        assert strays(play) == []
        await equal_to_the_channel(play)


async def test_b15_where_the_other_channel_cannot_be_read_the_line_is_announced_as_unconfirmed() -> None:
    async with playing(faults=["stored_then_cut"]) as play:
        play.discord.read_faults_of[ELSEWHERE] = deque([UNREADABLE])
        move(play)
        await one_line(play)
        assert facts(play)[2:] == ["SendUnconfirmed", "ReadBackImpossible"]
        assert play.discord.texts(CHANNEL)[-1].endswith("(could not be confirmed)")
        assert play.session_state() == "Idle"


async def test_b15_a_channel_that_is_gone_with_its_stray_ends_no_scene() -> None:
    async with playing(faults=["stored_then_cut"]) as play:
        play.discord.read_faults_of[ELSEWHERE] = deque([GONE])
        move(play)
        await one_line(play)
        assert facts(play)[2:] == ["SendUnconfirmed", "NotInChannel", "Sent"]
        assert play.session_state() == "Idle"


async def test_b15_an_embed_is_never_looked_for_elsewhere() -> None:
    async with playing(faults=["lost"], kind=OutboundKind.EMBED) as play:
        move_every_webhook(play)
        await one_line(play)
        assert play.discord.asked_where == []
        await equal_to_the_channel(play)


async def test_b15_a_process_killed_with_its_line_elsewhere_leaves_it_to_the_next_one() -> None:
    async with playing() as play:
        play.discord.answer_takes_s = 2.0
        move(play)
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: bool(strays(play)))
        play.kill()
    async with playing(before=play) as again:
        await again.quiet()
        assert facts(again)[:2] == ["SendUnconfirmed", "SentElsewhere"]
        assert strays(again) == []
        await equal_to_the_channel(again)


# ── another scene where it lands, and copies that land later ────────────────────────────────────────


async def test_b15_a_scene_in_the_other_channel_never_takes_a_stray_for_its_own_line() -> None:
    async with playing(answers=["Yes.", "Yes."], faults=["stored_then_cut"]) as play:
        await play.store.keep_webhook(CHANNEL, "ada", WEBHOOK, "token")
        await play.start("Ada")
        await play.start("Ada", channel_id=ELSEWHERE)
        move(play)
        play.say("There?", channel_id=ELSEWHERE)
        play.say("Here?")
        play.discord.faults_of[ELSEWHERE] = deque(["lost"])
        await play.quiet()
        assert sorted(set(facts(play)) & {"SentElsewhere", "NotInChannel"}) == ["NotInChannel", "SentElsewhere"]
        assert "FoundInChannel" not in facts(play)
        for channel_id in (CHANNEL, ELSEWHERE):
            assert play.discord.character_lines(channel_id) == [("Ada", "Yes.")]
            await equal_to_the_channel(play, channel_id)


async def test_b15_a_try_that_lands_elsewhere_after_its_line_stands_is_taken_back() -> None:
    async with playing(faults=[("late", 40.0)]) as play, anyio.create_task_group() as group:
        await play.store.keep_webhook(CHANNEL, "ada", WEBHOOK, "token")
        group.start_soon(play.discord.land_late_ones)
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Delivered"])
        move(play)
        await play.until(lambda: bool(play.discord.takedowns))
        await play.quiet()
        assert [channel_id for channel_id, _, _ in play.discord.takedowns] == [ELSEWHERE]
        assert strays(play) == []
        await equal_to_the_channel(play)
        group.cancel_scope.cancel()


async def test_b15_what_a_stranger_s_webhook_says_elsewhere_is_let_be() -> None:
    async with playing(faults=["lost"]) as play:
        await play.store.keep_webhook(CHANNEL, "ada", WEBHOOK, "token")
        await one_line(play)
        (line,) = [message for message in play.discord.shown if message.webhook_id]
        for webhook_id, text in ((WEBHOOK, "Another text."), (999, line.text)):
            play.discord.forge(
                ChannelMessage(0, ELSEWHERE, 1, "Ada", text, EPOCH, is_ours=True, webhook_id=webhook_id), text
            )
        await play.quiet()
        assert len(strays(play)) == 2


async def test_b15_a_stray_that_was_seen_is_taken_back_though_the_process_dies_before_its_line_is_settled() -> None:
    async with playing(faults=[("late", 8.0)]) as play, anyio.create_task_group() as group:
        await play.store.keep_webhook(CHANNEL, "ada", WEBHOOK, "token")
        group.start_soon(play.discord.land_late_ones)
        play.discord.hears_of_moves = False  # so that its webhook is used again
        await play.start("Ada")
        move(play)
        play.say("Hello?")
        await play.until(lambda: "SendUnconfirmed" in facts(play))
        play.discord.answer_takes_s = 20.0
        await play.until(lambda: len(strays(play)) == 2)
        await anyio.sleep(0.5)
        assert facts(play)[2:] == ["SendUnconfirmed", "NotInChannel"]  # and its second try is not answered yet
        play.discord.hears_of_moves, play.discord.answer_takes_s = True, 0.0
        play.discord.webhooks.clear()
        play.kill()
        group.cancel_scope.cancel()
    async with playing(before=play) as again:
        await again.quiet()
        assert strays(again) == []
        await equal_to_the_channel(again)


async def test_b15_an_answer_in_doubt_never_takes_another_channel_s_answer_for_its_own_stray() -> None:
    async with playing() as play:
        play.discord.is_silent = True  # both answers go through a webhook, and read alike
        play.say("!status", channel_id=ELSEWHERE)
        await play.quiet()
        (answer,) = ours_elsewhere(play)
        play.discord.webhooks[CHANNEL] = WEBHOOK  # the webhook of the other channel, where it was moved to
        play.discord.text_faults.append("lost")
        play.say("!status")
        await play.until(lambda: bool(play.discord.asked_where))
        play.discord.move_webhook(WEBHOOK, CHANNEL)
        await play.quiet()
        assert ours_elsewhere(play) == [answer]
        assert play.discord.takedowns == []
        assert play.discord.texts(CHANNEL)[-1] == answer.text
