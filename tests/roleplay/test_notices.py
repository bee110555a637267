"""What a channel is told: whose fault it was, in one clause, and what to do."""

import pytest

from actors.observation.reasons import failure_text
from actors.roleplay.model_reasons import MEANINGS
from actors.roleplay.notices import OF_DISCORD, OF_MODEL, buttons, failure, held
from actors.roleplay.send_reasons import INTERNAL, SEND_MEANINGS
from machines.facts import GenerationFailed, SendRefused
from machines.reasons import GenerationReason, SendReason


@pytest.mark.parametrize("reason", ["connection", "timeout", "malformed"])
def test_once_the_line_is_written_the_model_is_not_blamed_for_discord(reason: str) -> None:
    assert "(model " in failure("Ada", reason, "!")
    assert "Discord" in failure("Ada", reason, "!", is_written=True).partition("(")[2]


@pytest.mark.parametrize("reason", sorted(set(SEND_MEANINGS) - INTERNAL))
def test_a_cause_of_discord_has_one_name_in_the_channel_and_on_the_pages(reason: SendReason) -> None:
    name = SEND_MEANINGS[reason].name
    assert failure("Ada", reason, "!", is_written=True).endswith(f"({name})")
    assert failure_text(SendRefused(0.0, reason)) == f"Not sent: {name} ({reason})"


@pytest.mark.parametrize("reason", sorted(MEANINGS))
def test_a_cause_of_the_model_has_one_name_in_the_channel_and_on_the_pages(reason: GenerationReason) -> None:
    name = MEANINGS[reason].name
    assert failure("Ada", reason, "!").endswith(f"({name})")
    assert failure_text(GenerationFailed(0.0, reason)) == f"Not written: {name} ({reason})"


@pytest.mark.parametrize("reason", sorted(OF_DISCORD.keys() | OF_MODEL.keys()))
def test_b13_discord_and_the_model_are_never_told_in_the_same_words(reason: str) -> None:
    of_model, of_discord = failure("Ada", reason, "!"), failure("Ada", reason, "!", is_written=True)
    assert "model" not in of_discord
    assert "Discord" not in of_model
    assert of_model != of_discord or reason == "deadline"


def test_b13_a_reason_of_discord_says_nothing_where_no_line_was_written() -> None:
    assert failure("Ada", "blocked", "!").endswith("to restart.")
    assert failure("Ada", "blocked", "!", is_written=True).endswith("(Discord blocked the text)")


@pytest.mark.parametrize(
    ("reason", "has_button"),
    [
        ("blocked", False),
        ("message_refused", False),
        ("too_long", False),
        ("forbidden", True),
        ("unauthorized", True),
        ("webhook_moved", True),
        ("unconfirmed", True),
        ("deadline", True),
    ],
)
def test_b13_n1_there_is_a_retry_only_where_the_same_text_may_be_taken(reason: str, has_button: bool) -> None:
    assert bool(buttons("r1", reason)) is has_button


@pytest.mark.parametrize(("until", "minute"), [(1_750_000_020.0, 1_750_000_020), (1_750_000_020.1, 1_750_000_080)])
def test_m1_a_held_line_is_promised_for_the_first_minute_in_which_it_can_be_there(until: float, minute: int) -> None:
    assert held("Ada", "rate_limit", until=until) == (
        f"⏳ Discord limits how fast this channel may be written to; Ada's response comes at <t:{minute}:t>."
    )
