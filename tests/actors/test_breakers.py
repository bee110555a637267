"""One gate on virtual time: when it holds back, who probes, and what counts as down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from actors.breaker_ports import DISCORD_RELEASED_PER_S, BreakerChannel, judge_discord, judge_model, judge_prepared
from actors.breakers import PROBE_LEAD_S, Gate
from actors.observation import BreakerView
from actors.ports import (
    RATE_LIMIT,
    BreakerMoved,
    Completion,
    Deleted,
    HeldBack,
    ModelFailed,
    Posted,
    Refused,
    Unconfirmed,
)
from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind
from machines.breaker import Breaker, Failed, Succeeded
from tests.actors.outage import CLOSED_AGAIN, DOWN, FAILED_AGAIN, OPENED, PROBED
from tests.fakes.discord import FakeDiscord
from tests.fakes.play import BREAKER_PAUSE_S, CHANNEL, Recorder, card, playing
from tests.fakes.virtual_time import VirtualClock


def gate_of(trace: Recorder, clock: VirtualClock, *, failures_max: int = 5) -> Gate:
    breaker = Breaker("discord", failures_max, BREAKER_PAUSE_S)
    return Gate(breaker, cause="discord_down", released_per_s=DISCORD_RELEASED_PER_S, clock=clock, trace=trace)


def answering(outcome: object, after_s: float = 0.0) -> Callable[[], Awaitable[object]]:
    async def call() -> object:
        await anyio.sleep(after_s)
        return outcome

    return call


async def opened(trace: Recorder, clock: VirtualClock) -> Gate:
    gate = gate_of(trace, clock, failures_max=1)
    for _ in range(2):
        await gate.attempt(answering(DOWN), judge_discord)
    return gate


async def held(gate: Gate) -> HeldBack:
    """The answer to a call that must not be made."""
    outcome = await gate.attempt(answering(AssertionError("it touched the wire")), judge_discord)
    assert isinstance(outcome, HeldBack)
    return outcome


async def test_five_failures_in_a_row_are_borne_and_the_sixth_opens_it() -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock)
    for outcome in [DOWN] * 5 + [Posted(1, "")] + [DOWN] * 5:
        assert await gate.attempt(answering(outcome), judge_discord) == outcome
    assert gate.is_closed
    await gate.attempt(answering(DOWN), judge_discord)
    now = clock.now()
    assert trace.events == [BreakerMoved("discord", "Closed", "Open", now, now + 60)]
    assert await held(gate) == HeldBack(now + 60, "discord_down", now)


async def test_reads_that_succeed_do_not_hide_that_every_write_fails() -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock)
    for _ in range(6):
        await gate.attempt(answering(DOWN), judge_discord)
        await gate.attempt(answering(()), judge_discord, is_write=False)
    assert trace.breaker_moves == [OPENED]
    await anyio.sleep(BREAKER_PAUSE_S)
    await gate.attempt(answering(()), judge_discord, is_write=False)
    assert trace.breaker_moves == [OPENED, PROBED]  # what it is held for was not tried yet
    await gate.attempt(answering(Posted(1, "")), judge_discord)
    assert trace.breaker_moves == [OPENED, PROBED, CLOSED_AGAIN]


@pytest.mark.parametrize("between", [DOWN, Unconfirmed("timeout"), Refused("connection")], ids=str)
async def test_e4_while_a_write_is_lost_single_failed_reads_between_good_ones_open_nothing(between: object) -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock)
    await gate.attempt(answering(DOWN), judge_discord)
    for _ in range(100):
        for outcome in ((), between, Deleted()):
            assert await gate.attempt(answering(outcome, 0.1), judge_discord, is_write=False) == outcome
    assert trace.breaker_moves == []
    assert gate.seen == BreakerView("discord", "Closed", 1, 5)  # the lost write: no read added, none took it away


@pytest.mark.parametrize("lost_writes", [0, 1, 5])
async def test_e4_reads_that_all_fail_open_it_whatever_became_of_writes(lost_writes: int) -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock)
    for _ in range(lost_writes):
        await gate.attempt(answering(DOWN), judge_discord)
    for _ in range(5):
        await gate.attempt(answering(DOWN), judge_discord, is_write=False)
    assert gate.is_closed
    await gate.attempt(answering(DOWN), judge_discord, is_write=False)
    assert trace.breaker_moves == [OPENED]


@pytest.mark.parametrize("probe", [DOWN, ()], ids=["failed", "answered"])
async def test_e4_a_probe_that_reads_may_open_it_again_but_never_closes_it_for_lost_writes(probe: object) -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock, failures_max=1)
    for _ in range(2):
        await gate.attempt(answering(DOWN), judge_discord)
    await anyio.sleep(BREAKER_PAUSE_S)
    await gate.attempt(answering(probe), judge_discord, is_write=False)
    assert trace.breaker_moves == [OPENED, PROBED, *([FAILED_AGAIN] if probe is DOWN else [])]
    await anyio.sleep(BREAKER_PAUSE_S if probe is DOWN else 0)
    await gate.attempt(answering(Posted(1, "")), judge_discord)
    assert trace.breaker_moves[-1] == CLOSED_AGAIN


async def test_e4_preparing_a_voice_and_deleting_say_nothing_about_lost_lines() -> None:
    async with playing(breaker_failures=5) as play:
        await play.start("Ada")
        voice, channel = play.services.voice, play.services.channel
        play.discord.is_outage_of_posts_alone = True
        play.discord.outage = DOWN
        for number in range(6):
            play.discord.prepare_faults.append(Refused("forbidden", 403))  # answered: as much a read as any
            await voice.prepare(CHANNEL, card("Ada"))
            await channel.delete(CHANNEL, 1, None)
            assert play.trace.breaker_moves == []
            line = Outbound(OutboundKind.EMBED, CHANNEL, "Ada", "Hello.", f"{number}")
            assert await voice.send(line) == DOWN
        assert play.trace.breaker_moves == [OPENED]


async def test_where_only_reads_fail_a_read_that_succeeds_ends_the_row() -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock)
    for outcome in [DOWN] * 5 + [()] + [DOWN] * 5:
        await gate.attempt(answering(outcome), judge_discord, is_write=False)
    assert gate.is_closed


async def test_a_write_that_arrived_after_all_is_no_failure_but_decides_for_no_probe() -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock)
    for _ in range(12):
        await gate.attempt(answering(DOWN), judge_discord)
        gate.note_arrival()
    assert gate.is_closed
    for _ in range(6):
        await gate.attempt(answering(DOWN), judge_discord)
    gate.note_arrival()
    assert trace.breaker_moves == [OPENED]


async def test_each_held_caller_gets_a_later_time_behind_the_probe() -> None:
    clock = VirtualClock()
    gate = await opened(Recorder(), clock)
    over = clock.now() + BREAKER_PAUSE_S
    slots = [(await held(gate)).until - over for _ in range(4)]
    lead, step = PROBE_LEAD_S, 1 / DISCORD_RELEASED_PER_S
    assert slots == pytest.approx([0.0, lead, lead + step, lead + 2 * step], abs=1e-5)


async def test_there_is_one_probe_and_who_comes_meanwhile_waits_behind_the_line() -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = await opened(trace, clock)
    line = [(await held(gate)).until for _ in range(5)]
    await clock.sleep_until(line[0])
    async with anyio.create_task_group() as group:
        group.start_soon(gate.attempt, answering(Posted(1, ""), after_s=0.5), judge_discord)
        await anyio.sleep(0.1)
        assert (await held(gate)).until > line[-1]
        assert trace.breaker_moves == [OPENED, PROBED]
    assert trace.breaker_moves == [OPENED, PROBED, CLOSED_AGAIN]


async def test_a_failed_probe_opens_it_again_as_the_same_outage_and_the_line_forms_anew() -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = await opened(trace, clock)
    first = await held(gate)
    await clock.sleep_until(first.until)
    await gate.attempt(answering(DOWN, after_s=2.0), judge_discord)
    again = await held(gate)
    assert again.until == pytest.approx(clock.now() + BREAKER_PAUSE_S)
    assert again.since == first.since
    assert trace.breaker_moves == [OPENED, PROBED, FAILED_AGAIN]


@pytest.mark.parametrize("end", ["cancelled", "crashed", "without a verdict"])
async def test_a_probe_that_decides_nothing_leaves_its_place_to_the_next_caller(end: str) -> None:
    async def crash() -> object:
        raise RuntimeError("a bug")

    clock, trace = VirtualClock(), Recorder()
    gate = await opened(trace, clock)
    await anyio.sleep(BREAKER_PAUSE_S)
    if end == "cancelled":
        with anyio.move_on_after(1.0):
            await gate.attempt(answering(DOWN, after_s=9.0), judge_discord)
    elif end == "crashed":
        with pytest.raises(RuntimeError):
            await gate.attempt(crash, judge_discord)
    else:
        await gate.attempt(answering(HeldBack(clock.now() + 2)), judge_discord)
    assert await gate.attempt(answering(Posted(1, "")), judge_discord) == Posted(1, "")
    assert trace.breaker_moves == [OPENED, PROBED, CLOSED_AGAIN]


async def test_a_line_whose_probes_cannot_leave_does_not_rush() -> None:
    clock = VirtualClock()
    gate = await opened(Recorder(), clock)
    await anyio.sleep(BREAKER_PAUSE_S)
    until = clock.now() + 2.0
    calls = [await gate.attempt(answering(HeldBack(until)), judge_discord) for _ in range(3)]
    slots = [each.until - until for each in calls if isinstance(each, HeldBack) and each.cause == "discord_down"]
    step = 1 / DISCORD_RELEASED_PER_S
    assert slots == pytest.approx([PROBE_LEAD_S + number * step for number in range(3)], abs=1e-5)


async def test_m1_a_probe_that_a_closed_bucket_holds_waits_for_that_bucket_alone() -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = await opened(trace, clock)
    await anyio.sleep(BREAKER_PAUSE_S)
    closed = HeldBack(clock.now() + 400, RATE_LIMIT, clock.now())
    assert await gate.attempt(answering(closed), judge_discord) == closed
    async with anyio.create_task_group() as group:
        group.start_soon(gate.attempt, answering(Posted(1, ""), after_s=0.5), judge_discord)
        await anyio.sleep(0.1)
        assert (await held(gate)).until < clock.now() + 10  # the line does not stand behind the bucket
    assert trace.breaker_moves == [OPENED, PROBED, CLOSED_AGAIN]


@pytest.mark.parametrize("late", [DOWN, Posted(1, "")])
async def test_what_left_before_it_opened_does_not_decide_for_the_probe(late: object) -> None:
    clock, trace = VirtualClock(), Recorder()
    gate = gate_of(trace, clock, failures_max=1)
    async with anyio.create_task_group() as group:
        group.start_soon(gate.attempt, answering(late, after_s=BREAKER_PAUSE_S + 1), judge_discord)
        await anyio.lowlevel.checkpoint()
        for _ in range(2):
            await gate.attempt(answering(DOWN), judge_discord)
        await anyio.sleep(BREAKER_PAUSE_S)
        await gate.attempt(answering(Posted(2, ""), after_s=3.0), judge_discord)
    assert trace.breaker_moves == [OPENED, PROBED, CLOSED_AGAIN]


@pytest.mark.parametrize(
    ("outcome", "fact"),
    [
        (Posted(1, ""), Succeeded),
        (Deleted(), Succeeded),
        ((), Succeeded),
        (Refused("forbidden", 403, final=True), Succeeded),
        (Refused("rate_limit", 429, 3.0), Succeeded),
        (Refused("outage", 503), Failed),
        (Refused("connection"), Failed),
        (Refused("timeout"), Failed),
        (Unconfirmed("outage", 500), Failed),
        (Unconfirmed("connection"), Failed),
        (Unconfirmed("timeout"), Failed),
        (Unconfirmed("malformed", 418), Succeeded),
        (Unconfirmed("malformed"), None),  # one message that cannot be parsed is no outage
        (Refused("webhook_gone"), None),  # known from the table, without asking
        (HeldBack(9.0), None),
    ],
)
def test_only_a_discord_that_does_not_answer_counts_as_down(outcome: object, fact: type | None) -> None:
    judged = judge_discord(outcome, 7.0)
    assert judged is None if fact is None else judged == fact(7.0)


def test_a_voice_that_is_prepared_from_memory_proves_nothing() -> None:
    assert judge_prepared((OutboundKind.WEBHOOK, 77), 7.0) is None
    assert judge_prepared(Refused("outage", 502), 7.0) == Failed(7.0)


@pytest.mark.parametrize(
    ("outcome", "fact"),
    [
        (Completion("Hello."), Succeeded(7.0)),
        (ModelFailed("overloaded"), Failed(7.0)),
        (ModelFailed("timeout"), Failed(7.0)),
        (ModelFailed("connection"), Failed(7.0)),
        (ModelFailed("credentials"), Succeeded(7.0)),
        (ModelFailed("model_missing"), Succeeded(7.0)),
        (ModelFailed("rate_limit", 30.0), Succeeded(7.0)),
        (ModelFailed("rate_limit", 540.0), Succeeded(7.0)),
        (ModelFailed("malformed"), None),
    ],
)
def test_a_model_that_refuses_lives_and_an_account_s_limit_is_no_failure_of_it(outcome: object, fact: object) -> None:
    assert judge_model(outcome, 7.0) == fact


async def test_what_is_seen_of_a_gate_is_its_failures_in_a_row_and_until_when_it_holds() -> None:
    trace, clock = Recorder(), VirtualClock()
    gate = gate_of(trace, clock, failures_max=1)
    await gate.attempt(answering(DOWN), judge_discord)
    assert gate.seen == BreakerView("discord", "Closed", 1, 1)
    await gate.attempt(answering(DOWN), judge_discord)
    opened_at = clock.now()
    until = opened_at + BREAKER_PAUSE_S
    assert gate.seen == BreakerView("discord", "Open", 2, 1, opened_at, until)
    await clock.sleep_until(until)
    await gate.attempt(answering(Posted(1, "")), judge_discord)
    assert gate.seen == BreakerView("discord", "Closed", 0, 1)


async def test_b17_a_name_is_not_asked_for_while_discord_is_down() -> None:
    clock, trace = VirtualClock(), Recorder()
    asked: list[ChannelMessage] = []

    class Asked(FakeDiscord):
        async def named(self, message: ChannelMessage) -> ChannelMessage:
            asked.append(message)
            return message

    discord, message = Asked(clock.now), ChannelMessage(1, 42, 500, "Robin", "Hello?", 0.0)
    for gate, count in ((gate_of(trace, clock), 1), (await opened(trace, clock), 1)):
        assert await BreakerChannel(discord, gate).named(message) == message
        assert len(asked) == count
