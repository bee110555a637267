"""What the doctor asks of a model server: one `GET models`, its outcome as a finding with its mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import anyio
import httpx
from pydantic import BaseModel

from actors.adapters.groq import failures
from actors.adapters.groq.client import Client, is_groq

TIMEOUT_S_MAX: Final = 10.0  # a list of models is no generation; who runs the doctor is waiting
NAMED_MAX: Final = 5  # models that the mend offers

Outcome = Literal["ok", "credentials", "unreachable", "model_missing"]


@dataclass(frozen=True, slots=True)
class Check:
    """A finding in words for the operator, and what to do about it (empty when all is well)."""

    outcome: Outcome
    words: str
    mend: str = ""


class _Listed(BaseModel):
    id: str


class _List(BaseModel):
    data: list[_Listed]


async def check(client: Client, url: httpx.URL, models: Sequence[str], *, timeout_s: float) -> Check:
    """Ask once for the models that the server at `url` offers, and compare them with `models`."""
    try:
        with anyio.fail_after(min(timeout_s, TIMEOUT_S_MAX)):
            answer = await client.models.with_raw_response.list()
        listed = _List.model_validate_json(answer.http_response.content)
    except TimeoutError:
        return _unreachable(url, "did not answer in time")
    except failures.EXPECTED as error:
        return _finding(url, failures.failed(error).reason)
    return _compared(models, [model.id for model in listed.data], host=url.host)


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
                "unreachable",
                f"{_shown(url)} is not an API of OpenAI's kind.",
                "Check GROQ_BASE_URL; its path is often /v1.",
            )
        case _:
            return _unreachable(url, f"is in trouble ({reason})")


def _unreachable(url: httpx.URL, words: str) -> Check:
    mend = "Check the connection, and https://groqstatus.com." if is_groq(url) else "Start it, or check GROQ_BASE_URL."
    return Check("unreachable", f"{url.host} {words}.", mend)


def _shown(url: httpx.URL) -> str:
    """The address without what may be secret in it: name, password, query."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}"


def _compared(models: Sequence[str], listed: Sequence[str], *, host: str) -> Check:
    # Ollama lists `llama3:latest` and also answers to `llama3`.
    known = {*listed, *(name.removesuffix(":latest") for name in listed)}
    missing = [model for model in models if model not in known]
    if not missing:
        return Check("ok", f"{', '.join(models)}: listed by {host}; not asked to speak.")
    offered = ", ".join(sorted(listed)[:NAMED_MAX]) or "none"
    return Check(
        "model_missing",
        f"{', '.join(missing)}: not there.",
        f"Set GROQ_MODEL and GROQ_FALLBACK_MODELS to models that are, such as: {offered}.",
    )
