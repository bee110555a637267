"""A life as JSON, with why it waits in words; no text of any line is in it but in `texts_view`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from actors.adapters.inspector.life import Aside, Life, Step
from actors.adapters.inspector.patience import USUAL, Patience
from actors.adapters.inspector.reasons import Failure, mend_of, said_by, told_failure
from actors.ports import GenerationEnded, MoveRefused, Recorded
from actors.roleplay.notices import OF_MODEL
from machines.binding import StateMachine
from machines.facts import (
    ALLOWANCES,
    RATE_LIMIT,
    Cancelled,
    Effect,
    Fact,
    FoundInChannel,
    Generated,
    GenerationFailed,
    Held,
    ReadBackFailed,
    SendRefused,
    SendUnconfirmed,
    Sent,
    SentElsewhere,
    Started,
    Task,
)
from machines.layouts import layout_of
from machines.response import MACHINE, Response, State

PATH_SHOWN_MAX: Final = 50
"""Moves of one response in lists and in the stream; `/api/responses/{id}` has them all."""

HELD: Final = "Everything is held back for a while"
HOLDS: Final[dict[str, str]] = {
    "discord_down": "Discord does not answer",
    "model_down": "The model does not answer",
    RATE_LIMIT: "Discord's rate limit is reached",
    **{cause: f"T{OF_MODEL[cause][1:]}" for cause in sorted(ALLOWANCES)},
}
"""Why it is held, by the cause of Held; without one there is no connection yet."""

View = dict[str, Any]

LEGAL: Final = {
    state: list(dict.fromkeys(row.fact.__name__ for row in MACHINE.table if row.source == state))
    for state in (MACHINE.initial, *MACHINE.states)
}


def recorded_view(recorded: Recorded) -> View:
    """What `/api/responses/{id}` says of a response, from the journal alone."""
    return whole_view(Life.of(recorded))


def view(life: Life, patience: Patience = USUAL, *, behind: Failure | None = None) -> View:
    """The JSON shape of one response; times are seconds since 1970. `mend` is what to do about `last_error`.
    `behind` is what another line met, and this one is held for.

    It is stuck `late_s` after `due_at`, `silent_s` after `entered_at` where nothing is due, or `overdue_s` after
    `started_at`.
    """
    response, failure = life.response, life.last_failure or behind
    state = response._state
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
        "deadline_s": response.limits.deadline_s,
        "late_s": patience.late_s,
        "silent_s": patience.silent_s(state),
        "overdue_s": patience.overdue_s(response.limits),
        "waits": waits(life),
        "last_error": _last_error(life, failure),
        "mend": None if failure is None else mend_of(failure),
        "is_final": response.is_final,
        "path": [step_view(step) for step in life.path[-PATH_SHOWN_MAX:]],
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
        "said": said_by(getattr(step.given, "code", None), getattr(step.given, "words", "")) or None,
    }


def whole_view(life: Life, patience: Patience = USUAL, *, behind: Failure | None = None) -> View:
    """The same with all moves, what went into each and what came out of it: what is exported.

    It holds no text of anybody, and says so.
    """
    path = [
        step_view(step)
        | {
            "stayed_s": step.stayed_s,
            "given": _plain(step.given),
            "effects": [{"name": type(effect).__name__, **_plain(effect)} for effect in step.effects],
        }
        for step in life.path
    ]
    asides = [aside_view(aside) for aside in life.asides]
    return view(life, patience, behind=behind) | {"path": path, "asides": asides, "redacted": True}


def aside_view(aside: Aside) -> View:
    match aside.event:
        case MoveRefused(state=state, fact=fact, reason=reason):
            told: View = {"kind": "refused", "state": state, "fact": fact, "reason": reason}
        case GenerationEnded() as ended:
            told = {
                "kind": "generation",
                "attempt": ended.attempt,
                "model": ended.model,
                "duration_s": ended.duration_s,
                "prompt_tokens": ended.prompt_tokens,
                "completion_tokens": ended.completion_tokens,
                "outcome": ended.outcome,
            }
    return {"after_seq": aside.after_seq, "at": aside.at, **told}


def texts_view(recorded: Recorded) -> View:
    """What the character said: the parts as they were written, and as Discord returned them."""
    written: list[str] = []
    shown: list[str] = []
    for _, _, fact in recorded.moves:
        match fact:
            case Started(texts=texts) | Generated(texts=texts) if texts:
                written = list(texts)
            case Sent(text=text) | FoundInChannel(text=text):
                shown.append(text)
            case _:
                pass
    return {"written": written, "shown": shown}


def _plain(value: Fact | Task | Effect) -> View:
    """The fields that hold no text. Discord's ids become words: JavaScript's numbers cannot hold them."""
    plain: View = {}
    for field in fields(value):
        found = getattr(value, field.name)
        match field.name:
            case "at" | "text":
                continue
            case "texts":
                plain["parts"] = len(found)
            case "message_id" | "channel_id" as name:
                plain[name] = None if found is None else str(found)
            case "message_ids":
                plain["message_ids"] = [str(message_id) for message_id in found]
            case name:
                plain[name] = found
    return plain


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


def _last_error(life: Life, failure: Failure | None) -> str | None:
    if failure is None:
        return None
    return told_failure(failure) if failure is life.last_failure else f"Of another line: {told_failure(failure)}"


def _why_it_retries(life: Life) -> str:
    match life.last_fact:
        case GenerationFailed() as failed:
            return f"{told_failure(failed)}; asking it again"
        case SendRefused() as refused:
            goes_on = "sending again" if life.response.texts else "asking the model for another text"
            return f"{told_failure(refused)}; {goes_on}"
        case SentElsewhere() as stray:
            return f"{told_failure(stray)}; it is taken back there, and sent again"
        case SendUnconfirmed() as unconfirmed:
            return f"{told_failure(unconfirmed)}; reading the channel back"
        case ReadBackFailed() as unread:
            return f"{told_failure(unread)}; reading it again"
        case Held(cause=cause, status=status):
            goes_on = "sending" if life.response.texts else "asking the model"
            if life.response.unconfirmed:
                goes_on = "reading the channel back"
            met = "nothing left the process" if status is None else f"it answered {status}"
            return f"{HOLDS.get(cause, HELD)}, {met}; then {goes_on} again"
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


def machine_view(machine: StateMachine[Any, Any]) -> list[View]:
    """Its states, in its order, with what each means to whoever looks."""
    places = layout_of(machine).places
    return [
        {"name": state, "tone": places[state].tone.value, "is_final": state in machine.final}
        for state in machine.states
    ]
