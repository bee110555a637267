"""F4 over real sockets: rights come from Discord's roles, whether a command was heard or read back."""

from __future__ import annotations

import anyio
import pytest

from actors.playground import ShownMessage, Voice
from actors.playground.events import Event
from actors.playground.interactions import Whisper
from tests.patience import PATIENCE_S
from tests.reliability.stage import CHANNEL, Stage, performing
from tests.reliability.test_people import nobody_listens


async def state(stage: Stage) -> str:
    sessions = await stage.store.find_sessions(str(stage.channel_id))
    return str(sessions[-1].state)


async def until_state(stage: Stage, wanted: str) -> None:
    with anyio.fail_after(PATIENCE_S):
        while await state(stage) != wanted:  # noqa: ASYNC110 - the bot has no event for it
            await anyio.sleep(0.01)


async def answer_after(stage: Stage, asked: ShownMessage) -> ShownMessage:
    """The bot's next own message after this one."""
    with anyio.fail_after(PATIENCE_S):
        while True:
            for shown in stage.server.messages(asked.channel_id):
                if shown.id > asked.id and shown.voice is Voice.BOT:
                    return shown
            await anyio.sleep(0.01)


async def test_f4_a_moderator_is_known_by_role_and_a_stranger_is_asked_for_nothing() -> None:
    async with performing("webhook") as stage:
        server, whispers = stage.server, []

        def hear(event: Event) -> None:
            if isinstance(event.subject, Whisper):
                whispers.append(event.subject)

        server.discord.subscribe(hear)
        server.appoint("Kim")
        question = await answer_after(stage, server.say(CHANNEL, "Sam", "!end"))
        assert "Only who opened the scene or a moderator" in question.content
        message = server.discord.shelf.find(question.id)
        assert message is not None
        (button,) = [each["custom_id"] for row in message.components for each in row["components"]]
        server.press(question.id, "Sam", button)
        with anyio.fail_after(PATIENCE_S):
            while not any("🔒" in each.message.content for each in whispers):  # noqa: ASYNC110
                await anyio.sleep(0.01)
        assert await state(stage) == "Idle"
        server.say(CHANNEL, "Kim", "!pause")
        await until_state(stage, "Paused")
        server.press(question.id, "Kim", button)
        await until_state(stage, "Ended")


async def test_f4_the_rights_of_a_command_that_was_read_back_are_asked_for() -> None:
    async with performing("webhook") as stage:
        server = stage.server
        server.appoint("Kim")
        async with nobody_listens(stage):
            refused = server.say(CHANNEL, "Sam", "!pause")
            server.say(CHANNEL, "Kim", "!pause")
        await until_state(stage, "Paused")
        assert (await answer_after(stage, refused)).content.startswith("🔒")
        assert sum("/members/" in entry.path for entry in server.ledger) >= 2


@pytest.mark.parametrize("allows", ["false", "true"])
async def test_f4_direct_messages_are_closed_to_scenes_unless_they_are_allowed(allows: str) -> None:
    async with performing("embed", allow_dms=allows) as stage:
        dm = stage.server.open_dm("Sam")
        answer = await answer_after(stage, stage.server.say(dm.id, "Sam", "!start Ada"))
        assert answer.content.startswith("🎭" if allows == "true" else "🔒 Scenes in direct messages are turned off.")
