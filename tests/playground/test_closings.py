"""A made-up 429 closes its bucket: who asks again too soon is counted."""

import pytest

from actors.playground import PlaygroundServer
from actors.playground.closings import VARIANTS

from .wire_client import Reply, WireClient

WAIT_S = 400.0


class Clock:
    def __init__(self) -> None:
        self.at = 1_750_000_000.0

    def now(self) -> float:
        return self.at


def path(server: PlaygroundServer, channel: str = "tavern") -> str:
    return f"/channels/{server.discord.find_channel(channel).id}/messages"


async def webhook(server: PlaygroundServer, wire: WireClient, name: str) -> str:
    channel_id = server.discord.find_channel("tavern").id
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
        clock.at += WAIT_S - 1
        await wire.line("b")
        server.add_channel("cellar")
        await wire.line("c", channel="cellar")
        await wire.call("GET", path(server))
        clock.at += 1
        await wire.line("d")
        assert [entry.line.text for entry in server.on_closed if entry.line is not None] == ["b"]
        assert len(server.on_closed) == 1


@pytest.mark.parametrize(
    ("kind", "too_soon"),
    [
        ("rate_limit:400", ["thread", "take-down"]),
        ("rate_limit_shared:400", ["thread", "take-down", "other webhook"]),
        ("rate_limit_global:400", ["thread", "take-down", "other webhook", "read"]),
        ("rate_limit_edge:400", ["thread", "take-down", "other webhook", "read"]),
    ],
)
async def test_a_webhook_s_429_closes_it_for_all_threads(
    server: PlaygroundServer, wire: WireClient, kind: str, too_soon: list[str]
) -> None:
    own, other = await webhook(server, wire, "Mira"), await webhook(server, wire, "Tobin")
    thread = server.add_thread("tavern", "cellar", "Robin").id
    server.next_lines(kind)
    assert (await say(wire, own)).status == 429
    found: list[str] = []
    for name, method, where in (
        ("thread", "POST", f"{own}?wait=true&thread_id={thread}"),
        ("take-down", "DELETE", f"{own}/messages/1"),
        ("other webhook", "POST", other),
        ("read", "GET", path(server)),
    ):
        before = len(server.on_closed)
        await wire.call(method, where, {"content": "Hello", "username": "Mira"} if method == "POST" else None)
        found += [name] * (len(server.on_closed) - before)
    assert found == too_soon


async def say(wire: WireClient, path: str) -> Reply:
    return await wire.call("POST", path, {"content": "Hello", "username": "Mira"})
