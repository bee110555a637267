"""Reasons in words: each that can be in the journal has a sentence, and the mend where there is one."""

from __future__ import annotations

from typing import cast, get_args

import pytest

from actors.observation.reasons import DISCORD, MODEL, Failure, failure_text, hint_of
from machines.facts import (
    BLOCKED,
    GenerationFailed,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    SentElsewhere,
)
from machines.reasons import GenerationReason, SendReason

AT = 1.0


def test_each_reason_of_the_model_has_its_words() -> None:
    assert {*get_args(GenerationReason)} == set(MODEL)


def test_each_reason_of_discord_has_its_words() -> None:
    assert {*get_args(SendReason)} == set(DISCORD)


@pytest.mark.parametrize(
    ("fact", "words", "mend"),
    [
        (
            GenerationFailed(AT, "credentials", final=True, model="some/model"),
            "Not written by some/model: model not set up (credentials)",
            "The server refused the key: check GROQ_API_KEY; `doctor` tests it.",
        ),
        (
            SendRefused(AT, "webhooks_forbidden", 403),
            "Not sent: missing permission for webhooks in this channel (webhooks_forbidden, 403)",
            "Lines are sent as the bot's own messages. For names and pictures of their own, allow Manage Webhooks.",
        ),
        (SendRefused(AT, "rate_limit", 429), "Not sent: Discord's rate limit is reached (rate_limit, 429)", None),
        (
            SendUnconfirmed(AT, "outage", 503),
            "Not confirmed: Discord's server failed (outage, 503)",
            "See https://discordstatus.com.",
        ),
        (ReadBackFailed(AT, "restart"), "Channel not read: the process ended (restart)", None),
        (
            ReadBackImpossible(AT, "channel_gone"),
            "Channel cannot be read: the channel was deleted (channel_gone)",
            None,
        ),
        (SendRefused(AT, cast("SendReason", "of an older version")), "Not sent: of an older version", None),
        (
            SendRefused(AT, BLOCKED, 400, final=True, code=200000, words="Message was blocked by automatic moderation"),
            "Not sent: Discord blocked the text (blocked, 400). "
            "Discord said: 200000: Message was blocked by automatic moderation",
            "The server's AutoMod or Discord's own filter blocked it; the model is asked for another text, once.",
        ),
        (
            SendUnconfirmed(AT, "outage", 503, code=130000, words="API resource is currently overloaded"),
            "Not confirmed: Discord's server failed (outage, 503). "
            "Discord said: 130000: API resource is currently overloaded",
            "See https://discordstatus.com.",
        ),
        (
            SentElsewhere(AT, 77, 88),
            "Posted in channel 77: its webhook was moved to another channel (webhook_moved)",
            "The bot makes another one; delete the old one where it is now.",
        ),
    ],
)
def test_a_failure_is_told_with_what_to_do(fact: Failure, words: str, mend: str | None) -> None:
    assert (failure_text(fact), hint_of(fact)) == (words, mend)
