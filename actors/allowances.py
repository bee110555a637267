"""The allowances of all models: asked before each request, in one place.

    a line ─► ask ─► the first model in whose allowance it fits, with a window that fits ─► Granted
                └─► none: HeldBack(until), each held line in its turn ─► asks again then

Who waits is known by response. The turns go round the Discord servers: a server with one held line does not wait behind
ten of another's. Whoever stands before a line has its tokens kept, so nobody overtakes.

Failure modes: who waits is forgotten with the process; a response that was held asks again when its wait is over. The
uses are in the store before the request leaves, so a new process counts them. Processes that ask at the same moment may
exceed a limit by one request each: the 429 says so, and is waited out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from actors.ports import AllowanceUses, Completion, HeldBack, ModelFailed, SeenAllowance
from actors.roleplay.allowance import (
    DAY_S,
    SPANS,
    Allowance,
    ModelLimits,
    Opening,
    Use,
    answer_tokens,
)
from actors.roleplay.model import ResponseId
from actors.roleplay.plan import Plan
from actors.roleplay.prompt import Built

WAITING_MAX: Final = 200
"""Held lines whose turn is kept; further ones come when their time is there, in no order."""

OVERDUE_S: Final = 10.0
"""A held line that has not asked again so long after its time is not wanted any more."""

BESIDE_S: Final = 1e-6
"""Between two uses, so that a report says which of them it counts."""

UNCOUNTED: Final = frozenset(
    {"rate_limit", "quota", "credentials", "connection", "too_large", "unsupported", "model_missing", "bad_request"}
)
"""Failures after which no tokens were used."""

Build = Callable[[Plan, int], Built]


@dataclass(frozen=True, slots=True)
class Line:
    """Whose request it is: `server` is Discord's, and a direct channel is one of its own. `since` is when its turn
    began: one announcement speaks of it.
    """

    response_id: ResponseId
    server: int
    since: float


@dataclass(frozen=True, slots=True)
class Granted:
    """A request that may go out now, and the use that was counted for it."""

    plan: Plan
    built: Built
    use: Use


@dataclass(frozen=True, slots=True)
class _Waiting:
    line: Line
    tokens: int
    until: float
    number: int  # in the order of arrival


@dataclass(slots=True)
class Allowances:
    """All models' allowances in this process. `server` is the model server's name in the store."""

    limits_of: Callable[[str], ModelLimits] = lambda model: ModelLimits()
    uses: AllowanceUses | None = None
    server: str = ""
    _known: dict[str, Allowance] = field(default_factory=lambda: defaultdict(Allowance))
    _read_to: int = 0  # the newest use of the store that was read
    _pruned_at: float = 0.0
    _waiting: dict[ResponseId, _Waiting] = field(default_factory=dict)
    _served: dict[int, int] = field(default_factory=dict)  # by Discord server: the number of its newest line
    _number: int = 0
    _last_at: float = 0.0

    async def refresh(self, models: Iterable[str], now: float) -> None:
        """Read what this process does not know yet: an earlier one's uses, and those of others beside it."""
        if self.uses is None or not any(self.limits_of(model).known for model in models):
            return
        for number, model, use in await self.uses.allowance_uses(self.server, after=self._read_to, since=now - DAY_S):
            self._read_to = max(self._read_to, number)
            self._known[model].add(use)

    async def server_of(self, channel_id: int) -> int:
        """The Discord server of a channel; a channel that belongs to none stands for itself."""
        place = None if self.uses is None else await self.uses.place(channel_id)
        return channel_id if place is None or place[1] is None else place[1]

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────

    def window_tokens(self, model: str, cap: int, now: float) -> int:
        """How large a prompt for `model` may be today, at most `cap`."""
        return self._of(model, now).window_tokens(cap, now)

    def ask(
        self, line: Line, plans: Sequence[Plan], caps: Mapping[str, int], build: Build, now: float
    ) -> Granted | HeldBack:
        """The first of `plans` that may go out now, with as large a prompt as fits; or when the line may ask again.

        `caps` are the largest prompts by model; `build` makes a prompt of a size.
        """
        ahead = self._ahead_of(line, [plan.model for plan in plans], now)
        best: Opening | None = None
        least = 0
        for plan in plans:
            allowance = self._of(plan.model, now)
            fitted = replace(plan, completion_tokens_max=answer_tokens(plan.completion_tokens_max, allowance.limits))
            requests, tokens = ahead.get(plan.model, (0, 0))
            built = build(
                fitted,
                allowance.fitting_window(caps[plan.model], fitted.completion_tokens_max, now, ahead_tokens=tokens),
            )
            cost = allowance.counted(built.tokens) + fitted.completion_tokens_max
            opening = allowance.opens_at(cost, now, ahead=(requests, tokens))
            if opening.at <= now:
                return self._grant(line, fitted, built, cost, now)
            if best is None or opening.at < best.at:
                best, least = opening, cost
        assert best is not None, "a request names a model"
        return self._hold(line, best, least)

    def _grant(self, line: Line, plan: Plan, built: Built, cost: int, now: float) -> Granted:
        self._last_at = max(now, self._last_at + BESIDE_S)
        self._number += 1
        use = Use(f"{line.response_id}:{self._number}:{now:.6f}", self._last_at, cost)
        self._waiting.pop(line.response_id, None)
        if self._known[plan.model].limits.known:
            self._known[plan.model].add(use)
            self._served[line.server] = self._number
        return Granted(plan, built, use)

    def _hold(self, line: Line, opening: Opening, tokens: int) -> HeldBack:
        self._number += 1
        known = self._waiting.get(line.response_id)
        number = known.number if known else self._number
        if known or len(self._waiting) < WAITING_MAX:
            self._waiting[line.response_id] = _Waiting(line, tokens, opening.at, number)
        return HeldBack(opening.at, opening.cause, line.since)

    def _ahead_of(self, line: Line, models: Sequence[str], now: float) -> dict[str, tuple[int, int]]:
        """The requests and tokens that are kept for the held lines before this one, by model."""
        kept: dict[str, tuple[int, int]] = {}
        if not self._waiting:
            return kept
        for waiting in self._in_turn(line, now):
            if waiting.line.response_id == line.response_id:
                return kept
            openings = {
                model: self._of(model, now).opens_at(waiting.tokens, now, ahead=kept.get(model, (0, 0))).at
                for model in models
            }
            model = min(openings, key=openings.__getitem__)
            requests, tokens = kept.get(model, (0, 0))
            kept[model] = requests + 1, tokens + waiting.tokens
        return kept

    def _in_turn(self, line: Line, now: float) -> list[_Waiting]:
        """The held lines and this one, in the order in which they are served: each server's first, then each one's
        second …; among servers the one that was served longest ago."""
        self._waiting = {key: each for key, each in self._waiting.items() if now <= each.until + OVERDUE_S}
        newcomer = _Waiting(line, 0, now, self._number + 1)
        lines = sorted(({line.response_id: newcomer} | self._waiting).values(), key=_number)
        places: Counter[int] = Counter()
        ranks: dict[ResponseId, tuple[int, int, int]] = {}
        for each in lines:
            server = each.line.server
            ranks[each.line.response_id] = places[server], self._served.get(server, 0), each.number
            places[server] += 1
        return sorted(lines, key=lambda each: ranks[each.line.response_id])

    # ── what came of a request ──────────────────────────────────────────────────────────────────────

    async def keep(self, model: str, use: Use) -> None:
        """Make a use durable, before its request leaves and again when its figures are known."""
        if self.uses is None or not self.limits_of(model).known:
            return
        await self.uses.keep_allowance_use(self.server, model, use)
        if use.at > self._pruned_at + DAY_S / 24:
            self._pruned_at = use.at
            await self.uses.forget_allowance_uses(self.server, before=use.at - DAY_S)

    def note(self, granted: Granted, outcome: Completion | ModelFailed | HeldBack, now: float) -> Use:
        """Correct the allowance by an answer, and return the use as it is counted now."""
        model, answer = granted.plan.model, granted.plan.completion_tokens_max
        use = granted.use
        match outcome:
            case Completion(prompt_tokens=counted) if counted:
                use = replace(use, tokens=counted + answer)
            case ModelFailed(reason=reason) if reason in UNCOUNTED:
                use = replace(use, tokens=0, requests=0 if reason == "connection" else 1)
            case HeldBack():  # by a breaker: nothing left the process
                use = replace(use, tokens=0, requests=0)
            case _:
                pass
        allowance = self._of(model, now)
        if allowance.limits.known:
            allowance.add(use)
        if isinstance(outcome, HeldBack):
            return use
        for report in outcome.reports:
            allowance.note(report, asked_at=use.at, at=now)
        if isinstance(outcome, Completion):
            allowance.note_success(estimated=granted.built.tokens, counted=outcome.prompt_tokens)
        if isinstance(outcome, ModelFailed) and outcome.reason == "rate_limit" and outcome.retry_after_s > 0:
            allowance.note_refusal(outcome.retry_after_s, at=now, kind=outcome.limited)
        return use

    def refused(self, line: Line, models: Sequence[str], now: float) -> HeldBack:
        """When a line that met a 429 may ask again, one of `models`."""
        first = min((self._of(model, now).opens_at(1, now) for model in models), key=_at)
        return HeldBack(first.at, first.cause, line.since)

    # ── what is shown ───────────────────────────────────────────────────────────────────────────────

    async def look(self, models: Sequence[str], cap: int, answer: int, now: float) -> tuple[SeenAllowance, ...]:
        """The same as `seen`, with the uses that this process has not read yet."""
        await self.refresh(models, now)
        return self.seen(models, cap, answer, now)

    def seen(self, models: Iterable[str], cap: int, answer: int, now: float) -> tuple[SeenAllowance, ...]:
        """The lines that are left, by model; without limits, none."""
        return tuple(self._seen(model, cap, answer, now) for model in models if self._of(model, now).limits.known)

    def _seen(self, model: str, cap: int, answer: int, now: float) -> SeenAllowance:
        allowance = self._of(model, now)
        line_tokens = allowance.counted(allowance.window_tokens(cap, now)) + answer_tokens(answer, allowance.limits)
        of_minute, of_day = (allowance.lines_left(span, line_tokens, now) for span in SPANS)
        return SeenAllowance(model, of_minute, of_day)

    def _of(self, model: str, now: float) -> Allowance:
        allowance = self._known[model]
        allowance.limits = self.limits_of(model)
        allowance.forget_before(now - DAY_S)
        return allowance


def _number(waiting: _Waiting) -> int:
    return waiting.number


def _at(opening: Opening) -> float:
    return opening.at
