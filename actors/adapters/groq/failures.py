"""The SDK's errors and odd answers, each turned into one ModelFailed.

    status, code, message ─► reason       (the table of Groq's errors, and what other servers write instead)
    exception             ─► reason

Sources: https://console.groq.com/docs/errors, and what is known of Ollama, llama.cpp and vLLM.
"""

from __future__ import annotations

import re
from typing import Final

import groq
import httpx

from actors.adapters.groq.headers import retry_after_s
from actors.ports.model import ModelFailed, ModelReason

EXPECTED: Final = (groq.APIError, httpx.HTTPError, ValueError)
"""What a request may raise; ValueError is how the SDK lets broken JSON and broken UTF-8 through."""

_OVERLOADED: Final = frozenset({408, 409, 424, 498})  # 498: Groq's flex tier has no room now
_CREDENTIALS: Final = frozenset({401, 402, 403})  # 402: an account without money, on other servers
# Groq answers 400 and 403 for models that are retired, or that this key may not use.
_MODEL_CODE: Final = re.compile(r"model_(?:not_found|decommissioned|not_active|terms_required|permission_blocked\w*)")
_SIZE_CODE: Final = frozenset({"context_length_exceeded", "exceed_context_size_error", "request_too_large"})
# Groq sends the first as 429 with the code of a rate limit, although no wait can help.
_SIZE_MESSAGE: Final = re.compile(
    r"request too large|reduce the length of the messages|maximum context length|exceeds? the (?:available )?context",
    re.IGNORECASE,
)


def failed(error: Exception) -> ModelFailed:
    """Translate whatever one request raised (one of EXPECTED)."""
    match error:
        case groq.APIStatusError():
            code, message = _said(error.body)
            reason = reason_of(error.status_code, code, message)
            is_worth_waiting = reason in ("rate_limit", "overloaded")
            return ModelFailed(reason, retry_after_s(error.response.headers) if is_worth_waiting else 0.0, error)
        case groq.APITimeoutError() if not isinstance(error.__cause__, httpx.ConnectTimeout):
            return ModelFailed("timeout", error=error)
        case groq.APIConnectionError() | httpx.TransportError():
            return ModelFailed("connection", error=error)
        case _:
            return ModelFailed("malformed", error=error)


def reason_of(status: int, code: str, message: str) -> ModelReason:
    """Name the reason of an answer with this status and error body."""
    if status == 413 or (status in (400, 422, 429) and (code in _SIZE_CODE or _SIZE_MESSAGE.search(message))):
        return "too_large"
    if status == 404 or (status < 500 and _MODEL_CODE.fullmatch(code)):
        return "model_missing"
    if status == 429:
        return "rate_limit"
    if status >= 500 or status in _OVERLOADED:
        return "overloaded"
    return "credentials" if status in _CREDENTIALS else "bad_request"


def _said(body: object) -> tuple[str, str]:
    """The code (or type) and message of an error body, wherever this server puts them."""
    if not isinstance(body, dict):
        return "", body if isinstance(body, str) else ""
    error = body.get("error", body)
    if not isinstance(error, dict):
        return "", str(error)
    code, kind, message = error.get("code"), error.get("type"), error.get("message")
    name = code if isinstance(code, str) else kind
    return str(name or ""), str(message or "")
