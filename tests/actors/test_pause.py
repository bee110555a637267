"""`!pause` and `!resume`: who speaks, what is heard, and what a restart in a pause changes."""

from __future__ import annotations

import pytest

from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing


def speakers(play: Play) -> list[str]:
    """Who has spoken, in the channel's order."""
    return [name for name, _ in play.discord.character_lines(CHANNEL)]


async def paused_while_ada_writes(play: Play) -> None:
    """Pause the scene after Ada's response to the first message began, and before it came."""
    await play.start("Ada", "Bo")
    play.say("Hello?")
    await play.until(lambda: ("Ada", "Started", "Generating") in play.trace.moves)
    play.say("!pause")
    await play.quiet()


async def test_the_running_response_ends_and_no_further_speaker_begins_in_a_pause() -> None:
    async with playing() as play:
        await paused_while_ada_writes(play)
        assert (speakers(play), play.session_state()) == (["Ada"], "Paused")
        await equal_to_the_channel(play)


async def test_the_turn_that_was_paused_goes_on_after_it() -> None:
    async with playing() as play:
        await paused_while_ada_writes(play)
        play.say("!resume")
        await play.quiet()
        assert (speakers(play), play.session_state()) == (["Ada", "Bo"], "Idle")
        await equal_to_the_channel(play)


async def test_what_is_said_in_a_pause_is_read_by_the_next_turn_and_answered_by_none() -> None:
    async with playing(cast=["Ada"]) as play:
        await play.start("Ada")
        play.say("!pause")
        await play.quiet()
        play.say("The door is open.")
        await play.quiet()
        play.say("!resume")
        await play.quiet()
        assert (speakers(play), play.session_state()) == ([], "Idle")
        play.say("Who goes in?")
        await play.quiet()
        assert speakers(play) == ["Ada"]
        assert "The door is open." in "\n".join(each.content for each in play.model.prompts[0].messages)
        await equal_to_the_channel(play)


async def test_a_pause_holds_over_a_restart() -> None:
    async with playing() as first:
        await first.start("Ada", "Bo")
        first.say("Hello?")
        await first.until(lambda: ("Ada", "Started", "Generating") in first.trace.moves)
        first.say("!pause")
        await first.until(lambda: first.session_state() == "Paused")
        first.kill()
    async with playing(before=first) as second:
        await second.quiet()
        assert (speakers(second), second.session_state()) == (["Ada"], "Paused")
        second.say("!resume")
        await second.quiet()
        assert (speakers(second), second.session_state()) == (["Ada", "Bo"], "Idle")
        await equal_to_the_channel(second)


@pytest.mark.parametrize(
    ("before", "command", "says"),
    [
        ((), "!pause", "⏸️ The scene is paused."),
        (("!pause",), "!pause", "❓ The scene is paused already."),
        ((), "!resume", "❓ The scene is not paused"),
        (("!pause",), "!resume", "▶️ The scene continues."),
        (("!pause",), "!end", "🎬 The scene has ended."),
        (("!pause",), "!status", ": Paused"),
        (("!end",), "!pause", "No scene is open here."),
        (("!end",), "!resume", "No scene is open here."),
    ],
)
async def test_each_command_answers_by_the_state_that_it_meets(
    before: tuple[str, ...], command: str, says: str
) -> None:
    async with playing(cast=["Ada"]) as play:
        await play.start("Ada")
        for text in (*before, command):
            play.say(text)
            await play.quiet()
        assert says in play.discord.texts(CHANNEL)[-1]
