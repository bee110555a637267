"""The style sheet of the diagrams, in light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

LIGHT: Final[Mapping[str, str]] = {
    "ground": "#ffffff",
    "ink": "#1d2433",
    "soft": "#5b6579",
    "line": "#a3adbd",
    "taken": "#3767e8",
    "lit-ink": "#ffffff",
    "rest": "#64748b",
    "work": "#3767e8",
    "trouble": "#b45f06",
    "good": "#15803d",
    "bad": "#c4282d",
}
DARK: Final[Mapping[str, str]] = {
    "ground": "#161a22",
    "ink": "#e7eaf1",
    "soft": "#a4adbf",
    "line": "#5a6579",
    "taken": "#7ba0ff",
    "lit-ink": "#10131a",
    "rest": "#a2aec2",
    "work": "#7ba0ff",
    "trouble": "#f3b54a",
    "good": "#4fd08a",
    "bad": "#ff8480",
}

_RULES: Final = """
.machine{font-family:'Source Sans Pro',system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif}
.machine .ground{fill:var(--m-ground)}
.machine .start{fill:var(--m-soft)}
.machine .box{stroke-width:1.6}
.machine .ring{fill:none;stroke-width:1.2}
.machine .name{fill:var(--m-ink);font-weight:600;text-anchor:middle}
.machine .line{fill:none;stroke:var(--m-line);stroke-width:1.8}
.machine .halo{fill:none;stroke:var(--m-ground);stroke-width:8}
.machine .head{fill:var(--m-line)}
.machine .facts{fill:var(--m-soft)}
.machine .pill{fill:var(--m-ground);stroke:var(--m-taken);stroke-width:1.4}
.machine .count text{fill:var(--m-taken);font-weight:600;text-anchor:middle}
.machine .count.empty{display:none}
.machine .taken .line{stroke:var(--m-taken);stroke-width:2.4}
.machine .taken .head{fill:var(--m-taken)}
.machine .taken .facts{fill:var(--m-ink)}
.machine .last .line{stroke:var(--m-taken);stroke-width:3.4}
.machine .last .head{fill:var(--m-taken)}
.machine .last .facts{fill:var(--m-ink);font-weight:600}
.machine .lit .name{fill:var(--m-lit-ink)}
.machine .lit .ring{stroke:var(--m-lit-ink)}
"""
_OF_TONE: Final = """
.machine .TONE .box{fill:var(--m-TONE);fill-opacity:.09;stroke:var(--m-TONE)}
.machine .TONE .ring{stroke:var(--m-TONE)}
.machine .TONE.lit .box{fill:var(--m-TONE);fill-opacity:1}
.machine .TONE.lit .ring{stroke:var(--m-lit-ink)}
"""
TONES: Final = ("rest", "work", "trouble", "good", "bad")


def css(theme: Literal["auto", "light", "dark"] = "auto") -> str:
    """The CSS rules for diagrams. "auto" follows `data-theme` on the page's root, else the system.

    A fixed theme contains plain colours: the renderer of pictures supports neither variables nor media queries.
    """
    rules = _RULES + "".join(_OF_TONE.replace("TONE", tone) for tone in TONES)
    if theme == "auto":
        return _variables() + rules
    for name, colour in (LIGHT if theme == "light" else DARK).items():
        rules = rules.replace(f"var(--m-{name})", colour)
    return rules


def _variables() -> str:
    light, dark = _declared(LIGHT), _declared(DARK)
    return (
        f".machine{{{light}}}"
        f"@media(prefers-color-scheme:dark){{.machine{{{dark}}}}}"
        f":root[data-theme=light] .machine,.machine[data-theme=light]{{{light}}}"
        f":root[data-theme=dark] .machine,.machine[data-theme=dark]{{{dark}}}"
    )


def _declared(colours: Mapping[str, str]) -> str:
    return "".join(f"--m-{name}:{colour};" for name, colour in colours.items())
