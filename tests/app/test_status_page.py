"""M3 over real sockets: the whole bot as `run` composes it, a local Discord that fails, and its status page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import anyio
import pytest

from actors.adapters.clock import SystemClock
from actors.adapters.discord import Endpoints
from actors.adapters.store import memory_store
from actors.adapters.understudy import Understudy
from actors.app.characters import add_shipped
from actors.app.composition import Endpoint, compose
from actors.app.settings import load
from actors.gateway import Gateway
from actors.playground import PlaygroundServer, Voice
from actors.ports import Noted
from tests.fakes.play import Recorder
from tests.fakes.status_page import (
    INCIDENTS,
    PARTS,
    STATUS,
    SUMMARY,
    StatusPage,
    answering,
    incident,
    maintenance,
    serving,
    silence,
)
from tests.patience import PATIENCE_S

CHANNEL = "tavern"
OPENED = ("discord", "Closed", "Open")
CLOSED_AGAIN = ("discord", "HalfOpen", "Closed")


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings."""


async def until(holds: Callable[[], object]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - neither a server nor a Recorder signals this
            await anyio.sleep(0.01)


@dataclass
class Scene:
    """A bot in an open scene, with its Discord, its status page and what its actors reported."""

    server: PlaygroundServer
    page: StatusPage
    trace: Recorder

    @property
    def lines(self) -> int:
        return sum(m.voice is Voice.WEBHOOK for m in self.server.messages(CHANNEL))

    @property
    def words(self) -> list[str]:
        return [e.words for e in self.trace.events if isinstance(e, Noted) and "status page" in e.words]

    async def say(self) -> None:
        """Say something, and wait for the answer."""
        before = self.lines
        self.server.say(CHANNEL, "Robin", "Good evening.")
        await until(lambda: self.lines == before + 1)

    async def status(self) -> str:
        """What `!status` answers."""
        before = self._answers()
        self.server.say(CHANNEL, "Robin", "!status")
        await until(lambda: len(self._answers()) > len(before))
        return self._answers()[-1]

    def _answers(self) -> list[str]:
        return [m.content for m in self.server.messages(CHANNEL) if m.voice is Voice.BOT]


@asynccontextmanager
async def playing(page: StatusPage, *, breaker_failures: int = 50) -> AsyncIterator[Scene]:
    """The bot, once it is ready and has opened a scene; a breaker that no row of failures opens here."""
    trace, over = Recorder(), anyio.Event()
    async with serving(page), PlaygroundServer() as server, anyio.create_task_group() as group:
        settings = load(
            status_url=page.url,
            breaker_failures=breaker_failures,
            breaker_pause_s=0.5,
            backoff_base_s=0.02,
            settle_s=0.1,
            gather_s=0,
            send_attempts=5,
            inspector_address="",
        )
        store = memory_store()
        await add_shipped(store, SystemClock())
        bot = compose(
            settings,
            Endpoint(server.token, Endpoints(server.api_url, server.gateway_url)),
            store,
            Understudy(),
            trace=trace,
        )
        ready = anyio.Event()

        async def note_ready(gateway: Gateway) -> None:
            ready.set()

        async def run() -> None:
            await bot.run(on_ready=note_ready, until=over.wait)

        group.start_soon(run)
        with anyio.fail_after(PATIENCE_S):
            await ready.wait()
        server.say(CHANNEL, "Robin", "!start Maren")
        await until(lambda: any(m.voice is Voice.BOT for m in server.messages(CHANNEL)))
        yield Scene(server, page, trace)
        over.set()
    await store.aclose()
    assert trace.crashes == []


async def test_m3_an_incident_that_is_reported_before_any_failure_opens_the_breaker_with_the_first() -> None:
    async with playing(StatusPage("major", [incident("API errors")])) as scene:
        assert scene.page.times_asked == 1
        await until(lambda: scene.words)
        assert scene.words == ["Discord's status page says: major (API errors)."]
        assert "Discord's status page reports a major outage." in await scene.status()
        await scene.say()
        assert scene.trace.breaker_moves == []
        scene.server.next_lines("http_503")
        await scene.say()
        assert scene.trace.breaker_moves[0] == OPENED
        await until(lambda: scene.trace.breaker_moves[-1] == CLOSED_AGAIN)


async def test_m3_a_partial_outage_is_asked_about_and_opens_the_breaker_once_the_page_confirms_it() -> None:
    async with playing(StatusPage()) as scene:
        await until(lambda: scene.words)
        scene.page.indicator = "critical"
        scene.server.next_lines(*islice(cycle([None, None, "http_503"]), 30))  # every third send fails
        while OPENED not in scene.trace.breaker_moves:
            assert scene.lines < 20
            await scene.say()
        assert scene.page.times_asked == 2
        await scene.say()  # and it goes on


async def test_m3_a_partial_outage_that_the_page_does_not_confirm_costs_tries_and_no_line() -> None:
    async with playing(StatusPage("minor", [incident("Slow", "minor")])) as scene:
        scene.server.next_lines(*islice(cycle([None, None, "http_503"]), 18))
        for _ in range(12):
            await scene.say()
        assert scene.page.times_asked == 2
        assert scene.trace.breaker_moves == []


async def test_m3_maintenance_is_understood_and_holds_nothing_back() -> None:
    async with playing(StatusPage("none", maintenances=[maintenance("Database move")])) as scene:
        await until(lambda: scene.words)
        assert scene.words == ["Discord's status page says: maintenance (Database move)."]
        assert "Discord's status page reports maintenance." in await scene.status()
        scene.server.next_lines("http_503")
        await scene.say()
        assert scene.trace.breaker_moves == []


@pytest.mark.parametrize("part", [STATUS, INCIDENTS, SUMMARY])
async def test_m3_one_part_of_the_page_that_is_down_does_not_hide_the_incident(part: str) -> None:
    page = StatusPage("major", [incident("API errors")], broken={part: answering(b"<html>busy</html>", status=502)})
    async with playing(page) as scene:
        await until(lambda: scene.words)
        assert scene.words == [
            f"Discord's status page says: major (API errors). Not all of it could be read: {part}: http."
        ]
        scene.server.next_lines("http_503")
        await scene.say()
        assert scene.trace.breaker_moves[0] == OPENED


@pytest.mark.parametrize(
    "talk",
    [silence, answering(b"<html>busy</html>"), answering(b'{"status": 7}'), answering(b"{}", status=500)],
    ids=["never answers", "HTML", "garbage", "500"],
)
async def test_m3_a_page_that_says_nothing_delays_nothing_and_opens_nothing(talk: object) -> None:
    async with playing(StatusPage(broken=dict.fromkeys(PARTS, talk)), breaker_failures=1) as scene:  # type: ignore[arg-type]
        with anyio.fail_after(PATIENCE_S):
            await scene.say()
        scene.server.next_lines("http_503")
        await scene.say()
        assert scene.trace.breaker_moves == []
        scene.server.next_lines(*["http_503"] * 3)
        await scene.say()
        assert scene.trace.breaker_moves[0] == OPENED
        await until(lambda: scene.trace.breaker_moves[-1] == CLOSED_AGAIN)
