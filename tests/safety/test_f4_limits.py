"""F4: what people may cost, on virtual time; what is decided stays decided after a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import anyio
import pytest

from actors.ports import Completion, Limited
from actors.roleplay.model import Character
from actors.roleplay.quotas import COMMANDS_PER_MINUTE, Excess, Quotas
from actors.services import Rules
from tests.fakes.discord import SERVER
from tests.fakes.language_model import FakeModel
from tests.fakes.play import CHANNEL, Play, card, equal_to_the_channel, playing
from tests.fakes.virtual_time import BACKENDS, on_virtual_time

ROBIN, SAM = 500, 501
TURNS: Final = Rules(quotas=Quotas(turns_per_person_minute=3))
COMMANDS: Final = Rules(quotas=Quotas(commands_per_minute=COMMANDS_PER_MINUTE))
TOKENS: Final = Rules(quotas=Quotas(tokens_per_server_day=1000))


@pytest.fixture(params=BACKENDS[:1])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return on_virtual_time(request.param)


def said(play: Play, author_id: int, *texts: str, channel_id: int = CHANNEL) -> None:
    for text in texts:
        play.discord.user_says(channel_id, text, f"P{author_id}", author_id)


async def answers(play: Play, author_id: int, *texts: str, channel_id: int = CHANNEL) -> list[str]:
    before = len(play.discord.texts(channel_id)) if channel_id in play.discord.channels else 0
    said(play, author_id, *texts, channel_id=channel_id)
    await play.quiet(for_s=5.0)
    return play.discord.texts(channel_id)[before:]


def limited(play: Play, excess: Excess) -> int:
    return sum(isinstance(event, Limited) and event.excess is excess for event in play.trace.events)


# ── turns ───────────────────────────────────────────────────────────────────────────────────────────


async def test_f4_messages_beyond_the_limit_are_read_by_the_next_turn_and_one_answer_says_so() -> None:
    async with playing(rules=TURNS, cast=("Ada",)) as play:
        await play.start("Ada")
        told = await answers(play, ROBIN, *(f"Line {n}." for n in range(8)))
        assert [text[:40] for text in told] == ["⏳ One person's messages begin at most 3 "]
        lines = len(play.discord.character_lines(CHANNEL))
        assert 1 <= lines <= 3  # messages that wait together begin one turn
        assert limited(play, Excess.TURNS) == 5
        said(play, SAM, "And I?")
        await play.quiet(for_s=5.0)
        assert len(play.discord.character_lines(CHANNEL)) == lines + 1
        prompt = "\n".join(message.content for message in play.model.prompts[-1].messages)
        assert all(f"Line {n}." in prompt for n in range(8))
        await anyio.sleep(60)
        said(play, ROBIN, "Now again.")
        await play.quiet(for_s=5.0)
        assert len(play.discord.character_lines(CHANNEL)) == lines + 2
        await equal_to_the_channel(play)


async def test_f4_a_restart_gives_nobody_new_turns() -> None:
    async with playing(rules=TURNS, cast=("Ada",)) as first:
        await first.start("Ada")
        said(first, ROBIN, *(f"Line {n}." for n in range(2)))
        await first.quiet(for_s=1.0)
        first.kill()
    said(first, ROBIN, *(f"Missed {n}." for n in range(4)))
    async with playing(before=first, rules=TURNS) as play:
        await play.quiet(for_s=10.0)
        assert 2 <= len(play.discord.character_lines(CHANNEL)) <= 3  # messages that wait together begin one turn
        assert len([name for name, _ in await play.history() if name != "Ada"]) == 6
        await equal_to_the_channel(play)


# ── commands ────────────────────────────────────────────────────────────────────────────────────────


async def test_f4_commands_beyond_the_limit_get_one_answer_and_do_nothing() -> None:
    async with playing(rules=COMMANDS) as play:
        many = await answers(play, SAM, *["!help"] * 15)
        assert sum("At most 10 commands" in text for text in many) == 1
        assert len(many) == COMMANDS_PER_MINUTE + 1
        assert limited(play, Excess.COMMANDS) == 5
        assert await answers(play, SAM, "!start Ada") == []
        assert await play.store.session_in(CHANNEL) is None
        assert len(await answers(play, ROBIN, "!status", channel_id=CHANNEL + 1)) == 1, "another channel"
        await anyio.sleep(60)
        assert (await answers(play, SAM, "!start Ada"))[0].startswith("🎭")


async def test_f4_a_restart_answers_no_more_commands() -> None:
    async with playing(rules=COMMANDS) as first:
        first.discord.open_channel(CHANNEL)
        assert len(await answers(first, ROBIN, "!start Ada", *["!help"] * 15)) == COMMANDS_PER_MINUTE + 1
        first.kill()
    async with playing(before=first, rules=COMMANDS) as play:
        before = len(play.discord.texts(CHANNEL))
        said(play, ROBIN, *["!help"] * 5)
        await anyio.sleep(2.0)
        assert len(play.discord.texts(CHANNEL)) == before


async def test_f4_the_opener_ends_a_scene_whatever_the_limit() -> None:
    async with playing(rules=COMMANDS) as play:
        await answers(play, ROBIN, "!start Ada", *["!help"] * 15, "!end")
        assert play.session_state() == "Ended"


# ── tokens ──────────────────────────────────────────────────────────────────────────────────────────


def spending(tokens: int) -> FakeModel:
    model = FakeModel()
    model.answers.extend(Completion(f"Aye, {n}.", prompt_tokens=tokens - 5, completion_tokens=5) for n in range(50))
    return model


async def test_f4_a_turn_beyond_the_days_tokens_asks_no_model_and_says_so_once_a_day() -> None:
    async with playing(rules=TOKENS, cast=("Ada",), model=spending(400)) as play:
        await play.start("Ada")
        told: list[str] = []
        for number in range(6):
            told += await answers(play, ROBIN, f"Line {number}.")
        assert len(play.model.prompts) == 3  # 400, 800, 1,200: the third began below 1,000
        assert [text[:40] for text in told] == ["⏳ This server has used its day's tokens."[:40]]
        assert limited(play, Excess.TOKENS) == 3
        assert play.session_state() == "Idle"
        assert "This server has used" not in "".join(await answers(play, ROBIN, "!status"))
        with play.executor.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE server_use SET day = day - 1")  # as if a day had passed
        said(play, ROBIN, "A new day.")
        await play.quiet(for_s=5.0)
        assert len(play.model.prompts) == 4
        prompt = "\n".join(message.content for message in play.model.prompts[-1].messages)
        assert all(f"Line {number}." in prompt for number in range(6))
        await equal_to_the_channel(play)


async def test_f4_the_days_tokens_are_those_of_all_scenes_of_the_server_and_stay_after_a_restart() -> None:
    async with playing(rules=TOKENS, cast=("Ada",), model=spending(1000)) as first:
        await first.start("Ada")
        said(first, ROBIN, "One.")
        await first.quiet(for_s=5.0)
        first.kill()
    async with playing(before=first, rules=TOKENS) as play:
        await play.start("Ada", channel_id=CHANNEL + 1)
        told = await answers(play, SAM, "Two.", channel_id=CHANNEL + 1)
        assert len(play.model.prompts) == 1
        assert told[0].startswith("⏳ This server has used its day's tokens.")


# ── places and scenes ───────────────────────────────────────────────────────────────────────────────


async def test_f4_a_scene_in_direct_messages_is_refused_with_what_to_do_and_others_are_not() -> None:
    async with playing(rules=Rules(quotas=Quotas(allows_dms=False))) as play:
        play.discord.private = {CHANNEL}
        (refused,) = await answers(play, ROBIN, "!start Ada")
        assert "ALLOW_DMS=true" in refused
        assert await play.store.session_in(CHANNEL) is None
        assert (await answers(play, ROBIN, "!start Ada", channel_id=CHANNEL + 1))[0].startswith("🎭")


async def test_f4_scenes_are_opened_in_the_listed_channels_only() -> None:
    async with playing(rules=Rules(quotas=Quotas(channels=frozenset({CHANNEL})))) as play:
        assert "CHANNELS" in (await answers(play, ROBIN, "!start Ada", channel_id=CHANNEL + 1))[0]
        assert (await answers(play, ROBIN, "!start Ada"))[0].startswith("🎭")


async def test_f4_a_person_opens_only_so_many_scenes() -> None:
    async with playing(rules=Rules(quotas=Quotas(scenes_per_person=2))) as play:
        for number in range(3):
            told = await answers(play, ROBIN, "!start Ada", channel_id=CHANNEL + number)
            assert told[0].startswith("🎭" if number < 2 else "🔒 You opened 2 scenes that are open.")
        assert limited(play, Excess.SCENES_OF_PERSON) == 1
        assert (await answers(play, SAM, "!start Ada", channel_id=CHANNEL + 2))[0].startswith("🎭")


async def test_f4_start_finds_the_servers_own_character_first() -> None:
    own = replace(card("Ada"), id="ada_of_server", server_id=SERVER)
    elsewhere = Character("cy___________", "Cy", card("Cy").card_json, server_id=SERVER + 1)
    async with playing(cast=(card("Ada"), own, elsewhere)) as play:
        assert "Characters here: Ada." in (await answers(play, ROBIN, "!start Cy"))[0]
        assert "Characters to choose from: Ada." in (await answers(play, ROBIN, "!cast"))[0]
        await answers(play, ROBIN, "!start Ada")
        session = await play.store.session_in(CHANNEL)
        assert session is not None
        assert [member.id for member in session.cast] == ["ada_of_server"]


# ── a kill at any moment ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tenth", range(1, 25, 5))
async def test_f4_a_kill_at_any_moment_changes_no_decision_and_loses_no_message(tenth: int) -> None:
    """Each call of the store takes 0.2 s, so the kills fall before, between and after the writes of each message."""
    rules = replace(TURNS, quotas=replace(TURNS.quotas, scenes_per_person=1))
    async with playing(rules=rules, cast=("Ada",), latency_s=0.1) as first:
        await first.start("Ada")
        said(first, ROBIN, *(f"Line {n}." for n in range(5)), "!pause")
        await anyio.sleep(tenth / 10)
        first.kill()
    async with playing(before=first, rules=rules) as play:
        await play.quiet()
        heard = [text for name, text in await play.history() if name != "Ada"]
        assert heard == [f"Line {n}." for n in range(5)]
        assert play.session_state() == "Paused"
        told = play.discord.texts(CHANNEL)
        assert sum("begin at most 3 turns" in text for text in told) == 1
        assert sum(text.startswith("⏸️") for text in told) == 1
        said(play, ROBIN, "!resume")
        await play.quiet()
        assert 1 <= len(play.discord.character_lines(CHANNEL)) <= 3  # messages that wait together begin one turn
        await equal_to_the_channel(play)


@pytest.mark.parametrize("tenth", range(1, 16, 3))
async def test_f4_a_kill_while_a_scene_is_ended_by_the_button_ends_it_wholly_or_not_at_all(tenth: int) -> None:
    async with playing(cast=("Ada",), latency_s=0.1) as first:
        first.discord.moderators = {SAM + 1}
        await first.start("Ada")
        said(first, SAM, "!end")
        await first.quiet(for_s=5.0)
        button = first.discord.buttons(CHANNEL)[-1]
        first.discord.press(CHANNEL, button, user_id=ROBIN)
        await anyio.sleep(tenth / 10)
        first.kill()
    async with playing(before=first) as play:
        await play.quiet()
        is_ended = play.session_state() == "Ended"
        assert sum("The scene has ended." in text for text in play.discord.texts(CHANNEL)) == is_ended
        press = play.discord.press(CHANNEL, button, user_id=ROBIN)
        await play.quiet()
        assert play.session_state() == "Ended"
        assert play.discord.replies[press.token] == [
            "This question is over: the scene has ended already, or it was asked more than ten minutes ago."
            if is_ended
            else "🎬 You ended the scene."
        ]
