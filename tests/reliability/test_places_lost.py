"""Channels that are gone, hidden, closed, or of a server that cannot be served: the real bot, started again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from tests.reliability.stage import CHANNEL, SETTLE_S, THREAD, Stage, alive, performing, setting

VOICES = ("webhook", "embed")
both = pytest.mark.parametrize("voice", VOICES)

FIRST_WAIT_S = 60.0
"""What is forbidden is tried again after a minute, two, four …"""
SECOND_READ_S = 2 * SETTLE_S
"""After each READY a channel is read twice, SETTLE_S apart."""


def on(place: str, voice: str, act: Callable[[Stage], Awaitable[None]]) -> None:
    async def main() -> None:
        async with setting(voice, place=place) as stage:
            await act(stage)

    anyio.run(main)


async def errors_of_restarts(stage: Stage, *, meanwhile: Callable[[], object], times: int = 1) -> list[str]:
    """Play a scene, change something while the bot is off, and start it again; what it logs as errors then."""
    async with alive(stage.server, stage.store, stage.trace, stage.voice):
        await stage.open_scene()
    meanwhile()
    stage.trace.events.clear()
    for _ in range(times):
        async with alive(stage.server, stage.store, stage.trace, stage.voice):
            await anyio.sleep(SECOND_READ_S)
    return [noted.words for noted in stage.trace.errors]


async def state_of(stage: Stage) -> str:
    (session,) = await stage.store.find_sessions(str(stage.server.discord.find_channel(stage.place).id))
    return session.state


# ── gone ────────────────────────────────────────────────────────────────────────────────────────────


@both
@pytest.mark.parametrize("place", [CHANNEL, THREAD])
def test_b25_a_scene_of_a_server_that_removed_the_bot_ends_once_and_is_reported_once(place: str, voice: str) -> None:
    async def act(stage: Stage) -> None:
        errors = await errors_of_restarts(stage, meanwhile=stage.server.discord.remove_bot, times=3)
        assert await state_of(stage) == "Ended"
        assert errors == ["The channel is gone, or the bot is no longer in its server: the scene has ended."]

    on(place, voice, act)


@both
@pytest.mark.parametrize("place", [CHANNEL, THREAD])
def test_b25_a_channel_or_thread_that_was_deleted_meanwhile_ends_its_scene_once(place: str, voice: str) -> None:
    async def act(stage: Stage) -> None:
        place_id = stage.server.discord.find_channel(place).id
        errors = await errors_of_restarts(stage, meanwhile=lambda: stage.server.delete_channel(place), times=2)
        (session,) = await stage.store.find_sessions(str(place_id))
        assert (session.state, len(errors)) == ("Ended", 1)

    on(place, voice, act)


async def test_b25_a_bot_that_is_removed_while_it_runs_ends_the_scene_once() -> None:
    async with performing("webhook") as stage:
        stage.server.discord.remove_bot()
        await stage.until(lambda: bool(stage.trace.errors))
        await anyio.sleep(SECOND_READ_S)
        assert await state_of(stage) == "Ended"
        assert len(stage.trace.errors) == 1


# ── not gone ────────────────────────────────────────────────────────────────────────────────────────


@both
@pytest.mark.parametrize("place", [CHANNEL, THREAD])
def test_b25_an_outage_of_the_server_ends_nothing_and_the_scene_goes_on(place: str, voice: str) -> None:
    async def act(stage: Stage) -> None:
        async with alive(stage.server, stage.store, stage.trace, stage.voice):
            await stage.open_scene()
        stage.server.discord.set_outage(True)
        async with anyio.create_task_group() as group:
            group.start_soon(_recover, stage)
            async with alive(stage.server, stage.store, stage.trace, stage.voice):
                stage.begin()
                stage.say("Still there?")
                await stage.until_over()
        assert await state_of(stage) == "Idle"
        assert stage.path == "Sent → Delivered"
        assert stage.trace.errors == []

    on(place, voice, act)


async def _recover(stage: Stage) -> None:
    await stage.server.gateway.wait_connected()
    await anyio.sleep(SECOND_READ_S)  # reads are refused meanwhile
    stage.server.discord.set_outage(False)


async def test_b25_an_outage_while_the_bot_runs_ends_nothing() -> None:
    async with performing("webhook") as stage:
        stage.server.discord.set_outage(True)
        stage.server.gateway.invalidate()
        await stage.server.gateway.wait_connected()
        stage.server.discord.set_outage(False)
        stage.say("Still there?")
        await stage.until_over()
        assert await state_of(stage) == "Idle"
        assert stage.path == "Sent → Delivered"


@both
@pytest.mark.parametrize("place", [CHANNEL, THREAD])
def test_b25_a_hidden_channel_waits_and_each_start_names_the_permission_once(place: str, voice: str) -> None:
    async def act(stage: Stage) -> None:
        def hide() -> None:
            stage.server.permit("VIEW_CHANNEL", False, channel=CHANNEL)

        errors = await errors_of_restarts(stage, meanwhile=hide)
        assert await state_of(stage) == "Idle"
        (words,) = errors
        assert words.endswith("Give the bot the permission View Channel.")
        stage.server.permit("VIEW_CHANNEL", True, channel=CHANNEL)
        async with alive(stage.server, stage.store, stage.trace, stage.voice):
            stage.begin()
            stage.say("Are you back?")
            await stage.until_over()
        assert stage.path == "Sent → Delivered"

    on(place, voice, act)


# ── closed ──────────────────────────────────────────────────────────────────────────────────────────


@both
async def test_b16_what_a_closed_thread_refused_comes_when_it_is_opened_and_the_scene_goes_on(voice: str) -> None:
    async with performing(voice, place=THREAD) as stage:
        stage.say()
        stage.server.close_thread(THREAD)
        await stage.until(lambda: any(noted.level == "warning" for noted in stage.trace.noted))
        assert stage.path == "SendRefused(thread_closed) → Failed"
        assert stage.notices == []
        stage.server.open_thread(THREAD)
        with anyio.fail_after(FIRST_WAIT_S / 2):  # the event is heard, and not the next try waited for
            await stage.until(lambda: bool(stage.notices))
        assert stage.notices[0].endswith("(this thread is closed)")
        stage.begin()
        stage.say("Open again?")
        await stage.until_over()
        assert stage.path == "Sent → Delivered"
        assert stage.trace.errors == []


# ── muted ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", [None, CHANNEL, THREAD])
async def test_b26_the_notice_of_a_muted_thread_goes_through_a_webhook_and_its_button_works(
    channel: str | None,
) -> None:
    async with performing("webhook", place=THREAD) as stage:
        stage.server.permit("SEND_MESSAGES_IN_THREADS", False, channel=channel)
        stage.server.next_lines("http_413")
        stage.say()
        await stage.until(lambda: bool(stage.notices))
        stage.server.next_lines(*["http_500"] * 3)
        stage.say("And now?")
        await stage.until(lambda: len(stage.notices) == 2)
        assert stage.trace.errors == []
        (notice,) = [m for m in stage.server.messages(THREAD) if m.description == stage.notices[1]]
        message = stage.server.discord.shelf.find(notice.id)
        assert message is not None
        button = message.components[0]["components"][0]["custom_id"]
        lines = len(stage.lines)
        stage.server.press(notice.id, "Robin", button)
        await stage.until(lambda: len(stage.lines) == lines + 1)
        await stage.until_over()
        assert [entry.name for entry in await stage.history() if entry.kind == "character"] == ["Ada"] * (lines + 1)


@pytest.mark.parametrize("fault", ["stored_502", "drop_after", "stored_silence"])
async def test_b26_a_notice_by_webhook_whose_answer_is_lost_stands_once(fault: str) -> None:
    async with performing("webhook", place=THREAD, send_timeout_s=1.0) as stage:
        stage.server.permit("SEND_MESSAGES_IN_THREADS", False)
        stage.say("!status")  # the client has heard of it when this is answered
        await stage.until(lambda: bool(answers(stage)))
        stage.server.next_lines("http_413")
        stage.server.next_requests("POST /webhooks/{webhook}/{token}", fault)
        stage.say()
        await stage.until_over()
        assert len(stage.notices) == 1
        assert stage.trace.errors == []
        assert len([entry for entry in await stage.history() if entry.kind == "character"]) == len(stage.lines)


def answers(stage: Stage) -> list[str]:
    return [m.description for m in stage.server.messages(THREAD) if m.description.startswith("Session")]
