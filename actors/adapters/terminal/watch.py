"""The live view: a Textual application over a `Source`. Needs the extra `terminal`.

source ─ follow ─► Known ◄─ paint, four times a second ─ the screen on top: Overview or One

The colours are the terminal's own, so that it is readable on light and dark ones alike.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.theme import Theme

from actors.adapters.terminal.facts import Known, Link, Origin, Source
from actors.adapters.terminal.one import One
from actors.adapters.terminal.overview import Overview
from actors.adapters.terminal.times import Times

PAINT_S: Final = 0.25
"""Moves come by the thousand a second: what is painted oftener cannot be read."""

ASKING: Final = Link(Origin.NOBODY, "Asking the bot …")

THEME: Final = Theme(
    name="ensemble",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    warning="ansi_magenta",
    error="ansi_red",
    success="ansi_green",
    accent="ansi_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-background": "ansi_blue",
        "block-cursor-blurred-foreground": "ansi_bright_white",
        "block-cursor-blurred-background": "ansi_blue",
    },
)

CSS: Final = """
Static { height: auto; padding: 0 1; }
#fleet { padding: 1 1 0 1; }
#sum { padding: 1 1 0 1; text-style: bold; }
#empty { height: 1fr; padding: 1 4; }
#detail { height: 4; }
#search { height: 1; border: none; padding: 0 1; }
#whose, #strip { padding: 1 1 0 1; }
#standing { padding: 1 1 1 1; }
DataTable { height: 1fr; }
DataTable > .datatable--header, DataTable:ansi > .datatable--header {
    background: ansi_default; color: ansi_default; text-style: bold underline;
}
"""


class Watch(App[None]):
    """Runs until `q`. `known` is what it has been told so far."""

    TITLE = "Ensemble"
    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "quit", "Leave")]

    def __init__(self, source: Source, times: Times | None = None, *, paint_s: float = PAINT_S) -> None:
        super().__init__()
        self.known = Known(ASKING)
        self._source = source
        self._times = times or Times()
        self._paint_s = paint_s

    def on_mount(self) -> None:
        self.register_theme(THEME)
        self.theme = THEME.name
        self.push_screen(Overview(self._source, self.known, self._times))
        self.run_worker(self._source.follow(self.known), group="follow")
        self.set_interval(self._paint_s, self._paint)

    def _paint(self) -> None:
        """Only what is looked at."""
        if isinstance(self.screen, Overview | One):
            self.screen.paint()
