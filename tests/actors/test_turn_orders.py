"""Who answers, from the gateway on: names and replies choose the speaker, and a restart changes no draw."""

from __future__ import annotations

import json

from actors.roleplay.model import Character
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

CAST = ("Ada", "Bo", "Cy")


def chatty(name: str, **extensions: object) -> Character:
    """A character that always feels like answering."""
    card = {"name": name, "extensions": {"talkativeness": 1, **extensions}}
    return Character(id=name.lower().ljust(13, "_"), name=name, card_json=json.dumps(card))


def spoke(play: Play) -> list[str]:
    return [name for name, _ in play.discord.character_lines(CHANNEL)]


async def test_in_a_natural_scene_those_who_are_named_answer_and_nobody_else() -> None:
    cast = (chatty("Ada"), chatty("Bo"), chatty("Cy", ensemble={"aliases": ["the clerk"]}))
    async with playing(cast=cast) as play:
        await play.start(*CAST, turns="natural")
        play.say("bo, Ada!")
        await play.quiet()
        play.say("Where is The Clerk?")
        await play.quiet()
        assert spoke(play) == ["Bo", "Ada", "Cy"]
        await equal_to_the_channel(play)


async def test_in_a_natural_scene_a_reply_chooses_the_speaker() -> None:
    async with playing(cast=[chatty(name) for name in CAST]) as play:
        await play.start(*CAST, turns="natural")
        play.say("Cy?")
        await play.quiet()
        (line,) = [each for each in play.discord.shown_in(CHANNEL) if each.is_ours and each.name == "Cy"]
        play.say("Bo, do you hear?")
        await play.quiet()
        play.discord.user_says(CHANNEL, "And then?", replies_to=line.id)
        await play.quiet()
        assert spoke(play) == ["Cy", "Bo", "Cy"]


async def test_at_most_so_many_answer_a_message_to_nobody() -> None:
    async with playing(cast=[chatty(name) for name in CAST]) as play:
        await play.start(*CAST, turns="natural")
        play.say("Hm.")
        await play.quiet()
        first = spoke(play)
        play.say("Hm again.")
        await play.quiet()
        assert len(first) == 2
        assert first[-1] not in spoke(play)[2:], "who spoke last is left out"


async def test_in_a_manual_scene_nobody_answers_and_all_is_remembered() -> None:
    async with playing(cast=CAST) as play:
        await play.start(*CAST, turns="manual")
        play.say("Ada!")
        play.say("Bo!")
        await play.quiet()
        assert spoke(play) == []
        assert play.session_state() == "Idle"
        assert await play.history() == [("Robin", "Ada!"), ("Robin", "Bo!")]


async def test_a_restart_draws_the_same_speakers() -> None:
    async with playing(cast=[chatty(name) for name in CAST]) as first:
        await first.start(*CAST, turns="pooled")
        first.say("Hm.")
        await first.until(lambda: bool(first.trace.moves))
        first.kill()
    async with playing(before=first) as second:
        await second.quiet()
        for text in ("Hm.", "Hm."):
            second.say(text)
            await second.quiet()
        assert sorted(spoke(second)) == list(CAST), "each once a round, over the restart"


async def test_a_line_that_goes_on_as_another_character_gives_it_the_next_place_once_a_turn() -> None:
    answers = ["Good evening.\nCy: And to you.", "Aye.\nAda: Well.\nBo: Hm.", "So be it."]
    async with playing(cast=[chatty(name) for name in CAST], answers=answers) as play:
        await play.start(*CAST, turns="natural")
        play.say("Ada, Bo!")
        await play.quiet()
        assert play.discord.character_lines(CHANNEL) == [("Ada", "Good evening."), ("Cy", "Aye."), ("Bo", "So be it.")]
        stops = [prompt.stop for prompt in play.model.prompts]
        assert stops == [("\nRobin:",)] * 3, "people's names only"
        await equal_to_the_channel(play)


async def test_in_a_pool_a_line_may_hand_over_and_in_a_list_it_may_not() -> None:
    for order, expected in (("pooled", 2), ("list", 1)):
        answers = ["Good evening.\nAda: Aye.\nBo: Aye.\nCy: Aye."]
        async with playing(cast=[chatty(name) for name in CAST], answers=answers) as play:
            await play.start(*CAST, turns=order)
            play.say("Hm.")
            await play.quiet()
            assert len(set(spoke(play))) == len(spoke(play)) == expected


async def test_a_turn_that_was_handed_over_goes_on_after_a_kill() -> None:
    async with playing(cast=[chatty(name) for name in CAST], answers=["Good evening.\nCy: And to you."]) as first:
        await first.start(*CAST, turns="natural")
        first.say("Ada!")
        await first.until(lambda: first.trace.states_of("Ada")[-1:] == ["Delivered"])
        first.kill()
    async with playing(before=first) as second:
        await second.quiet()
        assert spoke(second) == ["Ada", "Cy"]
        await equal_to_the_channel(second)
