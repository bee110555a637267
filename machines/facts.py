"""What a response is told (facts) and what it then asks for (effects): plain values, ready for a journal."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, get_args

from machines.reasons import AllowanceReason, GenerationReason, HeldReason, NoticeReason, SendReason

RESTART: Final = "restart"
"""The reason of the facts with which a new process takes up what the old one left."""

BLOCKED: Final = "blocked"
"""The reason of a SendRefused where Discord takes no message with this text, whoever sends it and whenever."""

WEBHOOK_MOVED: Final = "webhook_moved"
"""The reason of a try that failed because its webhook belongs to another channel by now."""

RATE_LIMIT: Final = "rate_limit"
"""The cause of Held where Discord limits how often it may be asked: a bucket is closed."""

ALLOWANCES: Final[frozenset[AllowanceReason]] = frozenset(get_args(AllowanceReason))
"""The causes of Held where an account's limit for a model is used up."""

# ── facts: what happened; each carries `at`, in seconds since 1970 ──────────────────────────────────


@dataclass(frozen=True, slots=True)
class Started:
    """A response begins; with `texts` (its parts) there is nothing to generate."""

    at: float
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """The model's line, cleaned and never empty, in the parts in which it will be sent."""

    at: float
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GenerationFailed:
    """No usable line came. `final`: another try cannot help. `model`: which was asked, where one was.

    `status`, `code` and `words` are what its server said, secrets removed: for operators, never for a channel.
    """

    at: float
    reason: GenerationReason
    retry_after_s: float = 0.0
    final: bool = False
    model: str = ""
    status: int | None = None
    code: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """The try must wait until `until`, and nothing is stored: it did not leave the process, or met a 429.

    `cause` is a breaker's (`discord_down`, `model_down`), a limit's (`rate_limit`) or one of ALLOWANCES, in force since
    `since`; there is none where no connection is made yet. `status`, `code` and `words` are the server's, where it
    answered this very try.
    """

    at: float
    until: float
    cause: HeldReason = ""
    since: float = 0.0
    status: int | None = None
    code: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """Discord confirmed the part; `text` is the one that it returned, not the one that we sent."""

    at: float
    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class SendRefused:
    """The part is not stored, for certain. `status` is None where no request was answered.

    `code` and `words` are what Discord said of it, secrets removed: for operators, never for a channel. `on_wire` is
    False where no request with the part has left: no connection was made, or no webhook.
    """

    at: float
    reason: SendReason
    status: int | None = None
    retry_after_s: float = 0.0
    final: bool = False
    code: int | None = None
    words: str = ""
    on_wire: bool = True


@dataclass(frozen=True, slots=True)
class SendUnconfirmed:
    """The part may be stored: the request left, and no usable answer came back.

    `has_nonce`: Discord answers a second request under the same nonce with the message of the first.
    """

    at: float
    cause: SendReason
    status: int | None = None
    retry_after_s: float = 0.0
    has_nonce: bool = False
    code: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class SentElsewhere:
    """The part stands in another channel than its own: the webhook that posted it was moved there."""

    at: float
    channel_id: int
    message_id: int
    reason: SendReason = WEBHOOK_MOVED


@dataclass(frozen=True, slots=True)
class ReadBackFailed:
    """The channel could not be read this time."""

    at: float
    cause: SendReason
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadBackImpossible:
    """The channel cannot be read any more (403, 404): the only unconfirmed send that is called failed."""

    at: float
    reason: SendReason = "unconfirmed"


@dataclass(frozen=True, slots=True)
class FoundInChannel:
    """The unconfirmed part stands in the channel."""

    at: float
    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class NotInChannel:
    """The unconfirmed part had its time to land and is not in the channel."""

    at: float


@dataclass(frozen=True, slots=True)
class WaitElapsed:
    """The wait before the next try is over."""

    at: float


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody took the reason for this line away: the session's end, or the trigger's deletion."""

    at: float
    by: str


Fact = (
    Started
    | Generated
    | GenerationFailed
    | Held
    | Sent
    | SendRefused
    | SendUnconfirmed
    | SentElsewhere
    | ReadBackFailed
    | ReadBackImpossible
    | FoundInChannel
    | NotInChannel
    | WaitElapsed
    | Cancelled
)

FACTS: Final[dict[str, type[Fact]]] = {kind.__name__: kind for kind in Fact.__args__}

# ── tasks: what is to be done next, by the state alone ──────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Generate:
    attempt: int


@dataclass(frozen=True, slots=True)
class Send:
    part: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Wait:
    until: float


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Look for the part from `first_at` on; absent at `settled_at`, it will not land any more."""

    first_at: float
    settled_at: float


Task = Generate | Send | Wait | ReadBack

# ── effects: what is written in the same transaction as the move ────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CommitLine:
    """The line enters the shared history, as the channel shows it."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """These parts are to be deleted; half a line is no line.

    `channel_id` is where they stand, None for the response's own channel.
    """

    message_ids: tuple[int, ...]
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """The channel is told that this line did not come."""

    reason: NoticeReason


@dataclass(frozen=True, slots=True)
class Announce:
    """The channel is told, once for each opening or closing, that this line waits."""

    cause: HeldReason
    since: float
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class ArmReaper:
    """Should a try of this line land after all, that copy is deleted."""


Effect = CommitLine | TakeBack | Notify | Announce | ArmReaper

# ── the journal's form ──────────────────────────────────────────────────────────────────────────────


def fact_record(fact: Fact) -> dict[str, Any]:
    """The fact's fields, ready for JSON; `revive` is the way back."""
    return {field.name: getattr(fact, field.name) for field in fields(fact)}  # asdict() copies deeply: 7 times slower


def revive(name: str, record: dict[str, Any]) -> Fact:
    """The fact that was journalled under `name`. Raises KeyError or TypeError for what is none."""
    known = dict(record)
    if "texts" in known:
        known["texts"] = tuple(known["texts"])
    return FACTS[name](**known)
