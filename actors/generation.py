"""Writing a line: the prompt from the history, one request to the model, its text cleaned or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final, assert_never

import anyio

from actors.allowances import Granted, Line
from actors.asked import asked
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
from actors.roleplay.card import Card, kept_card
from actors.roleplay.model import Character, Entry, Prompt, Purpose, SessionRecord, time_of
from actors.roleplay.names import short_names
from actors.roleplay.parts import split
from actors.roleplay.refusals import is_machine
from actors.told import Told
from actors.world import World
from machines.facts import BLOCKED, Generated, GenerationFailed, Held
from machines.reasons import GenerationReason
from machines.response import may_try_again

OWN_LAST_LINES: Final = 5
"""How many of its own lines a character may not nearly repeat."""

ECHOES_OF: Final = 4
"""Of the newest messages: a small model repeats the last ones before it answers."""


@lru_cache(maxsize=256)
def card_of(card_json: str) -> Card:
    """The card in a character's row; it was checked when it was imported."""
    return kept_card(card_json)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What of the history and the prompt an answer is judged by; the rest is not kept while the model thinks."""

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
    """What a card says of its character; its prompts speak of models that are no part of the play."""
    described = card.name, card.description, card.personality, card.scenario
    return (*described, card.first_mes, card.mes_example, *card.tags)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a model is asked, of a history of `lines`, as the account's allowance granted it."""

    granted: Granted
    heard: _Heard
    lines: int

    @property
    def built(self) -> prompt.Built:
        return self.granted.built


class Generation:
    """The tries at one response's text. What went wrong in the earlier ones decides what the next asks for."""

    def __init__(self, world: World, session: SessionRecord, record: ResponseRecord, context: Context) -> None:
        self._world = world
        self._session = session
        self._record = record
        self._context = context
        self._failures = list(record.reasons)
        self._spare = ""  # what an earlier try left of the character's own: said where nothing better comes

    async def generate(self, attempt: int) -> Told:
        """One request on the wire: Generated, or GenerationFailed with the reason to journal; Held where no
        model may be asked now."""
        world = self._world
        line = await self._line()
        question = await self._question(attempt, line)
        if isinstance(question, HeldBack):
            return Told(Held(world.clock.now(), question.until, question.cause, question.since))
        request = question.built.prompt
        began = anyio.current_time()
        outcome = await self._complete(question.granted)
        took_s = anyio.current_time() - began
        ended = partial(GenerationEnded, self._context, attempt, request.model, took_s)
        match outcome:
            case Completion(prompt_tokens=read, completion_tokens=written):
                world.trace.publish(ended(read, written, "ok"))
                told = self._judge_text(outcome, question.heard, attempt, request.model)
            case ModelFailed(reason="rate_limit", retry_after_s=wait_s) if wait_s > 0:
                world.trace.publish(ended(0, 0, "rate_limit"))
                told = self._limited(line, outcome)
            case ModelFailed(reason=reason):
                world.trace.publish(ended(0, 0, reason))
                told = self._failed(attempt, plan.Failure(reason, request.model), outcome)
            case HeldBack(until=until, cause=cause, since=since):
                return Told(Held(world.clock.now(), until, cause, since))
            case _:
                assert_never(outcome)
        if outcome.learnt:
            world.trace.publish(
                Noted("warning", outcome.learnt, self._session.id, response_id=self._record.response.id)
            )
        if not world.rules.records_exchanges:
            return told
        return replace(told, exchange=asked(question.built, question.lines, attempt, outcome, told.fact, took_s))

    def note_blocked(self) -> None:
        """Discord blocked the text that was written: the next one is asked for with a note."""
        self._failures.append(plan.Failure(BLOCKED))
        self._spare = ""  # it may be the very text

    async def _line(self) -> Line:
        """Whose request it is, for the account's allowance."""
        record, server = self._record, await self._world.allowances.server_of(self._record.channel_id)
        return Line(record.response.id, server, time_of(record.trigger_id))

    async def _question(self, attempt: int, line: Line) -> _Question | HeldBack:
        """The prompt for the first model whose allowance has room for it; or when to ask again."""
        world, record = self._world, self._record
        plans = self._plans()
        caps = {each.model: self._context_tokens(each.model) for each in plans}
        await world.allowances.refresh(caps, world.clock.now())
        largest = max(world.allowances.window_tokens(model, cap, world.clock.now()) for model, cap in caps.items())
        recent = await world.store.recent_history(
            self._session.id,
            entries_max=prompt.entries_max(largest),
            characters_max=prompt.characters_max(largest),
        )

        def build(request: plan.Plan, context_tokens: int) -> prompt.Built:
            return prompt.build(
                self._speaker(),
                recent.entries,
                request,
                context_tokens=context_tokens,
                seed=f"{self._session.id}/{record.trigger_id}/{self._text_number(attempt)}",
                older=recent.older,
                first_user=recent.first_user,
            )

        granted = world.allowances.ask(line, plans, caps, build, world.clock.now())
        if isinstance(granted, HeldBack):
            return granted
        world.trace.publish(HistoryRead(self._context, recent.length, granted.built.entries_kept, attempt))
        world.trace.publish(GenerationBegan(self._context, attempt, recent.length))
        heard = _Heard.of(recent.entries, record.character, self._session, granted.built.prompt)
        return _Question(granted, heard, recent.length)

    async def _complete(self, granted: Granted) -> Completion | ModelFailed | HeldBack:
        """Ask the model, and correct its allowance by what it answers."""
        world, model = self._world, granted.plan.model
        await world.allowances.keep(model, granted.use)
        outcome = await world.model.complete(granted.built.prompt)
        use = world.allowances.note(granted, outcome, world.clock.now())
        if use != granted.use:
            await world.allowances.keep(model, use)
        return outcome

    def _plans(self) -> tuple[plan.Plan, ...]:
        """The next request, for each model that may be asked it."""
        world = self._world
        avoid = world.breakers.models_to_avoid()
        return plan.next_requests(self._failures, world.model.models, world.rules.response_tokens, avoid=avoid)

    def _limited(self, line: Line, outcome: ModelFailed) -> Told:
        """A 429: no failure of the model, and no attempt. The line is held until one may be asked again."""
        now = self._world.clock.now()
        held = self._world.allowances.refused(line, [each.model for each in self._plans()], now)
        cause = held.cause or outcome.limited or "account_limit"
        return Told(Held(now, held.until, cause, held.since, outcome.status, words=outcome.words))

    def _context_tokens(self, model: str) -> int:
        """The budget of a prompt: no more than the model is known to read."""
        ours, read = self._world.rules.context_tokens, self._world.model.window_tokens(model)
        return ours if read is None else max(min(ours, read), prompt.CONTEXT_TOKENS_MIN)

    def _text_number(self, attempt: int) -> str:
        """Another one for each request, though attempts are counted from 1 again after a blocked text."""
        return f"{attempt} anew" if self._record.response.dropped_parts else f"{attempt}"

    def _judge_text(self, completion: Completion, heard: _Heard, attempt: int, model: str) -> Told:
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
            cut_by_length=is_cut,
        )
        reason: GenerationReason
        match cleaned:
            case speech.Line(text=line) if trouble is None and (not is_cut or speech.whole_part(line)):
                return self._generated(line)
            case speech.Line(text=line):  # broken off, or cut before its first sentence ended
                self._spare = self._spare or line
                reason = trouble or "length"
            case speech.Refused(reason=why, spare=spare):
                self._spare = self._spare or spare
                reason = trouble or ("length" if is_cut and why == "empty" else why)
            case _:
                assert_never(cleaned)
        return self._failed(attempt, plan.Failure(reason, model))

    def _generated(self, line: str) -> Told:
        return Told(Generated(self._world.clock.now(), split(line)))

    def _failed(self, attempt: int, failure: plan.Failure, by: ModelFailed | None = None) -> Told:
        """The failure as a fact; or, where no further try may be made, a line that an earlier one left."""
        world, model = self._world, failure.model
        wait_s, error, status, code, words = (
            (by.retry_after_s, by.error, by.status, by.code, by.words) if by else (0.0, None, None, None, "")
        )
        verdict = plan.judge(self._failures, failure, world.model.models, retry_after_s=wait_s)
        self._failures.append(plan.Failure(verdict.reason, model))
        world.trace.publish(GenerationErred(self._context, attempt, verdict.reason, error, words))
        # An open breaker keeps that time itself, and tells the channel that the line waits.
        wait_s = 0.0 if world.breakers.is_held(model) else verdict.retry_after_s
        now = world.clock.now()
        fact = GenerationFailed(now, verdict.reason, wait_s, verdict.final, model, status, code, words)
        if self._spare and not may_try_again(self._record.response, fact):
            return self._generated(self._spare)
        return Told(fact, error)

    def _speaker(self) -> prompt.Speaker:
        character = self._record.character
        return prompt.Speaker(card_of(character.card_json), character.id, tuple(self._others()), self._session.scenario)

    def _others(self) -> list[str]:
        return [other.name for other in self._session.cast if other.id != self._record.character.id]
