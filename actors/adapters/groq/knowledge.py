"""Learns the abilities and limits of one model on one server from its answers. Pure.

    a refusal that names a parameter  ─┐
    a template that refuses a role     ├─► Known ─► the next request; kept over a restart
    the token count of a prompt        │
    the field of its reasoning        ─┘

A request starts with the dialect in the table of `servers.py`; what was learnt from the model overrides it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from actors.adapters.groq.failures import Said
from actors.adapters.groq.servers import Dialect, System
from actors.roleplay.allowance import KINDS, ModelLimits
from actors.roleplay.model import Prompt
from actors.roleplay.tokens import prompt_tokens, tokens_at_least

WINDOW_KEPT_S: Final = 6 * 3600.0
"""After this, a prompt of full size tests whether the server's window was enlarged."""

SAME_WINDOW: Final = 0.1
"""A newly measured window that differs by less than this share counts as the same, and is not reported again."""

WINDOW_TOKENS_MIN: Final = 256
"""A smaller window is either a measuring error or too small for roleplay."""

PROVEN_FACTOR: Final = 1.5
"""Our estimate and a server's count of a prompt differ by less than this; a higher count disproves the window."""

WINDOW_HINT: Final = (
    "Give the server a larger window (Ollama: OLLAMA_CONTEXT_LENGTH, llama.cpp: -c, LM Studio: Context Length), "
    "or lower CONTEXT_TOKENS."
)

ANSWER_ROOM: Final = 1000
"""Tokens of a listed window that are reserved for the answer; RESPONSE_TOKENS is 700 by default."""

JUDGED_TOKENS_MIN: Final = 800
"""Shorter prompts fit into every window, and their counts are too inexact to judge."""

OPTIONAL: Final = ("max_tokens", "max_completion_tokens", "stop", "reasoning_effort", "include_reasoning")
"""Parameters that can be left out without changing the meaning of a request."""

_BUDGETS: Final = ("max_tokens", "max_completion_tokens")
_AT_MOST: Final = re.compile(
    r"(?:at most|less than or equal to|<=|maximum (?:value|allowed|of|is)[^0-9]{0,40}|up to)\s*`?([0-9]{2,6})\b"
    r"|> ?([0-9]{2,6}), which is the maximum",
    re.IGNORECASE,
)
_ROLES: Final = re.compile(
    r"roles? must alternate|alternate (?:between )?user|system (?:role|message|prompt|instruction)s?\b.{0,60}"
    r"(?:not (?:supported|allowed|enabled)|unsupported|must be|only be|at the (?:beginning|start)|first)"
    r"|(?:only|just) (?:the )?user\b.{0,60}\broles?\b|developer instruction is not enabled"
    r"|(?:unexpected|unknown|invalid|unsupported) role|role .{0,20}system.{0,20}(?:not|unsupported|invalid)"
    r"|does not support ['\"`]?system|should be ['\"`]?user['\"`]? or ['\"`]?assistant",
    re.IGNORECASE,
)
"""Complaints of chat templates about the roles or their order."""

WHERE: Final = {System.FIRST: "at the beginning only", System.NOWHERE: "nowhere, so they are sent as the user's"}

REFUSALS: Final = frozenset({"bad_request", "overloaded"})
"""Reasons with which servers refuse part of a request; a template's complaint often comes as a 500."""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything learnt about a model.

    `refused` are parameters. `window_tokens` is how much of a prompt the model reads, in our estimated tokens, measured
    at `window_at`. `counts_in_part`: its counts leave out cached tokens. `thoughts_in` is the field that holds its
    reasoning; `limits` are the account's limits that the server reported.
    """

    refused: frozenset[str] = frozenset()
    system: System = System.ANYWHERE
    answer_tokens_max: int | None = None
    window_tokens: int | None = None
    window_at: float = 0.0
    counts_in_part: bool = False
    thoughts_in: str = ""
    limits: ModelLimits = field(default_factory=ModelLimits)

    def applied_to(self, dialect: Dialect) -> Dialect:
        """Return `dialect`, adapted to what was learnt."""
        return replace(
            dialect,
            budget=tuple(name for name in dialect.budget if name not in self.refused),
            system=max(dialect.system, self.system),
            switches={name: value for name, value in dialect.switches.items() if name not in self.refused},
            takes_stop=dialect.takes_stop and "stop" not in self.refused,
            answer_tokens_max=self.answer_tokens_max or dialect.answer_tokens_max,
        )

    def window_now(self, now: float) -> int | None:
        return self.window_tokens if now < self.window_at + WINDOW_KEPT_S else None

    def in_words(self, now: float) -> tuple[str, ...]:
        """Describe what was learnt, for the operator."""
        window = self.window_now(now)
        told = (
            f"refuses {', '.join(sorted(self.refused))}" if self.refused else "",
            f"takes system messages {WHERE[self.system]}" if self.system else "",
            f"writes {self.answer_tokens_max:,} tokens at most" if self.answer_tokens_max else "",
            f"reads {window:,} tokens of a prompt" if window is not None else "",
            "counts only part of a prompt" if self.counts_in_part else "",
            f"puts its thoughts into `{self.thoughts_in}`" if self.thoughts_in else "",
        )
        return tuple(filter(None, told))

    def warning(self, context_tokens: int, now: float) -> str:
        """Warn that the model reads less of a prompt than CONTEXT_TOKENS allows; empty if it reads all."""
        window = self.window_now(now)
        if window is None or window >= context_tokens:
            return ""
        return f"It reads {window:,} tokens of a prompt, and CONTEXT_TOKENS is {context_tokens:,}. {WINDOW_HINT}"

    def written(self) -> str:
        """Serialise as JSON, for `read`."""
        return json.dumps(
            {
                "refused": sorted(self.refused),
                "system": self.system.name,
                "answer_tokens_max": self.answer_tokens_max,
                "window_tokens": self.window_tokens,
                "window_at": self.window_at,
                "counts_in_part": self.counts_in_part,
                "thoughts_in": self.thoughts_in,
                "limits": {kind: self.limits.of(kind) for kind in self.limits.known},
            }
        )

    @classmethod
    def read(cls, written: str) -> Known:
        """Parse the JSON of `written()`; missing or invalid fields keep their defaults."""
        try:
            found = json.loads(written)
        except ValueError:
            return cls()
        return _known(found) if isinstance(found, dict) else cls()


@dataclass(frozen=True, slots=True)
class Lesson:
    """The knowledge after an answer; `words` report to the operator what is new, and are empty if nothing is."""

    known: Known
    words: str = ""
    is_request_at_fault: bool = False
    """Whether the next request will leave out what caused the failure, so that it is worth sending again."""

    def with_thoughts(self, thoughts_in: str) -> Lesson:
        """Add the field that held the reasoning, if the answer had one."""
        return replace(self, known=replace(self.known, thoughts_in=thoughts_in)) if thoughts_in else self


def of_refusal(known: Known, used: Dialect, request: Mapping[str, Any], said: Said) -> Lesson | None:
    """Learn from a refused request; None if the error blames nothing that can be left out.

    `used` and `request` are the dialect and the parameters that were sent; `known` may be newer, because other
    responses learn concurrently.
    """
    blamed = [name for name in OPTIONAL if name in request and _is_blamed(name, said)]
    if blamed and (limit := _limit(blamed, request, said)):
        words = "" if known.answer_tokens_max == limit else f"writes {limit:,} tokens at most"
        return Lesson(replace(known, answer_tokens_max=limit), words, True)
    if blamed:
        refused = known.refused | set(blamed)
        words = "" if refused == known.refused else f"refuses {', '.join(blamed)}{_instead(used, refused, blamed)}"
        return Lesson(replace(known, refused=refused), words, True)
    if said.tells_of(_ROLES) and used.system is not System.NOWHERE:
        system = max(known.system, used.system.stricter)
        words = "" if system == known.system else f"takes system messages {WHERE[system]}"
        return Lesson(replace(known, system=system), words, True)
    return None


def of_size(known: Known, prompt: Prompt, window_tokens: int | None, now: float) -> Lesson:
    """Learn from a prompt that was too large; `window_tokens` is the window named in the error, if any."""
    if window_tokens is None:
        return Lesson(known)
    room = max(window_tokens - prompt.completion_tokens_max, window_tokens // 2, WINDOW_TOKENS_MIN)
    return _narrowed(known, prompt, room, f"has a window of {window_tokens:,} tokens", now)


def of_listing(known: Known, window_tokens: int, now: float) -> Lesson:
    """Learn the window from the server's list of models; `window_tokens` is for prompt and answer together."""
    room = max(window_tokens - min(window_tokens // 4, ANSWER_ROOM), WINDOW_TOKENS_MIN)
    return Lesson(replace(known, window_tokens=room, window_at=now))


def of_count(known: Known, prompt: Prompt, counted: int, now: float) -> Lesson:
    """Learn from a server's token count of a prompt: a count below the possible minimum means a truncated prompt.

    A few servers count only the tokens that are not in their cache. They are recognised when a later count is higher
    than the window that an earlier count suggested.
    """
    window = known.window_now(now)
    if window is not None and counted > window * PROVEN_FACTOR:
        words = "counts only part of a prompt, so its counts no longer show its window"
        return Lesson(replace(known, window_tokens=None, counts_in_part=True), words)
    sent = prompt_tokens(prompt.messages)
    is_whole = counted >= tokens_at_least(prompt.messages)
    if known.counts_in_part or counted < WINDOW_TOKENS_MIN or sent < JUDGED_TOKENS_MIN or is_whole:
        return Lesson(known)
    return _narrowed(known, prompt, counted, f"counts {counted:,} tokens of a prompt of about {sent:,}", now)


def _narrowed(known: Known, prompt: Prompt, room: int, seen: str, now: float) -> Lesson:
    before, held = known.window_tokens, known.window_now(now)
    if held is not None and held <= room:
        return Lesson(known, is_request_at_fault=True)
    is_news = before is None or abs(before - room) > before * SAME_WINDOW
    words = f"{seen}: older messages are lost, so prompts are limited to {room:,} from now on. {WINDOW_HINT}"
    return Lesson(replace(known, window_tokens=room, window_at=now), words if is_news else "", True)


def _is_blamed(name: str, said: Said) -> bool:
    if name in said.fields:
        return True
    if name == "stop":  # also an English word
        return (
            re.search(
                r"[`'\"]stop[`'\"]|\bstop[ _](?:parameters?|sequences?|words?|strings?|field)"
                r"|\b(?:parameter|argument|property|field|keyword|name|option|input)s?\b[^.\n]{0,20}?[: (]\W?stop\b"
                r"|\bbody\W{1,4}stop\b|\bstop (?:is|are) not|\bstop:",
                said.message,
                re.IGNORECASE,
            )
            is not None
        )
    return re.search(rf"(?<![\w-]){name}(?![\w-])", said.message) is not None


def _limit(blamed: Collection[str], request: Mapping[str, Any], said: Said) -> int | None:
    """The maximum for the answer's tokens, if the error blames only the size of the budget."""
    told = _AT_MOST.search(said.message) if set(blamed) <= set(_BUDGETS) else None
    limit = int(told[1] or told[2]) if told else 0
    return limit if 0 < limit < min(request[name] for name in blamed) else None


def _instead(used: Dialect, refused: Collection[str], blamed: Collection[str]) -> str:
    if not set(blamed) & set(_BUDGETS):
        return ": left out from now on"
    left = next((name for name in used.budget if name not in refused), None)
    return f": {left} is sent from now on" if left else ": left out from now on"


def _known(found: Mapping[str, Any]) -> Known:
    names, system = found.get("refused"), found.get("system")
    at, thoughts_in = found.get("window_at"), found.get("thoughts_in")
    return Known(
        refused=frozenset(name for name in names if name in OPTIONAL) if isinstance(names, list) else frozenset(),
        system=next((each for each in System if each.name == system), System.ANYWHERE),
        answer_tokens_max=_size(found.get("answer_tokens_max")),
        window_tokens=_size(found.get("window_tokens")),
        window_at=float(at) if isinstance(at, int | float) else 0.0,
        counts_in_part=found.get("counts_in_part") is True,
        thoughts_in=thoughts_in if isinstance(thoughts_in, str) else "",
        limits=_limits(found.get("limits")),
    )


def _limits(found: object) -> ModelLimits:
    limits = found if isinstance(found, dict) else {}
    return replace(ModelLimits(), **{kind: _size(limits.get(kind)) for kind in KINDS})


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
