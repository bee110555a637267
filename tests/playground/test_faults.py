"""Each fault on the wire: what the client sees, and what the channel shows."""

import asyncio

import pytest

from actors.playground import FaultPlan, PlaygroundServer
from tests.patience import PATIENCE_S

from .client import Bot
from .wire_client import WireClient


def always(kind: str, *, speed: float = 20.0) -> FaultPlan:
    return FaultPlan.parse([f"{kind}=1"], speed=speed)


def described(server: PlaygroundServer, channel: str = "tavern") -> list[str]:
    return [message.description for message in server.messages(channel)]


@pytest.mark.parametrize(
    ("kind", "status", "stored"),
    [
        ("http_500", 500, []),
        ("http_404", 404, []),
        ("stored_502", 502, ["Hello"]),
        ("drop_before", None, []),
        ("drop_after", None, ["Hello"]),
        ("rate_limit", 429, []),
        ("http_429", 429, []),
        ("outage", 503, []),
        ("slow", 200, ["Hello"]),
    ],
)
async def test_a_fault_decides_apart_what_is_stored_and_what_is_answered(
    server: PlaygroundServer, wire: WireClient, kind: str, status: int | None, stored: list[str]
) -> None:
    server.faults = always(kind)
    reply = await wire.line("Hello")
    assert (reply.status, described(server)) == (status, stored)
    (entry,) = server.ledger.since(only_lines=True)
    assert (entry.status, entry.fault, entry.message_id is not None) == (status, kind, bool(stored))


async def test_a_rate_limit_tells_how_long_to_wait(server: PlaygroundServer, wire: WireClient) -> None:
    server.faults = always("rate_limit", speed=1.0)
    reply = await wire.line("Hello")
    assert (reply.body["retry_after"], reply.body["global"], "Via" in reply.headers) == (0.5, False, True)


async def test_a_late_line_lands_after_the_client_was_cut_off(server: PlaygroundServer, wire: WireClient) -> None:
    server.faults = always("late")
    reply = await wire.line("Hello")
    assert (reply.status, described(server)) == (None, [])
    await server.wait_landed()
    assert described(server) == ["Hello"]
    (entry,) = server.ledger.since(only_lines=True)
    assert (entry.status, entry.message_id) == (None, server.messages("tavern")[0].id)


async def test_a_late_line_with_a_used_nonce_makes_no_second_message(
    server: PlaygroundServer, wire: WireClient
) -> None:
    server.faults = always("late")
    await wire.line("Hello", nonce="n1")
    server.faults = FaultPlan()
    await wire.line("Hello", nonce="n1")
    await server.wait_landed()
    assert described(server) == ["Hello"]


async def test_a_late_line_to_a_deleted_channel_is_told_in_the_ledger(
    server: PlaygroundServer, wire: WireClient
) -> None:
    server.faults = always("late")
    await wire.line("Hello")
    server.delete_channel("tavern")
    await server.wait_landed()
    (entry,) = server.ledger.since(only_lines=True)
    assert (entry.fault, entry.message_id) == ("late, then refused: Unknown Channel", None)


async def test_a_webhooks_line_and_its_edit_are_hit_but_not_the_webhooks_making(
    server: PlaygroundServer, bot: Bot, wire: WireClient
) -> None:
    server.faults = always("http_500")
    webhook = await bot.channel(server, "tavern").create_webhook(name="Mira")
    path = f"/webhooks/{webhook.id}/{webhook.token}"
    assert (await wire.call("POST", path, {"content": "Hello"})).status == 500
    server.faults = FaultPlan()
    sent = await webhook.send("Hello", wait=True)
    server.faults = always("stored_500")
    assert (await wire.call("PATCH", f"{path}/messages/{sent.id}", {"content": "Bye"})).status == 500
    assert [message.content for message in server.messages("tavern")] == ["Bye"]


async def test_notices_reads_and_deletions_are_not_hit(server: PlaygroundServer, wire: WireClient) -> None:
    server.faults = always("drop_before")
    sent = await wire.notice("⚠️ Failed")
    path = f"/channels/{sent.body['channel_id']}/messages"
    assert (await wire.call("GET", path)).status == 200
    assert (await wire.call("DELETE", f"{path}/{sent.body['id']}")).status == 204


async def test_an_outage_hits_everything_and_cuts_the_gateway(
    server: PlaygroundServer, bot: Bot, wire: WireClient
) -> None:
    server.faults = always("outage")
    await bot.seen("disconnect")
    assert ((await wire.notice("Hello")).status, (await wire.call("GET", "/users/@me")).status) == (503, 503)
    server.faults = FaultPlan()
    assert (await wire.notice("Hello")).status == 200


async def test_a_refused_line_is_refused_as_without_the_fault(server: PlaygroundServer, wire: WireClient) -> None:
    server.faults = always("drop_after")
    assert (await wire.line("x" * 4097)).status == 400


async def outcomes(plan: FaultPlan, order: list[str]) -> dict[str, list[str | None]]:
    """The faults that each channel's lines met, sent in this order."""
    async with PlaygroundServer(faults=plan) as server, WireClient(server) as wire:
        for number, channel in enumerate(order):
            await wire.line(str(number), channel=channel)
        await server.wait_landed()
        entries = server.ledger.since(only_lines=True)
        return {
            name: [each.fault for each in entries if each.channel_id == server.discord.find_channel(name).id]
            for name in sorted(set(order))
        }


async def test_a_seed_means_the_same_faults_whatever_other_channels_do() -> None:
    plan = FaultPlan.parse(["drop_after=0.3", "http_500=0.3", "late=0.1"], seed=4, speed=100)
    first = await outcomes(plan, ["tavern", "station"] * 12)
    second = await outcomes(plan, ["tavern"] * 12 + ["station"] * 12)
    assert first == second
    assert first["tavern"] != first["station"]
    assert {"drop_after", "http_500", None} <= set(first["tavern"])


async def test_a_new_plan_counts_anew(server: PlaygroundServer, wire: WireClient) -> None:
    plan = FaultPlan.parse(["http_500=0.5"], seed=1)
    runs = []
    for _ in range(2):
        server.faults = plan
        runs.append([(await wire.line(str(number))).status for number in range(10)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


async def test_a_held_line_is_stored_and_answered_only_after_the_release(
    server: PlaygroundServer, wire: WireClient
) -> None:
    server.hold.arm()
    sending = asyncio.create_task(wire.line("Hello"))
    held_id = await server.hold.wait_caught()
    assert ([each.id for each in server.messages("tavern")], sending.done()) == ([held_id], False)
    server.hold.release()
    reply = await sending
    assert (reply.status, reply.body["id"]) == (200, str(held_id))
    assert (await wire.line("Next")).status == 200


async def test_an_armed_hold_lets_notices_and_reads_pass(server: PlaygroundServer, wire: WireClient) -> None:
    server.hold.arm()
    async with asyncio.timeout(PATIENCE_S):
        sent = await wire.notice("⚠️ Failed")
        read = await wire.call("GET", f"/channels/{sent.body['channel_id']}/messages")
    assert (sent.status, read.status, server.hold.message_id) == (200, 200, None)


def test_probabilities_are_stacked_in_the_order_of_their_names() -> None:
    one = FaultPlan.parse(["slow=0.2", "drop_after=0.5"], seed=9)
    other = FaultPlan.parse(["drop_after=0.5", "slow=0.2"], seed=9)
    assert one == other


def test_the_share_of_each_fault_is_its_probability() -> None:
    plan = FaultPlan.parse(["drop_after=0.3", "http_500=0.2"], seed=3)
    drawn = [plan.line_fault(0, nth) for nth in range(10_000)]
    assert drawn.count("drop_after") == pytest.approx(3_000, rel=0.05)
    assert drawn.count("http_500") == pytest.approx(2_000, rel=0.05)


@pytest.mark.parametrize(
    ("texts", "mend"),
    [
        (["foo=0.1"], "unknown fault 'foo'; known: drop_after, drop_before, http_STATUS"),
        (["http_200=0.1"], "unknown fault 'http_200'"),
        (["slow"], "fault 'slow' needs a probability, e.g. slow=0.3"),
        (["slow=often"], "fault 'slow=often' needs a probability"),
        (["slow=1.5"], "must be between 0 and 1, not 1.5"),
        (["slow=nan"], "must be between 0 and 1, not nan"),
        (["slow=0.6", "late=0.6"], "add up to 1.2"),
    ],
)
def test_a_wrong_fault_is_named_with_its_mend(texts: list[str], mend: str) -> None:
    with pytest.raises(ValueError) as wrong:
        FaultPlan.parse(texts)
    assert mend in str(wrong.value)
