"""A moderator moves a webhook: real server, real client, real core."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from actors.playground import Dialect, Voice
from tests.reliability.stage import CHANNEL, ELSEWHERE, Stage, performing

Play = Callable[[Stage], Awaitable[None]]


def on_stage(play: Play, **settings: object) -> None:
    async def main() -> None:
        async with performing("webhook", place=CHANNEL, **settings) as stage:
            await play(stage)

    anyio.run(main)


def webhook_id(stage: Stage) -> int:
    (webhook,) = stage.server.webhooks(CHANNEL)
    return webhook.id


async def history_is_the_channel(stage: Stage) -> None:
    committed = [entry.message_ids for entry in await stage.history() if entry.kind == "character"]
    assert committed == [(line.id,) for line in stage.lines]


def test_b15_a_line_that_a_moved_webhook_posts_elsewhere_is_taken_back_and_sent_anew() -> None:
    async def play(stage: Stage) -> None:
        stage.server.move_webhook(webhook_id(stage), ELSEWHERE, is_told=False)
        stage.say()
        await stage.until_over()
        assert len(stage.lines) == 2
        await history_is_the_channel(stage)
        await stage.until(lambda: not stage.strays)

    on_stage(play)


def test_b15_a_scene_in_a_thread_goes_on_when_its_webhook_is_moved() -> None:
    async def play(stage: Stage) -> None:
        cellar = stage.server.add_thread(CHANNEL, "cellar", "Robin").id

        def spoken() -> int:
            return sum(message.voice is Voice.WEBHOOK for message in stage.server.messages(cellar))

        stage.server.say(cellar, "Robin", "!start Ada")
        stage.server.say(cellar, "Robin", "Hello?")
        await stage.until_over()
        assert spoken() == 1
        stage.server.move_webhook(webhook_id(stage), ELSEWHERE, is_told=False)
        stage.begin()
        stage.server.say(cellar, "Robin", "Are you still there?")
        await stage.until_over()
        assert spoken() == 2
        assert stage.path == "SendRefused(webhook_moved) → Retrying, WaitElapsed → Sending, Sent → Delivered"
        (scene,) = await stage.store.find_sessions(str(cellar))
        assert scene.state == "Idle"

    on_stage(play)


def test_b15_two_scenes_of_one_character_keep_their_lines_when_a_webhook_moves_from_one_to_the_other() -> None:
    async def play(stage: Stage) -> None:
        def spoken(channel: str) -> list[str]:
            return [m.content for m in stage.server.messages(channel) if m.voice is Voice.WEBHOOK]

        stage.server.say(ELSEWHERE, "Robin", "!start Ada")
        stage.server.say(ELSEWHERE, "Robin", "Hello?")
        await stage.until(lambda: len(spoken(ELSEWHERE)) == 1)
        stage.server.move_webhook(webhook_id(stage), ELSEWHERE, is_told=False)
        stage.begin()
        stage.say()
        await stage.until_over()
        stage.begin()
        stage.server.say(ELSEWHERE, "Robin", "And you?")
        await stage.until(lambda: len(spoken(ELSEWHERE)) == 2)
        await stage.until_over()
        await history_is_the_channel(stage)
        (scene,) = await stage.store.find_sessions(str(stage.server.discord.find_channel(ELSEWHERE).id))
        entries = [entry.text for entry in await stage.store.history(scene.id) if entry.kind == "character"]
        assert entries == spoken(ELSEWHERE)
        assert len(stage.lines) == len(spoken(ELSEWHERE)) == 2

    on_stage(play)


def test_b15_e2_a_thread_on_a_server_that_answers_oldest_first_keeps_its_lines_when_the_webhook_moves() -> None:
    """The second line's answer is lost as well; `pytest -s` prints what channel and history hold then."""

    async def play(stage: Stage) -> None:
        stage.server.dialect = Dialect(order="oldest_first", echoes=False)
        cellar = stage.server.add_thread(CHANNEL, "cellar", "Robin").id

        def spoken() -> list[int]:
            return [m.id for m in stage.server.messages(cellar) if m.voice is Voice.WEBHOOK]

        stage.server.say(cellar, "Robin", "!start Ada")
        stage.server.say(cellar, "Robin", "Hello?")
        await stage.until_over()
        stage.server.move_webhook(webhook_id(stage), ELSEWHERE, is_told=False)
        stage.server.next_lines("drop_after")
        stage.begin()
        stage.server.say(cellar, "Robin", "Are you still there?")
        await stage.until_over()
        (scene,) = await stage.store.find_sessions(str(cellar))
        history = await stage.store.history(scene.id)
        print("\nCHANNEL", [(m.author, m.content) for m in stage.server.messages(cellar)])
        print("HISTORY", [(entry.name, entry.text, entry.message_ids) for entry in history])
        print("PATH   ", stage.path)
        assert [entry.message_ids for entry in history if entry.kind == "character"] == [(each,) for each in spoken()]
        assert (len(spoken()), scene.state) == (2, "Idle")
        await stage.until(lambda: not stage.strays)

    on_stage(play)
