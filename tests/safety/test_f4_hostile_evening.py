"""F4 and F6: an evening with one hostile member costs little, and the others' lines come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.app.settings import Settings
from actors.ports import Completion, Limited
from actors.roleplay.quotas import COMMANDS_PER_MINUTE, Excess
from actors.services import Rules
from tests.fakes.language_model import FakeModel
from tests.fakes.play import playing
from tests.fakes.virtual_time import BACKENDS, on_virtual_time
from tests.safety.hostile_evening import MINUTE_S, OTHERS, THREADS, hostile_evening

QUOTAS = Settings.model_construct().quotas()
"""The defaults."""


@pytest.fixture(params=BACKENDS[:1])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return on_virtual_time(request.param)


async def test_f4_the_hostile_evening_costs_little_and_the_others_lines_come() -> None:
    async with playing(rules=Rules(quotas=QUOTAS), model=FakeModel()) as play:
        play.discord.moderators = set()
        evening = await hostile_evening(play)
        assert evening.scenes == QUOTAS.scenes_per_person
        assert evening.lines_of_others == 2 * len(OTHERS) * MINUTE_S / 10  # every one
        turns = evening.lines_of_others / 2 + 2 * QUOTAS.turns_per_person_minute + QUOTAS.scenes_per_person
        assert evening.calls <= 2 * turns
        assert evening.longest_wait_s < 5.0
        assert not evening.is_stolen
        per_channel = 2 * (COMMANDS_PER_MINUTE + 1) + 2  # a minute may be begun twice; and the limits' own words
        assert evening.own_messages_beside <= per_channel
        assert evening.own_messages <= per_channel * len(THREADS)
        limits = {event.excess for event in play.trace.events if isinstance(event, Limited)}
        assert limits == {Excess.SCENES_OF_PERSON, Excess.TURNS, Excess.COMMANDS}
        assert not play.trace.crashes


async def test_f4_the_hostile_evening_ends_with_the_days_tokens() -> None:
    budget, a_line, cast = 8_000, 400, 2
    model = FakeModel()
    model.answers.extend(Completion(f"Aye, {n}.", prompt_tokens=a_line - 5, completion_tokens=5) for n in range(500))
    quotas = replace(QUOTAS, tokens_per_server_day=budget)
    async with playing(rules=Rules(quotas=quotas), model=model) as play:
        play.discord.moderators = set()
        evening = await hostile_evening(play)
        scenes = len(OTHERS) + quotas.scenes_per_person
        assert budget <= evening.calls * a_line <= budget + scenes * cast * a_line  # turns that had begun are finished
        told = [text for channel in (*OTHERS, *THREADS) for text in play.discord.texts(channel)]
        assert 1 <= sum("has used its day's tokens" in text for text in told) <= scenes
        assert not play.trace.crashes
