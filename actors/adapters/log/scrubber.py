"""Replace secrets in log lines: our own in every encoding, and strings that look like a secret."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

BLOT: Final = "[secret]"

SECRET_MIN: Final = 8
"""Shortest secret, in characters: a shorter one is no secret, and replacing it would only remove words."""

_LOOKS_SECRET: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:(?:bot|bearer|basic)\s+)?)[^\s\"',}]+",
        r"([Bb]earer\s+)[\w.~+/=-]{8,}",
        r"(?i)([?&](?:api_?key|key|token|access_token|password)=)[^&\s\"']+",
        r"(://)[^/\s@]+(?=@)",  # a name and a password before a host
        r"(webhooks(?:/|%2[Ff])\d+(?:/|%2[Ff]))[\w-]{20,}",
        r"(gsk_)\w{16,}",  # a key of Groq
        r"(org[_-])(?=[a-z]*\d)\w{8,}",  # an organisation, which Groq's errors name
    )
)
"""Patterns of strings that look like a secret; the first group is kept."""

_GAP: Final = r"(?:\s|\\[nrt])*"
"""What may separate two characters of a secret that was split over lines, also in the repr() of those lines."""

_LONG: Final = re.compile(r"[\w.-]{58,}")
_LONG_SECRETS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"()\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}",  # a Discord bot's token
        # A webhook's token: 68 characters with lower case, upper case and digits.
        r"()(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{60,90}(?![\w-])",
    )
)
"""Patterns that are tried only if `_LONG` matches, which most lines do not."""


class Scrubber:
    """Replaces our own secrets and strings that look like a secret.

    Our own are found percent-encoded (wholly or in part), JSON-escaped, in base64, and split over lines.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # One secret may begin with another: replacing the shorter first would leave the rest of the longer.
        ours = sorted((secret for secret in set(secrets) if len(secret) >= SECRET_MIN), key=len, reverse=True)
        forms = [*map(_as_written, ours), *(form for secret in ours for form in _in_base64(secret))]
        self._ours = re.compile("|".join(forms)) if forms else None

    def __call__(self, text: str) -> str:
        if self._ours is not None:
            text = self._ours.sub(BLOT, text)
        for pattern in _LOOKS_SECRET + _LONG_SECRETS if _LONG.search(text) else _LOOKS_SECRET:
            text = pattern.sub(_blot, text)
        return text


def _blot(found: re.Match[str]) -> str:
    return f"{found[1]}{BLOT}"


def _as_written(secret: str) -> str:
    """A pattern for the secret in which each character may be encoded and line ends may separate them."""
    return _GAP.join(_any_of(character) for character in secret)


def _any_of(character: str) -> str:
    escaped = json.dumps(character)[1:-1]
    in_percent = "".join(f"%(?i:{byte:02x})" for byte in character.encode())
    return f"(?:{'|'.join(dict.fromkeys((re.escape(character), re.escape(escaped), in_percent)))})"


def _in_base64(secret: str) -> Iterator[str]:
    """Patterns for the secret inside a longer base64 text, one for each offset in a group of three bytes."""
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        # The characters at both ends also hold bits of the neighbouring bytes.
        inner = coded[(0, 2, 3)[offset] : -1]
        yield _GAP.join({"+": "[+-]", "/": "[/_]"}.get(character, character) for character in inner)
