"""What the history calls people, over real sockets: heard by the gateway, or read back after a gap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from tests.patience import PATIENCE_S
from tests.reliability.stage import CHANNEL, Stage, performing


@asynccontextmanager
async def nobody_listens(stage: Stage) -> AsyncIterator[None]:
    """The gateway's session is gone: what is said meanwhile is only to be read over REST."""
    gateway = stage.server.gateway
    gateway.refusing = True
    gateway.invalidate()
    await gateway.wait_alone()
    yield
    gateway.refusing = False
    await gateway.wait_connected()


async def heard(stage: Stage, count: int) -> list[tuple[str, str]]:
    """(name, text) of what people said, once there are so many lines of them."""
    said: list[tuple[str, str]] = []
    with anyio.fail_after(PATIENCE_S):
        while len(said) < count:
            await anyio.sleep(0.01)
            said = [(entry.name, entry.text) for entry in await stage.history() if entry.kind == "user"]
    return said


async def test_b17_a_person_has_one_name_in_the_history_whether_heard_or_read_back() -> None:
    async with performing("webhook") as stage:
        server = stage.server
        for person in ("Robin", "Sam", "Kim"):
            server.name_member(person, f"Captain {person}", global_name=f"{person} of Old")
        server.say(CHANNEL, "Robin", "Heard by the gateway.")
        await heard(stage, 2)
        async with nobody_listens(stage):
            server.say(CHANNEL, "Robin", "Read back.")
            server.say(CHANNEL, "Sam", "Never heard before.")
            server.say(CHANNEL, "Kim", "Goodbye.")
            server.leave("Kim")
        assert await heard(stage, 5) == [
            ("Robin", "Hello?"),  # as it was shown when it was accepted
            ("Captain Robin", "Heard by the gateway."),
            ("Captain Robin", "Read back."),
            ("Captain Sam", "Never heard before."),
            ("Kim of Old", "Goodbye."),
        ]
        assert sum("/members/" in entry.path for entry in server.ledger) == 2
