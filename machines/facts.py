"""The facts, tasks and effects of a response, as plain values that can be journalled."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, get_args

from machines.reasons import AllowanceReason, GenerationReason, HeldReason, NoticeReason, SendReason

RESTART: Final = "restart"
"""The reason of the facts with which a new process continues the old one's responses."""

BLOCKED: Final = "blocked"
"""The reason of a SendRefused if Discord blocks the text itself, for every sender and at every time."""

WEBHOOK_MOVED: Final = "webhook_moved"
"""The reason of an attempt that failed because its webhook was moved to another channel."""

RATE_LIMIT: Final = "rate_limit"
"""The cause of Held for a Discord rate limit: a bucket is closed."""

ALLOWANCES: Final[frozenset[AllowanceReason]] = frozenset(get_args(AllowanceReason))
"""The causes of Held for a used-up account limit of a model."""

# ── facts: what happened; each carries `at`, in seconds since 1970 ──────────────────────────────────


@dataclass(frozen=True, slots=True)
class Started:
    """A response begins; with `texts` (its parts) nothing is generated."""

    at: float
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """The model gave a line: cleaned, never empty, split into the parts to send.

    `next_speaker`: the character at whose name the text was cut, where a line may hand the turn over.
    """

    at: float
    texts: tuple[str, ...]
    next_speaker: str | None = None


@dataclass(frozen=True, slots=True)
class GenerationFailed:
    """No usable line came. `final`: another attempt cannot help. `model`: the model asked, if any.

    `status`, `code` and `words` are its server's answer, without secrets: for operators, never for a channel.
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
    """The attempt must wait until `until`, and nothing is stored: it was not sent, or got a 429.

    `cause` is a breaker's (`discord_down`, `model_down`), a limit's (`rate_limit`) or one of ALLOWANCES, in force since
    `since`; it is empty if there is no connection yet. `status`, `code` and `words` are the server's answer, if it
    answered this attempt.
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
    """Discord confirmed the part; `text` is the text that it returned, not the text that we sent."""

    at: float
    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class SendRefused:
    """The part is certainly not stored. `status` is None if no request was answered.

    `code` and `words` are Discord's answer, without secrets: for operators, never for a channel. `on_wire` is False if
    no request with the part was sent: there was no connection, or no webhook.
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
    """The part may be stored: the request was sent, and no usable answer came.

    `has_nonce`: a second request under the same nonce returns the first one's message.
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
    """The part is in another channel than its own: the webhook that posted it was moved there."""

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
    """The channel can no longer be read (403, 404): the only case in which an unconfirmed send counts as failed."""

    at: float
    reason: SendReason = "unconfirmed"


@dataclass(frozen=True, slots=True)
class FoundInChannel:
    """The unconfirmed part is in the channel."""

    at: float
    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class NotInChannel:
    """The unconfirmed part is not in the channel after its settle time."""

    at: float


@dataclass(frozen=True, slots=True)
class WaitElapsed:
    """The wait before the next try is over."""

    at: float


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The line is no longer wanted: the session ended, or the trigger was deleted (`by`)."""

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

# ── tasks: what the actor does next, derived from the state alone ───────────────────────────────────


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
    """Look for the part from `first_at` on; if it is absent at `settled_at`, it will not arrive any more."""

    first_at: float
    settled_at: float


Task = Generate | Send | Wait | ReadBack

# ── effects: what is written in the same transaction as the move ────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CommitLine:
    """Add the line to the shared history, as the channel shows it."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Delete these parts, since a part of a line must not stay alone.

    `channel_id` is the channel that contains them; None for the response's own channel.
    """

    message_ids: tuple[int, ...]
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Send the channel a notice that this line failed."""

    reason: NoticeReason


@dataclass(frozen=True, slots=True)
class Announce:
    """Send the channel a notice that this line waits, once for each breaker opening or bucket closing."""

    cause: HeldReason
    since: float
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class ArmReaper:
    """Watch for a late copy of this line and delete it."""


Effect = CommitLine | TakeBack | Notify | Announce | ArmReaper

# ── the journal's form ──────────────────────────────────────────────────────────────────────────────


def fact_record(fact: Fact) -> dict[str, Any]:
    """The fact's fields, ready for JSON; `revive` is the inverse."""
    return {field.name: getattr(fact, field.name) for field in fields(fact)}  # asdict() copies deeply: 7 times slower


def revive(name: str, record: dict[str, Any]) -> Fact:
    """Rebuild the fact journalled under `name`. Raises KeyError or TypeError for an invalid record."""
    known = dict(record)
    if "texts" in known:
        known["texts"] = tuple(known["texts"])
    return FACTS[name](**known)
