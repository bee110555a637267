"""The live view: a Textual application on a `Source`. Needs the extra `terminal`.

source ─ follow ─► Known ◄─ paint, four times a second ─ the visible screen: Overview or One

It uses the terminal's own colours, so that it is readable on light and dark backgrounds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.theme import BUILTIN_THEMES

from actors.adapters.terminal.facts import Known, Link, Origin, Source
from actors.adapters.terminal.overview import Overview
from actors.adapters.terminal.times import Times

ASKING: Final = Link(Origin.NOBODY, "Reading from the bot …")

_LIGHT: Final = BUILTIN_THEMES["ansi-light"]
THEME: Final = replace(
    _LIGHT,
    name="ensemble",
    warning="ansi_magenta",
    variables=_LIGHT.variables
    | dict.fromkeys(
        (
            "ansi-background",
            "ansi-foreground",
            "border-blurred",
            "block-hover-background",
            "scrollbar-background",
            "scrollbar-background-hover",
            "scrollbar-background-active",
        ),
        "ansi_default",
    ),
)
"""The light theme with the terminal's own colours instead of black and white; the cursor stays white on blue."""

CSS: Final = """
Static { height: auto; padding: 0 1; }
#fleet { padding: 1 1 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
#sum { padding: 1 1 0 1; text-style: bold; }
#empty { height: 1fr; padding: 1 4; }
#detail { height: 4; }
#search { height: 1; border: none; padding: 0 1; }
#whose, #strip { padding: 1 1 0 1; }
#standing { padding: 1 1 1 1; }
DataTable { height: 1fr; scrollbar-size-horizontal: 0; }
DataTable > .datatable--header, DataTable:ansi > .datatable--header {
    background: ansi_default; color: ansi_default; text-style: bold;
}
"""


class Watch(App[None]):
    """Runs until `q` is pressed. `known` holds everything received so far."""

    TITLE = "Ensemble"
    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "quit", "Leave")]

    def __init__(self, source: Source, times: Times | None = None) -> None:
        super().__init__()
        self.known = Known(ASKING)
        self._source = source
        self._times = times or Times()

    def on_mount(self) -> None:
        self.register_theme(THEME)
        self.theme = THEME.name
        self.push_screen(Overview(self._source, self.known, self._times))
        self.run_worker(self._source.follow(self.known), group="follow")
