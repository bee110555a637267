"""Somebody is shown typing while anything is tried for a line, and nothing waits for that sign or fails by it."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest

from actors.ports import HeldBack, Moved, Refused, Stop, Unconfirmed
from actors.typing_indicator import LONG_WAIT_S, Sign
from machines.facts import Started
from machines.response import FINAL, Limits
from tests.fakes.play import CHANNEL, Play, playing
from tests.fakes.virtual_time import EPOCH

SHOWN_S = 10.0
"""How long Discord shows one sign (Discord's reference, "Trigger Typing Indicator")."""


def moved_at(play: Play, *, begin: bool) -> float:
    moves = [event.move for event in play.trace.events if isinstance(event, Moved)]
    times = [move.at for move in moves if (isinstance(move.fact, Started) if begin else move.dest in FINAL)]
    return times[0] if begin else times[-1]


def gaps(play: Play) -> list[float]:
    """Between the line's start, each sign, and its end."""
    typed = [at for at in play.discord.typed_at if at >= moved_at(play, begin=True)]
    return [
        after - before for before, after in pairwise([moved_at(play, begin=True), *typed, moved_at(play, begin=False)])
    ]


@pytest.mark.parametrize(
    ("faults", "read_faults", "answers"),
    [
        ([("times_out", 15.0)] * 3, [], []),
        ([("hang", 14.0)], [], []),
        ([Refused("rate_limit", 429, 28.0)], [], []),
        (["lost"], [Unconfirmed("outage", 503)] * 5, []),
        ([Refused("outage", 500), "lost", ("hang", 12.0)], [], []),
    ],
    ids=["three timeouts", "a slow answer", "a rate limit", "reading back", "of each"],
)
async def test_m5_typing_is_shown_as_long_as_anything_is_tried(
    faults: list[object], read_faults: list[Unconfirmed], answers: list[object]
) -> None:
    async with playing(faults=faults, answers=answers, cast=("Ada",)) as play:  # type: ignore[arg-type]
        play.discord.read_faults.extend(read_faults)
        await play.start("Ada")
        play.model.takes_s = 12.0
        play.say("Hello?")
        await play.quiet(for_s=100)
        assert max(gaps(play)) < SHOWN_S
        assert min(gaps(play)[1:-1]) > SHOWN_S / 2, "no more requests than it takes"


@pytest.mark.parametrize("faults", [[], [Refused("outage", 500)] * 3], ids=["stands", "failed"])
async def test_m5_typing_stops_with_the_line(faults: list[Refused]) -> None:
    async with playing(faults=faults, cast=("Ada",)) as play:
        await play.start("Ada")
        play.model.takes_s = 20.0
        play.say("Hello?")
        await play.quiet(for_s=100)
        assert play.discord.typed_at[-1] < moved_at(play, begin=False)


async def test_m5_each_speaker_is_shown_from_the_beginning() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.quiet()
        moves = [event for event in play.trace.events if isinstance(event, Moved)]
        starts = [event.move.at for event in moves if isinstance(event.move.fact, Started)]
        assert play.discord.typed_at == pytest.approx(starts)


async def test_m5_while_a_line_is_held_for_long_nobody_is_shown_typing() -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        held_s = LONG_WAIT_S + 60.0
        play.model.takes_s = 1.0
        until = play.clock.now() + held_s
        play.discord.prepare_faults.append(HeldBack(until))
        play.discord.faults.append(("hang", 14.0))
        play.say("Hello?")
        await play.quiet(for_s=2 * held_s)
        meanwhile = [at for at in play.discord.typed_at if at < until]
        assert len(meanwhile) == 1, "as long as the model wrote"
        later = [at for at in play.discord.typed_at if at >= until]
        assert later, "it is shown again when the line goes on"
        assert later[0] - until < SHOWN_S


async def test_m5_a_line_that_nobody_wants_any_more_is_not_shown() -> None:
    async with playing(faults=[("times_out", 15.0)], cast=("Ada",), limits=Limits(settle_s=60.0)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: bool(play.discord.posts) and play.discord.posts[-1].name == "Ada")
        play.say("!end")
        await anyio.sleep(20)
        ended = play.clock.now()
        assert play.trace.states_of("Ada")[-1] == "Retrying", "it is still looked for"
        await play.quiet(for_s=100)
        assert [at for at in play.discord.typed_at if at > ended] == []


async def test_m5_a_line_that_is_sent_at_once_leaves_no_sign_behind() -> None:
    async with playing(faults=[Refused("outage", 500)] * 3, cast=("Ada",)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
        before = play.discord.typings
        play.say("!retry")
        await play.quiet()
        assert play.trace.states_of("Ada")[-1] == "Delivered"
        assert play.discord.typings == before


class BrokenDiscordError(Exception):
    """A programmer's error in whatever shows typing."""


@pytest.mark.parametrize("sign", ["hangs", "fails"])
async def test_m5_a_sign_that_hangs_or_fails_holds_no_line_up(sign: str) -> None:
    async with playing(faults=[("times_out", 15.0)], cast=("Ada",)) as play:
        await play.start("Ada")
        if sign == "hangs":
            play.discord.typing_takes_s = 1000.0
        else:
            play.discord.typing_error = BrokenDiscordError()
        began = play.clock.now()
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Delivered"])
        assert play.clock.now() - began == pytest.approx(0.5 + 15.0 + 0.3 + 5.0, abs=1.0)
        assert await play.history() == [("Robin", "Hello?"), ("Ada", "Line 1 by Ada.")]
        assert play.trace.states_of("Ada").count("Retrying") == 1
        if sign == "hangs":
            assert max(gaps(play)) < SHOWN_S
        else:
            assert {crash.words for crash in play.trace.crashes} == {
                f"The typing indicator crashed (channel {CHANNEL}) and starts again."
            }


class Stopped(Stop):
    """A breakpoint that holds for a minute."""

    async def wait(self) -> None:
        await anyio.sleep(60)


async def test_m5_at_a_breakpoint_nobody_is_shown_typing() -> None:
    class Pauses:
        def before(self, context: object, response: object, fact: object) -> Stop | None:
            return Stopped() if type(fact).__name__ == "Generated" else None

    async with playing(cast=("Ada",), stops=Pauses()) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.until(lambda: play.trace.states_of("Ada")[-1:] == ["Delivered"])
        assert play.discord.typings == 1
        assert play.clock.now() > EPOCH + 60


async def test_m5_a_sign_that_goes_off_and_on_at_once_is_shown_once() -> None:
    async with playing(cast=("Ada",)) as play:
        sign = Sign(play.services.typing, CHANNEL)
        for _ in range(3):
            sign.on()
            sign.off()
        sign.on()
        await anyio.sleep(9)
        assert play.discord.typings == 2
        sign.off()
        await anyio.sleep(20)
        assert play.discord.typings == 2
