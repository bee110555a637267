"""What only looks like a command or an aside is heard; what nearly is a command is answered, and not played."""

from __future__ import annotations

import pytest

from actors.services import Rules
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

PLAYED = ("!!! Look out!", r"\o/", "((brb)) *walks in*", "!Look at that", "((brb)) *waves* ((ok))")


async def people_said(play: Play) -> list[str]:
    return [text for name, text in await play.history() if name == "Robin"]


async def test_b49_what_only_looks_like_a_command_or_an_aside_is_answered() -> None:
    async with playing() as play:
        await play.start("Ada")
        for text in PLAYED:
            play.say(text)
            await play.quiet()
        assert await people_said(play) == list(PLAYED)
        assert len(play.discord.character_lines(CHANNEL)) == len(PLAYED)
        await equal_to_the_channel(play)


async def test_b49_it_is_heard_by_the_catch_up_of_the_next_process_too() -> None:
    async with playing() as first:
        await first.start("Ada")
        first.kill()
    for text in (*PLAYED, "((brb))", "\\hm", "!strat"):
        first.discord.user_says(CHANNEL, text, "Robin")
    async with playing(before=first) as after:
        await after.quiet()
        assert await people_said(after) == list(PLAYED)
        assert len(await after.causes()) == len(PLAYED)


@pytest.mark.parametrize("slip", ["!strat Ada", "!staus", "!hlep", "!edn", "!retyr"])
async def test_b49_what_nearly_is_a_command_is_answered_with_the_nearest_and_not_played(slip: str) -> None:
    meant = {"!strat Ada": "start", "!staus": "status", "!hlep": "help", "!edn": "end", "!retyr": "retry"}[slip]
    async with playing() as play:
        await play.start("Ada")
        play.say(slip)
        await play.quiet()
        assert play.discord.texts(CHANNEL)[1:] == [f"❓ Did you mean `!{meant}`? Your message did nothing."]
        play.say("Hello?")
        await play.quiet()
        assert await people_said(play) == ["Hello?"]
        assert slip not in str(play.model.prompts)
        assert play.session_state() == "Idle"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("/retry", "Did you mean `!retry`?"), ("/scene end", "Commands begin with `!` here; see `!help`.")],
)
async def test_a_slash_command_that_arrives_as_a_text_is_answered_once_and_not_played(typed: str, answer: str) -> None:
    async with playing() as play:
        await play.start("Ada")
        play.say(typed)
        await play.quiet()
        assert play.discord.texts(CHANNEL)[1:] == [f"❓ {answer} Your message did nothing."]
        assert await people_said(play) == []
        assert play.model.prompts == []


async def test_b49_where_no_scene_is_open_only_a_start_is_meant_for_us() -> None:
    async with playing() as play:
        for text in ("!staus", "!hlep", "!Look out", "!strat Ada"):
            play.say(text)
            await play.quiet(for_s=3.0)
        assert play.discord.texts(CHANNEL) == ["❓ Did you mean `!start`? Your message did nothing."]


@pytest.mark.parametrize("out", ["((brb))", "\\brb", "!staus", "!status"])
async def test_b49_an_edit_takes_a_message_out_of_the_play_and_another_brings_it_back(out: str) -> None:
    async with playing() as play:
        await play.start("Ada")
        edited = play.say("!!! Look out!")
        await play.quiet()
        play.discord.user_edits(CHANNEL, edited, out)
        await play.quiet()
        assert await people_said(play) == []
        play.discord.user_edits(CHANNEL, edited, r"\o/")
        await play.quiet()
        assert await people_said(play) == [r"\o/"]
        assert len(play.discord.character_lines(CHANNEL)) == 1, "it had its answer before"
        await equal_to_the_channel(play)


async def test_b49_without_a_prefix_everything_is_played() -> None:
    async with playing() as first:
        await first.start("Ada")
        first.kill()
    async with playing(before=first, rules=Rules(command_prefix="")) as play:
        play.say("!end")
        await play.quiet()
        assert await people_said(play) == ["!end"]
