"""A press is acknowledged at once and told to the actors; its answer takes the deferral's place."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import discord
import pytest

from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.interactions import DID_NOT_COME, missing_asked, pressed
from actors.playground import FaultPlan, PlaygroundServer
from actors.playground.events import Event
from actors.playground.interactions import CALLBACK_S, EPHEMERAL, LOADING, Callback, Interaction, Whisper
from actors.ports import ButtonPressed, MissingAsked, Posted, ShardReady, Unconfirmed
from actors.roleplay.model import Button, Outbound, OutboundKind, ReplyAddress
from tests.patience import PATIENCE_S

from .rest import Clock, Rest, hasty
from .scripted import APPLICATION_ID, CHANNEL_ID, Answer, ScriptedDiscord, as_json, message
from .test_gateway import Bot, bot_for, running

RETRY = Button("Retry", "retry:000000000abc1")


class Heard:
    """What the playground tells of presses and whispers."""

    def __init__(self) -> None:
        self.whispers: list[Whisper] = []
        self.acknowledged = asyncio.Event()

    def hear(self, event: Event) -> None:
        if isinstance(event.subject, Whisper):
            self.whispers.append(event.subject)
        if isinstance(event.subject, Interaction) and event.subject.answered_with is not None:
            self.acknowledged.set()


@pytest.fixture
def heard(playground: PlaygroundServer) -> Iterator[Heard]:
    heard = Heard()
    end = playground.discord.subscribe(heard.hear)
    yield heard
    end()


@asynccontextmanager
async def ready(playground: PlaygroundServer) -> AsyncIterator[Bot]:
    bot = bot_for(playground)
    async with running(bot):
        await bot.next(ShardReady)
        yield bot


@asynccontextmanager
async def pressing(playground: PlaygroundServer) -> AsyncIterator[tuple[Bot, ButtonPressed]]:
    """A bot whose notice has a button, which Robin has pressed."""
    async with ready(playground) as bot:
        message_id = await notice(playground, bot)
        playground.press(message_id, "Robin", RETRY.custom_id)
        yield bot, await press_of(bot)


async def notice(playground: PlaygroundServer, bot: Bot) -> int:
    channel = playground.discord.find_channel("tavern").id
    posted = await bot.adapter.voice.send(
        Outbound(OutboundKind.TEXT, channel, "", "It failed.", nonce="n1", buttons=(RETRY,))
    )
    assert isinstance(posted, Posted)
    return posted.message_id


async def press_of(bot: Bot) -> ButtonPressed:
    while not isinstance(event := await bot.next_of_any(), ButtonPressed):
        pass
    return event


async def answer(bot: Bot, press: ButtonPressed, text: str = "On its way.") -> object:
    return await bot.adapter.replies.answer(ReplyAddress(press.token, 0.0), text)


async def test_a_press_is_told_and_acknowledged_though_nobody_handles_it(
    playground: PlaygroundServer, heard: Heard
) -> None:
    async with pressing(playground) as (_, press):
        with anyio.fail_after(PATIENCE_S):
            await heard.acknowledged.wait()
        assert press.custom_id == RETRY.custom_id
        assert press.user_id == playground.discord.find_user("Robin").id
        assert press.channel_id == playground.discord.find_channel("tavern").id
        assert press.token not in repr(press)
        assert [each.message.flags for each in heard.whispers] == [EPHEMERAL | LOADING]


async def test_an_answer_takes_the_deferrals_place_however_often_it_is_given(
    playground: PlaygroundServer, heard: Heard
) -> None:
    async with pressing(playground) as (bot, press):
        for _ in range(2):
            assert isinstance(await answer(bot, press), Posted)
        assert [each.message.content for each in heard.whispers] == ["", "On its way.", "On its way."]
        assert len({each.message.id for each in heard.whispers}) == 1
        assert [shown.content for shown in playground.messages("tavern")] == ["It failed."]


async def test_an_answer_waits_for_the_deferral_that_is_under_way(rest: Rest, scripted: ScriptedDiscord) -> None:
    asked = scripted.will(Answer(how="never"), as_json(message()))
    ended: list[str] = []

    async def defer() -> None:
        await rest.interactions.defer(interaction_for(rest))
        ended.append("deferral")

    async with anyio.create_task_group() as tasks:
        with hasty(rest):
            tasks.start_soon(defer)
            await anyio.wait_all_tasks_blocked()
        assert isinstance(await rest.interactions.answer(ReplyAddress("secret", 0.0), "On its way."), Posted)
        ended.append("answer")
    assert ended == ["deferral", "answer"]
    assert [request.method for request in asked()] == ["POST", "PATCH"]


PRESS: dict[str, object] = {"component_type": 2, "custom_id": RETRY.custom_id}


def interaction_for(rest: Rest, *, kind: int = 3, data: dict[str, object] = PRESS) -> discord.Interaction:
    """A press, or another interaction, as Discord would tell it, of a client without a gateway."""
    payload: Any = {
        "id": "51",
        "application_id": str(APPLICATION_ID),
        "type": kind,
        "token": "secret",
        "version": 1,
        "data": data,
        "channel": {"id": str(CHANNEL_ID), "type": 1, "recipients": [], "last_message_id": None},
        "user": {"id": "7", "username": "Robin", "discriminator": "0", "avatar": None},
        "attachment_size_limit": 1,
    }
    return discord.Interaction(data=payload, state=rest.client._connection)


async def test_what_is_no_press_of_a_button_of_ours_is_left_alone(rest: Rest) -> None:
    ourselves = Ourselves()
    ourselves.application_id = APPLICATION_ID
    interaction = interaction_for(rest)
    assert pressed(interaction, ourselves) is None  # it is on no message
    interaction.message = await _message_of(rest)
    assert pressed(interaction, ourselves) == ButtonPressed(51, "secret", CHANNEL_ID, 7, 41, RETRY.custom_id)
    ourselves.application_id = APPLICATION_ID + 1
    assert pressed(interaction, ourselves) is None


async def _message_of(rest: Rest) -> discord.Message:
    channel = rest.client.get_partial_messageable(CHANNEL_ID)
    return discord.Message(state=rest.client._connection, channel=channel, data=message())  # type: ignore[arg-type]


@pytest.mark.parametrize(("mischief", "code"), [("answered before", 40060), ("too late", 10062)])
async def test_a_deferral_that_comes_to_nothing_is_logged_without_its_token_and_the_press_is_told(
    mischief: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    logged = asyncio.Event()
    clock = Clock()

    async with PlaygroundServer(now=clock.now) as playground:

        def meddle(event: Event) -> None:
            if event.name == "INTERACTION_CREATE" and isinstance(event.subject, Interaction):
                if mischief == "too late":
                    clock.at += CALLBACK_S + 1
                else:
                    playground.discord.acknowledge(event.subject, Callback.DEFERRED_UPDATE, message_id)

        playground.discord.subscribe(meddle)

        def note(record: logging.LogRecord) -> bool:
            logged.set()
            return True

        caplog.handler.addFilter(note)
        async with ready(playground) as bot:
            message_id = await notice(playground, bot)
            interaction = playground.press(message_id, "Robin", RETRY.custom_id)
            press = await press_of(bot)
            with anyio.fail_after(PATIENCE_S):
                await logged.wait()
    assert press.interaction_id == interaction.id
    reason = "message_refused" if code == 40060 else "not_found"
    assert f"could not be acknowledged in time: {reason} ({code})" in caplog.text
    assert interaction.token not in caplog.text


async def test_one_failed_answer_is_one_request_on_the_wire(playground: PlaygroundServer, heard: Heard) -> None:
    async with pressing(playground) as (bot, press):
        with anyio.fail_after(PATIENCE_S):
            await heard.acknowledged.wait()
        playground.faults = FaultPlan.parse(["outage=1"], seed=1)
        before = len(playground.ledger.since())
        assert isinstance(await answer(bot, press), Unconfirmed)
        assert len(playground.ledger.since()) == before + 1


async def test_a_press_is_acknowledged_by_one_request_alone(playground: PlaygroundServer, heard: Heard) -> None:
    async with pressing(playground) as (bot, press):
        await answer(bot, press)
        callbacks = [each for each in playground.ledger.since() if each.path.endswith("/callback")]
        assert [each.status for each in callbacks] == [200]


async def test_a_text_carries_its_buttons(playground: PlaygroundServer) -> None:
    async with ready(playground) as bot:
        message_id = await notice(playground, bot)
        [row] = playground.discord.shelf.find(message_id).components  # type: ignore[union-attr]
        [button] = row["components"]
        assert (button["label"], button["custom_id"]) == ("Retry", RETRY.custom_id)


# ── Did not come ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "change",
    [{"name": "Who & why"}, {"type": 1}, {"target_id": None}, {"target_id": "x"}],
    ids=["another menu", "a slash command", "no message", "no id"],
)
async def test_m4_another_command_is_no_report(rest: Rest, change: dict[str, object]) -> None:
    ourselves = Ourselves()
    ourselves.application_id = APPLICATION_ID
    data = {"id": "5", "name": DID_NOT_COME, "type": 3, "target_id": "41"}
    chosen = interaction_for(rest, kind=2, data=data)
    assert missing_asked(chosen, ourselves) == MissingAsked(51, "secret", CHANNEL_ID, 7, 41)
    assert missing_asked(interaction_for(rest, kind=2, data=data | change), ourselves) is None
    assert missing_asked(interaction_for(rest, kind=3, data=data), ourselves) is None
    ourselves.application_id = APPLICATION_ID + 1
    assert missing_asked(chosen, ourselves) is None
