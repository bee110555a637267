"""Discord blocks a text: another one is written, once; nothing of the blocked one stays, and no nonce is used twice."""

from __future__ import annotations

import anyio
import pytest

from actors.ports import Refused
from actors.roleplay.model import OutboundKind
from machines.response import Limits
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

BLOCKED = Refused("blocked", 400, final=True, code=200000, words="Message was blocked by automatic moderation")
FORBIDDEN = Refused("forbidden", 403, final=True)
LONG = " ".join(["A long line."] * 250)
VOICES = (OutboundKind.WEBHOOK, OutboundKind.EMBED)


async def one_line(play: Play) -> None:
    await play.start("Ada")
    play.say("Hello?")
    await play.quiet()


def lines(play: Play) -> list[str]:
    return [text for _, text in play.discord.character_lines(CHANNEL)]


def facts(play: Play) -> list[str]:
    return [fact for _, fact, _ in play.trace.moves]


def notes(play: Play) -> list[bool]:
    """Of each prompt, whether it says that the last answer was blocked."""
    return ["Discord blocked" in prompt.messages[-1].content for prompt in play.model.prompts]


@pytest.mark.parametrize("kind", VOICES)
async def test_b13_the_model_is_asked_for_another_text_and_told_why(kind: OutboundKind) -> None:
    async with playing(faults=[BLOCKED], answers=["You fool.", "You dear."], kind=kind) as play:
        await one_line(play)
        assert lines(play) == ["You dear."]
        assert notes(play) == [False, True]
        assert [prompt.seed.count("anew") for prompt in play.model.prompts] == [0, 1]
        assert facts(play) == ["Started", "Generated", "SendRefused", "WaitElapsed", "Generated", "Sent"]
        assert [text for text in play.discord.texts(CHANNEL) if text.startswith("⚠️")] == []
        await equal_to_the_channel(play)


@pytest.mark.parametrize("kind", VOICES)
async def test_b13_the_other_text_has_nonces_of_its_own_and_takes_the_shown_part_s_place(kind: OutboundKind) -> None:
    async with playing(faults=["ok", BLOCKED], answers=[LONG * 2, LONG], kind=kind) as play:
        await one_line(play)
        sent = [post for post in play.discord.posts if post.kind is kind]
        texts: dict[str, set[str]] = {}
        for post in sent:
            texts.setdefault(post.nonce, set()).add(post.text)
        assert all(len(of_nonce) == 1 for of_nonce in texts.values())
        assert len(play.discord.deletions) == 1
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        await equal_to_the_channel(play)


async def test_b13_a_second_blocked_text_fails_without_a_button() -> None:
    async with playing(faults=[BLOCKED, BLOCKED]) as play:
        await one_line(play)
        assert lines(play) == []
        assert play.discord.texts(CHANNEL)[-1].endswith("(Discord blocked the text)")
        assert play.discord.buttons(CHANNEL) == []
        assert len(play.model.prompts) == 2
        assert [entry.kind for entry in await play.entries()] == ["user"]


@pytest.mark.parametrize("fault", [FORBIDDEN, BLOCKED])
async def test_b13_a_redelivery_whose_stored_text_is_blocked_writes_another(fault: Fault) -> None:
    async with playing(faults=[fault, *([BLOCKED] if fault is BLOCKED else [])]) as play:
        await one_line(play)
        asked = len(play.model.prompts)
        play.discord.faults.append(BLOCKED)
        play.say("!retry")
        await play.quiet()
        assert len(play.model.prompts) == asked + 1
        assert notes(play)[-1]
        assert lines(play) == [f"Line {asked + 1} by Ada."]
        await equal_to_the_channel(play)


async def test_b13_the_other_text_has_its_own_tries_within_the_same_deadline() -> None:
    limits = Limits(send_attempts=2, generate_attempts=2)
    answers = ["One.", "", "Two."]
    async with playing(faults=["lost", BLOCKED, "lost"], answers=answers, limits=limits) as play:
        await one_line(play)
        assert lines(play) == ["Two."]
        assert notes(play) == [False, True, True]
        await equal_to_the_channel(play)


async def test_b13_a_blocked_text_too_late_for_another_one_fails_and_is_announced() -> None:
    async with playing(faults=[BLOCKED], limits=Limits(deadline_s=1.0)) as play:
        await one_line(play)
        assert facts(play)[-1] == "SendRefused"
        assert play.discord.texts(CHANNEL)[-1].endswith("(Discord blocked the text)")
        assert len(play.model.prompts) == 1


async def test_b13_an_end_while_another_text_is_waited_for_ends_it() -> None:
    async with playing(faults=["ok", BLOCKED], answers=[LONG], limits=Limits(backoff_base_s=5.0)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: "SendRefused" in facts(play))
        play.say("!end")
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == "Failed"
        assert lines(play) == []
        assert len(play.model.prompts) == 1


async def test_b13_a_process_killed_before_it_asked_again_leaves_the_note_to_the_next_one() -> None:
    async with playing(faults=["ok", BLOCKED], answers=[LONG], limits=Limits(backoff_base_s=5.0)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: "SendRefused" in facts(play))
        play.kill()
    async with playing(before=play) as again:
        await again.quiet()
        assert notes(again) == [False, True]
        assert lines(again) == ["Line 2 by Ada."]
        await equal_to_the_channel(again)


async def test_b13_a_process_killed_while_the_other_text_is_sent_sends_that_one() -> None:
    async with playing(faults=["ok", BLOCKED, ("hang", 5.0)], answers=[LONG]) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: facts(play).count("Generated") == 2 and len(play.discord.posts) == 4)
        play.kill()
    async with playing(before=play) as again:
        await again.quiet()
        assert lines(again) == ["Line 2 by Ada."]
        assert len(again.model.prompts) == 2
        await equal_to_the_channel(again)


async def test_b13_a_late_copy_of_the_blocked_text_is_taken_back_from_behind_the_other_one() -> None:
    async with playing(faults=[("late", 40.0), BLOCKED]) as play, anyio.create_task_group() as group:
        group.start_soon(play.discord.land_late_ones)
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: bool(play.discord.deletions))
        await play.quiet()
        assert lines(play) == ["Line 2 by Ada."]
        await equal_to_the_channel(play)
        group.cancel_scope.cancel()
