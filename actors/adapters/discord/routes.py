"""Removes the tokens of webhooks and interactions from paths of Discord's REST API.

Source: https://discord.com/developers/docs/reference, and the resources below it.
"""

from __future__ import annotations

import re
from typing import Final

LEFT_OUT: Final = "…"
WORDS: Final = frozenset(
    {
        "",
        "@me",
        "@original",
        "api",
        "applications",
        "callback",
        "channels",
        "commands",
        "guilds",
        "interactions",
        "members",
        "messages",
        "threads",
        "typing",
        "users",
        "v10",
        "webhooks",
    }
)


def route_of(path: str) -> str:
    """`path` with only its known words and ids; every other part becomes `…`."""
    return "/".join(part if part in WORDS or part.isdecimal() else LEFT_OUT for part in path.split("/"))


_BY_TOKEN: Final = re.compile(r"/webhooks/\d+/.")


def goes_by_token(route: str) -> bool:
    """Whether requests on `route` (from `route_of`) use the token of a webhook or an interaction."""
    return _BY_TOKEN.search(route) is not None
