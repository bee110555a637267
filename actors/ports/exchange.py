"""Records of the wire: the requests of a response, its prompts and the model's answers.

    actor: listening() ─► adapter: note_request(), for each one that left ─► Exchange ─► the store, with the move

Texts are kept apart from the rest, so that readers without the right to them do not get them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

REQUESTS_MAX: Final = 30
"""Requests of one task; to read a channel back takes 20 at most."""

VALUE_MAX: Final = 100
"""Characters kept of a header's value."""

HEADERS_KEPT: Final = (
    "retry-after",
    "via",
    "cf-ray",
    "x-request-id",
    "content-type",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset-after",
    "x-ratelimit-bucket",
    "x-ratelimit-global",
    "x-ratelimit-scope",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
)
"""Headers about the server and about waiting. All others are omitted: they may name an organisation."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request and its result; `status` is None without an answer. It holds no text and no secret."""

    method: str
    route: str
    duration_s: float
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskedMessage:
    """One message of a prompt without its text; `is_shortened` if its middle was omitted to fit the window."""

    role: str
    purpose: str
    characters: int
    is_shortened: bool = False


@dataclass(frozen=True, slots=True)
class LoreFired:
    """An entry of a lorebook that fired: where it stood in the prompt, and by what (a key, or a word)."""

    book: str
    entry: str
    place: str
    by: str
    tokens: int


@dataclass(frozen=True, slots=True)
class LoreMissed:
    """An entry that did not fire, and why."""

    book: str
    entry: str
    why: str


@dataclass(frozen=True, slots=True)
class LoreRecord:
    """The lore of a prompt, without its texts; the counts are of all entries, the others of some.

    `keys` are the regular expressions without an answer, each with why.
    """

    fired: tuple[LoreFired, ...]
    missed: tuple[LoreMissed, ...]
    fired_count: int
    missed_count: int
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a model, without texts.

    `tokens` is our estimate, `prompt_tokens` the server's count. Of the history's `lines`, the newest `lines_kept` fit.
    `outcome` is `ok`, or the reason why there is no line.
    """

    model: str
    attempt: int
    messages: tuple[AskedMessage, ...]
    tokens: int
    lines: int
    lines_kept: int
    completion_tokens_max: int
    outcome: str
    duration_s: float
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_cut_by_length: bool = False
    raw_characters: int = 0
    lore: LoreRecord | None = None


@dataclass(frozen=True, slots=True)
class AskedTexts:
    """Texts: the prompt's messages, the model's raw answer, and the line made from it.

    Empty if there is none; a text longer than the limit is cut.
    """

    messages: tuple[str, ...]
    raw: str = ""
    cleaned: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """All requests and answers that belong to one move."""

    requests: tuple[Request, ...] = ()
    asked: Asked | None = None
    texts: AskedTexts | None = None


_heard: ContextVar[list[Request] | None] = ContextVar("heard", default=None)


@contextmanager
def listening() -> Iterator[list[Request]]:
    """Collect the requests that adapters note inside the block, without those of tasks that began earlier."""
    requests: list[Request] = []
    token = _heard.set(requests)
    try:
        yield requests
    finally:
        _heard.reset(token)


def note_request(request: Request) -> None:
    """Add an ended request to the `listening` block around this call, if any; for adapters."""
    heard = _heard.get()
    if heard is not None and len(heard) < REQUESTS_MAX:
        heard.append(request)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of HEADERS_KEPT; their case does not matter."""
    return {name: headers[name][:VALUE_MAX] for name in HEADERS_KEPT if name in headers}
