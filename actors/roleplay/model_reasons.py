"""The one list of reasons why a model wrote no line, with their meaning for channel, operator and plan.

    the adapter, the cleaning ─► a reason ─┬─► plan: which model is asked next
                                           ├─► journal, metrics: the reason itself
                                           ├─► the channel's notice, pages, log: `name`
                                           └─► inspector, replay, doctor: `hint` as well

`Whose` says who can do something about it: the account's limits, the server, the model, its answer, or our request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, get_args

from machines.reasons import GenerationReason, ModelReason

MODEL_REASONS: Final[tuple[str, ...]] = get_args(ModelReason)


class Whose(Enum):
    """Who can do something about it."""

    ACCOUNT = "the account's limits"
    SERVER = "the server's trouble"
    MODEL = "the model's refusal"
    ANSWER = "the model's answer"
    REQUEST = "our own request"


class Then(Enum):
    """What the next attempt does."""

    AGAIN = "asks the same model"
    AGAIN_ONCE = "asks the same model once more, then the next"
    NEXT = "asks the next model at once, and the same again where there is none"
    NEXT_OR_END = "asks the next model at once; without one the line fails"
    END = "is none: every model would answer alike"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One reason. `name` is a clause for everybody; `hint` says to the operator what happened and what to do."""

    whose: Whose
    then: Then
    name: str
    hint: str = ""


_ROOM: Final = "The next attempt has more room; if that does not help, raise RESPONSE_TOKENS."
_LIMITED: Final = "If this comes often, set GROQ_FALLBACK_MODELS, or use a key with higher limits."
_ANOTHER: Final = "If this comes often, try another GROQ_MODEL."
_ADDRESS: Final = "Check GROQ_BASE_URL; its path is often /v1."
_DECLINED: Final = "model declined"
_SILENT: Final = "model had nothing to say"
_UNAVAILABLE: Final = "model unavailable"

MEANINGS: Final[dict[GenerationReason, Meaning]] = {
    "rate_limit": Meaning(Whose.ACCOUNT, Then.AGAIN, "rate limit reached", _LIMITED),
    "quota": Meaning(
        Whose.ACCOUNT,
        Then.NEXT_OR_END,
        "the account's quota is used up",
        "Add credit to the account, or set GROQ_FALLBACK_MODELS to a model that costs nothing.",
    ),
    "credentials": Meaning(
        Whose.ACCOUNT,
        Then.END,
        "model not set up",
        "The server refused the key: check GROQ_API_KEY; `doctor` tests it.",
    ),
    "overloaded": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "model overloaded",
        "If this goes on, look at the server's status page, or set GROQ_FALLBACK_MODELS.",
    ),
    "timeout": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "model did not answer in time; a slow server needs a higher GENERATE_TIMEOUT_S",
        "`doctor` tests whether it answers at all; a slow one needs a higher GENERATE_TIMEOUT_S.",
    ),
    "connection": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "model out of reach",
        "Check GROQ_BASE_URL and the connection; start the server if it is your own. `doctor` tests it.",
    ),
    "malformed": Meaning(
        Whose.SERVER, Then.AGAIN_ONCE, _UNAVAILABLE, f"The server's answer was no completion. {_ADDRESS}"
    ),
    "html": Meaning(Whose.SERVER, Then.AGAIN_ONCE, _UNAVAILABLE, f"The server's answer was a web page. {_ADDRESS}"),
    "broken_off": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "the server broke the answer off",
        "If this goes on, look at the server's log, or set GROQ_FALLBACK_MODELS.",
    ),
    "filtered": Meaning(
        Whose.MODEL,
        Then.NEXT,
        _DECLINED,
        "A filter of the server stopped it. If this comes often, set GROQ_FALLBACK_MODELS, or relax the filter.",
    ),
    "refusal": Meaning(Whose.MODEL, Then.NEXT, _DECLINED, f"It left the role and declined. {_ANOTHER}"),
    "empty": Meaning(Whose.ANSWER, Then.AGAIN, _SILENT, _ROOM),
    "length": Meaning(Whose.ANSWER, Then.AGAIN, _SILENT, f"Its reasoning took all the room. {_ROOM}"),
    "reasoning_only": Meaning(
        Whose.ANSWER,
        Then.NEXT,
        "the server put the answer into its reasoning field",
        "Turn the server's reasoning parser off (vLLM: `--reasoning-parser`), or choose another GROQ_MODEL.",
    ),
    "broken_answer": Meaning(Whose.ANSWER, Then.AGAIN_ONCE, "model's answer was unusable", _ANOTHER),
    "repeat": Meaning(Whose.ANSWER, Then.AGAIN, "model repeated itself", _ANOTHER),
    "too_large": Meaning(
        Whose.REQUEST,
        Then.AGAIN,
        "conversation too long for the model",
        "Lower CONTEXT_TOKENS, or choose a model with more room.",
    ),
    "unsupported": Meaning(
        Whose.REQUEST,
        Then.AGAIN,
        "the server refused a part of the request",
        "The bot leaves that part out from now on.",
    ),
    "model_missing": Meaning(
        Whose.REQUEST,
        Then.NEXT_OR_END,
        _UNAVAILABLE,
        "The server has no such model: set GROQ_MODEL and GROQ_FALLBACK_MODELS to models that `doctor` lists.",
    ),
    "bad_request": Meaning(
        Whose.REQUEST,
        Then.NEXT_OR_END,
        "the server refused the request",
        "Read the server's words; check GROQ_MODEL and RESPONSE_TOKENS.",
    ),
}
"""Every reason of a failed generation, except a restart."""


def that(*then: Then) -> frozenset[GenerationReason]:
    """Return the reasons after which the next attempt does one of these."""
    return frozenset(reason for reason, meaning in MEANINGS.items() if meaning.then in then)
