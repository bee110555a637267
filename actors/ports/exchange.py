"""What went over the wire for a response: its requests, what a model was asked and what it answered.

    actor: listening() ─► adapter: note_request(), for each one that left ─► Exchange ─► the store, with the move

Texts stand apart from the rest, so that whoever may not read them is not given them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

REQUESTS_MAX: Final = 30
"""Of one task; reading a channel of Discord's back takes 20 at most."""

VALUE_MAX: Final = 100
"""Characters of a header's value."""

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
"""Who answered, and what was said about waiting. Every other header is left out: it may name an organisation."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request and how it ended; `status` is None where no answer came. No text and no secret is in it."""

    method: str
    route: str
    duration_s: float
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskedMessage:
    """One message of a prompt without its text; `is_shortened` where its middle was left out for want of room."""

    role: str
    purpose: str
    characters: int
    is_shortened: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a model without any text.

    `tokens` are estimated before, `prompt_tokens` counted by the server. Of the history's `lines` the newest
    `lines_kept` found room. `outcome` is `ok`, or why there is no line.
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


@dataclass(frozen=True, slots=True)
class AskedTexts:
    """What was written: the prompt's messages, the model's raw answer, and the line that was made of it.

    Empty where there is none; what is longer than is kept ends early.
    """

    messages: tuple[str, ...]
    raw: str = ""
    cleaned: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything that left the process before one move, and what came back."""

    requests: tuple[Request, ...] = ()
    asked: Asked | None = None
    texts: AskedTexts | None = None


_heard: ContextVar[list[Request] | None] = ContextVar("heard", default=None)


@contextmanager
def listening() -> Iterator[list[Request]]:
    """Collect the requests that adapters note inside; those of tasks begun before are not among them."""
    requests: list[Request] = []
    token = _heard.set(requests)
    try:
        yield requests
    finally:
        _heard.reset(token)


def note_request(request: Request) -> None:
    """Tell whoever listens that a request has ended; for adapters."""
    heard = _heard.get()
    if heard is not None and len(heard) < REQUESTS_MAX:
        heard.append(request)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that matter, of `headers` that are found whatever their case."""
    return {name: headers[name][:VALUE_MAX] for name in HEADERS_KEPT if name in headers}
