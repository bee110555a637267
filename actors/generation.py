"""Generates a line: builds the prompt from the history, asks the model once, and cleans or refuses its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, assert_never

import anyio

from actors.allowances import Granted, Line
from actors.cast import card_of, member_of
from actors.day_tokens import DayTokens
from actors.lore import lore_for, lore_writes, report_slow
from actors.model_exchange import asked
from actors.observed import Observed
from actors.ports import (
    Completion,
    Context,
    GenerationBegan,
    GenerationEnded,
    GenerationErred,
    HeldBack,
    HistoryRead,
    ModelFailed,
    Noted,
    ResponseRecord,
)
from actors.roleplay import plan, prompt, speech
from actors.roleplay.asides import noted
from actors.roleplay.card import Card
from actors.roleplay.model import Character, CharacterId, Entry, Prompt, Purpose, Reading, SessionRecord, time_of
from actors.roleplay.names import short_names
from actors.roleplay.parts import LINES_MAX, PARTS_MAX, split
from actors.roleplay.refusals import is_machine
from actors.roleplay.turns import hands_over
from actors.services import Services
from machines.facts import BLOCKED, Generated, GenerationFailed, Held
from machines.reasons import GenerationReason
from machines.response import may_try_again

OWN_LAST_LINES: Final = 5
"""Number of a character's own last lines that it must not nearly repeat."""

ECHOES_OF: Final = 4
"""Number of newest messages checked for echoes: a small model repeats the last ones before it answers."""

SHORTENED: Final = (
    f"The model wrote more than {LINES_MAX} lines or {PARTS_MAX} messages can hold. The text after the last whole "
    "sentence that fits was cut. If this happens often, lower RESPONSE_TOKENS."
)


@dataclass(frozen=True, slots=True)
class _Heard:
    """The parts of history and prompt that the answer is checked against; the rest is freed while the model works."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    own_last_lines: tuple[str, ...]
    echoes: frozenset[str]
    notes: frozenset[str]
    of_machine: bool

    @classmethod
    def of(cls, entries: Sequence[Entry], character: Character, session: SessionRecord, asked: Prompt) -> _Heard:
        card = card_of(character.card_json)
        full = tuple(dict.fromkeys((character.name, card.name, card.spoken_name)))
        cast = [other for other in session.cast if other.id != character.id]
        named = {each for other in cast for each in (other.name, card_of(other.card_json).spoken_name)}
        others = named.union(entry.name for entry in entries) - set(full)
        own = tuple(entry.text for entry in entries if entry.character_id == character.id)
        heard = [entry.text for entry in entries[-ECHOES_OF:] if entry.character_id != character.id]
        told = (message.content for message in asked.messages if message.purpose is Purpose.INSTRUCTION)
        return cls(
            names=(*full, *short_names(full, others)),
            others=tuple(sorted(others)),
            own_last_lines=own[-OWN_LAST_LINES:],
            echoes=frozenset(speech.normalise(line).casefold() for text in heard for line in text.splitlines()),
            notes=noted((*told, prompt.HISTORY_HEAD)),
            of_machine=is_machine((*_about(card), session.scenario)),
        )


def _about(card: Card) -> tuple[str, ...]:
    """The card's texts about its character, without its prompts: those may mention models."""
    described = card.name, card.description, card.personality, card.scenario
    return (*described, card.first_mes, card.mes_example, *card.tags)


@dataclass(frozen=True, slots=True)
class _Question:
    """A granted request to a model; `lines` is the length of the history, `newest_id` its newest message."""

    granted: Granted
    heard: _Heard
    lines: int
    newest_id: int

    @property
    def built(self) -> prompt.Built:
        return self.granted.built


class Generation:
    """The attempts at one response's text. The failures of earlier attempts decide how the next one asks."""

    def __init__(self, services: Services, session: SessionRecord, record: ResponseRecord, context: Context) -> None:
        self._services = services
        self._session = session
        self._record = record
        self._context = context
        self._failures = list(record.reasons)
        self._day_tokens = DayTokens(services)
        self._spare = ""  # usable text of an earlier attempt: delivered if no attempt gives a better one

    async def generate(self, attempt: int) -> Observed:
        """Ask a model once: Generated, GenerationFailed with the reason to journal, or Held if no model may be asked
        now."""
        services = self._services
        line = await self._line()
        question = await self._question(attempt, line)
        if isinstance(question, HeldBack):
            return Observed(Held(services.clock.now(), question.until, question.cause, question.since))
        request = question.built.prompt
        began = anyio.current_time()
        outcome = await self._complete(question.granted)
        took_s = anyio.current_time() - began
        ended = partial(GenerationEnded, self._context, attempt, request.model, took_s)
        match outcome:
            case Completion(prompt_tokens=read, completion_tokens=written):
                services.trace.publish(ended(read, written, "ok"))
                told = self._judge_text(outcome, question.heard, attempt, request.model)
            case ModelFailed(reason="rate_limit", retry_after_s=wait_s) if wait_s > 0:
                services.trace.publish(ended(0, 0, "rate_limit"))
                told = self._limited(line, outcome)
            case ModelFailed(reason=reason):
                services.trace.publish(ended(0, 0, reason))
                told = self._failed(attempt, plan.Failure(reason, request.model), outcome)
            case HeldBack(until=until, cause=cause, since=since):
                return Observed(Held(services.clock.now(), until, cause, since))
            case _:
                assert_never(outcome)
        if outcome.learnt:
            services.trace.publish(
                Noted("warning", outcome.learnt, self._session.id, response_id=self._record.response.id)
            )
        if told.is_shortened:
            services.trace.publish(
                Noted("warning", SHORTENED, self._session.id, response_id=self._record.response.id, attempt=attempt)
            )
        told = replace(told, lore=lore_writes(question.built.lore, question.newest_id, told.fact))
        if not services.rules.records_exchanges:
            return told
        return replace(told, exchange=asked(question.built, question.lines, attempt, outcome, told, took_s))

    def note_blocked(self) -> None:
        """Discord blocked the text that was written: the next one is asked for with a note."""
        self._failures.append(plan.Failure(BLOCKED))
        self._spare = ""  # it may be the very text

    async def _line(self) -> Line:
        """Whose request it is, for the account's allowance."""
        record, server = self._record, await self._services.allowances.server_of(self._record.channel_id)
        return Line(record.response.id, server, time_of(record.trigger_id))

    async def _question(self, attempt: int, line: Line) -> _Question | HeldBack:
        """Build the prompt for the first model whose allowance has room; HeldBack if none has."""
        services, record = self._services, self._record
        plans = self._plans()
        caps = {each.model: self._context_tokens(each.model) for each in plans}
        await services.allowances.refresh(caps, services.clock.now())
        largest = max(
            services.allowances.window_tokens(model, cap, services.clock.now()) for model, cap in caps.items()
        )
        recent = await services.store.recent_history(
            self._session.id,
            entries_max=prompt.entries_max(largest),
            characters_max=prompt.characters_max(largest),
            reading=None if record.turn_id is None else Reading(record.trigger_id, record.turn_id),
        )
        speaker = self._speaker()
        lore = await lore_for(services, self._session, record, speaker, recent, window_tokens=largest)

        def build(request: plan.Plan, context_tokens: int) -> prompt.Built:
            return prompt.build(
                speaker,
                recent.entries,
                request,
                context_tokens=context_tokens,
                seed=f"{self._session.id}/{record.trigger_id}/{self._text_number(attempt)}",
                older=recent.older,
                first_user=recent.first_user,
                first_authors=recent.first_authors,
                lore=lore,
            )

        granted = services.allowances.ask(line, plans, caps, build, services.clock.now())
        if isinstance(granted, HeldBack):
            return granted
        report_slow(services, self._context, lore)
        services.trace.publish(HistoryRead(self._context, recent.length, granted.built.entries_kept, attempt))
        services.trace.publish(GenerationBegan(self._context, attempt, recent.length))
        heard = _Heard.of(recent.entries, record.character, self._session, granted.built.prompt)
        newest_id = recent.entries[-1].message_ids[-1] if recent.entries else 0
        return _Question(granted, heard, recent.length, newest_id)

    async def _complete(self, granted: Granted) -> Completion | ModelFailed | HeldBack:
        """Ask the model, and correct its allowance and the server's tokens from the answer."""
        services, model = self._services, granted.plan.model
        await services.allowances.keep(model, granted.use)
        await self._day_tokens.reserve(self._session, granted.use)
        outcome = await services.model.complete(granted.built.prompt)
        use = services.allowances.note(granted, outcome, services.clock.now())
        await self._day_tokens.correct(self._session, granted.use, outcome, use)
        if use != granted.use:
            await services.allowances.keep(model, use)
        return outcome

    def _plans(self) -> tuple[plan.Plan, ...]:
        """The plan of the next request, for each model that may be asked, in order of preference."""
        services = self._services
        avoid = services.breakers.models_to_avoid()
        return plan.next_requests(self._failures, services.model.models, services.rules.response_tokens, avoid=avoid)

    def _limited(self, line: Line, outcome: ModelFailed) -> Observed:
        """Hold the line after a 429, until a model may be asked again: it is no failure and costs no attempt."""
        now = self._services.clock.now()
        held = self._services.allowances.refused(line, [each.model for each in self._plans()], now)
        cause = held.cause or outcome.limited or "account_limit"
        return Observed(Held(now, held.until, cause, held.since, outcome.status, words=outcome.words))

    def _context_tokens(self, model: str) -> int:
        """The prompt's budget in tokens: CONTEXT_TOKENS, or the model's known window if that is smaller."""
        ours, read = self._services.rules.context_tokens, self._services.model.window_tokens(model)
        return ours if read is None else max(min(ours, read), prompt.CONTEXT_TOKENS_MIN)

    def _text_number(self, attempt: int) -> str:
        """A key that differs for each request, although attempts count from 1 again after a blocked text."""
        return f"{attempt} anew" if self._record.response.dropped_parts else f"{attempt}"

    def _judge_text(self, completion: Completion, heard: _Heard, attempt: int, model: str) -> Observed:
        text, trouble, is_cut = completion.text, completion.trouble, completion.cut_by_length
        cleaned = speech.clean(
            speech.whole_part(text) if trouble else text,
            name=heard.names[0],
            also=heard.names[1:],
            others=heard.others,
            own_last_lines=heard.own_last_lines,
            echoes=heard.echoes,
            notes=heard.notes,
            of_machine=heard.of_machine,
            links=self._services.rules.links,
            cut_by_length=is_cut,
        )
        reason: GenerationReason
        match cleaned:
            case speech.Line(text=line) if trouble is None and (not is_cut or speech.whole_part(line)):
                next_speaker = self._next_speaker(text, heard)
                return replace(self._generated(line, next_speaker), is_shortened=cleaned.is_shortened)
            case speech.Line(text=line):  # the answer broke off, or was cut before its first sentence ended
                self._spare = self._spare or line
                reason = trouble or "length"
            case speech.Refused(reason=why, spare=spare):
                self._spare = self._spare or spare
                reason = trouble or ("length" if is_cut and why == "empty" else why)
            case _:
                assert_never(cleaned)
        return replace(self._failed(attempt, plan.Failure(reason, model)), is_shortened=cleaned.is_shortened)

    def _generated(self, line: str, next_speaker: CharacterId | None = None) -> Observed:
        return Observed(Generated(self._services.clock.now(), split(line), next_speaker))

    def _next_speaker(self, text: str, heard: _Heard) -> CharacterId | None:
        """The character at whose name the text was cut, where the order lets a line hand the turn over."""
        if not hands_over(self._session.order):
            return None
        cut_at = speech.next_heading(
            text, name=heard.names[0], also=heard.names[1:], others=heard.others, echoes=heard.echoes
        )
        others = [each for each in self._session.cast if each.id != self._record.character.id]
        return next((each.id for each in others if cut_at and speech.is_headed(cut_at, member_of(each).by.names)), None)

    def _failed(self, attempt: int, failure: plan.Failure, by: ModelFailed | None = None) -> Observed:
        """The failure as a fact; or, after the last attempt, the usable text of an earlier one."""
        services, model = self._services, failure.model
        wait_s, error, status, code, words = (
            (by.retry_after_s, by.error, by.status, by.code, by.words) if by else (0.0, None, None, None, "")
        )
        verdict = plan.judge(self._failures, failure, services.model.models, retry_after_s=wait_s)
        self._failures.append(plan.Failure(verdict.reason, model))
        services.trace.publish(GenerationErred(self._context, attempt, verdict.reason, error, words))
        # An open breaker sets the wait itself, and the channel is notified of it.
        wait_s = 0.0 if services.breakers.is_held(model) else verdict.retry_after_s
        now = services.clock.now()
        fact = GenerationFailed(now, verdict.reason, wait_s, verdict.final, model, status, code, words)
        if self._spare and not may_try_again(self._record.response, fact):
            return self._generated(self._spare)
        return Observed(fact, error)

    def _speaker(self) -> prompt.Speaker:
        character = self._record.character
        return prompt.Speaker(
            card_of(character.card_json),
            character.id,
            tuple(self._others()),
            self._session.scenario,
            hands_over(self._session.order),
        )

    def _others(self) -> list[str]:
        return [other.name for other in self._session.cast if other.id != self._record.character.id]
