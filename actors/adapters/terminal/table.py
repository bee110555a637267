"""Show the table of responses; updates only changed cells, and clocks only in visible rows."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from actors.adapters.terminal.cells import row
from actors.adapters.terminal.facts import ResponseView
from actors.adapters.terminal.words import Wanted

COLUMNS: Final = {
    "mark": ("", 1),
    "name": ("Character", 12),
    "state": ("State", 10),
    "attempt": ("Try", 4),
    "stay": ("For", 11),
    "why": ("Next try, and why it waits", 0),
    "error": ("Last error", 0),
    "session": ("Session", 13),
    "started": ("Began", 8),
    "id": ("Response", 13),
}
"""Each column's name and width; columns with width 0 share the remaining space."""

WORDS_MIN: Final = 28
PADDING: Final = 2
"""Cells of padding beside each column."""

BOTH_FROM: Final = 110
"""From this width on the last error is visible beside why it waits; in a narrower terminal press → to see it."""


class ResponseTable(DataTable[Text]):
    """Shows the given rows in order; the cursor stays on its response."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "Open")]

    def __init__(self) -> None:
        super().__init__(cursor_type="row")
        self._drawn: dict[str, tuple[ResponseView, dict[str, Text]]] = {}
        self._laid_out: tuple[int, str, bool] | None = None  # the width, the sort column, whether descending

    @property
    def chosen_id(self) -> str | None:
        """The response under the cursor."""
        if not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show(self, rows: list[ResponseView], now: float | None, wanted: Wanted) -> None:
        """Show these rows; `now` is None if no bot answers."""
        chosen = self.chosen_id if self.cursor_row > 0 else None  # at the top the cursor stays there, on the newest
        self._lay_out(wanted)
        ranks = {seen.id: rank for rank, seen in enumerate(rows)}
        for gone in self._drawn.keys() - ranks.keys():
            self.remove_row(gone)
            del self._drawn[gone]
        for rank, seen in enumerate(rows):
            self._put(seen, rank, now)
        self.sort("id", key=lambda cell: ranks[cell.plain])
        if rows:
            self.move_cursor(row=ranks.get(chosen or "", min(self.cursor_row, len(rows) - 1)), scroll=False)

    def _put(self, seen: ResponseView, rank: int, now: float | None) -> None:
        known = self._drawn.get(seen.id)
        if known is not None and known[0] is seen and not self._is_in_sight(rank):
            return  # only its clock has changed, and it is not visible
        cells = row(seen, now)
        if known is None:
            self.add_row(*cells.values(), key=seen.id)
        for name, cell in cells.items() if known else ():
            before = known[1][name] if known else None
            if before is None or (before, before.style) != (cell, cell.style):
                self.update_cell(seen.id, name, cell)
        self._drawn[seen.id] = seen, cells

    def _is_in_sight(self, rank: int) -> bool:
        return self.scroll_y - 1 <= rank <= self.scroll_y + self.size.height

    def _lay_out(self, wanted: Wanted) -> None:
        """Rebuild the columns if the width or the order has changed."""
        now = (self.size.width, wanted.sort, wanted.is_descending)
        if now == self._laid_out:
            return
        self._laid_out = now
        self.clear(columns=True)
        self._drawn.clear()
        words = _words_width(self.size.width)
        for key, (name, width) in COLUMNS.items():
            order = (" ▼" if wanted.is_descending else " ▲") if key == wanted.sort else ""
            self.add_column(Text(f"{name}{order}"), width=width or words, key=key)


def _words_width(width: int) -> int:
    """The width of each of the two columns with words; both are visible if there is room."""
    left = ("mark", "name", "state", "attempt", "stay")
    taken = sum(COLUMNS[key][1] + PADDING for key in left)
    room = width - taken - PADDING
    return max(WORDS_MIN, (room - PADDING) // 2 if width >= BOTH_FROM else room)
