"""Reduces a server's own words to one short line without secrets, for operators.

An error may repeat the request, name an account, or show the address with its token. The rest helps an operator to fix
the cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

WORDS_MAX: Final = 300
"""Characters that the journal keeps, about the length of the longest errors of Discord and Groq."""

HIDDEN: Final = "…"

SECRET_MIN: Final = 8
"""A known secret with fewer characters is not hidden: that would only hide ordinary words."""

READ_MAX: Final = 4000
"""Characters that are searched: an error may be a whole page."""

_TOKENS: Final = re.compile(
    r"(?<=/webhooks/)\d+/[\w.-]+"  # a webhook's id and token
    r"|(?<=://)[^/\s@]+(?=@)"  # a name and a password before a host
    r"|(?<=[Bb]earer )\S+"
    r"|\b(?:sk|pk|gsk|xai|hf|nvapi|csk|fw|tgp|key|org|proj|user|acct|team)[-_](?=[\w*.-]*[\d*])[\w*.-]+"
    r"|\bAIza[\w-]+"  # a key of Google's
    r"|(?:%[0-9A-Fa-f]{2}){6,}"  # whatever is hidden in percents: anybody can read it
)
"""Patterns of secrets and account names."""

_RUN: Final = re.compile(r"[\w-]{20,}(?:\.[\w-]+){0,2}")
_CHUNK: Final = re.compile(r"(?=[a-zA-Z_]*\d)(?=\d*[a-zA-Z])[a-zA-Z\d]{12,}|[a-zA-Z\d]{30,}")
_RUN_MAX: Final = 58
"""The length of Discord's shortest token: an unbroken run of this length is not a word."""


def plain_words(words: str, secrets: Iterable[str] = ()) -> str:
    """Return `words` on one line without tokens, keys and `secrets`, WORDS_MAX characters at most."""
    line = " ".join(words[:READ_MAX].split())
    for secret in secrets:
        if len(secret) >= SECRET_MIN:
            line = line.replace(secret, HIDDEN)
    return _RUN.sub(_unless_a_name, _TOKENS.sub(HIDDEN, line))[:WORDS_MAX]


def _unless_a_name(run: re.Match[str]) -> str:
    """Keep names made of short words (`max_completion_tokens`, `llama-4-maverick-17b-128e-instruct`); remove tokens."""
    text = run[0]
    return HIDDEN if len(text) >= _RUN_MAX or _CHUNK.search(text) else text
