"""Channels on servers with an order, a size and an overlap of pages of their own."""

from __future__ import annotations

from random import Random

import pytest

from actors.adapters.discord import Endpoints, open_channels
from actors.adapters.discord.channel import DiscordChannel
from actors.adapters.discord.incoming import Ourselves
from actors.playground import Dialect, PlaygroundServer
from actors.ports import Page, Refused

from .rest import Clock, Rest
from .scripted import CHANNEL_ID, Answer, ScriptedDiscord, as_json, message
from .table import WebhookTable

HTML = {"Content-Type": "text/html"}


def elsewhere(rest: Rest) -> DiscordChannel:
    """The channels of a server of which nothing is known."""
    return DiscordChannel(rest.wire, rest.voice._places, rest.table, Ourselves(), fills_pages=False)


@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
@pytest.mark.parametrize(("page", "repeats"), [(None, False), (None, True), (7, False), (50, True), (150, False)])
async def test_e2_every_message_is_read_once_and_oldest_first_whatever_order_a_server_has(
    local: Rest, playground: PlaygroundServer, order: str, page: int | None, repeats: bool
) -> None:
    playground.dialect = Dialect(order=order, page=page, repeats=repeats)
    said = [playground.say("tavern", "Robin", f"Line {number}") for number in range(226)]
    ids, tavern = [each.id for each in said], said[0].channel_id
    channel, before = elsewhere(local), len(playground.ledger.since())
    seen = await channel.messages(tavern, after=ids[0])
    assert isinstance(seen, tuple)
    assert [each.id for each in seen] == ids[1:]
    assert (
        len(playground.ledger.since()) - before <= 225 // ((page or 100) - repeats) + 4
    )  # of the place, the rest, the end, and that it is one

    after: int | None = ids[0]
    paged: list[int] = []
    while after is not None:
        read = await channel.page(tavern, after=after)
        assert isinstance(read, Page)
        paged, after = [*paged, *(each.id for each in read.messages)], read.newest
    assert paged == ids[1:]


@pytest.mark.parametrize("seed", range(3))
async def test_e2_a_page_that_brings_nothing_newer_ends_the_read(
    known: Rest, scripted: ScriptedDiscord, seed: int
) -> None:
    pages = [[message(id=str(n)) for n in ids] for ids in ([7, 3, 5, 5], [6, 7, 2], [9, 7], [1, 9])]
    for page in pages:
        Random(seed).shuffle(page)
    came = scripted.will(*map(as_json, pages[:2]))
    seen = await elsewhere(known).messages(CHANNEL_ID, after=2)
    assert isinstance(seen, tuple)
    assert [each.id for each in seen] == [3, 5, 7]
    assert [request.query["after"] for request in came()] == ["2", "7"]
    came = scripted.will(as_json(pages[0]), as_json(pages[2]), as_json(pages[3]))
    seen = await elsewhere(known).messages(CHANNEL_ID, after=4)
    assert isinstance(seen, tuple)
    assert [each.id for each in seen] == [5, 7, 9]
    assert [request.query["after"] for request in came()] == ["4", "7", "9"]


async def test_e2_an_empty_page_in_between_ends_the_read_and_a_refused_one_fails_it(
    known: Rest, scripted: ScriptedDiscord
) -> None:
    full = as_json([message(id=str(n)) for n in range(100, 0, -1)])
    came = scripted.will(full, as_json([]), as_json({"message": "Unknown Message", "code": 10008}, 404))
    seen = await known.channel.messages(CHANNEL_ID, after=0)
    assert isinstance(seen, tuple)
    assert len(seen) == 100
    assert [request.path.rpartition("/")[2] for request in came()] == ["messages", "messages", "100"]
    scripted.will(full, as_json([]), as_json({"message": "Missing Access", "code": 50001}, 403))
    refused = await known.channel.messages(CHANNEL_ID, after=0)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("forbidden", True)


@pytest.mark.parametrize(
    "found", [Answer(404, "<html>", HTML), as_json(message(id="1")), as_json({"id": "1", "odd": None})]
)
async def test_e2_an_empty_page_is_empty_where_the_server_finds_no_message_or_a_strange_one(
    known: Rest, scripted: ScriptedDiscord, found: Answer
) -> None:
    scripted.will(as_json([]), found)
    assert await known.channel.messages(CHANNEL_ID, after=1) == ()


async def test_e2_discord_itself_is_not_asked_for_a_page_after_a_short_one(
    known: Rest, scripted: ScriptedDiscord
) -> None:
    came = scripted.will(as_json([message(id="42"), message(id="41")]))
    seen = await known.channel.messages(CHANNEL_ID, after=0)
    assert isinstance(seen, tuple)
    assert [each.id for each in seen] == [41, 42]
    assert len(came()) == 1


@pytest.mark.parametrize(
    ("url", "is_discord"),
    [
        (None, True),
        ("https://discord.com/api/v10", True),
        ("http://127.0.0.1:9/api/v10", False),
        ("https://discord.com.example.org", False),
    ],
)
async def test_e2_only_discords_own_address_is_discord(url: str | None, is_discord: bool) -> None:
    assert Endpoints(url).is_discord is is_discord


async def test_e2_the_audits_reader_reads_a_server_with_small_pages_to_the_end(
    playground: PlaygroundServer, clock: Clock
) -> None:
    playground.dialect = Dialect(order="oldest_first", page=40)
    ids = [playground.say("tavern", "Robin", f"Line {number}").id for number in range(125)]
    tavern = playground.discord.find_channel("tavern").id
    endpoints = Endpoints(playground.api_url)
    async with open_channels(playground.token, webhooks=WebhookTable(), now=clock.now, endpoints=endpoints) as channels:
        seen = await channels.messages(tavern, after=1)
    assert isinstance(seen, tuple)
    assert [each.id for each in seen] == ids
