"""The dialects of other servers, each by itself and all at once, as clients meet them."""

from __future__ import annotations

import pytest

from actors.playground import COMPATIBLE, DISCORD, Dialect, PlaygroundServer

from .client import Bot
from .wire_client import WireClient


def messages_of(server: PlaygroundServer, channel: str = "tavern") -> str:
    return f"/channels/{server.discord.find_channel(channel).id}/messages"


async def ids(server: PlaygroundServer, wire: WireClient, query: str) -> list[int]:
    return [int(each["id"]) for each in (await wire.call("GET", f"{messages_of(server)}?{query}")).body]


async def made_webhook(server: PlaygroundServer, wire: WireClient) -> str:
    made = await wire.call("POST", f"/channels/{server.discord.find_channel('tavern').id}/webhooks", {"name": "Mira"})
    return f"/webhooks/{made.body['id']}/{made.body['token']}"


async def test_a_page_comes_in_the_servers_order(server: PlaygroundServer, wire: WireClient) -> None:
    said = [server.say("tavern", "Robin", str(number)).id for number in range(30)]
    answers = {}
    for order in ("newest_first", "oldest_first", "shuffled"):
        server.dialect = Dialect(order=order)
        answers[order] = await ids(server, wire, f"after={said[4]}&limit=10")
        assert answers[order] == await ids(server, wire, f"after={said[4]}&limit=10")
    assert answers["oldest_first"] == said[5:15]
    assert answers["newest_first"] == said[14:4:-1]
    assert sorted(answers["shuffled"]) == said[5:15]
    assert answers["shuffled"] not in (answers["oldest_first"], answers["newest_first"])


async def test_a_page_has_the_servers_own_size_and_may_repeat_a_message(
    server: PlaygroundServer, wire: WireClient
) -> None:
    said = [server.say("tavern", "Robin", str(number)).id for number in range(150)]
    server.dialect = Dialect(order="oldest_first", page=120)
    assert await ids(server, wire, f"after={said[0]}&limit=100") == said[1:121]
    server.dialect = Dialect(order="oldest_first", page=3, repeats=True)
    assert await ids(server, wire, f"after={said[5]}&limit=100") == said[5:8]


async def test_nulls_stand_for_what_is_not_there(server: PlaygroundServer, wire: WireClient) -> None:
    server.dialect = Dialect(nulls=True)
    said = server.say("tavern", "Robin", "Hello")
    shown = (await wire.call("GET", f"{messages_of(server)}/{said.id}")).body
    assert (shown["thread"], shown["webhook_id"], shown["content"]) == (None, None, "Hello")
    server.add_thread("tavern", "A corner", "Robin", on=said.id)
    assert (await wire.call("GET", f"{messages_of(server)}/{said.id}")).body["thread"]["name"] == "A corner"


async def test_a_webhooks_post_may_be_stored_and_not_answered(server: PlaygroundServer, wire: WireClient) -> None:
    path = await made_webhook(server, wire)
    server.dialect = Dialect(bare_posts=True)
    assert (await wire.call("POST", f"{path}?wait=true", {"content": "Hello"})).status == 204
    assert [each.content for each in server.messages("tavern")] == ["Hello"]


async def test_what_goes_by_a_webhooks_token_may_be_refused_without_a_code(
    server: PlaygroundServer, wire: WireClient
) -> None:
    path = await made_webhook(server, wire)
    server.dialect = Dialect(webhook_status=401)
    for method, end in (("POST", ""), ("GET", ""), ("PATCH", "/messages/1"), ("DELETE", "/messages/1")):
        refused = await wire.call(method, path + end, {"content": "Hello"})
        assert (refused.status, refused.body["code"]) == (401, 0)
    assert (await wire.notice("The bot's own way is open.")).status == 200
    assert [each.author for each in server.messages("tavern")] == ["Ensemble"]


async def test_a_webhook_may_be_kept_from_deleting_in_threads_alone(server: PlaygroundServer, wire: WireClient) -> None:
    path = await made_webhook(server, wire)
    thread = server.add_thread("tavern", "A corner", "Robin")
    server.dialect = Dialect(deletes_in_threads=False)
    inside = await wire.call("POST", f"{path}?wait=true&thread_id={thread.id}", {"content": "Here"})
    outside = await wire.call("POST", f"{path}?wait=true", {"content": "There"})
    refused = await wire.call("DELETE", f"{path}/messages/{inside.body['id']}?thread_id={thread.id}")
    deleted = await wire.call("DELETE", f"{path}/messages/{outside.body['id']}")
    assert (refused.status, deleted.status) == (401, 204)
    own = await wire.call("DELETE", f"/channels/{thread.id}/messages/{inside.body['id']}")
    assert (own.status, server.messages("A corner")) == (204, [])


@pytest.mark.parametrize(
    "body",
    [
        {"embeds": [{"title": "💬 Mira", "description": "Hello", "flags": 0}]},
        {"content": "Hello", "components": []},
        {"content": None, "embeds": [{"title": "💬 Mira"}]},
        {"content": "Hello", "embeds": [{"title": ""}]},
    ],
)
async def test_a_strict_server_refuses_unknown_and_empty_keys(
    server: PlaygroundServer, wire: WireClient, body: dict[str, object]
) -> None:
    assert (await wire.call("POST", messages_of(server), body)).status == 200
    server.dialect = Dialect(strict=True)
    refused = await wire.call("POST", messages_of(server), body)
    assert (refused.status, refused.body["code"]) == (400, 50035)
    assert (await wire.line("Hello")).status == 200
    assert (
        await wire.call("POST", messages_of(server), {"content": "a", "allowed_mentions": {"parse": []}})
    ).status == 200


async def test_a_gateway_may_say_nothing_of_the_bots_own_messages(
    server: PlaygroundServer, bot: Bot, wire: WireClient
) -> None:
    server.dialect = Dialect(echoes=False)
    await wire.notice("of the bot")
    server.say("tavern", "Robin", "of a person")
    assert (await bot.seen("message")).content == "of a person"


async def test_the_control_api_sets_a_dialect_and_takes_it_back(server: PlaygroundServer, wire: WireClient) -> None:
    set_to = await wire.control("PUT", "dialect", {"order": "oldest_first", "page": 50, "deletes_in_threads": False})
    assert (set_to.status, set_to.body["page"]) == (200, 50)
    assert server.dialect == Dialect(order="oldest_first", page=50, deletes_in_threads=False)
    await wire.control("PUT", "dialect", {})
    assert server.dialect == DISCORD
    assert COMPATIBLE not in (DISCORD, server.dialect)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"order": "random"}, "newest_first"),
        ({"page": 0}, "above 0"),
        ({"page": True}, "above 0"),
        ({"nulls": "yes"}, "true or false"),
        ({"oder": "oldest_first"}, "known: order"),
    ],
)
async def test_a_wrong_dialect_is_refused_with_what_is_right(
    server: PlaygroundServer, wire: WireClient, body: dict[str, object], words: str
) -> None:
    refused = await wire.control("PUT", "dialect", body)
    assert refused.status == 400
    assert words in refused.body["message"]
    assert server.dialect == DISCORD
