"""M3 on virtual time: when the status page is asked, what comes of what it says, and that it delays nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

import anyio
import pytest

from actors.ports import (
    BreakerMoved,
    Noted,
    Refused,
    ShardDown,
    ShardReady,
    Status,
    StatusUnknown,
)
from actors.status_watch import ASK_EVERY_S, FRESH_S
from tests.actors.outage import CLOSED_AGAIN, DOWN, LATE, OPENED, announced, delays, speaks_into_an_outage
from tests.fakes.discord import Fault
from tests.fakes.play import BREAKER_PAUSE_S, CHANNEL, Play, playing

WELL = Status("none")
OK: Fault = "ok"
EVERY_THIRD: tuple[Fault, ...] = (OK, OK, "lost")
MAJOR = Status("major", ("API errors", "Voice"))


class FakePage:
    """A status page that says one thing, after a while."""

    def __init__(self, says: Status | StatusUnknown, *, takes_s: float = 0.2) -> None:
        self.says = says
        self.takes_s = takes_s
        self.asked_at: list[float] = []

    async def read(self) -> Status | StatusUnknown:
        self.asked_at.append(anyio.current_time())
        says = self.says
        await anyio.sleep(self.takes_s)
        return says


def said(play: Play) -> list[str]:
    return [e.words for e in play.trace.events if isinstance(e, Noted) and "status page" in e.words]


async def write(play: Play, *faults: Fault, every_s: float = 5.0) -> None:
    """As many lines, one after the other; what becomes of each try is the next of `faults`, then all are well."""
    play.discord.faults.extend(faults)
    for _ in faults:
        play.say("Hello?")
        await anyio.sleep(every_s)


# ── when it is asked ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("breaker_failures", [5, 0])
async def test_m3_the_page_is_asked_at_the_start_and_not_again_while_all_is_well(breaker_failures: int) -> None:
    page = FakePage(WELL)
    async with playing(breaker_failures=breaker_failures, status_page=page) as play:
        await play.start("Ada")
        await write(play, *[OK] * 20, every_s=30)
        assert len(page.asked_at) == 1
        assert said(play) == ["Discord's status page says: none (no incident is named)."]


async def test_m3_the_page_is_asked_at_a_start_at_which_discord_cannot_be_reached() -> None:
    page = FakePage(MAJOR)
    async with playing(breaker_failures=5, wait_ready=False, status_page=page) as play:
        play.discord.outage = DOWN
        await anyio.sleep(1)
        assert page.asked_at != []
        assert said(play) == ["Discord's status page says: major (API errors; Voice)."]


@pytest.mark.parametrize(("after_s", "times"), [(FRESH_S - 10, 1), (FRESH_S + 10, 2)])
async def test_m3_the_page_is_asked_before_what_a_gap_has_held_up_goes_out(after_s: float, times: int) -> None:
    page = FakePage(WELL)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        play.gateway.offer(ShardDown(0))
        await anyio.sleep(after_s)
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        await anyio.sleep(10)
        assert len(page.asked_at) == times  # what it said lately still holds


@pytest.mark.parametrize(
    ("faults", "is_asked"),
    [
        (EVERY_THIRD * 3, True),  # a partial outage: every third send fails
        (("lost", OK, OK), False),  # too few to be a share
        ((*[OK] * 9, "lost"), False),
        ([Refused("rate_limit", 429, 1.0)] * 8, False),  # who says that lives
    ],
)
async def test_m3_the_page_is_asked_when_three_in_ten_writes_fail(faults: Sequence[Fault], *, is_asked: bool) -> None:
    page = FakePage(WELL)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        await write(play, *faults)
        assert (len(page.asked_at) > 1) is is_asked
        assert play.trace.breaker_moves == []


async def test_m3_the_page_is_asked_until_less_than_one_in_ten_writes_fail() -> None:
    page = FakePage(WELL)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        await write(play, *EVERY_THIRD * 3)
        asked = len(page.asked_at)
        await write(play, *[OK] * 6, every_s=10)  # still more than one in ten
        assert len(page.asked_at) > asked
        await write(play, *[OK] * 12, every_s=10)
        asked = len(page.asked_at)
        await write(play, *[OK] * 12, every_s=10)
        assert len(page.asked_at) == asked


async def test_m3_the_page_is_asked_while_the_breaker_is_not_closed_and_no_longer() -> None:
    page = FakePage(MAJOR)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        await anyio.sleep(200)
        await speaks_into_an_outage(play, 100)
        await play.until(lambda: OPENED in play.trace.breaker_moves)
        await anyio.sleep(170)
        assert len(page.asked_at) >= 1 + 170 / (ASK_EVERY_S + 1)
        assert all(later - sooner >= ASK_EVERY_S for sooner, later in pairwise(page.asked_at[1:]))
        play.discord.outage = None
        await play.until(lambda: play.trace.breaker_moves[-1] == CLOSED_AGAIN)
        await anyio.sleep(FRESH_S + ASK_EVERY_S)
        asked = len(page.asked_at)
        await write(play, *[OK] * 10, every_s=30)
        assert len(page.asked_at) == asked


async def test_m3_short_pauses_of_the_breaker_do_not_press_the_page() -> None:
    page = FakePage(StatusUnknown("connection"), takes_s=0.0)
    async with playing(breaker_failures=5, status_page=page) as play:
        await speaks_into_an_outage(play, 100)
        await play.until(lambda: OPENED in play.trace.breaker_moves)
        watch = play.services.breakers.watch
        assert watch is not None
        asked = len(page.asked_at)
        for _ in range(100):
            watch.opened()
            await anyio.sleep(0.5)
        assert len(page.asked_at) - asked <= 50 / ASK_EVERY_S + 1


# ── what comes of what it says ──────────────────────────────────────────────────────────────────────


async def test_m3_an_incident_reported_before_any_failure_opens_the_breaker_with_the_first_one() -> None:
    page = FakePage(MAJOR)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        await write(play, *[OK] * 3)
        assert play.trace.breaker_moves == []  # what it reports does no harm by itself
        await write(play, "lost")
        assert play.trace.breaker_moves[:1] == [OPENED]


@pytest.mark.parametrize("says", [MAJOR, WELL, Status("maintenance"), StatusUnknown("timeout")])
async def test_m3_an_incident_reported_long_ago_is_asked_about_when_something_fails(
    says: Status | StatusUnknown,
) -> None:
    page = FakePage(MAJOR)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        await anyio.sleep(3600)
        page.says = says
        await write(play, "lost", every_s=2)
        assert len(page.asked_at) == 2
        assert play.trace.breaker_moves == ([OPENED] if says is MAJOR else [])


async def test_m3_a_partial_outage_that_the_page_calls_major_opens_the_breaker_though_no_row_of_failures_does() -> None:
    page = FakePage(WELL)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        page.says = Status("critical", ("Messages are lost",))
        await write(play, *EVERY_THIRD * 4)
        assert play.trace.breaker_moves[:1] == [OPENED]
        await play.quiet(for_s=200)
        states = play.trace.states_of("Ada")
        assert ("Failed" in states, len(await play.causes())) == (False, 12)
        asked = len(page.asked_at)
        await anyio.sleep(3600)
        assert len(page.asked_at) == asked  # nobody waits for the answer


@pytest.mark.parametrize("says", [WELL, Status("maintenance"), Status("minor"), StatusUnknown("malformed")])
async def test_m3_nothing_less_than_a_major_incident_opens_the_breaker_early(says: Status | StatusUnknown) -> None:
    page = FakePage(says)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        await write(play, *EVERY_THIRD * 4)
        assert len(page.asked_at) > 1
        assert play.trace.breaker_moves == []


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Status("major", ("@everyone",)), "a major outage"),
        (Status("critical"), "a critical outage"),
        (Status("minor"), "minor trouble"),
        (Status("maintenance"), "maintenance"),
    ],
)
async def test_m3_each_waiting_channel_s_notice_has_the_page_s_words(says: Status, words: str) -> None:
    page = FakePage(WELL)
    async with playing(breaker_failures=1, status_page=page) as play:
        channels = range(100, 104)
        for channel_id in channels:
            await play.start("Ada", channel_id=channel_id)
        await anyio.sleep(200)
        page.says, page.takes_s = says, 4.0  # the first lines are held before it has answered
        play.discord.outage = DOWN
        for channel_id in channels:
            play.say("Hello?", channel_id=channel_id)
            await anyio.sleep(2.0)
        await anyio.sleep(150)
        play.discord.faults.extend([("hang", 5.0)] * 50)  # so that the notices come before the lines
        play.discord.outage = None
        await play.quiet(for_s=100)
        clause = f"⏳ Discord was not answering (its status page reported {words}), so Ada's response comes late."
        told = [text for channel_id in channels for text in announced(play, channel_id)]
        assert len(told) >= len(channels) - 1  # but for the probe's
        assert set(told) == {clause}
        assert [text for channel_id in channels for text in delays(play, channel_id)] == []


async def test_m3_a_verdict_on_an_earlier_outage_is_no_clause_of_this_one_s_notice() -> None:
    page = FakePage(MAJOR)
    async with playing(breaker_failures=1, status_page=page) as play:
        await play.start("Ada")
        await anyio.sleep(3600)
        page.says = StatusUnknown("http")
        play.discord.outage = DOWN
        play.say("Hello?")
        await anyio.sleep(150)
        play.discord.faults.extend([("hang", 5.0)] * 50)
        play.discord.outage = None
        await play.quiet(for_s=100)
        assert set(announced(play)) <= {LATE}


@pytest.mark.parametrize(
    ("says", "row"),
    [
        (MAJOR, "Discord's status page reports a major outage."),
        (Status("maintenance"), "Discord's status page reports maintenance."),
        (WELL, "Speaking: a scripted model"),
    ],
)
async def test_m3_status_says_what_the_page_reports(says: Status, row: str) -> None:
    async with playing(breaker_failures=5, status_page=FakePage(says)) as play:
        await play.start("Ada")
        await anyio.sleep(1)
        play.say("!status")
        await play.quiet()
        assert play.discord.texts(CHANNEL)[-1].splitlines()[-1] == row


# ── what it may not do ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("says", [StatusUnknown("timeout"), WELL])
async def test_m3_a_page_that_never_answers_or_denies_delays_and_forbids_nothing(says: Status | StatusUnknown) -> None:
    page = FakePage(says, takes_s=1e6)
    async with playing(breaker_failures=5, status_page=page) as play:
        await play.start("Ada")
        began = play.clock.now()
        play.say("Hello?")
        await play.until(lambda: "Delivered" in play.trace.states_of("Ada"))
        assert play.clock.now() - began < 1.0
        await speaks_into_an_outage(play, 100)
        await play.until(lambda: OPENED in play.trace.breaker_moves)
        play.discord.outage = None
        await play.until(lambda: CLOSED_AGAIN in play.trace.breaker_moves, timeout_s=BREAKER_PAUSE_S + 1)
        await play.until(lambda: play.trace.states_of("Ada")[-1] == "Delivered", timeout_s=20)


async def test_m3_the_log_has_one_line_for_each_thing_that_the_page_says() -> None:
    page = FakePage(WELL)
    async with playing(breaker_failures=5, status_page=page) as play:
        await speaks_into_an_outage(play, 100)
        await play.until(lambda: OPENED in play.trace.breaker_moves)
        page.says = Status("major", ("API errors",), unread=("summary.json: http",))
        await anyio.sleep(200)
        page.says = StatusUnknown("timeout")
        await anyio.sleep(200)
        openings = [e for e in play.trace.events if isinstance(e, BreakerMoved) and e.dest == "Open"]
        assert len(openings) > 3
        assert [words for words, _ in groupby(said(play))] == [  # the first one once more in the outage
            "Discord's status page says: none (no incident is named).",
            "Discord's status page says: major (API errors). Not all of it could be read: summary.json: http.",
            "Discord's status page could not be read: timeout.",
        ]
