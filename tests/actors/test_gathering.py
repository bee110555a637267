"""A scene gathers messages before a turn, on virtual time: quick ones together, held by typing, over a kill."""

from __future__ import annotations

import anyio

from actors.ports import PersonTyping
from actors.roleplay.gathering import Gathering
from actors.services import Rules
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing

GATHERS = Rules(gathering=Gathering())
ROBIN, KIM = 500, 501


def say(play: Play, text: str, author_id: int = ROBIN) -> int:
    return play.discord.user_says(CHANNEL, text, "Robin" if author_id == ROBIN else "Kim", author_id).id


def types(play: Play, user_id: int) -> None:
    play.gateway.offer(PersonTyping(CHANNEL, user_id))


async def begins_after_s(play: Play, turns: int = 1) -> float:
    """Wait for the first response of the turn with this number; how long that took."""
    began = play.clock.now()
    await play.until(lambda: play.trace.states_of("Ada").count("Generating") == turns, step_s=0.01)
    return round(play.clock.now() - began, 1)


async def met(play: Play) -> None:
    """Both people write once in the scene, and are answered."""
    say(play, "Hello?")
    say(play, "Hello!", KIM)
    await play.quiet()


async def test_three_quick_messages_get_one_turn() -> None:
    async with playing(rules=GATHERS) as play:
        await play.start("Ada")
        for text in ("one", "two"):
            say(play, text)
            await anyio.sleep(0.8)
        last = say(play, "three")
        assert await begins_after_s(play) == 1.2
        await play.quiet()
        assert await play.triggers() == [last]
        assert set((await play.causes()).values()) == {last}
        await equal_to_the_channel(play)


async def test_a_message_during_a_response_waits_for_the_next_turn() -> None:
    async with playing(rules=GATHERS) as play:
        await play.start("Ada", "Bo")
        first = say(play, "one")
        await begins_after_s(play)
        second = say(play, "zebra")
        await play.quiet()
        assert await play.triggers() == [first, first, second, second]
        assert not any("zebra" in message.content for prompt in play.model.prompts[:2] for message in prompt.messages)


async def test_no_turn_waits_longer_than_the_most() -> None:
    async with playing(rules=GATHERS) as play:
        await play.start("Ada")
        for number in range(7):
            say(play, f"{number}")
            await anyio.sleep(0.9)
        assert play.trace.states_of("Ada") == ["Generating"], "6 s after the first one"
        await play.quiet()
        assert len(set(await play.triggers())) <= 2


async def test_typing_holds_a_turn_and_a_message_ends_its_authors_typing() -> None:
    async with playing(rules=GATHERS) as play:
        await play.start("Ada")
        await met(play)
        say(play, "Well?")
        types(play, KIM)
        await anyio.sleep(3)
        assert len(play.model.prompts) == 1, "held"
        last = say(play, "Well.", KIM)
        assert await begins_after_s(play, 2) == 1.2
        await play.quiet()
        assert (await play.triggers())[-1] == last


async def test_who_typed_before_the_message_holds_the_turn_too_up_to_the_most() -> None:
    async with playing(rules=GATHERS) as play:
        await play.start("Ada")
        await met(play)
        types(play, KIM)
        await anyio.sleep(1)
        say(play, "Well?")
        assert await begins_after_s(play, 2) == 6.0


async def test_the_authors_own_typing_before_the_message_and_strangers_hold_nothing() -> None:
    async with playing(rules=GATHERS) as play:
        await play.start("Ada")
        await met(play)
        types(play, ROBIN)
        types(play, 777)
        await anyio.sleep(3)
        say(play, "Well?")
        types(play, 777)
        assert await begins_after_s(play, 2) == 1.2


async def test_killed_while_it_gathers_a_scene_has_one_turn() -> None:
    async with playing(rules=GATHERS) as first:
        await first.start("Ada")
        say(first, "one")
        say(first, "two")
        await anyio.sleep(0.5)
        first.kill()
    async with playing(before=first, rules=GATHERS) as after:
        await after.quiet()
        assert len(await after.triggers()) == 1
        assert len(set((await after.causes()).values())) == 1
        await equal_to_the_channel(after)


async def test_a_deleted_message_of_three_leaves_a_turn_and_three_deleted_ones_none() -> None:
    async with playing(rules=GATHERS) as play:
        await play.start("Ada")
        messages = [say(play, text) for text in ("one", "two", "three")]
        play.discord.user_deletes(CHANNEL, messages[2])
        await play.quiet()
        assert await play.triggers() == [messages[1]]
        for message_id in [say(play, text) for text in ("one", "two", "three")]:
            play.discord.user_deletes(CHANNEL, message_id)
        await play.quiet()
        assert len(await play.triggers()) == 1
        assert play.session_state() == "Idle"
