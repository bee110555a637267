"""The watch of the status page on virtual time: it tells what it hears, and decides nothing."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest

from actors.ports import (
    BreakerMoved,
    Noted,
    Status,
    StatusUnknown,
)
from actors.status_watch import ASK_EVERY_S
from tests.actors.outage import CLOSED_AGAIN, LATE, OPENED, delays, speaks_into_an_outage
from tests.fakes.play import BREAKER_PAUSE_S, CHANNEL, Play, playing
from tests.fakes.virtual_time import BACKENDS, run_virtually

both = pytest.mark.parametrize("backend", BACKENDS)


class FakePage:
    """A status page that says one thing, after a while."""

    def __init__(self, says: Status | StatusUnknown, *, takes_s: float = 0.2) -> None:
        self.says = says
        self.takes_s = takes_s
        self.asked_at: list[float] = []

    async def read(self) -> Status | StatusUnknown:
        self.asked_at.append(anyio.current_time())
        await anyio.sleep(self.takes_s)
        return self.says


def warnings(play: Play) -> list[str]:
    return [e.words for e in play.trace.events if isinstance(e, Noted) and "status page" in e.words]


@both
def test_the_status_page_is_asked_at_each_opening_and_only_then(backend: str) -> None:
    async def main() -> None:
        page = FakePage(Status("major", ("API errors", "Voice")))
        async with playing(breaker_failures=5, status_page=page) as play:
            await play.start("Ada")
            await anyio.sleep(200)
            assert page.asked_at == []
            await speaks_into_an_outage(play, 100)
            await anyio.sleep(160)
            openings = [e for e in play.trace.events if isinstance(e, BreakerMoved) and e.dest == "Open"]
            assert len(page.asked_at) == len(openings) == 3
            assert warnings(play)[0] == "Discord's status page says: major (API errors; Voice)."
            play.discord.outage = None
            await play.quiet(for_s=100)
            assert len(page.asked_at) == 3

    run_virtually(backend, main)


@both
def test_what_the_page_reports_is_a_clause_of_the_notice(backend: str) -> None:
    async def main() -> None:
        page = FakePage(Status("major", ("@everyone",)), takes_s=0.0)
        async with playing(breaker_failures=1, status_page=page) as play:
            await play.start("Ada")
            await speaks_into_an_outage(play, 100)
            await anyio.sleep(20)
            play.say("Hello?")  # held when the page is known
            await anyio.sleep(20)
            play.discord.outage = None
            await play.quiet(for_s=100)
            clause = "Discord was not answering (its status page reported a major outage), so"
            assert delays(play) == [f"⏳ {clause} Ada's response comes late."]

    run_virtually(backend, main)


@both
@pytest.mark.parametrize("says", [StatusUnknown("timeout"), Status("none")])
def test_a_page_that_hangs_or_denies_delays_and_forbids_nothing(says: Status | StatusUnknown, backend: str) -> None:
    async def main() -> None:
        page = FakePage(says, takes_s=1000.0)
        async with playing(breaker_failures=5, status_page=page) as play:
            await speaks_into_an_outage(play, CHANNEL)
            await play.until(lambda: OPENED in play.trace.breaker_moves)
            play.discord.outage = None
            await play.until(lambda: CLOSED_AGAIN in play.trace.breaker_moves, timeout_s=BREAKER_PAUSE_S + 1)
            await play.until(lambda: play.trace.states_of("Ada")[-1] == "Delivered", timeout_s=20)
            assert delays(play) in ([], [LATE])

    run_virtually(backend, main)


def test_short_pauses_do_not_press_the_page() -> None:
    async def main() -> None:
        page = FakePage(StatusUnknown("connection"), takes_s=0.0)
        async with playing(breaker_failures=5, status_page=page) as play:
            watch = play.world.breakers.watch
            assert watch is not None
            for _ in range(100):
                watch.ring()
                await anyio.sleep(1.0)
            assert all(later - sooner >= ASK_EVERY_S for sooner, later in pairwise(page.asked_at))
            assert len(page.asked_at) == 4

    run_virtually("asyncio", main)
