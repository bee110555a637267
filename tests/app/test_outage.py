"""An outage over real sockets: the whole bot as `run` composes it, against the playground's server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from actors.adapters.clock import SystemClock
from actors.adapters.discord import Endpoints
from actors.adapters.store import memory_store
from actors.adapters.understudy import Understudy
from actors.app.characters import add_shipped
from actors.app.composition import Endpoint, compose, status_page_of
from actors.app.settings import load
from actors.gateway import Gateway
from actors.playground import FaultPlan, PlaygroundServer, Voice
from machines.facts import Held, SendRefused, SendUnconfirmed
from tests.fakes.play import Recorder
from tests.patience import PATIENCE_S

CHANNEL = "tavern"
PAUSE_S = 0.4

ALL_BUT_THE_GATEWAY = FaultPlan.parse(["outage=0.999999"])
"""An outage of 1 would cut the gateway as well, and nobody would be heard."""

WRITES = FaultPlan.parse(["http_503=1"])
"""Lines are refused, everything else is answered: what is read back between two tries as well."""


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings."""


async def until(holds: Callable[[], object]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - neither a server nor a Recorder signals this
            await anyio.sleep(0.01)


def plain(server: PlaygroundServer) -> list[str]:
    """What the bot said in its own name."""
    return [m.content for m in server.messages(CHANNEL) if m.voice is Voice.BOT and m.content]


def lines(server: PlaygroundServer) -> int:
    return sum(m.voice is not Voice.USER for m in server.messages(CHANNEL)) - len(plain(server))


@pytest.mark.parametrize("outage", [ALL_BUT_THE_GATEWAY, WRITES], ids=["of everything", "of writes"])
@pytest.mark.parametrize("voice", ["webhook", "embed"])
async def test_an_outage_is_sat_out_and_ends_with_every_line_once_and_nothing_else(
    voice: str, outage: FaultPlan
) -> None:
    trace = Recorder()

    def moves() -> list[tuple[str, str]]:
        return [(source, dest) for _, source, dest in trace.breaker_moves]

    async def play(server: PlaygroundServer) -> None:
        server.say(CHANNEL, "Robin", "!start Maren Fitch --turns everyone")
        await until(lambda: plain(server))
        server.say(CHANNEL, "Robin", "Good evening.")
        await until(lambda: lines(server) == 2)
        server.faults = outage
        server.say(CHANNEL, "Robin", "Is anybody there?")
        await until(lambda: moves().count(("HalfOpen", "Open")) >= 2)
        server.faults = FaultPlan()
        await until(lambda: lines(server) == 4)

    settings = load(
        breaker_failures=2,
        breaker_pause_s=PAUSE_S,
        backoff_base_s=0.05,
        settle_s=0.2,
        gather_s=0,
        send_attempts=8,
        voice=voice,
        inspector_address="",
    )
    store = memory_store()
    await add_shipped(store, SystemClock())
    over = anyio.Event()

    async with PlaygroundServer() as server:

        async def conduct(gateway: Gateway) -> None:
            await play(server)
            with anyio.fail_after(PATIENCE_S):
                while await store.next_outbox_due() is not None:  # noqa: ASYNC110 - no event says it
                    await anyio.sleep(0.01)
            over.set()

        endpoint = Endpoint(server.token, Endpoints(server.api_url, server.gateway_url))
        bot = compose(settings, endpoint, store, Understudy(), trace=trace)
        await bot.run(on_ready=conduct, until=over.wait)
        assert lines(server) == 4
        (opened,) = plain(server)  # that a line came late went with it
        assert opened.startswith("🎭")
    await store.aclose()
    assert moves()[0] == ("Closed", "Open")
    assert moves()[-1] == ("HalfOpen", "Closed")
    assert trace.crashes == []
    facts = [fact for name, fact, _ in trace.moves if name == "Maren"]
    assert facts.count(Held.__name__) >= 2
    tries = facts.count(SendUnconfirmed.__name__) + facts.count(SendRefused.__name__)
    probes = 0 if outage is ALL_BUT_THE_GATEWAY else moves().count(("HalfOpen", "Open"))  # else they only read
    assert tries <= 3 + probes


def test_another_server_s_outage_is_no_business_of_discord_s_status_page() -> None:
    assert status_page_of(load(), is_discord=True) is not None
    assert status_page_of(load(), is_discord=False) is None
    assert status_page_of(load(status_url="http://127.0.0.1:9/api/v2"), is_discord=False) is not None
    assert status_page_of(load(status_url=""), is_discord=True) is None
