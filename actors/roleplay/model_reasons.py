"""Why a model wrote no line: the one list of reasons, and what each means to channel, operator and plan.

    the adapter, the cleaning ─► a reason ─┬─► plan: which model is asked next
                                           ├─► journal, metrics: the reason itself
                                           ├─► the channel's notice: `clause`
                                           └─► inspector, replay: `words`, and `hint`

Whose matter it is decides who can do something: the account's limits, the server, the model, its answer, or our own
request.
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
    """What the next try does."""

    AGAIN = "asks the same model"
    AGAIN_ONCE = "asks the same model once more, then the next"
    NEXT = "asks the next model at once, and the same again where there is none"
    NEXT_OR_END = "asks the next model at once; without one the line fails"
    END = "is none: every model would answer alike"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One reason. `clause` stands in the channel's notice; `words` and `hint` are for the operator."""

    whose: Whose
    then: Then
    clause: str
    words: str
    hint: str = ""


_ROOM: Final = "If the next try with more room does not help, raise RESPONSE_TOKENS."
_LIMITED: Final = "If this comes often, set GROQ_FALLBACK_MODELS, or a key with higher limits."
_ANOTHER: Final = "If this comes often, try another GROQ_MODEL."
_ADDRESS: Final = "Check GROQ_BASE_URL; its path is often /v1."
_DECLINED: Final = "model declined"
_SILENT: Final = "model had nothing to say"
_UNAVAILABLE: Final = "model unavailable"

MEANINGS: Final[dict[GenerationReason, Meaning]] = {
    "rate_limit": Meaning(
        Whose.ACCOUNT, Then.AGAIN, "rate limit reached", "the account's rate limit is reached", _LIMITED
    ),
    "quota": Meaning(
        Whose.ACCOUNT,
        Then.NEXT_OR_END,
        "the account's quota is used up",
        "the account's quota is used up",
        "Add credit to the account, or set GROQ_FALLBACK_MODELS to a model that costs nothing.",
    ),
    "credentials": Meaning(
        Whose.ACCOUNT, Then.END, "model not set up", "the key was refused", "Check GROQ_API_KEY; `doctor` tells more."
    ),
    "overloaded": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "model overloaded",
        "the server is overloaded",
        "If this goes on, look at the server's status page, or set GROQ_FALLBACK_MODELS.",
    ),
    "timeout": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "model did not answer in time; a slow server needs a higher GENERATE_TIMEOUT_S",
        "it did not answer in time",
        "`doctor` says whether it answers at all; a slow one needs more GENERATE_TIMEOUT_S.",
    ),
    "connection": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "model out of reach",
        "it is out of reach",
        "Check GROQ_BASE_URL and the connection, start a server of your own; `doctor` tells more.",
    ),
    "malformed": Meaning(Whose.SERVER, Then.AGAIN_ONCE, _UNAVAILABLE, "the answer was no completion", _ADDRESS),
    "html": Meaning(Whose.SERVER, Then.AGAIN_ONCE, _UNAVAILABLE, "the answer was a web page", _ADDRESS),
    "broken_off": Meaning(
        Whose.SERVER,
        Then.AGAIN_ONCE,
        "the server broke the answer off",
        "the server failed in the middle of the answer",
        "If this goes on, look at the server's log, or set GROQ_FALLBACK_MODELS.",
    ),
    "filtered": Meaning(
        Whose.MODEL,
        Then.NEXT,
        _DECLINED,
        "a filter of the server stopped it",
        "If this comes often, set GROQ_FALLBACK_MODELS, or turn the server's filter down.",
    ),
    "refusal": Meaning(Whose.MODEL, Then.NEXT, _DECLINED, "it left the play and declined", _ANOTHER),
    "empty": Meaning(Whose.ANSWER, Then.AGAIN, _SILENT, "it said nothing", _ROOM),
    "length": Meaning(Whose.ANSWER, Then.AGAIN, _SILENT, "thinking took all the room, and nothing was said", _ROOM),
    "reasoning_only": Meaning(
        Whose.ANSWER,
        Then.NEXT,
        "the server put the answer into its reasoning field",
        "the server put the answer into its reasoning field",
        "Turn the server's reasoning parser off (vLLM: `--reasoning-parser`), or choose another GROQ_MODEL.",
    ),
    "broken_answer": Meaning(
        Whose.ANSWER,
        Then.AGAIN_ONCE,
        "model's answer was unusable",
        "the server could not use what the model wrote",
        _ANOTHER,
    ),
    "repeat": Meaning(Whose.ANSWER, Then.AGAIN, "model repeated itself", "it repeated an earlier line", _ANOTHER),
    "too_large": Meaning(
        Whose.REQUEST,
        Then.AGAIN,
        "conversation too long for the model",
        "the prompt does not fit",
        "Lower CONTEXT_TOKENS, or choose a model with more room.",
    ),
    "unsupported": Meaning(
        Whose.REQUEST,
        Then.AGAIN,
        "the server refused a part of the request",
        "it refused a part of the request, which is left out from now on",
    ),
    "model_missing": Meaning(
        Whose.REQUEST,
        Then.NEXT_OR_END,
        _UNAVAILABLE,
        "there is no such model",
        "Set GROQ_MODEL and GROQ_FALLBACK_MODELS to models that there are; `doctor` names some.",
    ),
    "bad_request": Meaning(
        Whose.REQUEST,
        Then.NEXT_OR_END,
        "the server refused the request",
        "it refused the request",
        "Read the server's words; check GROQ_MODEL and RESPONSE_TOKENS.",
    ),
}
"""Every reason that a failed generation may have, but that of a restart."""


def that(*then: Then) -> frozenset[GenerationReason]:
    """The reasons after which the next try does one of these."""
    return frozenset(reason for reason, meaning in MEANINGS.items() if meaning.then in then)
