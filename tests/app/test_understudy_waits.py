"""For how long the understudy types in a running bot: about a second, never near a timeout, not in a rehearsal."""

from __future__ import annotations

import anyio

from actors.app.composition import model_of
from actors.app.rehearsal import quickened
from actors.app.settings import Settings, load
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from tests.fakes.virtual_time import virtually

pytestmark = virtually
HELP = ChatMessage("user", "Robin: Help!", Purpose.HISTORY)
PROMPT = Prompt("Maren", "understudy", (HELP,), (), 100, seed="r1")


async def typed_s(settings: Settings) -> float:
    began = anyio.current_time()
    await model_of(settings).complete(PROMPT)
    return round(anyio.current_time() - began, 6)  # trio's clock begins at a large number, and differences are inexact


async def test_by_default_it_types_for_about_a_second() -> None:
    assert 0.8 <= await typed_s(load(_env_file=None)) <= 2.0


async def test_it_has_typed_long_before_the_attempt_times_out() -> None:
    settings = load(_env_file=None, understudy_typing_s=5.0, generate_timeout_s=0.4)
    assert await typed_s(settings) <= 0.2


async def test_a_rehearsal_does_not_wait_for_it() -> None:
    settings = quickened(load(_env_file=None), speed=1.0, voice="webhook")
    assert await typed_s(settings) == 0.0
