"""What the doctor asks of a model server first: `GET models`, its outcome as a finding with its hint."""

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

TIMEOUT_S_MAX: Final = 10.0  # a list of models is no generation; who runs the doctor is waiting
NAMED_MAX: Final = 5  # models that the hint offers

WINDOW_FIELDS: Final = ("max_model_len", "context_window", "context_length", "max_context_length", "n_ctx")
"""Where lists tell how much a model reads: vLLM, Groq, OpenRouter, Mistral and llama.cpp (in `meta`)."""

ONE_MODEL_SERVERS: Final = frozenset({"llamacpp", "koboldcpp", "tabbyapi"})
"""Who `owned_by` names where a server answers with the model that it loaded, whatever name is asked for."""

Outcome = Literal["ok", "credentials", "unreachable", "not_listed", "model_missing", "no_line"]


@dataclass(frozen=True, slots=True)
class Check:
    """A finding in words for the operator, and what to do about it (empty when all is well).

    `windows`: how many tokens a model reads, prompt and answer together, where the server tells.
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
    """Ask once for the models that the server at `url` offers, and compare them with `models`."""
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
                f"{shown(url)} is not an API of OpenAI's kind.",
                "Check GROQ_BASE_URL; its path is often /v1.",
            )
        case _:
            return _unreachable(url, f"is in trouble ({reason})")


def _unreachable(url: httpx.URL, words: str) -> Check:
    mend = "Check the connection, and https://groqstatus.com." if is_groq(url) else "Start it, or check GROQ_BASE_URL."
    return Check("unreachable", f"{url.host} {words}.", mend)


def shown(url: httpx.URL) -> str:
    """The address without what may be secret in it: name, password, query."""
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
            f"{', '.join(missing)}: not there.",
            f"Set GROQ_MODEL and GROQ_FALLBACK_MODELS to models that are, such as: {offered}.",
        )
    windows = {model: window for model in models if (window := _window(known[model].model_extra or {}))}
    return Check("ok", f"{', '.join(models)}: listed by {host}; not asked to speak.", windows=windows)


def _names(listed: str) -> tuple[str, ...]:
    """What a model may be asked for by: Ollama lists `llama3:latest`, Gemini `models/gemini-2.5-flash`."""
    return listed, listed.removesuffix(":latest"), listed.removeprefix("models/")


def _window(fields: Mapping[str, Any]) -> int:
    meta = fields.get("meta")
    places = (fields, meta if isinstance(meta, dict) else {})
    return next((told for place in places for name in WINDOW_FIELDS if (told := count(place.get(name)))), 0)
