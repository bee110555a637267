"""Defines the outcome that a sender receives from each kind of fault of the wire or of the simulated Discord."""

from __future__ import annotations

from typing import Final

from actors.ports import Refused, Unconfirmed
from actors.simulation.faults import Weights
from machines.facts import BLOCKED

SLOW: Final = frozenset({"timeout_lost", "late", "very_late"})
OUTAGE: Final[Weights] = {"no_connection": 3, "http_5xx": 3, "timeout_lost": 1, "stored_5xx": 0.3}
NOTHING_STORED: Final[dict[str, Refused | Unconfirmed]] = {
    "http_5xx": Unconfirmed("outage", 503),
    "cut_before": Unconfirmed("connection"),
    "timeout_lost": Unconfirmed("timeout"),
    "not_found": Refused("not_found", 404),
    "too_long": Refused("too_long", 413, final=True),
    "blocked": Refused(BLOCKED, 400, final=True, code=200000, words="Message was blocked by automatic moderation"),
    "unauthorized": Refused("unauthorized", 401, final=True),
}
ANSWER_LOST: Final = {
    "stored_5xx": Unconfirmed("outage", 502),
    "cut_after": Unconfirmed("connection"),
    "late": Unconfirmed("timeout"),
    "very_late": Unconfirmed("timeout"),
    "malformed": Unconfirmed("malformed", 200),
}
