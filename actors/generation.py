"""Writing a line: the prompt from the history, one request to the model, its text cleaned or refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final, assert_never

import anyio

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
    ResponseRecord,
)
from actors.roleplay import plan, prompt, speech
from actors.roleplay.card import Card, read_card
from actors.roleplay.model import Character, Entry, SessionRecord
from actors.roleplay.parts import split
from actors.told import Told
from actors.world import World
from machines.facts import BLOCKED, Generated, GenerationFailed, Held

OWN_LAST_LINES: Final = 5
"""How many of its own lines a character may not nearly repeat."""


@lru_cache(maxsize=256)
def card_of(card_json: str) -> Card:
    """The card in a character's row; it was checked when it was imported."""
    card, _ = read_card(card_json.encode())
    return card


@dataclass(frozen=True, slots=True)
class _Heard:
    """What of the history an answer is judged by; the rest of it is not kept while the model thinks."""

    others: tuple[str, ...]
    own_last_lines: tuple[str, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry], character: Character, cast: Iterable[str]) -> _Heard:
        others = {entry.name for entry in entries}.union(cast) - {character.name}
        own = tuple(entry.text for entry in entries if entry.character_id == character.id)
        return cls(tuple(sorted(others)), own[-OWN_LAST_LINES:])


@dataclass(frozen=True, slots=True)
class _Question:
    """What a model is asked, of a history of `lines`."""

    built: prompt.Built
    heard: _Heard
    lines: int


class Generation:
    """The tries at one response's text. What went wrong in the earlier ones decides what the next asks for."""

    def __init__(self, world: World, session: SessionRecord, record: ResponseRecord, context: Context) -> None:
        self._world = world
        self._session = session
        self._record = record
        self._context = context
        self._failures = list(record.reasons)

    async def generate(self, attempt: int) -> Told:
        """One request on the wire: Generated, or GenerationFailed with the reason to journal; Held where no
        model may be asked now."""
        world = self._world
        question = await self._question(attempt)
        request = question.built.prompt
        began = anyio.current_time()
        outcome = await world.model.complete(request)
        took_s = anyio.current_time() - began
        ended = partial(GenerationEnded, self._context, attempt, request.model, took_s)
        match outcome:
            case Completion(prompt_tokens=read, completion_tokens=written):
                world.trace.publish(ended(read, written, "ok"))
                told = self._judge_text(outcome, question.heard, attempt, request.model)
            case ModelFailed(reason=reason, retry_after_s=wait_s, error=error):
                world.trace.publish(ended(0, 0, reason))
                told = self._failed(attempt, plan.Failure(reason, request.model), wait_s, error)
            case HeldBack(until=until, cause=cause, since=since):
                return Told(Held(world.clock.now(), until, cause, since))
            case _:
                assert_never(outcome)
        if not world.rules.records_exchanges:
            return told
        return replace(told, exchange=asked(question.built, question.lines, attempt, outcome, told.fact, took_s))

    def note_blocked(self) -> None:
        """Discord blocked the text that was written: the next one is asked for with a note."""
        self._failures.append(plan.Failure(BLOCKED))

    async def _question(self, attempt: int) -> _Question:
        world, record = self._world, self._record
        context_tokens = world.rules.context_tokens
        recent = await world.store.recent_history(
            self._session.id,
            entries_max=prompt.entries_max(context_tokens),
            characters_max=prompt.characters_max(context_tokens),
        )
        request = plan.next_request(
            self._failures,
            world.model.models,
            world.rules.response_tokens,
            avoid=world.breakers.models_to_avoid(),
        )
        built = prompt.build(
            self._speaker(),
            recent.entries,
            request,
            context_tokens=context_tokens,
            seed=f"{self._session.id}/{record.trigger_id}/{self._text_number(attempt)}",
            older=recent.older,
            first_user=recent.first_user,
        )
        world.trace.publish(HistoryRead(self._context, recent.length, built.entries_kept, attempt))
        world.trace.publish(GenerationBegan(self._context, attempt, recent.length))
        return _Question(built, _Heard.of(recent.entries, record.character, self._others()), recent.length)

    def _text_number(self, attempt: int) -> str:
        """Another one for each request, though attempts are counted from 1 again after a blocked text."""
        return f"{attempt} anew" if self._record.response.dropped_parts else f"{attempt}"

    def _judge_text(self, completion: Completion, heard: _Heard, attempt: int, model: str) -> Told:
        cleaned = speech.clean(
            completion.text,
            name=self._record.character.name,
            others=heard.others,
            own_last_lines=heard.own_last_lines,
            cut_by_length=completion.cut_by_length,
        )
        match cleaned:
            case speech.Line(text=text):
                return Told(Generated(self._world.clock.now(), split(text)))
            case speech.Refused(reason=reason):
                return self._failed(attempt, plan.Failure(reason, model))
            case _:
                assert_never(cleaned)

    def _failed(
        self, attempt: int, failure: plan.Failure, retry_after_s: float = 0.0, error: BaseException | None = None
    ) -> Told:
        world, model = self._world, failure.model
        verdict = plan.judge(self._failures, failure, world.model.models, retry_after_s=retry_after_s)
        self._failures.append(plan.Failure(verdict.reason, model))
        world.trace.publish(GenerationErred(self._context, attempt, verdict.reason, error))
        # An open breaker keeps that time itself, and tells the channel that the line waits.
        wait_s = 0.0 if world.breakers.is_held(model) else verdict.retry_after_s
        return Told(GenerationFailed(world.clock.now(), verdict.reason, wait_s, verdict.final, model), error)

    def _speaker(self) -> prompt.Speaker:
        character = self._record.character
        return prompt.Speaker(card_of(character.card_json), character.id, tuple(self._others()), self._session.scenario)

    def _others(self) -> list[str]:
        return [other.name for other in self._session.cast if other.id != self._record.character.id]
