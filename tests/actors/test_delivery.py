"""Lines under faults, on virtual time: every line once or told, and the history equal to the channel."""

from __future__ import annotations

import anyio
import pytest

from actors.ports import HeldBack, Moved, Refused, Unconfirmed
from actors.roleplay.model import OutboundKind
from machines.facts import SendUnconfirmed
from machines.response import Limits
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing
from tests.fakes.virtual_time import EPOCH

VOICES = (OutboundKind.WEBHOOK, OutboundKind.EMBED)
NOTICE = "⚠️ Failed to send response from Ada. Please try again or use `!end` to restart."


async def one_line(play: Play) -> None:
    await play.start("Ada")
    play.say("Hello?")
    await play.quiet()


async def test_every_character_answers_once_in_the_order_of_the_cast() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.quiet()
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo"]
        assert [e.kind for e in await play.entries()] == ["user", "character", "character"]
        assert play.trace.states_of("Ada") == ["Generating", "Sending", "Delivered"]
        await equal_to_the_channel(play)


async def test_the_next_speaker_sees_the_line_before() -> None:
    async with playing(answers=["The kettle sings.", "So it does."]) as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.quiet()
        asked = "\n".join(message.content for message in play.model.prompts[1].messages)
        assert asked.count("Ada: The kettle sings.") == 1
        assert asked.count("Robin: Hello?") == 1


async def test_the_list_order_goes_round_the_cast_one_a_message() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo", turns="list")
        for text in ("one", "two", "three"):
            play.say(text)
            await play.quiet()
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo", "Ada"]


@pytest.mark.parametrize("kind", VOICES)
@pytest.mark.parametrize("fault", ["lost", "stored_then_cut", ("late", 1.0), Refused("rate_limit", 429, 2.0)])
async def test_one_fault_of_any_kind_still_shows_and_commits_the_line_once(fault: Fault, kind: OutboundKind) -> None:
    async with playing(faults=[fault], kind=kind) as play, anyio.create_task_group() as group:
        group.start_soon(play.discord.land_late_ones)
        await one_line(play)
        assert len(play.discord.character_lines(CHANNEL)) == 1
        assert "Retrying" in play.trace.states_of("Ada")
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)
        group.cancel_scope.cancel()


async def test_a_webhook_line_that_lands_after_its_resend_is_reaped() -> None:
    async with playing(faults=[("late", 60.0)]) as play, anyio.create_task_group() as group:
        group.start_soon(play.discord.land_late_ones)
        await one_line(play)
        await anyio.sleep(120)
        assert len(play.discord.posts) >= 2
        assert len(play.discord.character_lines(CHANNEL)) == 1
        await equal_to_the_channel(play)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("kind", VOICES)
async def test_refused_three_times_it_fails_is_told_once_and_never_remembered(kind: OutboundKind) -> None:
    async with playing(faults=[Refused("rate_limit", 429, 0.5)] * 3, kind=kind) as play:
        await one_line(play)
        lines = [post for post in play.discord.posts if post.kind is kind]
        assert len(lines) == 3
        assert [text.partition(" (")[0] for text in play.discord.texts(CHANNEL)[1:]] == [NOTICE]
        assert await play.history() == [("Robin", "Hello?")]
        assert play.discord.character_lines(CHANNEL) == []


@pytest.mark.parametrize("kind", VOICES)
async def test_every_try_carries_the_same_nonce(kind: OutboundKind) -> None:
    async with playing(faults=["lost", "lost"], kind=kind) as play:
        await one_line(play)
        nonces = [post.nonce for post in play.discord.posts if post.kind is kind]
        assert len(nonces) == 3
        assert len(set(nonces)) == 1


async def test_waits_between_tries_double() -> None:
    faults = [Refused("rate_limit", 429)] * 3
    async with playing(faults=faults, limits=Limits(send_attempts=4)) as play:
        await one_line(play)
        moved = [event.move for event in play.trace.events if isinstance(event, Moved)]
        ends = [move.at for move in moved if type(move.fact).__name__ == "WaitElapsed"]
        refused = [move.at for move in moved if type(move.fact).__name__ == "SendRefused"]
        assert [end - at for at, end in zip(refused, ends, strict=True)] == pytest.approx([1.0, 2.0, 4.0])


async def test_a_channel_that_cannot_be_read_for_a_while_costs_no_attempt() -> None:
    async with playing(faults=["stored_then_cut"]) as play:
        await play.start("Ada")
        play.discord.read_faults.extend([Unconfirmed("outage", 503)] * 10)
        play.say("Hello?")
        await play.quiet(for_s=200)
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert len([p for p in play.discord.posts if p.kind is OutboundKind.WEBHOOK]) == 1
        await equal_to_the_channel(play)


async def test_a_channel_that_can_never_be_read_again_is_told_that_it_is_unconfirmed() -> None:
    async with playing(faults=["lost"]) as play:
        await play.start("Ada")
        play.discord.read_faults.append(Refused("forbidden", 403, final=True))
        play.say("Hello?")
        await play.quiet()
        assert play.discord.texts(CHANNEL)[-1].endswith("(could not be confirmed)")


async def test_a_gone_channel_ends_the_session_and_tells_nobody() -> None:
    async with playing(faults=[Refused("channel_gone", 404, final=True)]) as play:
        await one_line(play)
        assert len(play.discord.texts(CHANNEL)) == 1  # the answer to !start
        session = await play.store.session(await play.session_id())
        assert session is not None
        assert session.state == "Ended"


async def test_a_hold_spends_no_attempt_and_no_deadline() -> None:
    async with playing(faults=[HeldBack(EPOCH + 1000.0)], limits=Limits(deadline_s=60)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet(for_s=1200)
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert len([p for p in play.discord.posts if p.kind is OutboundKind.WEBHOOK]) == 1


@pytest.mark.parametrize("kind", VOICES)
async def test_a_long_line_comes_in_parts_and_is_remembered_as_one(kind: OutboundKind) -> None:
    long = "\n\n".join(f"Paragraph {n}: " + "word " * 150 for n in range(6))
    async with playing(answers=[long], kind=kind, faults=["ok", "stored_then_cut", "lost"]) as play:
        await one_line(play)
        shown = [text for _, text in play.discord.character_lines(CHANNEL)]
        assert len(shown) >= 3
        assert (await play.history())[-1] == ("Ada", "\n".join(shown))
        assert play.trace.crashes == []


async def test_b48_a_spoiler_in_two_parts_is_hidden_in_both_and_remembered_as_it_is_shown() -> None:
    async with playing(answers=[f"||{'The sea is up. ' * 180}||"]) as play:
        await one_line(play)
        parts = [text for _, text in play.discord.character_lines(CHANNEL)]
        assert len(parts) == 2
        assert all(part.startswith("||The sea") and part.endswith("||") for part in parts)
        assert (await play.history())[-1] == ("Ada", "\n".join(parts))
        await equal_to_the_channel(play)


async def test_a_part_that_fails_takes_the_shown_ones_back() -> None:
    long = "\n\n".join(f"Paragraph {n}: " + "word " * 150 for n in range(6))
    async with playing(answers=[long], faults=["ok", *[Refused("rate_limit", 429)] * 3]) as play:
        await one_line(play)
        assert play.discord.character_lines(CHANNEL) == []
        assert play.discord.texts(CHANNEL)[-1].startswith(NOTICE)
        assert await play.history() == [("Robin", "Hello?")]


async def test_the_history_keeps_the_text_that_discord_returned() -> None:
    async with playing(answers=["A  line."]) as play:
        play.discord.alter = lambda text: text.replace("  ", " ")
        await one_line(play)
        assert (await play.history())[-1] == ("Ada", "A line.")


@pytest.mark.parametrize("answer", ["", "  \n ", "<think>hm</think>", "<!DOCTYPE html><html></html>"])
async def test_what_is_no_line_never_reaches_the_channel(answer: str) -> None:
    async with playing(answers=[answer, "A line at last."]) as play:
        await one_line(play)
        assert play.discord.character_lines(CHANNEL) == [("Ada", "A line at last.")]
        assert play.trace.states_of("Ada")[:3] == ["Generating", "Retrying", "Generating"]


async def test_three_empty_answers_fail_and_are_told() -> None:
    async with playing(answers=["", "", ""]) as play:
        await one_line(play)
        assert play.discord.texts(CHANNEL)[-1] == f"{NOTICE} (model had nothing to say)"
        assert len(play.model.prompts) == 3
        assert await play.history() == [("Robin", "Hello?")]


async def test_a_users_line_that_comes_during_a_send_stands_where_the_channel_shows_it() -> None:
    async with playing(faults=[("hang", 5.0)]) as play:
        await play.start("Ada")
        play.say("first")
        await play.until(lambda: len(play.discord.posts) == 2)
        play.say("while you speak")
        await play.quiet()
        names = [name for name, _ in await play.history()]
        assert names == ["Robin", "Robin", "Ada", "Ada"]
        await equal_to_the_channel(play)


async def test_a_notice_is_kept_until_discord_takes_it() -> None:
    async with playing(faults=[Refused("forbidden", 403, final=True)]) as play:
        await play.start("Ada")
        play.discord.text_faults.extend(["lost"] * 7)
        play.say("Hello?")
        await play.quiet(for_s=300)
        assert [text.partition(" (")[0] for text in play.discord.texts(CHANNEL)[1:]] == [NOTICE]


async def test_a_notice_that_was_stored_unseen_is_not_said_twice() -> None:
    async with playing(faults=[Refused("forbidden", 403, final=True)]) as play:
        await play.start("Ada")
        play.discord.text_faults.append("stored_then_cut")
        play.say("Hello?")
        await play.quiet(for_s=300)
        assert len(play.discord.texts(CHANNEL)) == 2


async def test_the_causes_of_doubt_are_journalled() -> None:
    async with playing(faults=["stored_then_cut"]) as play:
        await one_line(play)
        moved = [event.move.fact for event in play.trace.events if isinstance(event, Moved)]
        doubts = [fact for fact in moved if isinstance(fact, SendUnconfirmed)]
        assert [(doubt.cause, doubt.status) for doubt in doubts] == [("outage", 502)]


async def test_somebody_is_shown_typing_for_as_long_as_the_model_writes() -> None:
    async with playing() as play:
        await play.start("Ada")
        play.model.takes_s = 20.0
        play.say("Hello?")
        await play.quiet()
        assert play.discord.typings == 3  # Discord shows each for ten seconds
