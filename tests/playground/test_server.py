"""Starting, stopping, keeping the world, and the control API."""

import asyncio
from pathlib import Path

import pytest

from actors.playground import Line, PlaygroundServer
from tests.patience import PATIENCE_S

from .client import Bot, connected
from .wire_client import WireClient


async def test_a_port_in_use_is_an_os_error(server: PlaygroundServer) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError):
        await PlaygroundServer(port=port).start()


def test_only_loopback_is_served() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        PlaygroundServer(host="0.0.0.0")


async def test_a_world_in_a_folder_survives_a_restart(tmp_path: Path) -> None:
    async with PlaygroundServer(folder=tmp_path) as server, connected(server) as bot:
        webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
        await webhook.send("Sit down.", wait=True)
        sent = await bot.channel(server, "tavern").send("Hello", nonce="n1")
        server.say("tavern", "Robin", "Gone soon")
        server.delete(server.messages("tavern")[-1].id)
        server.react(sent.id, "Sam", "👍")
        thread = server.add_thread("tavern", "Aside", "Kim")
        server.permit("MANAGE_MESSAGES", False, channel="station")
        before = (server.messages(with_deleted=True), server.webhooks("tavern"), server.discord.channels)
    async with PlaygroundServer(folder=tmp_path) as server, connected(server) as bot:
        assert (
            server.messages(with_deleted=True),
            server.webhooks("tavern"),
            server.discord.channels,
        ) == before
        again = await bot.channel(server, "tavern").send("Hello", nonce="n1")
        assert (again.id, server.discord.find_channel("Aside").id) == (sent.id, thread.id)
        assert server.say("tavern", "Robin", "Back").id > thread.id


async def test_a_folder_serves_one_playground_at_a_time(tmp_path: Path) -> None:
    async with PlaygroundServer(folder=tmp_path):
        with pytest.raises(OSError, match="another playground"):
            await PlaygroundServer(folder=tmp_path).start()
    async with PlaygroundServer(folder=tmp_path) as server:
        assert server.discord.bot.name == "Ensemble"


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "world.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OSError, match="newer version"):
        await PlaygroundServer(folder=tmp_path).start()


async def test_stopping_does_not_wait_for_a_held_or_slow_answer(server: PlaygroundServer, wire: WireClient) -> None:
    server.hold.arm()
    sending = asyncio.create_task(wire.line("Hello"))
    await server.hold.wait_caught()
    async with asyncio.timeout(PATIENCE_S):
        await server.stop()
        reply = await sending
    assert reply.status in (200, None)


async def test_the_ledger_counts_every_try_in_order(server: PlaygroundServer, bot: Bot, wire: WireClient) -> None:
    start = server.ledger.since()[-1].order
    await wire.line("Hello", nonce="n1")
    await wire.line("Hello", nonce="n1")
    await wire.notice("Plain")
    entries = server.ledger.since(start)
    shown = server.messages("tavern")
    assert [each.order for each in entries] == [start + 1, start + 2, start + 3]
    assert [each.line for each in entries] == [Line("💬 Mira", "Hello", "n1")] * 2 + [None]
    assert [each.message_id for each in entries] == [shown[0].id, shown[0].id, shown[1].id]
    assert {(each.method, each.status, each.fault) for each in entries} == {("POST", 200, None)}


async def test_the_control_api_plays_a_person(server: PlaygroundServer, bot: Bot, wire: WireClient) -> None:
    said = await wire.control("POST", "messages", {"channel": "tavern", "user": "Robin", "text": "Hello"})
    assert (said.status, (await bot.seen("message")).id) == (201, int(said.body["id"]))
    edited = await wire.control("PATCH", f"messages/{said.body['id']}", {"text": "Hi"})
    listed = await wire.control("GET", "messages?channel=tavern")
    assert listed.body == [edited.body]
    assert listed.body[0]["content"] == "Hi"
    reaction = {"message": said.body["id"], "user": "Sam", "emoji": "👍"}
    assert (await wire.control("POST", "reactions", reaction)).status == 204
    assert (await wire.control("DELETE", f"messages/{said.body['id']}")).status == 204
    assert (await wire.control("GET", "messages?channel=tavern")).body == []
    kept = (await wire.control("GET", "messages?channel=tavern&with_deleted=1")).body
    assert [(each["deleted"], each["reactions"]) for each in kept] == [(True, ["👍"])]


async def test_the_control_api_builds_and_takes_away(server: PlaygroundServer, bot: Bot, wire: WireClient) -> None:
    await wire.control("POST", "users", {"name": "Alex"})
    await wire.control("POST", "channels", {"name": "harbour"})
    await wire.control("POST", "threads", {"channel": "harbour", "name": "Aside", "user": "Alex"})
    webhook = await bot.channel(server, "harbour").create_webhook(name="Mira")
    state = (await wire.control("GET", "state")).body
    assert [user["username"] for user in state["users"]] == ["Robin", "Sam", "Kim", "Alex"]
    assert [each["name"] for each in state["channels"]] == [
        "tavern",
        "station",
        "library",
        "harbour",
        "Aside",
    ]
    assert ([each["id"] for each in state["webhooks"]], state["connected"]) == ([str(webhook.id)], 1)
    assert (await wire.control("DELETE", f"webhooks/{webhook.id}")).status == 204
    assert (await wire.control("DELETE", "channels/harbour")).status == 204
    state = (await wire.control("GET", "state")).body
    assert ([each["name"] for each in state["channels"]], state["webhooks"]) == (
        ["tavern", "station", "library"],
        [],
    )


async def test_the_control_api_sets_faults_and_permissions_and_shows_the_requests(
    server: PlaygroundServer, wire: WireClient
) -> None:
    plan = await wire.control("PUT", "faults", {"faults": ["http_500=1"], "seed": 5})
    assert (plan.body["chances"], plan.body["seed"]) == ([["http_500", 1.0]], 5)
    await wire.line("Hello")
    await wire.control("PUT", "permissions", {"permission": "SEND_MESSAGES", "allowed": False})
    await wire.notice("Hello")
    entries = (await wire.control("GET", "requests")).body
    assert [(each["status"], each["fault"]) for each in entries] == [(500, "http_500"), (403, None)]
    (line,) = (await wire.control("GET", "requests?only_lines=1")).body
    assert line["line"] == {"speaker": "💬 Mira", "text": "Hello", "nonce": None}


async def test_the_control_api_holds_a_line(server: PlaygroundServer, wire: WireClient) -> None:
    assert (await wire.control("GET", "hold?timeout_s=0")).status == 204
    await wire.control("POST", "hold")
    waiting = asyncio.create_task(wire.control("GET", "hold"))
    sending = asyncio.create_task(wire.line("Hello"))
    held = (await waiting).body["message_id"]
    assert (held, sending.done()) == (str(server.messages("tavern")[0].id), False)
    await wire.control("DELETE", "hold")
    assert (await sending).body["id"] == held


async def test_the_control_api_steers_the_gateway(server: PlaygroundServer, bot: Bot, wire: WireClient) -> None:
    await wire.control("POST", "gateway", {"do": "refuse"})
    await wire.control("POST", "gateway", {"do": "close", "code": 4000})
    await bot.seen("disconnect")
    await wire.control("POST", "gateway", {"do": "refuse", "on": False})
    await bot.seen("resumed")
    await wire.control("POST", "gateway", {"do": "reconnect"})
    await bot.seen("resumed")
    await wire.control("POST", "gateway", {"do": "invalidate"})
    await bot.seen("ready")
    assert (bot.unseen("resumed"), server.gateway.connected) == (0, 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "messages", {"channel": "tavern", "user": "Robin"}, 400, "`text` is missing"),
        ("POST", "messages", {"channel": "cellar", "user": "Robin", "text": "Hi"}, 404, "Unknown Channel"),
        ("POST", "messages", ["Hi"], 400, "the body must be a JSON object"),
        ("PUT", "faults", {"faults": ["foo=1"]}, 400, "unknown fault 'foo'"),
        ("PUT", "permissions", {"permission": "FLY", "allowed": True}, 400, "unknown permission 'FLY'"),
        ("POST", "gateway", {"do": "dance"}, 400, "unknown `do` 'dance'"),
        ("DELETE", "messages/12", None, 404, "Unknown Message"),
    ],
)
async def test_a_wrong_control_request_is_named_with_its_mend(
    wire: WireClient, method: str, path: str, body: object, status: int, words: str
) -> None:
    reply = await wire.control(method, path, body)
    assert reply.status == status
    assert words in reply.body["message"]


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
async def test_another_sites_page_cannot_steer(wire: WireClient, headers: dict[str, str]) -> None:
    assert (await wire.control("GET", "state", headers=headers)).status == 403
