"""The fleet in words: each machine with how many are in each of its states, and which stand out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from actors.adapters.terminal.facts import MachineSeen
from actors.adapters.terminal.words import in_seconds
from actors.app.console import printable
from machines.breaker import State as BreakerState
from machines.connection import State as ConnectionState
from machines.diagram import MACHINES

View = Mapping[str, Any]
UNKNOWN: Final = "only a running bot knows"


def machines_of(
    states: Iterable[View],
    sessions: Iterable[str],
    *,
    breakers: Sequence[View] | None = None,
    connections: Sequence[View] | None = None,
    now: float = 0.0,
) -> tuple[MachineSeen, ...]:
    """Every machine, of what `/api/fleet` tells and the states of sessions; `breakers` and `connections` are None
    where only the database was read.
    """
    states = list(states)
    in_state = Counter({each["state"]: each["count"] for each in states})
    response = MachineSeen("response", _counts("response", in_state), _oldest(states, now))
    session = MachineSeen("session", _counts("session", Counter(sessions)))
    if breakers is None or connections is None:
        return response, session, MachineSeen("breaker", None, UNKNOWN), MachineSeen("connection", None, UNKNOWN)
    return (
        response,
        session,
        MachineSeen("breaker", _counts("breaker", _states(breakers)), _breakers(breakers, now)),
        MachineSeen("connection", _counts("connection", _states(connections)), _connections(connections, now)),
    )


def _counts(machine: str, found: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple((str(state), found[state]) for state in MACHINES[machine].states)


def _states(events: Iterable[View]) -> Counter[str]:
    return Counter(event["state"] for event in events)


def _oldest(states: Iterable[View], now: float) -> str:
    """The one that has been on its way for the longest."""
    begun = [(each["oldest_at"], each["state"]) for each in states if each.get("oldest_at") is not None]
    if not begun:
        return ""
    at, state = min(begun)
    return f"oldest {in_seconds(now - at)}, {state}"


def _breakers(events: Sequence[View], now: float) -> str:
    """Those that keep anything back."""
    if not events:
        return "none has moved"
    moved = [event for event in events if event["state"] != BreakerState.CLOSED]
    return "; ".join(_breaker(event, now) for event in moved)


def _breaker(event: View, now: float) -> str:
    left = (event.get("until") or 0.0) - now
    tries = f", tries again in {in_seconds(left)}" if event["state"] == BreakerState.OPEN and left > 0 else ""
    return printable(f"{event['dependency']} {event['state']} for {in_seconds(now - event['at'])}{tries}")


def _connections(events: Sequence[View], now: float) -> str:
    """Those that hear nothing."""
    if not events:
        return "none yet"
    lost = [event for event in events if event["state"] != ConnectionState.READY]
    return "; ".join(f"shard {each['shard']} {each['state']} for {in_seconds(now - each['at'])}" for each in lost)
