"""A response as JSON, with the reason of its wait in words. Only `texts_view` contains message text."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from actors.observation import Recorded
from actors.observation.patience import USUAL, Patience
from actors.observation.reasons import Failure, failure_text, hint_of, said_by
from actors.observation.response_view import Aside, ResponseView, Step
from actors.ports import GenerationEnded, MoveRefused
from actors.roleplay.notices import OF_MODEL
from actors.roleplay.send_reasons import SEND_MEANINGS
from machines.binding import StateMachine
from machines.diagrams.layouts import layout_of
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
from machines.response import MACHINE, Response, State

PATH_SHOWN_MAX: Final = 50
"""Moves of one response in lists and in the stream; `/api/responses/{id}` has them all."""

HELD: Final = "There is no connection yet"
HOLDS: Final[dict[str, str]] = {
    "discord_down": "Discord is not answering",
    "model_down": "The model is not available",
    RATE_LIMIT: SEND_MEANINGS["rate_limit"].name,
    **{cause: f"T{OF_MODEL[cause][1:]}" for cause in sorted(ALLOWANCES)},
}
"""Why a response is held, by the cause of Held; HELD without a cause."""

View = dict[str, Any]

LEGAL: Final = {
    state: list(dict.fromkeys(row.fact.__name__ for row in MACHINE.table if row.source == state))
    for state in (MACHINE.initial, *MACHINE.states)
}


def recorded_view(recorded: Recorded) -> View:
    """The answer of `/api/responses/{id}`, from the journal alone."""
    return whole_view(ResponseView.of(recorded))


def view(line: ResponseView, patience: Patience = USUAL, *, behind: Failure | None = None) -> View:
    """The JSON of one response; times are seconds since 1970. `mend` is the hint for `last_error`. `behind` is the
    failure of another line for which this one is held.

    The response counts as stuck `late_s` after `due_at`, `silent_s` after `entered_at` if nothing is due, or
    `overdue_s` after `started_at`.
    """
    response, failure = line.response, line.last_failure or behind
    state = response._state
    return {
        "id": line.id,
        "session": line.session_id,
        "name": line.name,
        "state": state,
        "part": response.part,
        "parts": len(response.texts),
        "attempt": response.attempt,
        "attempts_max": _attempts_max(response),
        "unconfirmed": response.unconfirmed,
        "cancel_by": response.cancel_by,
        "started_at": line.started_at,
        "entered_at": line.entered_at,
        "due_at": _due_at(line),
        "deadline_at": response.deadline_at,
        "deadline_s": response.limits.deadline_s,
        "late_s": patience.late_s,
        "silent_s": patience.silent_s(state),
        "overdue_s": patience.overdue_s(response.limits),
        "waits": waits(line),
        "last_error": _last_error(line, failure),
        "mend": None if failure is None else hint_of(failure),
        "is_final": response.is_final,
        "path": [step_view(step) for step in line.path[-PATH_SHOWN_MAX:]],
        "legal": LEGAL[state],
        "counts": dict(line.counts),
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


def whole_view(line: ResponseView, patience: Patience = USUAL, *, behind: Failure | None = None) -> View:
    """As `view`, with all moves, each with its fact's fields and its effects: the exported form.

    Message text is omitted (`redacted: true`).
    """
    path = [
        step_view(step)
        | {
            "stayed_s": step.stayed_s,
            "given": _plain(step.given),
            "effects": [{"name": type(effect).__name__, **_plain(effect)} for effect in step.effects],
        }
        for step in line.path
    ]
    asides = [aside_view(aside) for aside in line.asides]
    return view(line, patience, behind=behind) | {"path": path, "asides": asides, "redacted": True}


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
    """The character's text: the parts as generated, and as Discord returned them."""
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
    """The fields without text. Discord's ids become strings: JavaScript's numbers cannot hold them exactly."""
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


def waits(line: ResponseView) -> str | None:
    """Why the response waits, in words; None if it does not wait. `due_at` is when it continues."""
    response = line.response
    tries = f"try {response.attempt} of {_attempts_max(response)}"
    match response._state:
        case State.GENERATING:
            return f"The model is writing ({tries})"
        case State.SENDING:
            part = f"part {response.part} of {len(response.texts)}, " if len(response.texts) > 1 else ""
            return f"Discord has not answered yet ({part}{tries})"
        case State.RETRYING:
            return _why_it_retries(line)
        case _:
            return None


def _last_error(line: ResponseView, failure: Failure | None) -> str | None:
    if failure is None:
        return None
    return failure_text(failure) if failure is line.last_failure else f"From another line: {failure_text(failure)}"


def _why_it_retries(line: ResponseView) -> str:
    match line.last_fact:
        case GenerationFailed() as failed:
            return f"{failure_text(failed)}; asking the model again"
        case SendRefused() as refused:
            goes_on = "sending again" if line.response.texts else "asking the model for another text"
            return f"{failure_text(refused)}; {goes_on}"
        case SentElsewhere() as stray:
            return f"{failure_text(stray)}; deleting it there, then sending again"
        case SendUnconfirmed() as unconfirmed:
            return f"{failure_text(unconfirmed)}; reading the channel back"
        case ReadBackFailed() as unread:
            return f"{failure_text(unread)}; reading the channel again"
        case Held(cause=cause, status=status):
            goes_on = "sending" if line.response.texts else "asking the model"
            if line.response.unconfirmed:
                goes_on = "reading the channel back"
            met = "nothing was sent" if status is None else f"the answer was {status}"
            return f"{HOLDS.get(cause, HELD)}; {met}; {goes_on} again"
        case Cancelled(by=by):
            return f"Cancelled ({by}) while a send is in doubt; reading the channel back"
        case _:
            return "Waiting for the next step"


def _due_at(line: ResponseView) -> float | None:
    """When the response acts next on its own; only Retrying has such a time."""
    response = line.response
    if response._state != State.RETRYING:
        return None
    at = line.path[-1].at
    # The first read of the channel is immediate; after it, the response waits for the second.
    return response.settled_at if response.unconfirmed and response.due_at <= at else response.due_at


def _attempts_max(response: Response) -> int:
    return response.limits.send_attempts if response.texts else response.limits.generate_attempts


def machine_view(machine: StateMachine[Any, Any]) -> list[View]:
    """The machine's states, in its order, each with its tone (colour)."""
    places = layout_of(machine).places
    return [
        {"name": state, "tone": places[state].tone.value, "is_final": state in machine.final}
        for state in machine.states
    ]
