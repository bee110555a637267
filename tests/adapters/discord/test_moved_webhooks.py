"""A moderator moves a webhook, against the playground: nothing of ours stays where it does not belong."""

from __future__ import annotations

import pytest

from actors.adapters.discord.homes import OWN_NEWS_S
from actors.playground import PlaygroundServer
from actors.ports import Deleted, Posted, PostedElsewhere, Refused, Unconfirmed
from actors.roleplay.model import Character, Outbound, OutboundKind

from .rest import Clock, Rest, logged_in
from .scripted import CHANNEL_ID, WEBHOOK_ID, Answer, ScriptedDiscord, as_json
from .table import WebhookTable

WHERE = "GET /webhooks/{webhook}/{token}"


def channel_id(server: PlaygroundServer, name: str) -> int:
    return server.discord.find_channel(name).id


def asked_where(server: PlaygroundServer) -> int:
    """How often Discord was asked where a webhook is."""
    return sum(entry.method == "GET" and "/webhooks/" in entry.path for entry in server.ledger)


def line(channel: int, webhook_id: int | None, text: str = "Hello.") -> Outbound:
    kind = OutboundKind.EMBED if webhook_id is None else OutboundKind.WEBHOOK
    return Outbound(kind, channel, "Mira", text, "0000000000001.1", webhook_id=webhook_id)


async def webhook(rest: Rest, channel: int, name: str = "Mira") -> int:
    prepared = await rest.voice.prepare(channel, Character(id=name, name=name, card_json="{}"))
    assert isinstance(prepared, tuple)
    assert prepared[1] is not None
    return prepared[1]


# ── the answer says where it stands ─────────────────────────────────────────────────────────────────


async def test_b15_a_message_that_stands_elsewhere_is_no_line_and_its_webhook_is_forgotten(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern, station = channel_id(playground, "tavern"), channel_id(playground, "station")
    moved = await webhook(local, tavern)
    playground.move_webhook(moved, "station")
    sent = await local.voice.send(line(tavern, moved))
    (stray,) = playground.messages("station")
    assert sent == PostedElsewhere(station, stray.id)
    another = await webhook(local, tavern)
    assert another != moved
    assert isinstance(await local.voice.send(line(tavern, another)), Posted)
    assert [shown.content for shown in playground.messages("tavern")] == ["Hello."]


async def test_b15_a_shared_webhook_that_was_moved_is_forgotten_for_all(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground, "tavern")
    for number in range(10):
        await webhook(local, tavern, f"Character {number}")
    shared = {await webhook(local, tavern, name) for name in ("Mira", "Tobin")}
    (moved,) = shared
    playground.move_webhook(moved, "station")
    assert isinstance(await local.voice.send(line(tavern, moved)), PostedElsewhere)
    assert moved not in {await webhook(local, tavern, name) for name in ("Mira", "Tobin")}


async def test_b15_a_thread_goes_on_when_the_webhook_of_its_channel_is_moved(
    local: Rest, playground: PlaygroundServer
) -> None:
    cellar = playground.add_thread("tavern", "cellar", "Robin").id
    moved = await webhook(local, cellar)
    playground.move_webhook(moved, "station")
    refused = await local.voice.send(line(cellar, moved))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.status, refused.code, refused.final) == ("webhook_moved", 404, 10003, False)
    assert isinstance(await local.voice.send(line(cellar, await webhook(local, cellar))), Posted)
    assert playground.messages("station") == []


async def test_b15_a_thread_that_is_gone_ends_its_scene_moved_webhook_or_not(
    local: Rest, playground: PlaygroundServer
) -> None:
    cellar = playground.add_thread("tavern", "cellar", "Robin").id
    moved = await webhook(local, cellar)
    playground.delete_channel(cellar)
    gone = await local.voice.send(line(cellar, moved))
    playground.move_webhook(moved, "station")
    first = await local.voice.send(line(cellar, moved))
    then = await local.voice.send(line(cellar, await webhook(local, channel_id(playground, "tavern"))))
    told = [(each.reason, each.final) for each in (gone, first, then) if isinstance(each, Refused)]
    assert told == [("channel_gone", True), ("webhook_moved", False), ("channel_gone", True)]


@pytest.mark.parametrize("fault", ["http_503", "rate_limit", "drop_before"])
async def test_b15_where_nobody_says_where_the_webhook_is_no_scene_ends(
    local: Rest, playground: PlaygroundServer, fault: str
) -> None:
    cellar = playground.add_thread("tavern", "cellar", "Robin").id
    moved = await webhook(local, cellar)
    playground.move_webhook(moved, "station")
    playground.next_requests(WHERE, fault, fault)  # aiohttp repeats a GET whose connection was cut
    refused = await local.voice.send(line(cellar, moved))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("not_found", False)


async def test_b15_a_webhook_that_was_moved_into_a_forum_is_forgotten(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground, "tavern")
    moved = await webhook(local, tavern)
    playground.next_lines("http_400_220001")
    refused = await local.voice.send(line(tavern, moved))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("webhook_moved", False)
    assert await local.table.webhook(tavern, "mira") is None


# ── before a line ───────────────────────────────────────────────────────────────────────────────────


async def test_b15_a_webhook_that_was_moved_while_the_bot_was_down_posts_nothing_elsewhere(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground, "tavern")
    moved = await webhook(local, tavern)
    playground.move_webhook(moved, "station")
    async with logged_in(playground.api_url, token=playground.token, table=local.table) as fresh:
        another = await webhook(fresh, tavern)
        assert another != moved
        assert await webhook(fresh, tavern) == another
    assert asked_where(playground) == 1
    assert await local.table.webhook_token(moved) is None


@pytest.mark.parametrize("becomes", ["moved", "deleted", "moved and back", "nothing"])
async def test_b15_after_news_of_its_channel_a_webhook_is_asked_where_it_is(
    local: Rest, playground: PlaygroundServer, becomes: str
) -> None:
    tavern = channel_id(playground, "tavern")
    known = await webhook(local, tavern)
    local.voice.homes.note_change(tavern)  # of its making
    assert await webhook(local, tavern) == known
    assert asked_where(playground) == 0
    if becomes.startswith("moved"):
        playground.move_webhook(known, "station")
    if becomes == "moved and back":
        playground.move_webhook(known, "tavern")
    if becomes == "deleted":
        playground.delete_webhook(known)
    local.voice.homes.note_change(tavern)
    is_kept = becomes in ("moved and back", "nothing")
    assert (await webhook(local, tavern) == known) is is_kept
    assert asked_where(playground) == 1
    await webhook(local, tavern)
    assert asked_where(playground) == 1


async def test_b15_news_long_after_our_own_change_are_somebody_else_s(playground: PlaygroundServer) -> None:
    clock, tavern = Clock(), channel_id(playground, "tavern")
    async with logged_in(playground.api_url, token=playground.token, now=clock.now) as rest:
        await webhook(rest, tavern)
        clock.at += OWN_NEWS_S
        rest.voice.homes.note_change(tavern)
        await webhook(rest, tavern)
    assert asked_where(playground) == 1


async def test_b15_after_a_gap_in_the_gateway_each_webhook_is_asked_once(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground, "tavern")
    known = await webhook(local, tavern)
    local.voice.homes.note_gap()
    assert [await webhook(local, tavern) for _ in range(3)] == [known] * 3
    assert asked_where(playground) == 1


@pytest.mark.parametrize(("fault", "asked"), [("http_503", 2), ("http_404", 1), ("http_401", 1)])
async def test_b15_a_question_that_is_not_answered_keeps_no_line_back(
    local: Rest, playground: PlaygroundServer, fault: str, asked: int
) -> None:
    """Another server may not know the route: it is not asked for every line."""
    tavern = channel_id(playground, "tavern")
    known = await webhook(local, tavern)
    local.voice.homes.note_gap()
    playground.next_requests(WHERE, fault)
    assert [await webhook(local, tavern) for _ in range(2)] == [known] * 2
    assert asked_where(playground) == asked


async def test_b15_a_moved_webhook_is_adopted_nowhere_but_in_its_own_channel(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern, station = channel_id(playground, "tavern"), channel_id(playground, "station")
    moved = await webhook(local, tavern)
    playground.move_webhook(moved, "station")
    assert await webhook(local, station) != moved
    await local.voice.send(line(tavern, moved))
    playground.move_webhook(moved, "tavern")
    assert await webhook(local, tavern) == moved


# ── a line in doubt ─────────────────────────────────────────────────────────────────────────────────


async def test_b15_a_line_in_doubt_may_stand_where_its_webhook_is_now(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern, station = channel_id(playground, "tavern"), channel_id(playground, "station")
    known = await webhook(local, tavern)
    assert await local.voice.elsewhere(line(tavern, known)) is None
    playground.move_webhook(known, "station")
    assert await local.voice.elsewhere(line(tavern, known)) == station
    assert await local.table.webhook(tavern, "mira") is None
    assert await local.voice.elsewhere(line(tavern, known)) == station  # a process that dies asks again
    playground.delete_webhook(known)
    assert await local.voice.elsewhere(line(tavern, known)) is None


async def test_b15_a_thread_s_line_stands_nowhere_else(local: Rest, playground: PlaygroundServer) -> None:
    cellar = playground.add_thread("tavern", "cellar", "Robin").id
    known = await webhook(local, cellar)
    playground.move_webhook(known, "station")
    assert await local.voice.elsewhere(line(cellar, known)) is None
    assert await local.table.webhook_token(known) is None


async def test_b15_an_embed_asks_nobody_where_it_stands(local: Rest, playground: PlaygroundServer) -> None:
    assert await local.voice.elsewhere(line(channel_id(playground, "tavern"), None)) is None
    assert asked_where(playground) == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(503, "", {"Content-Type": "text/html"}), Unconfirmed("outage", 503)),
        (as_json({"message": "slow", "retry_after": 2.0, "global": False}, 429), Refused("rate_limit", 429, 2.0)),
        (as_json({"message": "404: Not Found", "code": 0}, 404), None),
        (as_json({"message": "405: Method Not Allowed", "code": 0}, 405), None),
        (as_json({"message": "401: Unauthorized", "code": 0}, 401), None),
        (as_json({"message": "Unknown Webhook", "code": 10015}, 404), None),
        (as_json({"message": "Invalid Webhook Token", "code": 50027}, 401), None),
        (as_json({"id": str(WEBHOOK_ID), "type": 1, "channel_id": None}), None),
        (as_json({"id": str(WEBHOOK_ID), "type": 1, "channel_id": str(CHANNEL_ID)}), None),
        (as_json({"id": str(WEBHOOK_ID), "type": 1, "channel_id": "77"}), 77),
    ],
)
async def test_b15_only_an_answer_or_a_refusal_for_good_says_that_it_is_nowhere_else(
    rest: Rest, scripted: ScriptedDiscord, answer: Answer, expected: object
) -> None:
    await rest.table.keep_webhook(CHANNEL_ID, "mira", WEBHOOK_ID, "secret")
    scripted.will(as_json({"id": str(CHANNEL_ID), "type": 0, "name": "x", "guild_id": "5", "position": 0}), answer)
    outcome = await rest.voice.elsewhere(line(CHANNEL_ID, WEBHOOK_ID))
    if isinstance(expected, Refused | Unconfirmed):
        assert isinstance(outcome, type(expected))
        assert (outcome.status, outcome.retry_after_s) == (expected.status, expected.retry_after_s)
    else:
        assert outcome == expected


# ── taking back ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("denied", ["MANAGE_MESSAGES", "VIEW_CHANNEL", "READ_MESSAGE_HISTORY"])
async def test_b15_a_stray_line_is_deleted_by_its_webhook_whatever_we_may_do_there(
    local: Rest, playground: PlaygroundServer, denied: str
) -> None:
    tavern, station = channel_id(playground, "tavern"), channel_id(playground, "station")
    moved = await webhook(local, tavern)
    playground.move_webhook(moved, "station")
    playground.permit(denied, False, channel="station")
    sent = await local.voice.send(line(tavern, moved))
    assert isinstance(sent, PostedElsewhere)
    assert await local.channel.delete(station, sent.message_id, moved) == Deleted()
    assert playground.messages("station") == []
    assert await local.channel.delete(station, sent.message_id, moved) == Deleted()


@pytest.mark.parametrize("in_thread", [False, True])
async def test_b15_what_a_moved_webhook_left_behind_is_deleted_by_the_bot_and_never_called_absent(
    local: Rest, playground: PlaygroundServer, in_thread: bool
) -> None:
    place = playground.add_thread("tavern", "cellar", "Robin").id if in_thread else channel_id(playground, "tavern")
    moved = await webhook(local, place)
    sent = await local.voice.send(line(place, moved))
    assert isinstance(sent, Posted)
    playground.move_webhook(moved, "station")
    playground.permit("MANAGE_MESSAGES", False)
    refused = await local.channel.delete(place, sent.message_id, moved)
    assert isinstance(refused, Refused)
    assert refused.reason == "forbidden"
    playground.permit("MANAGE_MESSAGES", True)
    assert await local.channel.delete(place, sent.message_id, moved) == Deleted()
    assert playground.messages(place) == []


async def test_b15_what_is_gone_for_certain_is_deleted_and_what_nobody_knows_is_tried_again(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = channel_id(playground, "tavern")
    known = await webhook(local, tavern)
    sent = await local.voice.send(line(tavern, known))
    assert isinstance(sent, Posted)
    playground.delete(sent.message_id)
    playground.next_requests(WHERE, "http_503")
    assert isinstance(await local.channel.delete(tavern, sent.message_id, known), Unconfirmed)
    playground.permit("MANAGE_MESSAGES", False)
    assert await local.channel.delete(tavern, sent.message_id, known) == Deleted()


async def test_a_webhook_of_a_table_that_was_lost_is_adopted_where_it_is(
    local: Rest, playground: PlaygroundServer
) -> None:
    moved = await webhook(local, channel_id(playground, "tavern"))
    playground.move_webhook(moved, "station")
    async with logged_in(playground.api_url, token=playground.token, table=WebhookTable()) as fresh:
        assert await webhook(fresh, channel_id(playground, "station")) == moved
