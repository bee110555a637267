"""F4: who may act on a scene, on virtual time; over real sockets in `test_f4_rights_over_sockets.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import anyio
import pytest

from actors.ports import MessageSeen
from actors.roleplay import rights
from actors.roleplay.command_words import COMMANDS
from actors.roleplay.model import ChannelMessage
from actors.roleplay.rights import END_QUESTION_S, RIGHTS, WHO, Person, Right
from tests.fakes.discord import SERVER
from tests.fakes.play import CHANNEL, Play, playing
from tests.fakes.virtual_time import BACKENDS, on_virtual_time

ROBIN, SAM, KIM = 500, 501, 502
"""Robin opens the scenes, Sam is anybody, Kim moderates."""

LEAST: Final = {
    Right.EVERYONE: Person(),
    Right.PARTICIPANTS: Person(takes_part=True),
    Right.OPENER: Person(is_opener=True),
    Right.OPERATORS: Person(is_operator=True),
}


@pytest.fixture(params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return on_virtual_time(request.param)


def test_f4_every_command_has_its_right_and_every_right_its_words() -> None:
    assert set(COMMANDS) <= set(RIGHTS)
    assert set(WHO) == set(Right)


@pytest.mark.parametrize("right", Right)
def test_f4_a_right_is_for_those_who_have_it_and_a_moderator_may_what_an_opener_may(right: Right) -> None:
    assert rights.has(right, LEAST[right])
    assert rights.has(right, Person()) is (right is Right.EVERYONE)
    assert rights.has(right, Person(moderates=True)) is (right is not Right.OPERATORS)
    assert rights.has(Right.PARTICIPANTS, Person(is_opener=True))
    assert not rights.has(Right.OPENER, Person(takes_part=True))


@pytest.mark.parametrize("custom_id", ["retry:abc", "end:", "end:abc", "end::12", "end:abc:soon", "xend:abc:12", ""])
def test_f4_another_button_ends_no_scene(custom_id: str) -> None:
    assert rights.scene_to_end(custom_id) is None


async def asked(play: Play, author_id: int, text: str) -> list[str]:
    """What the bot said to this person's message."""
    before = len(play.discord.texts(CHANNEL))
    play.discord.user_says(CHANNEL, text, f"P{author_id}", author_id)
    await play.quiet(for_s=3.0)
    return play.discord.texts(CHANNEL)[before:]


async def pressed(play: Play, user_id: int) -> str:
    press = play.discord.press(CHANNEL, play.discord.buttons(CHANNEL)[-1], user_id=user_id)
    await play.quiet(for_s=3.0)
    (answer,) = play.discord.replies[press.token]
    return answer


async def opened(play: Play) -> None:
    play.discord.moderators = {KIM}
    await asked(play, ROBIN, "!start Ada")


@pytest.mark.parametrize("command", ["!pause", "!end", "!resume"])
async def test_f4_a_stranger_changes_no_scene_and_is_answered_who_may(command: str) -> None:
    async with playing() as play:
        await opened(play)
        await asked(play, SAM, "I only talk here.")
        state = play.session_state()
        (answer,) = await asked(play, SAM, command)
        assert "Only who opened the scene or a moderator (Manage Messages) can" in answer
        assert play.session_state() == state
        assert not play.trace.crashes


@pytest.mark.parametrize("author_id", [ROBIN, KIM])
async def test_f4_the_opener_and_a_moderator_pause_resume_and_end(author_id: int) -> None:
    async with playing() as play:
        await opened(play)
        for command, state in (("!pause", "Paused"), ("!resume", "Idle"), ("!end", "Ended")):
            await asked(play, author_id, command)
            assert play.session_state() == state


async def test_f4_the_opener_is_known_after_a_restart() -> None:
    async with playing() as first:
        await opened(first)
        first.kill()
    async with playing(before=first) as play:
        session = await play.store.session_in(CHANNEL)
        assert session is not None
        assert (session.opener_id, session.server_id) == (ROBIN, SERVER)
        await asked(play, SAM, "!end")
        assert play.session_state() == "Idle"
        await asked(play, ROBIN, "!end")
        assert play.session_state() == "Ended"


async def test_f4_an_end_of_others_is_a_question_that_only_who_may_answers() -> None:
    async with playing() as play:
        await opened(play)
        (question,) = await asked(play, SAM, "!end")
        assert "works for 10 minutes" in question
        assert (await pressed(play, SAM)).startswith("🔒 Only who opened the scene")
        assert play.session_state() == "Idle"
        assert (await pressed(play, KIM)).startswith("🎬")
        assert play.session_state() == "Ended"
        assert play.discord.texts(CHANNEL)[-1].startswith("🎬 The scene has ended.")
        assert "This question is over" in await pressed(play, KIM)


async def test_f4_the_question_is_over_after_ten_minutes() -> None:
    async with playing() as play:
        await opened(play)
        await asked(play, SAM, "!end")
        await anyio.sleep(END_QUESTION_S)
        assert "This question is over" in await pressed(play, ROBIN)
        assert play.session_state() == "Idle"


async def test_f4_the_button_of_an_ended_scene_ends_no_other() -> None:
    async with playing() as play:
        await opened(play)
        await asked(play, SAM, "!end")
        await asked(play, ROBIN, "!end")
        await asked(play, SAM, "!start Bo")
        assert "This question is over" in await pressed(play, KIM)
        assert play.session_state() == "Idle"


async def test_f4_a_proxied_line_carries_no_rights() -> None:
    async with playing() as play:
        await opened(play)
        proxied = ChannelMessage(
            play.discord._next_id(), CHANNEL, ROBIN, "Robin", "!end", play.clock.now(), is_bot=True, webhook_id=9
        )
        play.gateway.offer(MessageSeen(replace(proxied, moderates=True)))
        await play.quiet(for_s=3.0)
        assert play.session_state() == "Idle"


async def test_f4_in_direct_messages_the_person_is_the_opener() -> None:
    async with playing() as play:
        play.discord.moderators = set()
        play.discord.private = {CHANNEL}
        await asked(play, ROBIN, "!start Ada")
        await asked(play, ROBIN, "!pause")
        assert play.session_state() == "Paused"


async def test_f4_whoever_takes_part_ends_a_scene_whose_opener_is_unknown() -> None:
    async with playing() as play:
        await opened(play)
        await asked(play, SAM, "I talk here.")
        with play.executor.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE session SET opener_id = NULL")
        await asked(play, ROBIN, "!end")
        assert play.session_state() == "Idle"
        await asked(play, SAM, "!end")
        assert play.session_state() == "Ended"
