"""A moderator moves a webhook: real server, real client, real core."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from actors.playground import ShownMessage, Voice
from tests.reliability.stage import CHANNEL, ELSEWHERE, Stage, performing

Play = Callable[[Stage], Awaitable[None]]


def on_stage(play: Play, **settings: object) -> None:
    async def main() -> None:
        async with performing("webhook", **settings) as stage:
            await play(stage)

    anyio.run(main)


def webhook_id(stage: Stage) -> int:
    (webhook,) = stage.server.webhooks(CHANNEL)
    return webhook.id


def strays(stage: Stage) -> list[ShownMessage]:
    """Lines of characters that stand where no scene is."""
    return [message for message in stage.server.messages(ELSEWHERE) if message.voice is Voice.WEBHOOK]


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
        await stage.until(lambda: not strays(stage))

    on_stage(play)


def test_b15_a_scene_in_a_thread_goes_on_when_its_webhook_is_moved() -> None:
    async def play(stage: Stage) -> None:
        cellar = stage.server.add_thread(CHANNEL, "cellar", "Robin").id

        def spoken() -> int:
            return sum(message.voice is Voice.WEBHOOK for message in stage.server.messages(cellar))

        stage.server.say(cellar, "Robin", "!start Ada")
        stage.server.say(cellar, "Robin", "Hello?")
        await stage.until(lambda: spoken() == 1)
        stage.server.move_webhook(webhook_id(stage), ELSEWHERE, is_told=False)
        stage.begin()
        stage.server.say(cellar, "Robin", "Are you still there?")
        await stage.until_over()
        assert spoken() == 2

    on_stage(play)
