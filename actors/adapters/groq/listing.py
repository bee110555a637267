"""Checks a model server with `GET models`; returns a finding with a hint for the operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import anyio
import httpx
from pydantic import BaseModel, ConfigDict

from actors.adapters.groq import failures
from actors.adapters.groq.answers import count
from actors.adapters.groq.client import Client, is_groq

TIMEOUT_S_MAX: Final = 10.0  # a list of models needs no generation, and the operator is waiting for `doctor`
NAMED_MAX: Final = 5  # models named in the hint

WINDOW_FIELDS: Final = ("max_model_len", "context_window", "context_length", "max_context_length", "n_ctx")
"""Fields for the context window: vLLM, Groq, OpenRouter, Mistral and llama.cpp (in `meta`)."""

ONE_MODEL_SERVERS: Final = frozenset({"llamacpp", "koboldcpp", "tabbyapi"})
"""Values of `owned_by` for servers that always use their one loaded model, whatever name is requested."""

Outcome = Literal["ok", "credentials", "unreachable", "not_listed", "model_missing", "no_line"]


@dataclass(frozen=True, slots=True)
class Check:
    """A finding for the operator, with a hint (`mend`, empty if there is nothing to do).

    `windows`: each model's context window in tokens, prompt and answer together, if the server reports it.
    """

    outcome: Outcome
    words: str
    mend: str = ""
    windows: Mapping[str, int] = field(default_factory=dict)


class _Listed(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str
    owned_by: str | None = None


class _List(BaseModel):
    data: list[_Listed]


async def check(client: Client, url: httpx.URL, models: Sequence[str], *, timeout_s: float) -> Check:
    """Request the list of models from the server at `url` once, and compare it with `models`."""
    try:
        with anyio.fail_after(min(timeout_s, TIMEOUT_S_MAX)):
            answer = await client.models.with_raw_response.list()
        listed = _List.model_validate_json(answer.http_response.content).data
    except TimeoutError:
        return _unreachable(url, "did not answer in time")
    except failures.EXPECTED as error:
        return _finding(url, failures.failed(error).failure.reason)
    return _compared(models, listed, host=url.host)


def _finding(url: httpx.URL, reason: str) -> Check:
    match reason:
        case "credentials":
            mend = "Make a new key at https://console.groq.com/keys and put it into GROQ_API_KEY."
            return Check(
                "credentials",
                f"{url.host} refused the key.",
                mend if is_groq(url) else f"Put a key for {url.host} into GROQ_API_KEY.",
            )
        case "connection":
            return _unreachable(url, "cannot be reached")
        case "malformed" | "model_missing" | "bad_request":
            return Check(
                "not_listed",
                f"{shown(url)} is not an OpenAI-compatible API.",
                "Check GROQ_BASE_URL; its path is often /v1.",
            )
        case _:
            return _unreachable(url, f"cannot answer now ({reason})")


def _unreachable(url: httpx.URL, words: str) -> Check:
    mend = "Check the connection, and https://groqstatus.com." if is_groq(url) else "Start it, or check GROQ_BASE_URL."
    return Check("unreachable", f"{url.host} {words}.", mend)


def shown(url: httpx.URL) -> str:
    """The address without its secret parts: user name, password, query."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}"


def _compared(models: Sequence[str], listed: Sequence[_Listed], *, host: str) -> Check:
    known = {name: each for each in listed for name in _names(each.id)}
    if len(listed) == 1 and (listed[0].owned_by or "").lower() in ONE_MODEL_SERVERS:
        known |= dict.fromkeys(models, listed[0])
    missing = [model for model in models if model not in known]
    if missing:
        offered = ", ".join(sorted(each.id for each in listed)[:NAMED_MAX]) or "none"
        return Check(
            "model_missing",
            f"{', '.join(missing)}: not in the server's list of models.",
            f"Set GROQ_MODEL and GROQ_FALLBACK_MODELS to listed models, such as: {offered}.",
        )
    windows = {model: window for model in models if (window := _window(known[model].model_extra or {}))}
    return Check("ok", f"{', '.join(models)}: listed by {host}; not tested with a prompt.", windows=windows)


def _names(listed: str) -> tuple[str, ...]:
    """The names by which a model may be requested: Ollama lists `llama3:latest`, Gemini `models/gemini-2.5-flash`."""
    return listed, listed.removesuffix(":latest"), listed.removeprefix("models/")


def _window(fields: Mapping[str, Any]) -> int:
    meta = fields.get("meta")
    places = (fields, meta if isinstance(meta, dict) else {})
    return next((told for place in places for name in WINDOW_FIELDS if (told := count(place.get(name)))), 0)
