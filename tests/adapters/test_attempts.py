"""Every try has its line in the log; only what left the process counts as an attempt on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from actors.adapters.log import LogTrace
from actors.ports import HeldBack, Refused, TraceEvent
from tests.adapters.logged import Kept
from tests.adapters.test_metrics import fed
from tests.fakes.play import playing
from tests.fakes.virtual_time import EPOCH, run_virtually

NO_WEBHOOK = Refused("outage", 503)
NOT_CONNECTED = Refused("connection")
TRIES = ["Attempting to send response from Alex"] + [
    f"Attempting to send response from Alex (attempt {attempt}/3)" for attempt in (2, 3)
]


@dataclass(frozen=True)
class Counts:
    """One line's attempts on the wire, as each place counts them."""

    log: int
    metrics: int
    report: int
    response: int


def counted(*, prepare: Sequence[Refused | HeldBack], send: Sequence[Refused]) -> Counts:
    log = LogTrace()

    async def main() -> tuple[list[TraceEvent], int, int]:
        async with playing(cast=("Alex",)) as play:
            await play.start("Alex")
            play.discord.prepare_faults.extend(prepare)
            play.discord.faults.extend(send)
            play.say("Hello?")
            await play.quiet()
            found = await play.store.reliability(since=EPOCH)
            (outcome,) = await play.store.session_outcomes(await play.session_id())
            return play.trace.events, found.attempts, outcome.wire_attempts

    events, report, response = run_virtually("asyncio", main)
    for event in events:
        log.publish(event)
    metrics = fed(*events).total("ensemble_wire_attempts_total", stage="send")
    return Counts(log.message_send_attempts, int(metrics), report, response)


@pytest.mark.parametrize(
    ("prepare", "send", "on_wire"),
    [
        ([NO_WEBHOOK] * 3, [], 0),
        ([NO_WEBHOOK], [], 1),
        ([], [NOT_CONNECTED] * 3, 0),
        ([], [NOT_CONNECTED, Refused("outage", 500)], 2),
        ([], [Refused("webhook_gone")], 1),
    ],
    ids=["no webhook", "no webhook, once", "no connection", "no connection, then a 500", "a webhook without a token"],
)
def test_m5_a_try_that_left_no_process_has_its_line_and_is_no_wire_attempt(
    prepare: list[Refused | HeldBack], send: list[Refused], on_wire: int, kept: Kept
) -> None:
    tries = min(3, len(prepare) + len(send) + 1)
    assert counted(prepare=prepare, send=send) == Counts(on_wire, on_wire, on_wire, on_wire)
    assert [line for line in kept.said if line.startswith("Attempting")] == TRIES[:tries]


def test_m5_a_try_that_is_held_before_it_begins_has_no_line(kept: Kept) -> None:
    counted(prepare=[HeldBack(EPOCH + 30)], send=[])
    assert [line for line in kept.said if line.startswith("Attempting")] == TRIES[:1]
