"""A made-up 429 closes its bucket: who asks again too soon is refused, and counted."""

import pytest

from actors.playground import READS, PlaygroundServer
from actors.playground.closings import VARIANTS

from .wire_client import Reply, WireClient

pytestmark = pytest.mark.anyio

WAIT_S = 400.0


class Clock:
    def __init__(self) -> None:
        self.at = 1_750_000_000.0

    def now(self) -> float:
        return self.at


def path(server: PlaygroundServer, channel: str = "tavern") -> str:
    return f"/channels/{server.world.find_channel(channel).id}/messages"


async def webhook(server: PlaygroundServer, wire: WireClient, name: str) -> str:
    channel_id = server.world.find_channel("tavern").id
    made = await wire.call("POST", f"/channels/{channel_id}/webhooks", {"name": name})
    return f"/webhooks/{made.body['id']}/{made.body['token']}"


SAID = {
    "": ("400", 400.0, "400.000", "user"),
    "_shared": ("400", 400.0, None, "shared"),
    "_global": ("400", 400.0, None, "global"),
    "_header": ("400", 0.0, "400.000", "user"),
    "_body": ("0.001", 400.0, None, "user"),
    "_reset": (None, 0.0, "400.000", "user"),
}


def test_every_variant_is_looked_at() -> None:
    assert set(SAID) == {"", *(f"_{variant}" for variant in VARIANTS if variant != "edge")}


@pytest.mark.parametrize("variant", SAID)
async def test_each_form_of_a_429_says_its_wait_in_its_own_way(
    server: PlaygroundServer, wire: WireClient, variant: str
) -> None:
    server.next_lines(f"rate_limit{variant}:400")
    reply = await wire.line("Hello")
    retry_after, in_json, reset_after, scope = SAID[variant]
    assert (reply.status, reply.headers.get("Retry-After")) == (429, retry_after)
    assert (reply.body["retry_after"], reply.body["global"]) == (in_json, variant == "_global")
    assert reply.headers["X-RateLimit-Scope"] == scope
    if reset_after is not None:
        assert reply.headers["X-RateLimit-Reset-After"] == reset_after


async def test_a_bucket_is_closed_for_its_time_and_requests_on_it_are_counted() -> None:
    clock = Clock()
    async with PlaygroundServer(now=clock.now) as server, WireClient(server) as wire:
        server.next_lines(f"rate_limit:{WAIT_S:g}")
        assert (await wire.line("a")).status == 429
        clock.at += 100
        again = await wire.line("b")
        assert (again.status, again.body["retry_after"]) == (429, pytest.approx(WAIT_S - 100))
        server.add_channel("cellar")
        assert (await wire.line("c", channel="cellar")).status == 200
        assert (await wire.call("GET", path(server))).status == 200
        clock.at += WAIT_S - 100
        assert (await wire.line("d")).status == 200
        assert [(entry.method, entry.status) for entry in server.on_closed] == [("POST", 429)]


@pytest.mark.parametrize(
    ("kind", "reached"),
    [
        ("rate_limit:400", ["other webhook", "read"]),
        ("rate_limit_shared:400", ["read"]),
        ("rate_limit_global:400", []),
        ("rate_limit_edge:400", []),
    ],
)
async def test_a_webhook_s_429_closes_it_for_all_threads(
    server: PlaygroundServer, wire: WireClient, kind: str, reached: list[str]
) -> None:
    own, other = await webhook(server, wire, "Mira"), await webhook(server, wire, "Tobin")
    thread = server.add_thread("tavern", "cellar", "Robin").id
    server.next_lines(kind)
    assert (await say(wire, own)).status == 429
    tried = {
        "thread": await say(wire, f"{own}?wait=true&thread_id={thread}"),
        "take-down": await wire.call("DELETE", f"{own}/messages/1"),
        "other webhook": await say(wire, other),
        "read": await wire.call("GET", path(server)),
    }
    assert [name for name, reply in tried.items() if reply.status != 429] == reached
    assert len(server.on_closed) == 4 - len(reached)


async def test_a_script_may_say_what_happens_on_a_closed_bucket(server: PlaygroundServer, wire: WireClient) -> None:
    server.next_requests(READS, "rate_limit:400", None)
    assert [(await wire.call("GET", path(server))).status for _ in range(3)] == [429, 200, 429]
    assert len(server.on_closed) == 2


async def say(wire: WireClient, path: str) -> Reply:
    return await wire.call("POST", path, {"content": "Hello", "username": "Mira"})
