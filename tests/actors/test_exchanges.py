"""What is kept of a response's exchanges: each try of the model with its texts, each request, and nothing else's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from actors.ports import Completion, Exchange, ModelFailed, Request, SendOutcome, note_request
from actors.roleplay.model import Outbound, Prompt
from actors.services import Rules
from tests.fakes.discord import FakeDiscord
from tests.fakes.language_model import FakeModel
from tests.fakes.play import Play, playing
from tests.fakes.virtual_time import VirtualClock

RECORDING = Rules(records_exchanges=True)
ASKED, POSTED = Request("POST", "/v1/chat/completions", 0.5, 200), Request("POST", "/channels/42/messages", 0.1, 200)


@dataclass
class HeardModel(FakeModel):
    """A model that tells of its request, as adapters do; its answer takes long enough to show that it types."""

    takes_s: float = 20.0

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        answer = await super().complete(prompt)
        note_request(ASKED)
        return answer


@dataclass
class HeardDiscord(FakeDiscord):
    """A Discord that tells of its requests."""

    typed: int = field(default=0)

    async def send(self, outbound: Outbound) -> SendOutcome:
        note_request(POSTED)
        return await super().send(outbound)

    async def typing(self, channel_id: int) -> None:
        self.typed += 1
        note_request(Request("POST", f"/channels/{channel_id}/typing", 0.1, 204))
        await super().typing(channel_id)


@asynccontextmanager
async def answering(*answers: object, rules: Rules = RECORDING) -> AsyncIterator[tuple[Play, HeardDiscord]]:
    """A play of one line whose requests are told."""
    discord = HeardDiscord(VirtualClock().now)
    async with playing(answers=answers, cast=("Ada",), rules=rules, model=HeardModel(), discord=discord) as play:
        await play.start("Ada")
        play.say("Hello!")
        await play.quiet()
        yield play, discord


async def kept(play: Play) -> Sequence[tuple[int, Exchange]]:
    [response] = await play.store.recently_recorded(limit=9)
    return await play.store.exchanges(response.response_id, with_texts=True)


async def test_a_refused_answer_is_kept_raw_beside_the_one_that_became_the_line() -> None:
    raw = "<think>hm</think>Ada: Good evening.\nRobin: And then"
    answers = [ModelFailed("overloaded"), "<think>only thoughts", Completion(raw, prompt_tokens=50)]
    async with answering(*answers) as (play, _):
        exchanges = [exchange for _, exchange in await kept(play)]
    tries = [(each.asked.attempt, each.asked.outcome) for each in exchanges if each.asked is not None]
    assert tries == [(1, "overloaded"), (2, "empty"), (3, "ok")]
    texts = [(each.texts.raw, each.texts.cleaned) for each in exchanges if each.texts is not None]
    assert texts == [("", ""), ("<think>only thoughts", ""), (raw, "Good evening.")]


async def test_the_prompt_is_kept_as_the_model_was_given_it() -> None:
    async with answering() as (play, _):
        [prompt] = play.model.prompts
        exchange = next(exchange for _, exchange in await kept(play) if exchange.asked is not None)
    assert exchange.asked is not None
    assert exchange.texts is not None
    assert exchange.texts.messages == tuple(message.content for message in prompt.messages)
    shown = [(each.role, each.purpose, each.characters) for each in exchange.asked.messages]
    assert shown == [(each.role, each.purpose, len(each.content)) for each in prompt.messages]
    assert (exchange.asked.model, exchange.asked.lines, exchange.asked.lines_kept) == (prompt.model, 1, 1)
    assert exchange.asked.duration_s == pytest.approx(play.model.takes_s)


async def test_each_move_has_its_own_requests_and_none_of_the_typing() -> None:
    async with answering() as (play, discord):
        requests = [(seq, exchange.requests) for seq, exchange in await kept(play)]
        assert discord.typed > 1
    assert requests == [(2, (ASKED,)), (3, (POSTED,))]


async def test_nothing_is_kept_where_nothing_is_to_be_recorded() -> None:
    async with answering(rules=Rules()) as (play, _):
        assert await kept(play) == ()
        assert play.trace.states_of("Ada")[-1] == "Delivered"
