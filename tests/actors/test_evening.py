"""An evening on a free account, in virtual time: every line comes within 30 s, and nobody is told of a limit.

The same in real time, with the real client over sockets: python -m tests.bench_evening
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import anyio
import pytest

from actors.adapters.groq import failures, headers
from actors.allowances import Allowances
from actors.ports import Completion, ModelFailed
from actors.roleplay.allowance import ModelLimits
from actors.roleplay.card import read_card
from actors.roleplay.model import Character, Prompt
from actors.services import Rules
from tests.evening import EVERY_S, IN_TIME_S, MESSAGES, SPEAKERS, Evening, figures, messages
from tests.fakes.free_account import MODELS, Form, FreeAccount
from tests.fakes.play import playing
from tests.fakes.virtual_time import VirtualClock, run_virtually

LIMITS = ModelLimits(30, 8000, 1000, 200_000)
TAKES_S = 0.8


class AccountModel:
    """A Model of a free account; what it answers is read as the adapter reads it."""

    label = "a free account"
    models = MODELS

    def __init__(self, account: FreeAccount, now: Callable[[], float]) -> None:
        self.account = account
        self._now = now

    def window_tokens(self, model: str) -> int | None:
        return None

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        contents = [message.content for message in prompt.messages]
        answer = self.account.answer(prompt.model, contents, prompt.completion_tokens_max, self._now())
        await anyio.sleep(TAKES_S)
        reports = headers.reports(answer.headers, LIMITS, is_groq=True)
        if answer.status == 200:
            choice, usage = answer.body["choices"][0], answer.body["usage"]
            return Completion(choice["message"]["content"], prompt_tokens=usage["prompt_tokens"], reports=reports)
        said = failures.said_in(answer.body)
        assert said.limit is not None
        wait_s = headers.asked_wait_s(answer.headers) or said.wait_s
        return ModelFailed("rate_limit", wait_s, reports=(*reports, said.limit), limited=said.limit.kind)


def shipped() -> list[Character]:
    cards = []
    for path in sorted(Path(str(files("actors.app"))).joinpath("cards").glob("*.png")):
        card, _ = read_card(path.read_bytes())
        cards.append(Character(card.name.lower()[:13].ljust(13, "_"), card.name, card.raw))
    return cards[:SPEAKERS]


def evening(account: FreeAccount, *, count: int = MESSAGES, backend: str = "asyncio") -> Evening:
    seen: list[Evening] = []

    async def main() -> None:
        clock = VirtualClock()
        model = AccountModel(account, clock.now)
        cast = shipped()
        async with playing(
            server=model,
            cast=cast,
            rules=Rules(),
            breaker_failures=5,
            allowances=lambda store: Allowances(lambda _: LIMITS, store, "fake"),
        ) as play:
            await play.start(*(f'"{each.name}"' for each in cast))
            for text in messages(1, count):
                play.say(text)
                await anyio.sleep(EVERY_S)
            await play.quiet(for_s=300)
            with play.executor.engine.connect() as conn:
                refused = sum(account.refused.values())
                seen.append(figures(conn, account.asked, refused=refused, wanted=count * SPEAKERS))

    run_virtually(backend, main)
    return seen[0]


@pytest.mark.parametrize("has_headers", [True, False])
@pytest.mark.parametrize("form", ["bucket", "sliding", "clock"])
def test_allowance_every_line_of_an_evening_comes_within_30_s_and_nobody_is_told(form: Form, has_headers: bool) -> None:
    found = evening(FreeAccount(form, has_headers=has_headers))
    print(f"{form}, headers {has_headers}:\n{found.report()}")
    assert found.in_time == found.wanted == MESSAGES * SPEAKERS
    assert max(found.waits_s) <= IN_TIME_S
    assert found.notices == ()
