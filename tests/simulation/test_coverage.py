"""One seed of the simulation takes every row of response, session and breaker; what it does not take has a reason."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any, get_args

import pytest

from actors.simulation.faults import KINDS, Cut
from actors.simulation.shape import Shape
from actors.simulation.world import Order, run_world
from machines import breaker, response, session
from machines.binding import StateMachine
from machines.breaker import Hold
from machines.facts import Effect
from machines.response import Limits
from tests.machines.rows_taken import rows_taken

SEED = 7
SMALL = Shape(channels=4)

UNREACHED = {
    "response": {},
    "session": {
        "Paused → Ended: ChannelLost": "rare amid a pause; test_session_and_breaker.py has it",
    },
    "breaker": {
        "Closed → Open: IncidentReported [failed lately]": "the status page is no part of the simulated world",
        "Closed → Closed: IncidentReported [not failed lately]": "the same; test_session_and_breaker.py has both",
    },
}
"""Rows that these worlds do not take, each with the reason. The list may only shrink."""


def only(*kinds: str) -> Cut:
    """Of the faults and of what people do besides playing, these alone."""
    return Cut(frozenset(KINDS) - {*kinds})


WORLDS = (
    Order(SEED, 0, 200, 0.5, shape=replace(SMALL, limits=Limits(send_attempts=2))),
    # A moved webhook, and one try for each part.
    Order(
        SEED,
        1,
        150,
        0.7,
        only("webhook_moved", "cut_after", "late", "stored_5xx", "crash", "slow"),
        replace(SMALL, limits=Limits(send_attempts=1)),
    ),
    # Limits that hold a line for longer than it may be held.
    Order(
        SEED,
        2,
        150,
        0.5,
        only("limit_for_long", "limit_of_channel", "rate_limit_long", "global_pause_for_long", "slow", "cut_before"),
        replace(SMALL, limits=Limits(hold_max_s=60.0)),
    ),
    # Lines of several parts whose message is deleted amid them.
    Order(SEED, 6, 150, 0.6, only("deletes", "slow", "cut_after", "stored_5xx"), replace(SMALL, long_share=1.0)),
    # A process that dies while a line waits, and starts again after the line's deadline.
    Order(
        SEED,
        3,
        150,
        0.5,
        only("crash", "rate_limit", "no_connection", "limit_for_long"),
        replace(SMALL, limits=Limits(deadline_s=30.0)),
    ),
    # A channel that may not be read any more while a line is in doubt, and one that goes while a line is written.
    Order(
        SEED,
        22,
        150,
        0.7,
        only("reading_revoked", "cut_after", "cut_before", "stored_5xx", "timeout_lost", "channel_deleted", "slow"),
        SMALL,
    ),
    Order(SEED, 31, 200, 0.8, only("channel_deleted"), SMALL),
    Order(SEED, 10, 200, 0.5),
    Order(SEED, 11, 200, 0.5),
)


@pytest.mark.slow
def test_one_seed_takes_every_row_but_those_with_a_reason_and_gives_every_effect() -> None:
    machines: dict[str, StateMachine[Any, Any]] = {
        "response": response.MACHINE,
        "session": session.MACHINE,
        "breaker": breaker.MACHINE,
    }
    with ExitStack() as stack:
        taken = {name: stack.enter_context(rows_taken(machine)) for name, machine in machines.items()}
        broken = [one for order in WORLDS for one in run_world(order).broken]
    assert broken == []
    assert {name: one.left for name, one in taken.items()} == {name: {*rows} for name, rows in UNREACHED.items()}
    assert taken["response"].effects == {*get_args(Effect)}
    assert taken["breaker"].effects == {Hold}
