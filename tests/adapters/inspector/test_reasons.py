"""Reasons in words: each that can be in the journal has a sentence, and the mend where there is one."""

from __future__ import annotations

from typing import cast, get_args

import pytest

from actors.adapters.inspector.reasons import DISCORD, MODEL, Failure, mend_of, told_failure
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
            "The model some/model failed: the key was refused (credentials)",
            "Check GROQ_API_KEY; `doctor` tells more.",
        ),
        (
            SendRefused(AT, "webhooks_forbidden", 403),
            "Discord refused it: it may not use webhooks in this channel (webhooks_forbidden, 403)",
            "Lines go as the bot's own messages. For names and pictures of their own, allow Manage Webhooks.",
        ),
        (SendRefused(AT, "rate_limit", 429), "Discord refused it: too many requests (rate_limit, 429)", None),
        (
            SendUnconfirmed(AT, "outage", 503),
            "Discord answered 503",
            "https://discordstatus.com tells more.",
        ),
        (ReadBackFailed(AT, "restart"), "The channel could not be read: the process ended meanwhile (restart)", None),
        (
            ReadBackImpossible(AT, "channel_gone"),
            "The channel cannot be read any more: the channel is not there any more (channel_gone)",
            None,
        ),
        (SendRefused(AT, cast("SendReason", "of an older version")), "Discord refused it: of an older version", None),
        (
            SendRefused(AT, BLOCKED, 400, final=True, code=200000, words="Message was blocked by automatic moderation"),
            "Discord refused it: it blocks this text (blocked, 400). "
            "Discord said: 200000: Message was blocked by automatic moderation",
            "The server's AutoMod or Discord's own filter did that; another text was asked for, once.",
        ),
        (
            SendUnconfirmed(AT, "outage", 503, code=130000, words="API resource is currently overloaded"),
            "Discord answered 503. Discord said: 130000: API resource is currently overloaded",
            "https://discordstatus.com tells more.",
        ),
        (
            SentElsewhere(AT, 77, 88),
            "Discord posted it in channel 77: somebody moved its webhook to another channel (webhook_moved)",
            "Another one is made; delete the old one where it is now.",
        ),
    ],
)
def test_a_failure_is_told_with_what_to_do(fact: Failure, words: str, mend: str | None) -> None:
    assert (told_failure(fact), mend_of(fact)) == (words, mend)
