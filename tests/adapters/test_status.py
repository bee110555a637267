"""The status page over real sockets: what it says, and every way in which a part of it says nothing, as a value."""

from __future__ import annotations

import json
from itertools import combinations

import anyio
import pytest
from anyio.abc import SocketStream
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.adapters.status import BYTES_MAX, INCIDENTS_MAX, NAME_MAX, HttpStatusPage, _answer, _merged, _SaysNothing
from actors.ports import Status, StatusUnknown
from tests.fakes.status_page import (
    INCIDENTS,
    MAINTENANCES,
    PARTS,
    STATUS,
    SUMMARY,
    StatusPage,
    Talk,
    answering,
    component,
    hang_up,
    incident,
    maintenance,
    serving,
    silence,
)
from tests.patience import PATIENCE_S

HTML = answering(b"<html>busy</html>")
SHORT_S = 0.3


async def said(page: StatusPage, *, timeout_s: float = PATIENCE_S) -> Status | StatusUnknown:
    async with serving(page):
        return await HttpStatusPage(page.url, timeout_s=timeout_s).read()


async def known(page: StatusPage, *, timeout_s: float = PATIENCE_S) -> Status:
    outcome = await said(page, timeout_s=timeout_s)
    assert isinstance(outcome, Status)
    return outcome


def broken(*parts: str, talk: Talk = HTML) -> dict[str, Talk]:
    return dict.fromkeys(parts, talk)


@pytest.mark.parametrize("indicator", ["none", "maintenance", "minor", "major", "critical"])
async def test_m3_the_indicator_and_the_unresolved_incidents_are_read(indicator: str) -> None:
    page = StatusPage(indicator, [incident("API errors", "none"), incident("Voice, EU", "none")])
    assert await said(page) == Status(indicator, ("API errors", "Voice, EU"))  # type: ignore[arg-type]
    assert sorted(page.asked) == sorted(PARTS)


async def test_names_are_few_short_and_one_line_of_plain_words() -> None:
    wild = "\x1b[31mAPI\r\n2026-01-01 - CRITICAL - `down` @everyone <b>\u202e"
    names = (wild, "x" * 500, "\u200b", *["more"] * 20)
    outcome = await known(StatusPage("major", [incident(name) for name in names]))
    assert outcome.incidents == ("31mAPI 2026-01-01 - CRITICAL - down everyone b", "x" * NAME_MAX, "more")
    assert len(outcome.incidents) <= INCIDENTS_MAX


# ── what is reported ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("impact", ["maintenance", "minor", "major", "critical"])
async def test_m3_an_incident_is_as_bad_as_its_impact_though_the_page_calls_itself_well(impact: str) -> None:
    assert (await known(StatusPage("none", [incident("API errors", impact)]))).indicator == impact


@pytest.mark.parametrize("status", ["resolved", "postmortem"])
async def test_m3_an_incident_that_is_over_is_none(status: str) -> None:
    assert await said(StatusPage("none", [incident("Old", "critical", status)])) == Status("none")


@pytest.mark.parametrize("status", ["in_progress", "verifying"])
async def test_m3_a_maintenance_under_way_is_one_and_no_outage(status: str) -> None:
    page = StatusPage("none", maintenances=[maintenance("Database move", status)])
    assert await said(page) == Status("maintenance", ("Database move",))


@pytest.mark.parametrize("status", ["scheduled", "completed"])
async def test_m3_a_maintenance_that_is_planned_or_over_is_none(status: str) -> None:
    assert await said(StatusPage("none", maintenances=[maintenance("Later", status)])) == Status("none")


@pytest.mark.parametrize(
    ("status", "indicator"),
    [
        ("under_maintenance", "maintenance"),
        ("degraded_performance", "minor"),
        ("partial_outage", "minor"),
        ("major_outage", "major"),
        ("operational", "none"),
    ],
)
async def test_m3_components_are_named_and_speak_where_the_page_s_own_verdict_cannot_be_read(
    status: str, indicator: str
) -> None:
    page = StatusPage("none", components=[component("API", status), component("Group", status, group=True)])
    own = await known(page)
    assert own.incidents == (() if status == "operational" else (f"API: {status.replace('_', ' ')}",))
    assert own.indicator == ("maintenance" if status == "under_maintenance" else "none")
    page.indicator = "purple"
    assert (await known(page)).indicator == indicator


# ── what cannot be read ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("talk", [HTML, answering(b"", status=503), hang_up, silence], ids=lambda t: t.__name__)
async def test_m3_one_part_that_is_down_discards_no_other(part: str, talk: Talk) -> None:
    page = StatusPage("major", [incident("API errors")], [maintenance("Move")], [component("API", "partial_outage")])
    page.broken = broken(part, talk=talk)
    outcome = await known(page, timeout_s=SHORT_S if talk is silence else PATIENCE_S)
    assert (outcome.indicator, set(outcome.incidents)) >= ("major", {"API errors"})
    [unread] = outcome.unread
    assert unread.startswith(f"{part}: ")


@pytest.mark.parametrize("alone", PARTS)
async def test_m3_any_one_part_alone_is_enough(alone: str) -> None:
    page = StatusPage("major", [incident("API errors")], [maintenance("Move")])
    page.broken = broken(*(part for part in PARTS if part != alone))
    outcome = await known(page)
    assert outcome.indicator == ("maintenance" if alone == MAINTENANCES else "major")
    assert len(outcome.unread) == 3


@pytest.mark.parametrize("left", [*combinations([INCIDENTS, MAINTENANCES, SUMMARY], 2)])
async def test_m3_without_its_verdict_the_page_is_as_bad_as_what_it_reports(left: tuple[str, str]) -> None:
    page = StatusPage("purple", [incident("API errors", "critical")])
    page.broken = broken(*(part for part in PARTS if part not in left))
    assert (await known(page)).indicator == "critical"


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "API errors",
        {},
        {"name": None},
        {"name": 7, "impact": "major"},
    ],
)
async def test_m3_an_odd_entry_hides_no_other(odd: object) -> None:
    assert (await known(StatusPage("none", [odd, incident("API errors")]))).indicator == "major"


async def test_m3_an_impact_or_a_state_that_nobody_knows_is_none() -> None:
    odd = {"name": "New kind", "impact": {"of": "its own"}, "status": None}
    assert await said(StatusPage("minor", [odd])) == Status("minor", ("New kind",))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>busy</html>",
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"status": null}',
        b'{"status": "major"}',
        b'{"status": {"indicator": "purple"}}',
        b'{"status": {"indicator": 3}}',
        b'{"incidents": [{}]}',
        b'{"incidents": {"name": "x"}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
async def test_what_is_no_status_is_malformed(body: bytes) -> None:
    assert await said(StatusPage(broken=broken(*PARTS, talk=answering(body)))) == StatusUnknown("malformed")


WORDS = st.sampled_from(["major", "none", "in_progress", "resolved", "major_outage", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["indicator", "name", "status", "impact", "group"]), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["status", "incidents", "scheduled_maintenances", "components"])


@given(st.dictionaries(FIELDS, VALUES))
def test_m3_whatever_a_page_says_in_json_is_a_verdict_or_malformed(said: dict[str, object]) -> None:
    try:
        answer = _answer(json.dumps(said).encode())
    except (ValidationError, _SaysNothing):
        return
    status = _merged([answer], {})
    assert len(status.incidents) <= INCIDENTS_MAX
    assert all(name.isprintable() for name in status.incidents)


@pytest.mark.parametrize("status", [404, 429, 500, 503])
async def test_a_status_that_is_no_answer_is_one(status: int) -> None:
    page = StatusPage(broken=broken(*PARTS, talk=answering(b"{}", status=status)))
    assert await said(page) == StatusUnknown("http")


async def test_more_than_a_page_has_to_say_is_not_read_to_its_end() -> None:
    sent = 0

    async def flood(stream: SocketStream) -> None:
        nonlocal sent
        await stream.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            await stream.send(b" " * 65_536)
            sent += 65_536

    outcome = await known(StatusPage("minor", broken=broken(SUMMARY, talk=flood)))
    assert outcome == Status("minor", unread=(f"{SUMMARY}: too_large",))
    assert sent < 64 * BYTES_MAX  # what the sockets hold, and no more


async def test_m3_a_part_that_trickles_has_its_time_and_no_more() -> None:
    async def trickle(stream: SocketStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await stream.send(b" ")
            await anyio.sleep(0.01)

    outcome = await known(StatusPage("major", broken=broken(INCIDENTS, talk=trickle)), timeout_s=SHORT_S)
    assert outcome == Status("major", unread=(f"{INCIDENTS}: timeout",))


async def test_a_page_that_hangs_has_its_time_and_no_more() -> None:
    assert await said(StatusPage(broken=broken(*PARTS, talk=silence)), timeout_s=0.05) == StatusUnknown("timeout")


async def test_a_lost_connection_and_one_that_is_never_made_are_values(free_tcp_port: int) -> None:
    assert await said(StatusPage(broken=broken(*PARTS, talk=hang_up))) == StatusUnknown("connection")
    assert await HttpStatusPage(f"http://127.0.0.1:{free_tcp_port}").read() == StatusUnknown("connection")


async def test_a_page_that_only_leads_elsewhere_is_left() -> None:
    async def lead_on(stream: SocketStream) -> None:
        head = f"HTTP/1.1 302 Found\r\nLocation: /api/v2/{STATUS}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        await stream.send(head.encode())

    assert await said(StatusPage(broken=broken(*PARTS, talk=lead_on))) == StatusUnknown("http")
