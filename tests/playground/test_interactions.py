"""Buttons and what comes of pressing them, as discord.py meets it and on the bare wire."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import discord
import pytest

from actors.playground import PlaygroundServer
from actors.playground.events import Event
from actors.playground.interactions import CALLBACK_S, EPHEMERAL, LOADING, TOKEN_S, Interaction, Whisper
from actors.playground.refusals import Refusal

from .client import Bot
from .wire_client import WireClient


class Clock:
    def __init__(self) -> None:
        self.at = 1_750_000_000.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(anyio_backend: str, clock: Clock) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer(now=clock.now) as server:
        yield server


@pytest.fixture
def whispers(server: PlaygroundServer) -> Iterator[list[Whisper]]:
    """Every form of every message that one person alone saw."""
    seen: list[Whisper] = []

    def hear(event: Event) -> None:
        if isinstance(event.subject, Whisper):
            seen.append(event.subject)

    end = server.discord.subscribe(hear)
    yield seen
    end()


def buttons(*custom_ids: str) -> discord.ui.View:
    view = discord.ui.View()
    for custom_id in custom_ids:
        view.add_item(discord.ui.Button(label="Press me", custom_id=custom_id))
    view.stop()
    return view


async def pressed(server: PlaygroundServer, bot: Bot) -> discord.Interaction:
    """Robin presses the only button of a message of the bot."""
    sent = await bot.channel(server, "tavern").send("Well?", view=buttons("yes"))
    server.press(sent.id, "Robin", "yes")
    interaction: discord.Interaction = await bot.seen("interaction")
    return interaction


async def test_a_press_reaches_the_client_with_who_where_and_what(server: PlaygroundServer, bot: Bot) -> None:
    interaction = await pressed(server, bot)
    assert interaction.type is discord.InteractionType.component
    assert interaction.data is not None
    assert interaction.data.get("custom_id") == "yes"
    assert (interaction.user.name, interaction.channel_id) == ("Robin", server.discord.find_channel("tavern").id)
    assert interaction.message is not None
    assert interaction.message.content == "Well?"
    assert interaction.application_id == server.discord.bot.id


async def test_a_press_in_a_direct_conversation_has_a_user_and_no_guild(server: PlaygroundServer, bot: Bot) -> None:
    robin = server.discord.find_user("Robin")
    dm = await (await bot.fetch_user(robin.id)).create_dm()
    sent = await dm.send("Well?", view=buttons("yes"))
    server.press(sent.id, "Robin", "yes")
    interaction = await bot.seen("interaction")
    assert (interaction.user.id, interaction.guild_id) == (robin.id, None)


async def test_a_deferral_is_seen_by_who_pressed_alone_and_the_answer_takes_its_place(
    server: PlaygroundServer, bot: Bot, whispers: list[Whisper]
) -> None:
    interaction = await pressed(server, bot)
    called_back = await interaction.response.defer(ephemeral=True, thinking=True)
    assert called_back is not None
    assert called_back.is_thinking()
    assert called_back.is_ephemeral()
    assert [each.message.flags for each in whispers] == [EPHEMERAL | LOADING]
    await interaction.edit_original_response(content="Yes!")
    assert [(each.user_id, each.message.flags, each.message.content) for each in whispers[1:]] == [
        (interaction.user.id, EPHEMERAL, "Yes!")
    ]
    assert (await interaction.original_response()).content == "Yes!"
    assert [shown.content for shown in server.messages("tavern")] == ["Well?"]


async def test_the_first_follow_up_after_a_deferral_takes_its_place_and_the_next_does_not(
    server: PlaygroundServer, bot: Bot, whispers: list[Whisper]
) -> None:
    interaction = await pressed(server, bot)
    await interaction.response.defer(ephemeral=True, thinking=True)
    first = await interaction.followup.send("One.", ephemeral=True, wait=True)
    second = await interaction.followup.send("Two.", wait=True)
    assert first.id == whispers[0].message.id != second.id
    assert [shown.content for shown in server.messages("tavern")] == ["Well?", "Two."]


async def test_a_message_an_update_and_a_silent_acknowledgement(server: PlaygroundServer, bot: Bot) -> None:
    said = await pressed(server, bot)
    await said.response.send_message("Said for all.")
    updated = await pressed(server, bot)
    await updated.response.edit_message(content="Changed.", view=None)
    quiet = await pressed(server, bot)
    await quiet.response.defer()
    assert [shown.content for shown in server.messages("tavern")] == ["Well?", "Said for all.", "Changed.", "Well?"]


async def test_the_original_can_be_deleted_and_is_then_unknown(
    server: PlaygroundServer, bot: Bot, whispers: list[Whisper]
) -> None:
    interaction = await pressed(server, bot)
    await interaction.response.send_message("Psst.", ephemeral=True)
    await interaction.delete_original_response()
    assert whispers[-1].is_gone
    with pytest.raises(discord.NotFound) as refused:
        await interaction.edit_original_response(content="Psst?")
    assert refused.value.code == 10008


def test_a_button_that_is_not_there_cannot_be_pressed(anyio_backend: str) -> None:
    server = PlaygroundServer()
    server.discord.furnish()
    said = server.say("tavern", "Robin", "No buttons here")
    with pytest.raises(Refusal):
        server.press(said.id, "Robin", "yes")


# ── the limits, on the bare wire ────────────────────────────────────────────────────────────────────


@pytest.fixture
async def press(server: PlaygroundServer, wire: WireClient) -> Interaction:
    row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Press me", "custom_id": "yes"}]}
    path = f"/channels/{server.discord.find_channel('tavern').id}/messages"
    sent = await wire.call("POST", path, {"content": "Well?", "components": [row]})
    return server.press(int(sent.body["id"]), "Robin", "yes")


async def call_back(wire: WireClient, press: Interaction, kind: object = 5) -> Any:  # noqa: ANN401
    body = {"type": kind, "data": {"flags": EPHEMERAL}}
    return await wire.call("POST", f"/interactions/{press.id}/{press.token}/callback?with_response=1", body)


def original(server: PlaygroundServer, press: Interaction) -> str:
    return f"/webhooks/{server.discord.bot.id}/{press.token}/messages/@original"


async def test_a_second_callback_is_refused(wire: WireClient, press: Interaction) -> None:
    assert (await call_back(wire, press)).status == 200
    again = await call_back(wire, press)
    assert (again.status, again.body["code"]) == (400, 40060)


async def test_a_callback_after_three_seconds_or_with_another_token_is_refused(
    wire: WireClient, press: Interaction, clock: Clock
) -> None:
    stranger = await wire.call("POST", f"/interactions/{press.id}/guessed/callback", {"type": 5})
    clock.at += CALLBACK_S + 0.1
    late = await call_back(wire, press)
    assert [(each.status, each.body["code"]) for each in (stranger, late)] == [(404, 10062)] * 2


async def test_the_token_lives_for_fifteen_minutes(
    server: PlaygroundServer, wire: WireClient, press: Interaction, clock: Clock
) -> None:
    early = await wire.call("PATCH", original(server, press), {"content": "Before the callback"})
    await call_back(wire, press)
    clock.at += TOKEN_S - 1
    in_time = await wire.call("PATCH", original(server, press), {"content": "Yes!"})
    clock.at += 2
    late = [
        await wire.call("PATCH", original(server, press), {"content": "No!"}),
        await wire.call("POST", f"/webhooks/{server.discord.bot.id}/{press.token}", {"content": "No!"}),
    ]
    assert (early.status, early.body["code"]) == (404, 10015)
    assert (in_time.status, in_time.body["content"]) == (200, "Yes!")
    assert [(each.status, each.body["code"]) for each in late] == [(401, 50027)] * 2


@pytest.mark.parametrize("kind", [1, 9, "5", None])
async def test_a_callback_of_no_known_kind_is_refused(wire: WireClient, press: Interaction, kind: object) -> None:
    refused = await call_back(wire, press, kind)
    assert (refused.status, refused.body["code"]) == (400, 50035)
    assert (await call_back(wire, press)).status == 200


async def test_the_page_presses_through_the_control_api(server: PlaygroundServer, wire: WireClient) -> None:
    row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Press me", "custom_id": "yes"}]}
    path = f"/channels/{server.discord.find_channel('tavern').id}/messages"
    sent = await wire.call("POST", path, {"content": "Well?", "components": [row]})
    done = await wire.control("POST", "presses", {"message": sent.body["id"], "user": "Robin", "button": "yes"})
    wrong = await wire.control("POST", "presses", {"message": sent.body["id"], "user": "Robin", "button": "no"})
    assert done.status == 201
    assert done.body["id"].isdigit()
    assert (wrong.status, wrong.body["code"]) == (400, 50035)
