"""M9: a process that was asked to end goes on listening until its last send has ended."""

from __future__ import annotations

from pathlib import Path

import anyio

from actors.adapters.clock import SystemClock
from actors.adapters.discord import Endpoints
from actors.adapters.store import memory_store
from actors.adapters.understudy import Understudy
from actors.app.characters import add_shipped
from actors.app.composition import Endpoint, compose
from actors.app.settings import load
from actors.gateway import Gateway
from actors.playground import FaultPlan, PlaygroundServer, Voice
from tests.fakes.play import Recorder
from tests.patience import PATIENCE_S

CHANNEL = "tavern"


async def test_m9_what_is_said_while_the_last_sends_end_enters_the_inbox(bare: Path) -> None:
    trace, store, over = Recorder(), memory_store(), anyio.Event()
    drained: list[frozenset[int]] = []
    await add_shipped(store, SystemClock())

    async with PlaygroundServer() as server:
        channel_id = server.discord.find_channel(CHANNEL).id

        def shown(voice: Voice) -> list[int]:
            return [message.id for message in server.messages(CHANNEL) if message.voice is voice]

        async def until(voice: Voice) -> None:
            with anyio.fail_after(PATIENCE_S):
                while not shown(voice):  # noqa: ASYNC110 - the server signals nothing
                    await anyio.sleep(0.01)

        async def conduct(gateway: Gateway) -> None:
            server.say(CHANNEL, "Robin", "!start Maren")
            await until(Voice.BOT)
            server.faults = FaultPlan((("slow", 1.0),), slow_s=1.5)
            server.say(CHANNEL, "Robin", "Hello?")
            await until(Voice.WEBHOOK)  # it is stored, and not answered yet
            over.set()
            await anyio.sleep_forever()

        async def talk_while_it_drains() -> None:
            await over.wait()
            await anyio.sleep(0.2)
            last = server.say(CHANNEL, "Robin", "Are you going?").id
            with anyio.fail_after(1.0):  # the send takes longer
                while last not in (heard := await store.handled_messages(channel_id, after=0)):  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            drained.append(heard)

        settings = load(inspector_address="", status_url="", gather_s=0)
        endpoint = Endpoint(server.token, Endpoints(server.api_url, server.gateway_url))
        bot = compose(settings, endpoint, store, Understudy(), trace=trace)
        async with anyio.create_task_group() as group:
            group.start_soon(talk_while_it_drains)
            await bot.run(on_ready=conduct, until=over.wait)
        assert len(drained) == 1
        assert trace.states_of("Maren") == ["Generating", "Sending", "Delivered"]  # and it begins nothing new
    await store.aclose()
    assert trace.crashes == []
