"""A world that cannot be played fails at once, and says why; none runs for hours of which nothing comes."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any, cast

import pytest

from actors.roleplay.turns import TurnOrder, UnknownOrder, choices, speakers_min
from actors.simulation.channels import ChannelState
from actors.simulation.faults import WEATHER, Cut, Faults
from actors.simulation.faulty_discord import FaultyDiscord
from actors.simulation.people import NAMES, Habits
from actors.simulation.shape import ANSWERED, CAST, Shape
from actors.simulation.virtual_time import VirtualClock, run_virtually
from actors.simulation.weather import Weather
from actors.simulation.world import CRASHES_MAX, STALLED_S_MAX, Build, Order, run_world
from tests.simulation import broken_builds as broken

HABITS = Habits(CAST[:2], TurnOrder.EVERYONE, users=2, turns_max=5)
SMALL = Shape(channels=2)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"cast": ()}, "a world needs a cast of different names"),
        ({"cast": ("Maren", "Maren")}, "a world needs a cast of different names"),
        ({"users": 0}, "1 to 4 users, not 0"),
        ({"users": len(NAMES) + 1}, "1 to 4 users, not 5"),
        ({"turns_max": 0}, "at least 1 turn, not 0"),
    ],
)
def test_habits_under_which_nobody_is_answered_are_refused_at_once(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(HABITS, **wrong)


def test_habits_in_which_nobody_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody answers by itself"):
        replace(HABITS, order=TurnOrder.MANUAL)


@pytest.mark.parametrize("word", ["backwards", "EVERYONE", ""])
def test_an_unknown_turn_order_is_refused_before_any_world_runs(word: str) -> None:
    with pytest.raises(UnknownOrder, match=re.escape(f"Use {choices()}")):
        replace(HABITS, order=cast("TurnOrder", word))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"channels": 0}, "channels of a world is at least 1, not 0"),
        ({"models": ()}, "at least 1 model"),
        ({"page_max": 0}, "page_max of a world is at least 1"),
        ({"context_tokens": 0}, "context_tokens of a world is at least 1"),
        ({"long_share": 1.5}, "long_share of a world is from 0 to 1"),
        ({"muted_share": -0.1}, "muted_share of a world is from 0 to 1"),
        ({"preference": "embed", "muted_share": 0.2}, "muted threads need webhooks"),
    ],
)
def test_a_malformed_shape_is_refused_at_once(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(SMALL, **wrong)


def test_worlds_are_drawn_of_every_order() -> None:
    assert {Shape.drawn(Random(seed)).habits.order for seed in range(100)} == set(ANSWERED)


@pytest.mark.parametrize("order", ANSWERED)
@pytest.mark.parametrize("size", range(1, len(CAST) + 1))
def test_people_wait_for_as_many_lines_as_the_order_gives_at_least(order: TurnOrder, size: int) -> None:
    habits = Habits(CAST[:size], order, users=1, turns_max=1)
    assert habits.speakers_min == speakers_min(order, size) > 0


# ── worlds that come to nothing ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ANSWERED)
def test_a_world_of_this_order_without_faults_delivers_its_lines(order: TurnOrder) -> None:
    shape = replace(SMALL, habits=replace(HABITS, order=order))
    result = run_world(Order(11, 0, responses=15, chance=0.0, shape=shape))
    assert (result.broken, result.responses >= 15) == ((), True)


def test_a_world_whose_turns_all_crash_ends_after_a_few_and_names_the_error() -> None:
    result = run_world(Order(11, 0, responses=15, chance=0.0, shape=SMALL), Build(store=broken.TakesNoTurn), told=True)
    assert "no crash" in {one.invariant for one in result.broken}
    assert 'KeyError: "a programmer\'s error"' in result.broken[0].words
    assert result.virtual_s < CRASHES_MAX * 60
    assert result.responses == 0


def test_a_world_in_which_no_response_ends_says_so_and_stops() -> None:
    result = run_world(Order(11, 0, responses=15, chance=0.0, shape=SMALL), Build(store=broken.FindsNoWork))
    assert "progress" in {one.invariant for one in result.broken}
    assert result.virtual_s < 2 * STALLED_S_MAX


# ── weather over channels that are gone ─────────────────────────────────────────────────────────────


def weather_over(discord: FaultyDiscord, faults: Faults) -> Weather:
    return Weather(discord, faults, VirtualClock().now, lambda: None, 0.5, has_webhooks=True)


@pytest.mark.parametrize("kind", sorted(WEATHER))
def test_weather_of_every_kind_passes_over_a_world_whose_only_channel_is_gone(kind: str) -> None:
    async def main() -> tuple[ChannelState, ...]:
        faults = Faults("a seed", 0.5, Cut())
        discord = FaultyDiscord(faults, VirtualClock().now, nonce_window_s=200.0)
        channel = discord.open_channel(7)
        discord.make_webhook(channel, "Ensemble 1")
        discord.delete_channel(channel)
        weather = weather_over(discord, faults)
        weather._change(kind)
        weather.clear()
        return tuple(discord.channels.values())

    assert [channel.is_gone for channel in run_virtually(main)] == [True]


def test_a_webhook_cannot_move_where_every_channel_is_gone() -> None:
    async def main() -> int | None:
        faults = Faults("a seed", 0.5, Cut())
        discord = FaultyDiscord(faults, VirtualClock().now, nonce_window_s=200.0)
        channel = discord.open_channel(7)
        hook_id = discord.make_webhook(channel, "Ensemble 1")
        discord.delete_channel(channel)
        discord.move_anywhere(hook_id, faults.stream("moves"))
        return discord.home_of(hook_id)

    assert run_virtually(main) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_world_of_one_channel_that_is_deleted_time_and_again_holds(seed: int) -> None:
    cut = Cut(frozenset(WEATHER) - {"channel_deleted"})
    shape = Shape(channels=1, habits=HABITS)
    result = run_world(Order(seed, 0, responses=20, chance=1.0, cut=cut, shape=shape))
    assert result.broken == ()
    assert result.faults["channel_deleted"] > 0
