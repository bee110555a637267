"""Grants each model request from the account's allowance, or holds the line until there is room.

    a line ─► ask ─► the first model with room for it, with a prompt window that fits ─► Granted
                └─► none: HeldBack(until), in queue order ─► asks again at that time

The queue is keyed by response. It is served round-robin over the Discord servers: a server with one held line does not
wait behind ten lines of another server. Tokens are reserved for the lines ahead, so no line overtakes another.

Failure modes: the queue is lost with the process; a held response asks again when its wait is over. Each use is stored
before its request leaves, so a new process counts it. Processes that ask at the same moment may exceed a limit by one
request each: the model answers 429, and that is waited out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from actors.observation import AllowanceView
from actors.ports import AllowanceUses, Completion, HeldBack, ModelFailed
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
"""Held lines that keep a place in the queue; further lines ask again when their time comes, in no order."""

OVERDUE_S: Final = 10.0
"""A held line that has not asked again this long after its time loses its place: it is no longer wanted."""

BESIDE_S: Final = 1e-6
"""Minimum distance between two uses, so that a server's report can be matched to the uses that it counts."""

UNCOUNTED: Final = frozenset(
    {"rate_limit", "quota", "credentials", "connection", "too_large", "unsupported", "model_missing", "bad_request"}
)
"""Failures after which no tokens were used."""

Build = Callable[[Plan, int], Built]


@dataclass(frozen=True, slots=True)
class Line:
    """The line that a request is for. `server` is the Discord server; a direct-message channel counts as a server of
    its own. `since` is when the line's turn began; all holds since then share one announcement.
    """

    response_id: ResponseId
    server: int
    since: float


@dataclass(frozen=True, slots=True)
class Granted:
    """A request that may be sent now, and the use counted for it."""

    plan: Plan
    built: Built
    use: Use


@dataclass(frozen=True, slots=True)
class _Waiting:
    line: Line
    tokens: int
    until: float
    number: int  # order of arrival


@dataclass(slots=True)
class Allowances:
    """All models' allowances in this process. `server` is the model server's name in the store."""

    limits_of: Callable[[str], ModelLimits] = lambda model: ModelLimits()
    uses: AllowanceUses | None = None
    server: str = ""
    _known: dict[str, Allowance] = field(default_factory=lambda: defaultdict(Allowance))
    _read_to: int = 0  # number of the newest use read from the store
    _pruned_at: float = 0.0
    _waiting: dict[ResponseId, _Waiting] = field(default_factory=dict)
    _served: dict[int, int] = field(default_factory=dict)  # Discord server → number of its last granted line
    _number: int = 0
    _last_at: float = 0.0

    async def refresh(self, models: Iterable[str], now: float) -> None:
        """Read the uses that this process does not know yet: those of earlier and of other running processes."""
        if self.uses is None or not any(self.limits_of(model).known for model in models):
            return
        for number, model, use in await self.uses.allowance_uses(self.server, after=self._read_to, since=now - DAY_S):
            self._read_to = max(self._read_to, number)
            self._known[model].add(use)

    async def server_of(self, channel_id: int) -> int:
        """The Discord server of a channel; the channel's own id if it belongs to no server."""
        place = None if self.uses is None else await self.uses.place(channel_id)
        return channel_id if place is None or place[1] is None else place[1]

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────

    def window_tokens(self, model: str, cap: int, now: float) -> int:
        """The largest prompt that `model` allows today, in tokens, at most `cap`."""
        return self._of(model, now).window_tokens(cap, now)

    def ask(
        self, line: Line, plans: Sequence[Plan], caps: Mapping[str, int], build: Build, now: float
    ) -> Granted | HeldBack:
        """Grant the first of `plans` that may be sent now, with the largest prompt that fits; else hold the line.

        `caps` are the largest prompts by model, in tokens; `build` makes a prompt of at most a given size.
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
        """The requests and tokens reserved for the held lines ahead of this one, by model."""
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
        """The held lines and this one in serving order: the first line of each server, then the second of each, and so
        on; among servers, the least recently served comes first."""
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

    # ── after a request ─────────────────────────────────────────────────────────────────────────────

    async def keep(self, model: str, use: Use) -> None:
        """Store a use: before its request leaves, and again when its real figures are known."""
        if self.uses is None or not self.limits_of(model).known:
            return
        await self.uses.keep_allowance_use(self.server, model, use)
        if use.at > self._pruned_at + DAY_S / 24:
            self._pruned_at = use.at
            await self.uses.forget_allowance_uses(self.server, before=use.at - DAY_S)

    def note(self, granted: Granted, outcome: Completion | ModelFailed | HeldBack, now: float) -> Use:
        """Correct the allowance from the outcome, and return the corrected use."""
        model, answer = granted.plan.model, granted.plan.completion_tokens_max
        use = granted.use
        match outcome:
            case Completion(prompt_tokens=counted) if counted:
                use = replace(use, tokens=counted + answer)
            case ModelFailed(reason=reason) if reason in UNCOUNTED:
                use = replace(use, tokens=0, requests=0 if reason == "connection" else 1)
            case HeldBack():  # by a breaker: nothing was sent
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
        """Hold a line that got a 429, until the first of `models` may be asked again."""
        first = min((self._of(model, now).opens_at(1, now) for model in models), key=_at)
        return HeldBack(first.at, first.cause, line.since)

    # ── views ───────────────────────────────────────────────────────────────────────────────────────

    async def look(self, models: Sequence[str], cap: int, answer: int, now: float) -> tuple[AllowanceView, ...]:
        """Read new uses from the store, then answer as `seen`."""
        await self.refresh(models, now)
        return self.seen(models, cap, answer, now)

    def seen(self, models: Iterable[str], cap: int, answer: int, now: float) -> tuple[AllowanceView, ...]:
        """The lines left, by model; models without known limits are omitted."""
        return tuple(self._seen(model, cap, answer, now) for model in models if self._of(model, now).limits.known)

    def _seen(self, model: str, cap: int, answer: int, now: float) -> AllowanceView:
        allowance = self._of(model, now)
        line_tokens = allowance.counted(allowance.window_tokens(cap, now)) + answer_tokens(answer, allowance.limits)
        of_minute, of_day = (allowance.lines_left(span, line_tokens, now) for span in SPANS)
        return AllowanceView(model, of_minute, of_day)

    def _of(self, model: str, now: float) -> Allowance:
        allowance = self._known[model]
        allowance.limits = self.limits_of(model)
        allowance.forget_before(now - DAY_S)
        return allowance


def _number(waiting: _Waiting) -> int:
    return waiting.number


def _at(opening: Opening) -> float:
    return opening.at
