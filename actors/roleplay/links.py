"""Limits links in a character's lines: a model writes them, so they must not bypass the rules for members.

    text   [proof](https://evil.example) discord.gg/abc ─► [proof](evil.example) discord.gg abc    read, not clicked
    off    [proof](https://evil.example) discord.gg/abc ─► proof
    on     everything as the model wrote it

Cutting cannot form a new link: each expression takes a whole run, including hidden characters between letters.
Sources: Discord's reference ("Message Formatting"), its help page "Markdown Text 101".
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, assert_never

from actors.roleplay.invisible import HIDDEN, MARKS


class Links(StrEnum):
    """What happens to links in characters' lines."""

    TEXT = "text"
    ON = "on"
    OFF = "off"


_LOOSE: Final = f"[{MARKS}{HIDDEN}]*"  # may be stripped from between two letters
# Without a word before it, from the beginning of a run of hidden characters only: each run is read once.
_SCHEME: Final = (
    rf"(?:\b[a-z][a-z0-9+.\-]{{0,15}}|(?<![{MARKS}{HIDDEN}])){_LOOSE}+:{_LOOSE}+/{_LOOSE}+/[:/{MARKS}{HIDDEN}]*+"
)
_INVITING: Final = "|".join(
    _LOOSE.join(map(re.escape, host))
    for host in ("discord.gg", "discord.com", "discordapp.com", "discord.gift", "discord.new")
)
_HOST: Final = rf"(?:{_INVITING}){_LOOSE}[/\\][/\\{MARKS}{HIDDEN}]*"

_ADDRESS: Final = re.compile(_SCHEME, re.IGNORECASE)
_INVITATION: Final = re.compile(rf"({_INVITING}){_LOOSE}[/\\][/\\{MARKS}{HIDDEN}]*", re.IGNORECASE)
# `</end:1>` presses a command, `<id:home>` opens a page of the server, `<mailto:…>` another program.
_PRESSED: Final = re.compile(
    rf"<[<{MARKS}{HIDDEN}]*+"
    rf"((?=/[^<>\n]{{1,100}}:|id:|mailto:|tel:|sms:|\+{_LOOSE}[0-9]|[^\s<>@:]{{1,64}}@[^\s<>@]{{1,64}}>))?",
    re.IGNORECASE,
)
_MASKED: Final = re.compile(
    rf"\[([^\[\]\n]{{0,200}})\]\([ \t]*<?{_SCHEME}[^\s<>()]*+>?[^()\n]{{0,200}}\)", re.IGNORECASE
)
_WHOLE: Final = re.compile(rf"<?(?:{_SCHEME}|{_HOST})[^\s<>()\[\]]*+>?", re.IGNORECASE)


def with_links(text: str, links: Links) -> str:
    """Return `text` with its links as this setting wants; never longer, and idempotent."""
    match links:
        case Links.ON:
            return text
        case Links.TEXT:
            return _as_text(text)
        case Links.OFF:
            return _as_text(_WHOLE.sub("", _MASKED.sub(r"\1", text)))
        case _:
            assert_never(links)


def _as_text(text: str) -> str:
    return _PRESSED.sub(_without_press, _INVITATION.sub(r"\1 ", _ADDRESS.sub("", text)))


def _without_press(run: re.Match[str]) -> str:
    """Read each `<` of a run once, whether it begins something or not."""
    return run[0] if run[1] is None else ""
