"""What the page lives on: its files, its stream of events, and the hooks that an application fills."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from actors.playground import BotState, CardRefused, FaultPlan, PlaygroundServer, ShownCard
from tests.patience import PATIENCE_S

from .client import connected
from .wire_client import WireClient


class Events:
    """One page's stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.last_id = ""

    async def next(self) -> tuple[str, Any]:
        """The next event's kind and body. Raises EOFError at the stream's end."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self._answer.content.readline()).decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    self.last_id = fields["id"]
                    return fields["event"], json.loads(fields["data"])
        raise EOFError


def keyed(server: PlaygroundServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.gate.key}"}


@asynccontextmanager
async def events(server: PlaygroundServer, **options: Any) -> AsyncIterator[Events]:  # noqa: ANN401
    async with (
        aiohttp.ClientSession(headers=keyed(server)) as http,
        http.get(f"{server.url}/_control/events", **options) as answer,
    ):
        yield Events(answer)


async def rest_of(stream: Events) -> int:
    """How many events come before the stream's end."""
    count = 0
    while True:
        try:
            await stream.next()
        except EOFError:
            return count
        count += 1


class ScriptedBot:
    """A `BotControl` that only notes what it was told."""

    def __init__(self) -> None:
        self.state = BotState.STOPPED
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        self._watchers.append(watcher)

    async def start(self) -> None:
        self._become(BotState.RUNNING)

    async def kill(self) -> None:
        self._become(BotState.STOPPED)

    def _become(self, state: BotState) -> None:
        self.state = state
        for watcher in self._watchers:
            watcher()


class ScriptedShelf:
    """A `CardShelf` with one character, which refuses files without a brace."""

    def __init__(self) -> None:
        self.card = ShownCard("Mira", "v1", True, {"name": "Mira"}, ("its 'tags' is text",))

    async def list(self) -> Sequence[ShownCard]:
        return [self.card]

    async def picture(self, name: str) -> bytes | None:
        return {"Mira": b"PNG", "Giffy": b"GIF89a"}.get(name)

    async def save(self, data: bytes, filename: str) -> ShownCard:
        if not data.startswith(b"{"):
            raise CardRefused(f"{filename} is not a Tavern card.")
        return self.card

    async def edit(self, name: str, fields: dict[str, str]) -> ShownCard:
        return ShownCard(fields.get("name", name), "v2", True, fields)


async def test_the_page_and_its_files_come_with_a_strict_policy(server: PlaygroundServer, wire: WireClient) -> None:
    for path in ("/", "/page/main.js", "/page/base.css"):
        reply = await wire.request("GET", server.url + path)
        assert reply.status == 200
        policy = reply.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
    page = (await wire.request("GET", server.url + "/")).body
    assert "<style" not in page
    assert "style=" not in page
    assert "http://" not in page.replace("http://www.w3.org/", "")


@pytest.mark.parametrize("path", ["/page/..%2Fserver.py", "/page/server.py", "/page/%2Fetc%2Fpasswd", "/page/none.js"])
async def test_nothing_but_the_pages_own_files_is_served(server: PlaygroundServer, wire: WireClient, path: str) -> None:
    reply = await wire.request("GET", server.url + path)
    assert reply.status == 404


async def test_a_page_is_told_of_each_message_of_a_purge(server: PlaygroundServer) -> None:
    purged = [server.say("tavern", "Robin", text).id for text in ("One", "Two")]
    async with events(server) as stream:
        await stream.next()
        server.purge("tavern", purged)
        found = [await stream.next() for _ in purged]
    assert [(kind, body["id"]) for kind, body in found] == [("deleted", str(message_id)) for message_id in purged]


async def test_a_stream_begins_with_a_snapshot_and_goes_on_with_every_change(server: PlaygroundServer) -> None:
    first = server.say("tavern", "Robin", "Hello")
    async with events(server) as stream:
        kind, discord = await stream.next()
        tavern = str(server.discord.find_channel("tavern").id)
        assert (kind, [each["name"] for each in discord["channels"]]) == ("snapshot", ["tavern", "station", "library"])
        assert [each["content"] for each in discord["messages"][tavern]["shown"]] == ["Hello"]
        assert discord["presence"] == {"connected": False, "process": None}
        server.react(first.id, "Sam", "👍")
        server.edit(first.id, "Hi")
        server.type_in("tavern", "Kim")
        server.delete(first.id)
        server.faults = FaultPlan.parse(["slow=0.5"], seed=3)
        server.add_thread("tavern", "Aside", "Kim")
        found = [await stream.next() for _ in range(6)]
    assert [kind for kind, _ in found] == ["message", "message", "typing", "deleted", "faults", "channel"]
    reacted, edited, typing, deleted, faults, channel = (body for _, body in found)
    sam, kim = (str(server.discord.find_user(name).id) for name in ("Sam", "Kim"))
    assert reacted["reactions"] == [{"emoji": "👍", "users": [sam]}]
    assert (edited["content"], edited["edited_timestamp"] is None) == ("Hi", False)
    assert typing == {"channel_id": tavern, "user_id": kim}
    assert deleted == {"id": str(first.id), "channel_id": tavern, "is_line": False}
    assert (faults["chances"], faults["seed"]) == ([["slow", 0.5]], 3)
    assert (channel["name"], channel["parent_id"]) == ("Aside", tavern)


async def test_a_page_that_comes_back_is_told_what_it_missed_and_no_more(server: PlaygroundServer) -> None:
    async with events(server) as stream:
        await stream.next()
        server.say("tavern", "Robin", "Seen")
        await stream.next()
        last = stream.last_id
    server.say("tavern", "Robin", "Missed")
    for options in ({"headers": {"Last-Event-ID": last}}, {"params": {"last": last}}):
        async with events(server, **options) as stream:
            kind, body = await stream.next()
            assert (kind, body["content"]) == ("message", "Missed")


@pytest.mark.parametrize("last", ["another-1", "", "x", "-5"])
async def test_a_page_of_another_time_gets_a_fresh_snapshot(server: PlaygroundServer, last: str) -> None:
    server.say("tavern", "Robin", "Hello")
    async with events(server, params={"last": last}) as stream:
        assert (await stream.next())[0] == "snapshot"


async def test_a_page_that_missed_too_much_gets_a_fresh_snapshot(server: PlaygroundServer) -> None:
    async with events(server) as stream:
        await stream.next()
        last = stream.last_id
    for _ in range(1_001):
        server.type_in("tavern", "Kim")
    async with events(server, params={"last": last}) as stream:
        assert (await stream.next())[0] == "snapshot"


async def test_a_page_that_does_not_read_is_cut_off_and_comes_back_whole(server: PlaygroundServer) -> None:
    async with events(server) as stream:
        await stream.next()
        for _ in range(1_002):  # no await in between: the stream has no chance to take any
            server.type_in("tavern", "Kim")
        assert await rest_of(stream) < 1_002
    async with events(server, params={"last": stream.last_id}) as stream:
        assert (await stream.next())[0] == "snapshot"


async def test_stopping_ends_every_stream(server: PlaygroundServer) -> None:
    async with events(server) as stream:
        await stream.next()
        await server.stop()
        with pytest.raises(EOFError):
            await stream.next()


async def test_pages_are_told_when_the_bot_comes_and_goes(server: PlaygroundServer) -> None:
    server.bot_control = ScriptedBot()
    async with events(server) as stream:
        assert (await stream.next())[1]["presence"] == {"connected": False, "process": "stopped"}
        async with connected(server):
            while (await stream.next())[1] != {"connected": True, "process": "stopped"}:
                pass
        while (await stream.next())[1] != {"connected": False, "process": "stopped"}:
            pass


async def test_the_lines_are_counted_in_the_snapshot(server: PlaygroundServer, wire: WireClient) -> None:
    server.say("tavern", "Robin", "Hello")
    await wire.line("One")
    await wire.line("Two")
    await wire.notice("Plain")
    server.delete(server.messages("tavern")[1].id)
    async with events(server) as stream:
        assert (await stream.next())[1]["lines"] == 1


async def test_older_messages_are_given_in_pages(server: PlaygroundServer, wire: WireClient) -> None:
    said = [server.say("library", "Kim", f"{number}") for number in range(150)]
    channel = said[0].channel_id
    page = (await wire.control("GET", f"earlier?channel={channel}&before={said[120].id}")).body
    assert ([each["content"] for each in page["shown"]], page["more"]) == ([str(n) for n in range(20, 120)], True)
    page = (await wire.control("GET", f"earlier?channel={channel}&before={said[20].id}")).body
    assert (len(page["shown"]), page["more"]) == (20, False)


async def test_the_bot_is_killed_and_started(server: PlaygroundServer, wire: WireClient) -> None:
    bot = ScriptedBot()
    server.bot_control = bot
    seen = []
    for do in ("start", "kill"):
        assert (await wire.control("POST", "bot", {"do": do})).status == 204
        seen.append(bot.state)
    assert seen == [BotState.RUNNING, BotState.STOPPED]
    assert (await wire.control("POST", "bot", {"do": "dance"})).status == 400


async def test_an_armed_bot_is_killed_amid_its_next_line_though_nobody_looks_any_more(
    server: PlaygroundServer, wire: WireClient
) -> None:
    bot = ScriptedBot()
    server.bot_control = bot
    await bot.start()
    killed_at: list[int] = []
    bot.watch(lambda: killed_at.append(len(server.messages("tavern"))))
    for _ in range(2):  # armed again, it still dies once
        assert (await wire.control("POST", "bot", {"do": "kill-amid"})).status == 204
    assert bot.state is BotState.RUNNING
    assert (await wire.line("Stored, and not told")).status == 200
    assert (bot.state, killed_at) == (BotState.STOPPED, [1])


async def test_without_hooks_the_routes_say_so(server: PlaygroundServer, wire: WireClient) -> None:
    for method, path, body in (("POST", "bot", {"do": "kill"}), ("GET", "cards", None), ("PATCH", "cards/Mira", {})):
        reply = await wire.control(method, path, body)
        assert (reply.status, set(reply.body)) == (409, {"message"})
    assert (await wire.request("GET", f"{server.url}/inspector/events")).status == 503
    assert (await wire.control("GET", "inspector/events")).status == 204


async def test_cards_are_listed_added_edited_and_refused_in_a_sentence(
    server: PlaygroundServer, wire: WireClient
) -> None:
    server.card_shelf = ScriptedShelf()
    assert [card["name"] for card in (await wire.control("GET", "cards")).body] == ["Mira"]
    assert (await wire.control("GET", "cards/Mira/picture")).headers["Content-Type"] == "image/png"
    assert (await wire.control("GET", "cards/Giffy/picture")).headers["Content-Type"] == "image/gif"
    assert (await wire.control("GET", "cards/Nobody/picture")).status == 404
    url = f"{server.url}/_control/cards?filename=mira.json"
    added = await wire.request("POST", url, data=b"{}")
    assert (added.status, added.body["doubts"]) == (201, ["its 'tags' is text"])
    refused = await wire.request("POST", url, data=b"nonsense")
    assert (refused.status, refused.body) == (422, {"message": "mira.json is not a Tavern card."})
    edited = await wire.control("PATCH", "cards/Mira", {"name": "Mirabel"})
    assert edited.body["name"] == "Mirabel"
    assert (await wire.control("PATCH", "cards/Mira", {"extensions": "x"})).status == 400


@pytest.mark.parametrize(
    "path", ["/", "/_control/events", "/_control/cards", "/_control/inspector/", "/inspector/events"]
)
async def test_another_sites_page_sees_and_steers_nothing(
    server: PlaygroundServer, wire: WireClient, path: str
) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert (await wire.request("GET", server.url + path, headers=headers)).status == 403
