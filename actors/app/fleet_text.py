"""Summarises the fleet: for each machine, how many instances are in each state, and which ones stand out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from actors.adapters.terminal.facts import MachineView
from actors.adapters.terminal.words import in_seconds
from actors.app.console import printable
from machines.breaker import State as BreakerState
from machines.connection import State as ConnectionState
from machines.diagrams.notations import MACHINES

View = Mapping[str, Any]
UNKNOWN: Final = "known only while a bot runs"


def machines_of(
    states: Iterable[View],
    sessions: Iterable[str],
    *,
    breakers: Sequence[View] | None = None,
    connections: Sequence[View] | None = None,
    now: float = 0.0,
) -> tuple[MachineView, ...]:
    """Return a view of every machine, from the states in `/api/fleet` and the states of the sessions.

    `breakers` and `connections` are None if only the database was read.
    """
    states = list(states)
    in_state = Counter({each["state"]: each["count"] for each in states})
    response = MachineView("response", _counts("response", in_state), _oldest(states, now))
    session = MachineView("session", _counts("session", Counter(sessions)))
    if breakers is None or connections is None:
        return response, session, MachineView("breaker", None, UNKNOWN), MachineView("connection", None, UNKNOWN)
    return (
        response,
        session,
        MachineView("breaker", _counts("breaker", _states(breakers)), _breakers(breakers, now)),
        MachineView("connection", _counts("connection", _states(connections)), _connections(connections, now)),
    )


def _counts(machine: str, found: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple((str(state), found[state]) for state in MACHINES[machine].states)


def _states(events: Iterable[View]) -> Counter[str]:
    return Counter(event["state"] for event in events)


def _oldest(states: Iterable[View], now: float) -> str:
    """The response that has been on its way for the longest time."""
    begun = [(each["oldest_at"], each["state"]) for each in states if each.get("oldest_at") is not None]
    if not begun:
        return ""
    at, state = min(begun)
    return f"oldest {in_seconds(now - at)}, {state}"


def _breakers(events: Sequence[View], now: float) -> str:
    """The breakers that are not closed."""
    if not events:
        return "no change yet"
    moved = [event for event in events if event["state"] != BreakerState.CLOSED]
    return "; ".join(_breaker(event, now) for event in moved)


def _breaker(event: View, now: float) -> str:
    left = (event.get("until") or 0.0) - now
    tries = f", tries again in {in_seconds(left)}" if event["state"] == BreakerState.OPEN and left > 0 else ""
    return printable(f"{event['dependency']} {event['state']} for {in_seconds(now - event['at'])}{tries}")


def _connections(events: Sequence[View], now: float) -> str:
    """The connections that are not ready."""
    if not events:
        return "none yet"
    lost = [event for event in events if event["state"] != ConnectionState.READY]
    return "; ".join(f"shard {each['shard']} {each['state']} for {in_seconds(now - each['at'])}" for each in lost)
