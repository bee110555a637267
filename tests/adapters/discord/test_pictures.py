"""A character's new picture reaches its webhook with the next scene, once; whatever fails, the line goes out."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from actors.adapters.discord.pictures import AGAIN_S
from actors.adapters.discord.places import Place
from actors.adapters.picture import png
from actors.playground import PlaygroundServer
from actors.playground.records import Webhook
from actors.ports import Posted
from actors.roleplay.model import Character, Outbound, OutboundKind, base36

from .rest import Clock, Rest, hasty, logged_in
from .scripted import CHANNEL_ID, WEBHOOK_ID, Answer, ScriptedDiscord, as_json
from .table import WebhookTable

PATCH = "PATCH /webhooks/{webhook}/{token}"


def drawn(colour: str) -> bytes:
    square = f'<rect width="4" height="4" fill="{colour}"/>'
    return png(f'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4">{square}</svg>')


DARK, LIGHT, RED = drawn("#0a0a0a"), drawn("#c8c8c8"), drawn("#c80000")


def pia(version: int, picture: bytes | None, name: str = "Pia") -> Character:
    """One version of the card: a later import has a later id."""
    return Character(id=base36(version), name=name, card_json="{}", picture=picture)


async def speak(rest: Rest, server: PlaygroundServer, character: Character, channel: str = "tavern") -> None:
    """One line, as a scene that plays this version of the card sends it."""
    channel_id = server.discord.find_channel(channel).id
    kind, webhook_id = await prepared(rest, channel_id, character)
    outbound = Outbound(kind, channel_id, character.name, "Here I am.", "0000000000001.1", webhook_id=webhook_id)
    assert isinstance(await rest.voice.send(outbound), Posted)


async def prepared(rest: Rest, channel_id: int, character: Character) -> tuple[OutboundKind, int | None]:
    outcome = await rest.voice.prepare(channel_id, character)
    assert isinstance(outcome, tuple)
    return outcome


def shown(webhook: Webhook) -> bytes | None:
    return None if webhook.avatar is None else base64.b64decode(webhook.avatar.partition(",")[2])


def pictures(server: PlaygroundServer, channel: str = "tavern") -> list[bytes | None]:
    return [shown(webhook) for webhook in server.webhooks(channel)]


def changes(server: PlaygroundServer) -> int:
    return sum(entry.method == "PATCH" for entry in server.ledger)


async def test_b18_a_new_picture_under_a_known_name_is_shown_from_the_next_scene_on(
    local: Rest, playground: PlaygroundServer
) -> None:
    await speak(local, playground, pia(1, DARK))
    await speak(local, playground, pia(2, LIGHT))
    assert pictures(playground) == [LIGHT]
    for _ in range(3):
        await speak(local, playground, pia(2, LIGHT))
    assert changes(playground) == 1
    assert len(playground.messages("tavern")) == 5


async def test_b18_it_is_remembered_by_the_next_process(local: Rest, playground: PlaygroundServer) -> None:
    await speak(local, playground, pia(1, DARK))
    async with logged_in(playground.api_url, token=playground.token, table=local.table) as fresh:
        await speak(fresh, playground, pia(2, LIGHT))
    async with logged_in(playground.api_url, token=playground.token, table=local.table) as fresh:
        await speak(fresh, playground, pia(2, LIGHT))
    assert pictures(playground) == [LIGHT]
    assert changes(playground) == 1


async def test_b18_nothing_is_sent_where_the_picture_is_the_same(local: Rest, playground: PlaygroundServer) -> None:
    for version, picture in enumerate((DARK, DARK, DARK)):
        await speak(local, playground, pia(version, picture))
    await speak(local, playground, pia(1, None, name="Nobody"))
    await speak(local, playground, pia(2, b"RIFF1234WEBP is no picture that Discord takes", name="Nobody"))
    assert changes(playground) == 0


@pytest.mark.parametrize(("start", "kind"), [(DARK, "png"), (b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF89a", "gif")])
async def test_b32_a_picture_is_sent_with_its_own_kind(
    local: Rest, playground: PlaygroundServer, start: bytes, kind: str
) -> None:
    await speak(local, playground, pia(1, start))
    (webhook,) = playground.webhooks("tavern")
    assert webhook.avatar == f"data:image/{kind};base64,{base64.b64encode(start).decode()}"


async def test_b18_a_picture_that_was_removed_goes_and_one_that_comes_back_is_shown(
    local: Rest, playground: PlaygroundServer
) -> None:
    for version, picture in enumerate((DARK, None, DARK)):
        await speak(local, playground, pia(version, picture))
        assert pictures(playground) == [picture]


async def test_b18_a_scene_with_an_older_card_does_not_bring_the_old_picture_back(
    local: Rest, playground: PlaygroundServer
) -> None:
    """Two threads of one channel, one of them opened before the import: they share the webhook."""
    playground.add_thread("tavern", "old scene", "Robin")
    playground.add_thread("tavern", "new scene", "Robin")
    await speak(local, playground, pia(1, DARK), "old scene")
    for _ in range(2):
        await speak(local, playground, pia(2, LIGHT), "new scene")
        await speak(local, playground, pia(1, DARK), "old scene")
    async with logged_in(playground.api_url, token=playground.token, table=local.table) as fresh:
        await speak(fresh, playground, pia(1, DARK), "old scene")
    assert pictures(playground) == [LIGHT]
    assert changes(playground) == 1


async def test_b18_each_channel_has_its_own_webhook_to_change(local: Rest, playground: PlaygroundServer) -> None:
    for channel in ("tavern", "station"):
        await speak(local, playground, pia(1, DARK), channel)
    await speak(local, playground, pia(2, LIGHT), "tavern")
    assert (pictures(playground, "tavern"), pictures(playground, "station")) == ([LIGHT], [DARK])
    await speak(local, playground, pia(2, LIGHT), "station")
    assert pictures(playground, "station") == [LIGHT]


async def test_b18_a_renamed_character_has_a_webhook_of_its_own(local: Rest, playground: PlaygroundServer) -> None:
    await speak(local, playground, pia(1, DARK))
    await speak(local, playground, pia(2, LIGHT, name="Pia the Elder"))
    assert pictures(playground) == [DARK, LIGHT]
    assert changes(playground) == 0


async def test_b18_a_shared_webhook_has_no_picture(local: Rest, playground: PlaygroundServer) -> None:
    for number in range(12):
        await speak(local, playground, pia(1, DARK, name=f"Character {number}"))
    for number in range(12):
        await speak(local, playground, pia(2, LIGHT, name=f"Character {number}"))
    assert pictures(playground) == [*[LIGHT] * 10, None]


async def test_b18_an_adopted_webhook_is_given_the_picture_once(local: Rest, playground: PlaygroundServer) -> None:
    await speak(local, playground, pia(1, DARK))
    table = WebhookTable()
    async with logged_in(playground.api_url, token=playground.token, table=table) as fresh:
        await speak(fresh, playground, pia(7, LIGHT))
        await speak(fresh, playground, pia(7, LIGHT))
    assert pictures(playground) == [LIGHT]
    assert changes(playground) == 1


async def test_b18_a_webhook_of_an_earlier_version_is_looked_at_once(local: Rest, playground: PlaygroundServer) -> None:
    """It noted no picture, nor which webhook is shared."""
    tavern = playground.discord.find_channel("tavern")
    own = playground.discord.add_webhook(tavern, "Pia", None)
    shared = playground.discord.add_webhook(tavern, "Ensemble", None)
    await local.table.keep_webhook(tavern.id, "pia", own.id, own.token)
    await local.table.keep_webhook(tavern.id, "tom", shared.id, shared.token)
    looks: list[int] = []
    for _ in range(3):
        await speak(local, playground, pia(3, LIGHT))
        await speak(local, playground, pia(4, DARK, name="Tom"))
        looks.append(sum(entry.method == "GET" and "/webhooks/" in entry.path for entry in playground.ledger))
    assert pictures(playground) == [LIGHT, None]
    assert changes(playground) == 1
    assert looks == [4, 4, 4], "each webhook's home and picture, once"


@pytest.mark.parametrize("fault", ["http_400_50035", "http_413"])
async def test_b18_a_picture_that_discord_refuses_leaves_the_old_one_and_is_said_once(
    local: Rest, playground: PlaygroundServer, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    await speak(local, playground, pia(1, DARK))
    playground.next_requests(PATCH, fault)
    for _ in range(3):
        await speak(local, playground, pia(2, LIGHT))
    assert pictures(playground) == [DARK]
    assert changes(playground) == 1
    (said,) = [record.getMessage() for record in caplog.records if record.name == "ensemble.discord"]
    assert said.startswith(f"Discord refuses the picture of Pia (HTTP {fault[5:8]}")
    assert said.endswith("the old one stays.")
    async with logged_in(playground.api_url, token=playground.token, table=local.table) as fresh:
        await speak(fresh, playground, pia(2, LIGHT))
        assert changes(playground) == 1, "the next process does not ask again"
        await speak(fresh, playground, pia(3, RED))
    assert pictures(playground) == [RED]


async def test_b18_a_picture_that_is_refused_with_the_webhook_is_not_tried_at_each_line(
    local: Rest, playground: PlaygroundServer
) -> None:
    playground.next_requests("POST /channels/{channel}/webhooks", "http_400_50035")
    for _ in range(3):
        await speak(local, playground, pia(1, DARK))
    assert pictures(playground) == [None]
    assert changes(playground) == 0


@pytest.mark.parametrize(
    "fault",
    ["http_500", "rate_limit", "rate_limit_edge", "drop_before", "drop_after", "stored_502", "silence", "reset"],
)
async def test_b18_whatever_fails_the_line_goes_out_and_the_picture_is_tried_again_later(
    playground: PlaygroundServer, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    table = WebhookTable()
    async with logged_in(playground.api_url, token=playground.token, table=table, now=clock.now) as rest:
        await speak(rest, playground, pia(1, DARK))
        playground.next_requests(PATCH, fault)
        with hasty(rest):
            await prepared(rest, playground.discord.find_channel("tavern").id, pia(2, LIGHT))
        clock.at += 60.0  # an edge's 429 holds everything for a moment
        await speak(rest, playground, pia(2, LIGHT))
        assert changes(playground) == 1
        assert "The picture of Pia could not be changed" in caplog.text
        clock.at += AGAIN_S
        await speak(rest, playground, pia(2, LIGHT))
        await speak(rest, playground, pia(2, LIGHT))
        assert pictures(playground) == [LIGHT]
        assert changes(playground) == 2


async def test_b18_a_deleted_webhook_is_made_anew_with_the_new_picture(
    local: Rest, playground: PlaygroundServer
) -> None:
    await speak(local, playground, pia(1, DARK))
    (lost,) = playground.webhooks("tavern")
    playground.delete_webhook(lost.id)
    channel_id = playground.discord.find_channel("tavern").id
    kind, webhook_id = await prepared(local, channel_id, pia(2, LIGHT))
    gone = Outbound(kind, channel_id, "Pia", "Here I am.", "0000000000001.1", webhook_id=webhook_id)
    await local.voice.send(gone)
    await speak(local, playground, replace(pia(2, LIGHT)))
    assert pictures(playground) == [LIGHT]


async def test_b18_a_server_that_answers_without_a_body_has_done_it(rest: Rest, scripted: ScriptedDiscord) -> None:
    await rest.table.keep_webhook(CHANNEL_ID, "pia", WEBHOOK_ID, "token", picture=f"{base36(1)}:other")
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    home = as_json({"id": str(WEBHOOK_ID), "type": 1, "channel_id": str(CHANNEL_ID), "name": "Pia", "avatar": None})
    came = scripted.will(home, Answer(204))
    for _ in range(2):
        assert await rest.voice.prepare(CHANNEL_ID, pia(2, LIGHT)) == (OutboundKind.WEBHOOK, WEBHOOK_ID)
    assert [each.method for each in came()] == ["GET", "PATCH"]
    assert {each.path for each in came()} == {f"/api/v10/webhooks/{WEBHOOK_ID}/token"}
