"""Translates the SDK's errors, and errors inside a 200, into ModelFailed.

    exception, body ─► Said (status, codes, message, wait) ─► reason

The order of the checks matters: a 400 may blame the answer, the prompt's size, the model's name, the text, the
account or the request, and a server with an internal fault may name any of them.

Sources: https://console.groq.com/docs/errors; OpenAI's and Mistral's error codes; OpenRouter's "Errors and Debugging";
google.rpc.Code for Gemini; llama.cpp's `exceed_context_size_error` (PR 15780); reports of LM Studio, vLLM, TabbyAPI and
KoboldCpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import groq
import httpx
from pydantic_core import from_json

from actors.adapters.groq import headers
from actors.ports.language_model import ModelFailed
from actors.ports.server_words import plain_words
from actors.roleplay.allowance import Report
from machines.reasons import ModelReason

EXPECTED: Final = (groq.APIError, httpx.HTTPError, ValueError)
"""Exceptions of a request; the SDK raises ValueError for broken JSON and broken UTF-8."""

WAITED_FOR: Final = frozenset({"rate_limit", "overloaded"})
"""Reasons for which a server may name a wait."""

NAMES_MAX: Final = 40
"""Codes of one error that are examined."""

PAGE_MAX: Final = 20_000
"""Characters of a web page that are searched."""

_OVERLOADED: Final = frozenset({408, 409, 424, 425, 498})  # 498: Groq's flex tier has no capacity
_REFUSED: Final = range(400, 500)
_UNTOLD: Final = 500
"""The status assumed for an error that names none."""


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_BROKEN_ANSWER: Final = _words(
    r"tool_use_failed|output_parse_failed|json_validate_failed|malformed_function_call|invalid_tool_call\w*|model_error",
    r"failed_generation|model produced invalid content|does not match the expected (?:format|grammar)",
    r"failed to parse input at pos",
    r"model called a tool|model generated output that could not be parsed|failed to (?:generate json|call a function)",
    r"failed to parse (?:the )?(?:model |tool |generated )?(?:output|call|response)|expecting start token",
    r"unexpected tokens? (?:\d+ )?(?:while|remaining)",
)
_TOO_LARGE: Final = _words(
    r"context_length_exceeded|exceed_context_size_error|request_too_large|string_above_max_length|token_limit_exceeded",
    r"request too large|reduce the length of|maximum context length|maximum model length|prompt is too long",
    r"exceeds? (?:the |your )?(?:available |maximum |model'?s? )?(?:context|max(?:imum)? (?:input|sequence))",
    r"exceed context window|context (?:length|size|window) (?:of only|(?:has been )?exceeded)|greater than max_seq_len",
    r"input (?:token count|length|is) (?:exceeds|too long)|input token count .{0,40}exceeds|too many (?:input )?tokens",
    r"tokens to keep from the initial prompt is greater|maximum supported sequence length|prompt .{0,30}too large",
)
_TOO_LARGE_FOR_LIMIT: Final = _words(r"request too large|reduce the length of")
"""Groq sends these as a 429 with the code of a rate limit, but waiting does not help."""
_MISSING: Final = _words(
    # Groq answers 400 or 403 for models that are retired or not permitted for this key.
    r"model_(?:not_found|decommissioned|not_active|terms_required|permission_blocked\w*|not_available)",
    r"(?:invalid|unknown|no_such|unsupported)_model",
)
_MISSING_WORDS: Final = _words(
    r"\b(?:invalid|unknown|no such) model\b|not a valid model|no models? (?:\w+ ){0,3}loaded|no endpoints found",
    r"\bmodel\b.{0,120}(?:does not exist|not found|is not found|decommissioned|is not available|not a chat model)",
    r"does not support (?:chat completions|generatecontent)|not a chat model",
)
_FILTERED: Final = _words(
    r"content_?filter\w*|content_policy\w*|moderation_?\w*|responsibleaipolicyviolation|data_inspection_failed",
    r"prohibited_content|safety_\w+|content_blocked|guardrail\w*",
)
_FILTERED_WORDS: Final = _words(
    r"content (?:management )?polic|content filter|(?:was|been|input) flagged|moderation|safety (?:system|filter)",
    r"safety polic|inappropriate content|usage polic|prohibited (?:content|use)",
)
_QUOTA: Final = _words(
    r"insufficient_(?:quota|credits?|balance|funds)|billing_\w+|payment_required|credits?_exhausted|arrearage",
)
_QUOTA_WORDS: Final = _words(r"insufficient (?:quota|credit|balance|funds)|out of credits|credit balance|hard limit")
_LIMITED: Final = _words(r"rate_?limit\w*|too_many_requests|resource_?exhausted|tokens|requests|throttl\w+")
_LIMITED_WORDS: Final = _words(r"rate.?limit|too many requests")
_CREDENTIALS: Final = _words(
    r"(?:invalid|missing|expired|incorrect)_(?:api_?)?key|api_key_\w+|authentication\w*|unauth\w+|permission_?denied",
    r"permission_error|access_denied|forbidden",
)
_CREDENTIALS_WORDS: Final = _words(r"api key (?:not valid|expired|not found|is invalid)|invalid api key")
_IN_TROUBLE: Final = _words(
    r"internal\w*|server_error|api_error|overloaded\w*|(?:service_)?unavailable\w*|bad_gateway|timeout\w*|engine_\w+",
    r"deadline_exceeded|aborted|cancell?ed",
)


@dataclass(frozen=True, slots=True)
class Said:
    """The content of an error body: its own status, its codes and types, its text, the requested wait.

    `fields` are the parameters that it blames; `limit` is the account's limit that it names.
    """

    status: int | None = None
    codes: tuple[str, ...] = ()
    message: str = ""
    wait_s: float = 0.0
    fields: frozenset[str] = frozenset()
    window_tokens: int | None = None
    limit: Report | None = None

    @property
    def code(self) -> str:
        """The first code that is not just a status; empty if there is none."""
        return next((code for code in self.codes if not code.isdecimal()), "")

    def is_called(self, names: re.Pattern[str]) -> bool:
        return any(names.fullmatch(code) for code in self.codes)

    def tells_of(self, words: re.Pattern[str]) -> bool:
        return words.search(self.message) is not None


@dataclass(frozen=True, slots=True)
class Refused:
    """A failure, with the content of the server's error body."""

    failure: ModelFailed
    said: Said = Said()


def failed(error: Exception) -> Refused:
    """Translate an exception of a request (one of EXPECTED)."""
    match error:
        case groq.APIStatusError():
            said = said_in(error.body)
            return _refused(reason_of(error.status_code, said), error.status_code, said, error)
        case groq.APITimeoutError() if not isinstance(error.__cause__, httpx.ConnectTimeout):
            return Refused(ModelFailed("timeout", error=error))
        case groq.APIConnectionError() | httpx.TransportError():
            return Refused(ModelFailed("connection", error=error, words=plain_words(str(error.__cause__ or error))))
        case _:
            return Refused(ModelFailed("malformed", error=error, words=plain_words(str(error))))


def inside(answer: Mapping[str, Any]) -> Refused | None:
    """Translate the error in the body of a 200 as if it had its own status; None if the body has no error."""
    error = answer.get("error") or answer.get("errors")
    if isinstance(error, dict | list | str):
        said = said_in({"error": error}) if error else None
    else:
        is_error = error or answer.get("object") == "error" or answer.get("status") == "error"
        said = said_in(answer) if is_error else None
    return None if said is None else _as_status_says(said)


def without_choices(answer: Mapping[str, Any]) -> Refused:
    """Translate a body without choices, which may be an error without an `error` field."""
    said = said_in(answer)
    if said.status is not None or _status_of(said) != _UNTOLD:
        return _as_status_says(said)
    return Refused(ModelFailed("malformed", words=plain_words(said.message)), said)


def _as_status_says(said: Said) -> Refused:
    status = said.status or _status_of(said)
    return _refused(reason_of(status, said), status, said)


def _refused(reason: ModelReason, status: int, said: Said, error: Exception | None = None) -> Refused:
    wait_s = said.wait_s if reason in WAITED_FOR else 0.0
    words, code = plain_words(said.message), plain_words(said.code) or None
    return Refused(ModelFailed(reason, wait_s, error, status, code, words), said)


def reason_of(status: int, said: Said) -> ModelReason:
    """Return the reason of an error with this status."""
    is_refused = status in _REFUSED
    if said.is_called(_BROKEN_ANSWER) or (status not in (401, 403, 404, 429) and said.tells_of(_BROKEN_ANSWER)):
        return "broken_answer"
    sizes = _TOO_LARGE_FOR_LIMIT if status == 429 else _TOO_LARGE
    if status == 413 or said.is_called(_TOO_LARGE) or (status not in (401, 403, 404) and said.tells_of(sizes)):
        return "too_large"
    if status == 404 or (is_refused and said.is_called(_MISSING)):
        return "model_missing"
    if status in (400, 422) and said.tells_of(_MISSING_WORDS):
        return "model_missing"
    if status in (400, 403, 422, 451) and (said.is_called(_FILTERED) or said.tells_of(_FILTERED_WORDS)):
        return "filtered"
    if status == 402 or (is_refused and (said.is_called(_QUOTA) or said.tells_of(_QUOTA_WORDS))):
        return "quota"
    if status == 429:
        return "rate_limit"
    if status >= 500 or status in _OVERLOADED:
        return "overloaded"
    is_of_the_key = said.is_called(_CREDENTIALS) or said.tells_of(_CREDENTIALS_WORDS)
    return "credentials" if status in (401, 403) or is_of_the_key else "bad_request"


def _status_of(said: Said) -> int:
    """Infer the status of an error that has none."""
    if said.is_called(_LIMITED) or said.tells_of(_LIMITED_WORDS):
        return 429
    if said.is_called(_QUOTA):
        return 402
    if said.is_called(_CREDENTIALS) or said.tells_of(_CREDENTIALS_WORDS):
        return 401
    if said.is_called(_IN_TROUBLE):
        return 503
    known = (_BROKEN_ANSWER, _TOO_LARGE, _MISSING, _FILTERED, _words(r"invalid\w*|bad_?request\w*"))
    return 400 if any(said.is_called(names) for names in known) else _UNTOLD


# ── reading an error body ─────────────────────────────────────────────────────────────────────────

_NAMING: Final = ("code", "status", "reason", "type")
"""Fields that name an error, most specific first."""
_WORDING: Final = ("message", "msg", "detail", "error", "errors", "raw", "title", "status_msg", "error_description")
_SIZES: Final = ("n_ctx", "max_context_length", "max_model_len", "context_length", "max_seq_len")
_WINDOW: Final = re.compile(
    r"(?:context (?:length|window|size)(?: is| of(?: only)?|:)?|max_seq_len(?: of)?|\bn_ctx\W{0,3})\s*\(?"
    r"([0-9]{3,7})\b",
    re.IGNORECASE,
)
_DEPTH_MAX: Final = 8
FAILED_GENERATION: Final = "failed_generation"
"""The field in which Groq returns the model's output; if it is present, that output caused the error."""

_TAGS: Final = re.compile(r"(?s)<(style|script|svg)\b.*?</\1>|<[^>]*>")


def said_in(body: object) -> Said:
    """Read an error body. Servers use `error`, `detail` or `message`, with a string, an object, a list or JSON in a
    string.
    """
    if isinstance(body, str) and body.lstrip().startswith("<"):
        body = _TAGS.sub(" ", body[:PAGE_MAX])
    found = list(_walked(body))
    named = [(name, str(value).lower()) for name, value in found if name in _NAMING and isinstance(value, str | int)]
    codes = [code for name, code in sorted(named, key=lambda each: _NAMING.index(each[0]))]
    wordings = [value for name, value in found if name in _WORDING and isinstance(value, str)]
    message = " ".join(dict.fromkeys(" ".join(words.split()) for words in wordings if words.strip()))
    wait_s = headers.wait_in(found, message)
    return Said(
        status=next((int(code) for code in codes if code.isdecimal() and 400 <= int(code) < 600), None),
        codes=(*codes[:NAMES_MAX], *(name for name, _ in found if name == FAILED_GENERATION)),
        message=message,
        wait_s=wait_s,
        fields=frozenset(_blamed(found)),
        window_tokens=_window(found, message),
        limit=headers.report_in(message, wait_s),
    )


def _walked(value: object, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield each value of the body with its field's name, outer ones first; items of a list have the list's name."""
    if depth > _DEPTH_MAX:
        return
    match value:
        case dict():
            for key, each in value.items():
                yield from _walked(each, str(key).lower(), depth + 1)
        case list():
            for each in value:
                yield from _walked(each, name, depth + 1)
        case str() if value.lstrip().startswith(("{", "[{")) and (within := _json_in(value)) is not None:
            yield from _walked(within, name, depth + 1)
        case _:
            yield name or "message", value


def _json_in(text: str) -> object:
    try:
        return from_json(text)
    except ValueError:
        return None


def _blamed(found: list[tuple[str, Any]]) -> Iterator[str]:
    for name, value in found:
        if name in ("param", "loc", "field") and isinstance(value, str):
            yield value.rpartition(".")[2]


def _window(found: list[tuple[str, Any]], message: str) -> int | None:
    """The model's context window in tokens, prompt and answer together; None if the error does not name it."""
    for name, value in found:
        if name in _SIZES and isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    told = _WINDOW.search(message)
    return int(told[1]) if told else None
