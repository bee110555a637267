"""A life as JSON, with why it waits in words; no text of any line is in it."""

from __future__ import annotations

from typing import Any, Final

from actors.adapters.inspector.life import Failure, Life, Step
from actors.ports import Recorded
from machines.facts import (
    Cancelled,
    GenerationFailed,
    Held,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
)
from machines.response import MACHINE, Response, State

PATH_SHOWN_MAX: Final = 50
"""Moves of one response in lists and in the stream; `/api/responses/{id}` has them all."""

HELD: Final = "Everything is held back for a while"
HOLDS: Final = {"discord_down": "Discord does not answer", "model_down": "The model does not answer"}
"""Why it is held, by the cause of Held; a pause without one is a rate limit's, or there is no connection yet."""

View = dict[str, Any]

LEGAL: Final = {
    state: list(dict.fromkeys(row.fact.__name__ for row in MACHINE.table if row.source == state))
    for state in (MACHINE.initial, *MACHINE.states)
}


def recorded_view(recorded: Recorded) -> View:
    """What `/api/responses/{id}` says of a response, from the journal alone."""
    return view(Life.of(recorded), whole_path=True)


def view(life: Life, *, whole_path: bool = False) -> View:
    """The JSON shape of one response; times are seconds since 1970."""
    response = life.response
    state = response._state
    path = life.path if whole_path else life.path[-PATH_SHOWN_MAX:]
    return {
        "id": life.id,
        "session": life.session_id,
        "name": life.name,
        "state": state,
        "part": response.part,
        "parts": len(response.texts),
        "attempt": response.attempt,
        "attempts_max": _attempts_max(response),
        "unconfirmed": response.unconfirmed,
        "cancel_by": response.cancel_by,
        "started_at": life.started_at,
        "entered_at": life.entered_at,
        "due_at": _due_at(life),
        "deadline_at": response.deadline_at,
        "waits": waits(life),
        "last_error": None if life.last_failure is None else told_failure(life.last_failure),
        "is_final": response.is_final,
        "path": [step_view(step) for step in path],
        "legal": LEGAL[state],
        "counts": dict(life.counts),
    }


def step_view(step: Step) -> View:
    return {
        "seq": step.seq,
        "fact": step.fact,
        "from": step.source,
        "to": step.dest,
        "at": step.at,
        "attempt": step.attempt,
        "part": step.part,
        "reason": step.reason,
    }


def waits(life: Life) -> str | None:
    """Why it waits and for what; None where it does not. When it goes on is `due_at`."""
    response = life.response
    tries = f"try {response.attempt} of {_attempts_max(response)}"
    match response._state:
        case State.GENERATING:
            return f"The model is writing ({tries})"
        case State.SENDING:
            part = f"part {response.part} of {len(response.texts)}, " if len(response.texts) > 1 else ""
            return f"Discord has not answered yet ({part}{tries})"
        case State.RETRYING:
            return _why_it_retries(life)
        case _:
            return None


def told_failure(fact: Failure) -> str:
    """What went wrong, in few words."""
    match fact:
        case GenerationFailed(reason=reason):
            return f"The model failed: {reason}"
        case SendRefused(reason=reason, status=status):
            return f"Discord refused it: {reason}" + ("" if status is None else f" ({status})")
        case SendUnconfirmed(cause=cause, status=status):
            return f"Discord gave no usable answer: {cause}" if status is None else f"Discord answered {status}"
        case ReadBackFailed(cause=cause):
            return f"The channel could not be read: {cause}"
        case ReadBackImpossible(reason=reason):
            return f"The channel cannot be read any more: {reason}"


def _why_it_retries(life: Life) -> str:
    match life.last_fact:
        case GenerationFailed() as failed:
            return f"{told_failure(failed)}; asking it again"
        case SendRefused() as refused:
            return f"{told_failure(refused)}; sending again"
        case SendUnconfirmed() as unconfirmed:
            return f"{told_failure(unconfirmed)}; reading the channel back"
        case ReadBackFailed() as unread:
            return f"{told_failure(unread)}; reading it again"
        case Held(cause=cause):
            goes_on = "sending" if life.response.texts else "asking the model"
            if life.response.unconfirmed:
                goes_on = "reading the channel back"
            return f"{HOLDS.get(cause, HELD)}, nothing left the process; then {goes_on} again"
        case Cancelled(by=by):
            return f"Cancelled ({by}) while a send is in doubt; reading the channel back"
        case _:
            return "Waiting to go on"


def _due_at(life: Life) -> float | None:
    """When it acts next of itself: only Retrying has such a time."""
    response = life.response
    if response._state != State.RETRYING:
        return None
    at = life.path[-1].at
    # The first look at the channel is at once; what is waited for then is the second one.
    return response.settled_at if response.unconfirmed and response.due_at <= at else response.due_at


def _attempts_max(response: Response) -> int:
    return response.limits.send_attempts if response.texts else response.limits.generate_attempts
