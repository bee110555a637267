"""Reasons in words: each that can be in the journal has a sentence, and the mend where there is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import actors.adapters.discord
from actors.adapters.inspector.reasons import DISCORD, MODEL, Failure, mend_of, told_failure
from actors.ports import ModelReason
from actors.roleplay.model_reasons import RATE_LIMIT_LONG
from actors.roleplay.speech import Reason
from machines.facts import (
    BLOCKED,
    RESTART,
    GenerationFailed,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    SentElsewhere,
)

AT = 1.0
SAID = re.compile(r'(?:Refused|Unconfirmed|_Meaning)\(\s*"(\w+)"')
"""How the Discord adapter names a reason."""


def test_each_reason_of_the_model_has_its_words() -> None:
    assert {*get_args(ModelReason), *map(str, Reason), RATE_LIMIT_LONG, RESTART} == set(MODEL)


def test_each_reason_that_the_discord_adapter_gives_has_its_words() -> None:
    folder = Path(actors.adapters.discord.__file__).parent
    given = {reason for path in folder.glob("*.py") for reason in SAID.findall(path.read_text(encoding="utf-8"))}
    assert len(given) > 10
    assert given <= set(DISCORD)


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
        (SendRefused(AT, "of an older version"), "Discord refused it: of an older version", None),
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
