"""A model server's account with the limits of a free one: what it grants, refuses, and says of its limits.

    request ─► prompt's tokens and the whole budget of the answer ─► 200 or 429, with headers as Groq writes them

It counts in one of three ways, since servers do: `bucket` (Groq: what was used comes back bit by bit), `sliding` (at
most the limit in any minute) and `clock` (anew with each minute of the clock). Nothing comes back of an answer that is
shorter than its budget.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal["bucket", "sliding", "clock"]

MODELS = ("openai/gpt-oss-120b", "openai/gpt-oss-20b")
LIMITS = {
    "requests per minute (RPM)": (30, 60.0),
    "tokens per minute (TPM)": (8000, 60.0),
    "requests per day (RPD)": (1000, 86_400.0),
    "tokens per day (TPD)": (200_000, 86_400.0),
}
WORDS = [
    "the",
    "lamp",
    "burns",
    "low",
    "and",
    "the",
    "tide",
    "is",
    "turning;",
    "somebody",
    "left",
    "the",
    "door",
    "to",
    "the",
    "stairs",
    "open",
    "again,",
    "and",
    "the",
    "wind",
    "carries",
    "salt",
    "over",
    "the",
    "table",
    "while",
    "the",
    "old",
    "clock",
    "counts",
    "what",
    "nobody",
    "says",
    "aloud",
    "about",
    "the",
    "letter",
    "from",
    "the",
    "harbour",
]


@dataclass
class Meter:
    """One limit."""

    name: str
    limit: int
    span_s: float
    form: Form
    uses: list[tuple[float, int]] = field(default_factory=list)
    level: float = 0.0  # of a bucket: what is used
    at: float = 0.0

    def used(self, now: float) -> float:
        match self.form:
            case "bucket":
                return max(0.0, self.level - (now - self.at) * self.limit / self.span_s)
            case "sliding":
                return sum(cost for at, cost in self.uses if at > now - self.span_s)
            case "clock":
                return sum(cost for at, cost in self.uses if at >= now - now % self.span_s)

    def wait_s(self, cost: int, now: float) -> float:
        """How long until `cost` fits; 0 where it does."""
        excess = self.used(now) + cost - self.limit
        if excess <= 0:
            return 0.0
        match self.form:
            case "bucket":
                return excess * self.span_s / self.limit
            case "clock":
                return self.span_s - now % self.span_s
            case "sliding":
                for at, used in self.uses:
                    if at > now - self.span_s:
                        excess -= used
                        if excess <= 0:
                            return at + self.span_s - now
                return self.span_s

    def take(self, cost: int, now: float) -> None:
        self.level, self.at = self.used(now) + cost, now
        self.uses = [(at, used) for at, used in self.uses if at > now - self.span_s]
        self.uses.append((now, cost))

    def reset_s(self, now: float) -> float:
        """Until all of it is there."""
        match self.form:
            case "bucket":
                return self.used(now) * self.span_s / self.limit
            case "clock":
                return self.span_s - now % self.span_s
            case "sliding":
                return max((at + self.span_s - now for at, _ in self.uses), default=0.0)


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request that was granted."""

    at: float
    model: str
    prompt_tokens: int
    tokens: int


class FreeAccount:
    """All models of one account; `seed` decides what is written."""

    def __init__(self, form: Form = "bucket", seed: int = 1, *, has_headers: bool = True) -> None:
        self._random = random.Random(seed)
        self._has_headers = has_headers
        self._meters = {
            model: [Meter(name, limit, span_s, form) for name, (limit, span_s) in LIMITS.items()] for model in MODELS
        }
        self.asked: list[Asked] = []
        self.refused: Counter[str] = Counter()

    def answer(self, model: str, contents: Sequence[str], answer_tokens: int, now: float) -> Answered:
        prompt_tokens = sum(len(content) // 4 + 4 for content in contents)
        cost = prompt_tokens + answer_tokens
        meters = self._meters[model]
        costs = [1, cost, 1, cost]
        waits = {meter.name: meter.wait_s(each, now) for meter, each in zip(meters, costs, strict=True)}
        longest = max(waits, key=waits.__getitem__)
        if waits[longest] > 0:
            self.refused[longest] += 1
            return self._refused(model, next(m for m in meters if m.name == longest), cost, waits[longest], now)
        for meter, each in zip(meters, costs, strict=True):
            meter.take(each, now)
        self.asked.append(Asked(now, model, prompt_tokens, cost))
        text = self._line()
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": len(text) // 4, "total_tokens": prompt_tokens}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        body = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [choice],
            "usage": usage,
        }
        return Answered(200, self._headers(model, now), body)

    def _refused(self, model: str, meter: Meter, cost: int, wait_s: float, now: float) -> Answered:
        requested = cost if "tokens" in meter.name else 1
        message = (
            f"Rate limit reached for model `{model}` in organization `org_01abc` service tier `on_demand` on "
            f"{meter.name}: Limit {meter.limit}, Used {meter.used(now):.0f}, Requested {requested}. "
            f"Please try again in {_go(wait_s)}. Need more tokens? Upgrade today."
        )
        error = {"message": message, "type": "tokens", "code": "rate_limit_exceeded"}
        headers = {**self._headers(model, now), "retry-after": f"{-(-wait_s // 1):.0f}"}
        return Answered(429, headers, {"error": error})

    def _headers(self, model: str, now: float) -> dict[str, str]:
        """Requests of the day and tokens of the minute, as Groq reports them."""
        if not self._has_headers:
            return {}
        _, tokens, requests, _ = self._meters[model]
        shown = (("requests", requests), ("tokens", tokens))
        return {
            f"x-ratelimit-{what}-{name}": value
            for name, meter in shown
            for what, value in (
                ("limit", str(meter.limit)),
                ("remaining", str(int(meter.limit - meter.used(now)))),
                ("reset", _go(meter.reset_s(now))),
            )
        }

    def _line(self) -> str:
        sentences = [
            " ".join(self._random.choice(WORDS) for _ in range(self._random.randint(8, 16))).capitalize()
            for _ in range(self._random.randint(3, 6))
        ]
        return ". ".join(sentences) + "."


def _go(seconds: float) -> str:
    """As Go writes a duration."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:.3f}s" if minutes else f"{rest:.3f}s"


def contents_of(body: bytes) -> tuple[str, list[str], int]:
    """The model, the texts and the answer's budget of a request to `chat/completions`."""
    request = json.loads(body)
    budget = request.get("max_completion_tokens") or request.get("max_tokens") or 0
    return request["model"], [message["content"] for message in request["messages"]], budget
