"""Breakers on virtual time: an outage costs no attempt, is told once, and ends in order and in step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest

from actors.breakers import (
    DISCORD_RELEASED_PER_S,
    PROBE_LEAD_S,
    Gate,
    judge_discord,
    judge_model,
    judge_prepared,
)
from actors.ports import (
    BreakerMoved,
    Completion,
    Deleted,
    HeldBack,
    ModelFailed,
    Moved,
    Noted,
    Posted,
    Refused,
    Status,
    StatusUnknown,
    Unconfirmed,
)
from actors.roleplay.model import OutboundKind
from actors.status_watch import ASK_EVERY_S
from machines.breaker import Breaker, Failed, LimitReached, Succeeded
from machines.facts import GenerationFailed, Held
from machines.response import Limits
from tests.fakes.model import FakeModel
from tests.fakes.play import BREAKER_PAUSE_S, CHANNEL, Play, Recorder, equal_to_the_channel, playing
from tests.fakes.virtual_time import BACKENDS, VirtualClock, run_virtually

both = pytest.mark.parametrize("backend", BACKENDS)

DOWN = Unconfirmed("outage", 503)
LATE = "⏳ Discord was not answering, so Ada's response comes late."
MODEL_WAITS = "⏳ The model is not available at the moment. Ada's response waits, and comes when it is."
OPENED = ("discord", "Closed", "Open")
PROBED = ("discord", "Open", "HalfOpen")
FAILED_AGAIN = ("discord", "HalfOpen", "Open")
CLOSED_AGAIN = ("discord", "HalfOpen", "Closed")


# ── one gate ────────────────────────────────────────────────────────────────────────────────────────


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


@both
def test_five_failures_in_a_row_are_borne_and_the_sixth_opens_it(backend: str) -> None:
    async def main() -> None:
        clock, trace = VirtualClock(), Recorder()
        gate = gate_of(trace, clock)
        for outcome in [DOWN] * 5 + [Posted(1, "")] + [DOWN] * 5:
            assert await gate.attempt(answering(outcome), judge_discord) == outcome
        assert gate.is_closed
        await gate.attempt(answering(DOWN), judge_discord)
        now = clock.now()
        assert trace.events == [BreakerMoved("discord", "Closed", "Open", now, now + 60)]
        assert await held(gate) == HeldBack(now + 60, "discord_down", now)

    run_virtually(backend, main)


@both
def test_each_held_caller_gets_a_later_time_behind_the_probe(backend: str) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = await opened(Recorder(), clock)
        over = clock.now() + BREAKER_PAUSE_S
        slots = [(await held(gate)).until - over for _ in range(4)]
        lead, step = PROBE_LEAD_S, 1 / DISCORD_RELEASED_PER_S
        assert slots == pytest.approx([0.0, lead, lead + step, lead + 2 * step], abs=1e-5)

    run_virtually(backend, main)


@both
def test_there_is_one_probe_and_who_comes_meanwhile_waits_behind_the_line(backend: str) -> None:
    async def main() -> None:
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

    run_virtually(backend, main)


@both
def test_a_failed_probe_opens_it_again_as_the_same_outage_and_the_line_forms_anew(backend: str) -> None:
    async def main() -> None:
        clock, trace = VirtualClock(), Recorder()
        gate = await opened(trace, clock)
        first = await held(gate)
        await clock.sleep_until(first.until)
        await gate.attempt(answering(DOWN, after_s=2.0), judge_discord)
        again = await held(gate)
        assert again.until == pytest.approx(clock.now() + BREAKER_PAUSE_S)
        assert again.since == first.since
        assert trace.breaker_moves == [OPENED, PROBED, FAILED_AGAIN]

    run_virtually(backend, main)


@both
@pytest.mark.parametrize("end", ["cancelled", "crashed", "without a verdict"])
def test_a_probe_that_decides_nothing_leaves_its_place_to_the_next_caller(end: str, backend: str) -> None:
    async def crash() -> object:
        raise RuntimeError("a bug")

    async def main() -> None:
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

    run_virtually(backend, main)


@both
def test_a_line_whose_probes_cannot_leave_does_not_rush(backend: str) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = await opened(Recorder(), clock)
        await anyio.sleep(BREAKER_PAUSE_S)
        until = clock.now() + 2.0
        calls = [await gate.attempt(answering(HeldBack(until)), judge_discord) for _ in range(3)]
        slots = [each.until - until for each in calls if isinstance(each, HeldBack) and each.cause == "discord_down"]
        step = 1 / DISCORD_RELEASED_PER_S
        assert slots == pytest.approx([PROBE_LEAD_S + number * step for number in range(3)], abs=1e-5)

    run_virtually(backend, main)


@both
@pytest.mark.parametrize("late", [DOWN, Posted(1, "")])
def test_what_left_before_it_opened_does_not_decide_for_the_probe(late: object, backend: str) -> None:
    async def main() -> None:
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

    run_virtually(backend, main)


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
        (ModelFailed("rate_limit", 540.0), LimitReached(7.0, 547.0)),
        (ModelFailed("malformed"), None),
    ],
)
def test_a_model_that_refuses_lives_and_one_that_is_limited_for_long_is_left_alone(
    outcome: object, fact: object
) -> None:
    assert judge_model(outcome, 7.0) == fact


# ── Discord ─────────────────────────────────────────────────────────────────────────────────────────


async def speaks_into_an_outage(play: Play, *channels: int, outage: Refused | Unconfirmed = DOWN) -> None:
    """Open a session in each channel, then let Discord go down while everybody is answered."""
    for channel_id in channels:
        await play.start("Ada", channel_id=channel_id)
    play.discord.outage = outage
    for channel_id in channels:
        play.say("Hello?", channel_id=channel_id)


def delays(play: Play, channel_id: int = CHANNEL) -> list[str]:
    return [text for text in play.discord.texts(channel_id) if text.startswith("⏳")]


def lines_sent(play: Play) -> int:
    return sum(post.kind is not OutboundKind.TEXT for post in play.discord.posts)


@both
@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
def test_an_outage_costs_no_attempt_and_no_deadline_and_is_told_once(kind: OutboundKind, backend: str) -> None:
    async def main() -> None:
        limits = Limits(deadline_s=100)
        async with playing(breaker_failures=5, limits=limits, kind=kind) as play:
            await speaks_into_an_outage(play, CHANNEL)
            await anyio.sleep(600)
            play.discord.outage = None
            await play.quiet(for_s=100)
            assert play.trace.breaker_moves[0] == OPENED
            assert play.trace.breaker_moves[-1] == CLOSED_AGAIN
            assert play.trace.states_of("Ada")[-1] == "Delivered"
            assert lines_sent(play) <= limits.send_attempts
            assert delays(play) == [LATE]
            await equal_to_the_channel(play)

    run_virtually(backend, main)


@both
def test_nothing_but_one_probe_a_minute_goes_out_while_it_is_down(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=5) as play:
            await speaks_into_an_outage(play, *range(100, 120))
            await play.until(lambda: OPENED in play.trace.breaker_moves)
            await anyio.sleep(20)  # what was on its way when it opened
            before = len(play.discord.asked_in_outage)
            await anyio.sleep(600)
            probes = play.discord.asked_in_outage[before:]
            assert 8 <= len(probes) <= 10
            assert all(later - sooner >= BREAKER_PAUSE_S - 0.1 for sooner, later in pairwise(probes))

    run_virtually(backend, main)


@both
def test_held_callers_are_woken_in_step_and_do_not_poll(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=5) as play:
            await speaks_into_an_outage(play, *range(100, 140))
            await anyio.sleep(320)
            holds = [e.move.at for e in play.trace.events if isinstance(e, Moved) and isinstance(e.move.fact, Held)]
            a_second = Counter(int(at) for at in holds if at > holds[0] + 30)
            assert max(a_second.values()) <= DISCORD_RELEASED_PER_S + 2  # both ends of the second, and the probe
            assert len(holds) <= 40 * (2 + 5)  # about one for each channel and pause

    run_virtually(backend, main)


@both
def test_the_backlog_goes_out_in_order_and_paced_and_nothing_is_lost_or_doubled(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=5) as play:
            channels = range(100, 200)
            await speaks_into_an_outage(play, *channels)
            await anyio.sleep(200)
            play.discord.outage = None
            asked = [p.channel_id for p in play.discord.posts if p.kind is not OutboundKind.TEXT]
            came: list[tuple[float, int]] = []
            sink = play.discord.sink

            def note(event: object) -> None:
                message = getattr(event, "message", None)
                if message is not None and message.webhook_id:
                    came.append((play.clock.now(), message.channel_id))
                assert sink is not None
                sink(event)  # type: ignore[arg-type] # what it was made for

            play.discord.sink = note
            await play.quiet(for_s=100)
            assert sorted(channel_id for _, channel_id in came) == list(channels)
            behind_the_probe = [channel_id for _, channel_id in came[1:]]
            held_order = [c for c in _order_of_holds(play, before=came[0][0]) if c != came[0][1]]
            assert behind_the_probe == held_order
            a_second = [sum(at <= other < at + 1 for other, _ in came) for at, _ in came]
            assert max(a_second) <= 40
            assert asked  # some had been on the wire before: those were read back first
            for channel_id in channels:
                assert [name for name, _ in play.discord.character_lines(channel_id)] == ["Ada"]
                assert delays(play, channel_id) == [LATE]
                await equal_to_the_channel(play, channel_id)

    run_virtually(backend, main)


def _order_of_holds(play: Play, *, before: float) -> list[int]:
    """The channels in the order of the times that their responses were last given."""
    until: dict[str, float] = {}
    for event in play.trace.events:
        if isinstance(event, Moved) and isinstance(event.move.fact, Held) and event.move.at < before:
            until[event.context.session_id] = event.move.fact.until
    channel_of = {play_session: 100 + number for number, play_session in enumerate(sorted(until))}
    return [channel_of[session_id] for session_id in sorted(until, key=until.__getitem__)]


@both
@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
def test_a_line_that_was_stored_unseen_is_found_after_the_outage(kind: OutboundKind, backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=1, kind=kind) as play:
            await play.start("Ada")
            play.discord.faults.append("stored_then_cut")
            play.say("Hello?")
            await play.until(lambda: lines_sent(play) == 1)
            play.discord.outage = DOWN
            await anyio.sleep(300)
            play.discord.outage = None
            await play.quiet(for_s=100)
            assert lines_sent(play) == 1
            assert play.trace.states_of("Ada")[-1] == "Delivered"
            await equal_to_the_channel(play)

    run_virtually(backend, main)


@both
def test_a_failed_line_s_notice_and_answers_wait_for_the_end_of_the_outage(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=1) as play:
            await speaks_into_an_outage(play, CHANNEL, outage=Refused("connection"))
            play.say("!help")
            await anyio.sleep(300)
            assert len(play.discord.texts(CHANNEL)) == 1  # the answer to !start
            play.discord.outage = None
            await play.quiet(for_s=100)
            assert [text[:6] for text in play.discord.texts(CHANNEL)[1:]].count("`!star") == 1
            assert play.trace.states_of("Ada")[-1] == "Delivered"
            await equal_to_the_channel(play)

    run_virtually(backend, main)


@both
def test_a_restart_during_an_outage_loses_and_doubles_nothing(backend: str) -> None:
    async def main() -> None:
        limits = Limits(send_attempts=6)
        async with playing(breaker_failures=5, limits=limits) as first:
            await speaks_into_an_outage(first, CHANNEL)
            await anyio.sleep(100)
            first.kill()
        async with playing(before=first, breaker_failures=5, limits=limits, wait_ready=False) as after:
            await anyio.sleep(300)
            after.discord.outage = None
            await after.quiet(for_s=100)
            assert [name for name, _ in after.discord.character_lines(CHANNEL)] == ["Ada"]
            assert after.trace.states_of("Ada")[-1] == "Delivered"
            await equal_to_the_channel(after)

    run_virtually(backend, main)


@both
def test_a_line_that_is_cancelled_while_it_is_held_is_never_sent(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=1) as play:
            await speaks_into_an_outage(play, CHANNEL, outage=Refused("connection"))
            await play.until(lambda: "Retrying" in play.trace.states_of("Ada"))
            await anyio.sleep(30)
            play.say("!end")
            await anyio.sleep(5)
            assert play.trace.states_of("Ada")[-1] == "Failed"
            play.discord.outage = None
            await play.quiet(for_s=100)
            assert play.discord.character_lines(CHANNEL) == []

    run_virtually(backend, main)


@both
def test_nobody_is_shown_typing_while_it_is_down(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=1) as play:
            await play.start("Ada")
            await speaks_into_an_outage(play, 100, 101)
            await play.until(lambda: OPENED in play.trace.breaker_moves)
            before, prompts = play.discord.typings, len(play.model.prompts)
            play.say("Hello?")
            await anyio.sleep(30)
            assert len(play.model.prompts) > prompts
            assert play.discord.typings == before

    run_virtually(backend, main)


@both
def test_switched_off_it_holds_nothing_back(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=0) as play:
            await speaks_into_an_outage(play, CHANNEL, outage=Refused("connection"))
            await anyio.sleep(30)
            assert play.trace.breaker_moves == []
            assert play.trace.states_of("Ada")[-1] == "Failed"
            assert lines_sent(play) == 3

    run_virtually(backend, main)


@both
def test_a_channel_is_caught_up_on_as_soon_as_its_time_has_come(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=1) as first:
            await first.start("Ada")
            first.kill()
        first.discord.user_says(CHANNEL, "meanwhile")
        first.discord.outage = DOWN
        async with playing(before=first, breaker_failures=1, wait_ready=False) as after:
            await after.until(lambda: OPENED in after.trace.breaker_moves)
            after.discord.outage = None
            opened_at = after.clock.now()
            await after.gateway.ready.wait()
            assert after.clock.now() - opened_at == pytest.approx(BREAKER_PAUSE_S, abs=1.0)
            await after.quiet()
            assert [name for name, _ in after.discord.character_lines(CHANNEL)] == ["Ada"]

    run_virtually(backend, main)


# ── models ──────────────────────────────────────────────────────────────────────────────────────────


def asked(play: Play) -> list[str]:
    return [prompt.model for prompt in play.model.prompts]


@both
def test_a_model_that_does_not_answer_is_passed_over_by_everybody(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=2) as play:
            await play.start("Ada")
            play.model.down = {"first": ModelFailed("timeout")}
            play.say("one")
            await play.quiet()
            play.say("two")
            await play.quiet()
            assert asked(play) == ["first"] * 3 + ["second"]
            assert play.trace.breaker_moves == [("first", "Closed", "Open")]
            assert play.trace.states_of("Ada")[-1] == "Delivered"
            assert delays(play) == []

    run_virtually(backend, main)


@both
def test_after_its_pause_the_preferred_model_is_tried_again(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=2) as play:
            await play.start("Ada")
            play.model.down = {"first": ModelFailed("timeout")}
            play.say("one")
            await play.quiet(for_s=100)
            play.model.down = {}
            play.say("two")
            await play.quiet()
            assert asked(play)[-1] == "first"
            assert play.trace.breaker_moves[-1] == ("first", "HalfOpen", "Closed")

    run_virtually(backend, main)


@both
def test_with_all_models_down_a_line_waits_is_told_and_comes(backend: str) -> None:
    async def main() -> None:
        limits = Limits(generate_attempts=5, deadline_s=100)
        async with playing(breaker_failures=1, limits=limits) as play:
            await play.start("Ada", "Bo")
            play.model.down = {model: ModelFailed("connection") for model in play.model.models}
            play.say("Hello?")
            await anyio.sleep(50)
            assert delays(play) == [MODEL_WAITS]  # Discord lives: it is told at once
            assert len(asked(play)) == 4
            play.model.down = {}
            await play.quiet(for_s=100)
            assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada", "Bo"]
            assert delays(play) == [MODEL_WAITS]
            await equal_to_the_channel(play)

    run_virtually(backend, main)


@both
def test_a_limit_of_minutes_is_waited_for_by_nobody_while_another_model_is_left(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=5) as play:
            await play.start("Ada", "Bo")
            play.model.down = {"first": ModelFailed("rate_limit", 540.0)}
            play.say("Hello?")
            await play.quiet()
            assert asked(play) == ["first", "second", "second"]
            failures = [e.move.fact for e in play.trace.events if isinstance(e, Moved)]
            assert [f.model for f in failures if isinstance(f, GenerationFailed)] == ["first"]
            play.model.down = {}
            await anyio.sleep(540)
            play.say("And now?")
            await play.quiet()
            assert asked(play)[3:] == ["first", "first"]

    run_virtually(backend, main)


@both
def test_the_only_model_s_limit_of_minutes_is_waited_out_and_told(backend: str) -> None:
    async def main() -> None:
        async with playing(breaker_failures=5, model=FakeModel(models=("only",))) as play:
            await play.start("Ada")
            play.model.down = {"only": ModelFailed("rate_limit", 540.0)}
            play.say("Hello?")
            await anyio.sleep(100)
            assert asked(play) == ["only"]
            assert delays(play) == [MODEL_WAITS]
            play.say("!status")
            await anyio.sleep(2)
            until = next(e.until for e in play.trace.events if isinstance(e, BreakerMoved))
            shown = play.discord.texts(CHANNEL)[-1].splitlines()
            assert shown[-1] == f"only: not available, tried again at <t:{until:.0f}:T>"
            play.model.down = {}
            await play.quiet(for_s=600)
            assert asked(play) == ["only", "only"]
            assert play.trace.states_of("Ada")[-1] == "Delivered"

    run_virtually(backend, main)


# ── the status page ─────────────────────────────────────────────────────────────────────────────────


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
