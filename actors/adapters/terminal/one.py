"""The second screen: one response, its states as a row with the present one highlighted, its path as in `replay`."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from actors.adapters.terminal.cells import link_line, move_cell, strip, style_of, styled
from actors.adapters.terminal.facts import Known, ResponseDetail, ResponseView, Source
from actors.adapters.terminal.times import Times
from actors.adapters.terminal.words import UNSEEN, in_seconds, stuck, why
from machines.response import MACHINE

ORDER: Final = ("#", "time", "move", "fact", "why", "after", "try", "part")
"""The columns of `replay`, the most important first: a narrow screen cuts off the last ones."""

GONE: Final = "This response is unknown: it was removed, or another database is read now."


class One(Screen[None]):
    """One response; it is read again after each of its moves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("home", "end(0)", show=False),
        Binding("end", "end(-1)", show=False),
    ]

    def __init__(self, source: Source, known: Known, times: Times, response_id: str) -> None:
        super().__init__()
        self._source = source
        self._known = known
        self._times = times
        self._response_id = response_id
        self._told: ResponseDetail | None = None
        self._asked_for: object = None
        self._painted: object = None

    def compose(self) -> ComposeResult:
        yield Static(id="link")
        yield Static(id="whose")
        yield Static(id="strip")
        yield Static(id="standing")
        yield DataTable[Text](cursor_type="row", id="path")
        yield Static(id="move")
        yield Static(id="legal")
        yield Footer()

    def on_mount(self) -> None:
        self._path.focus()
        self._path.add_columns(*((Text(head), head) for head in ORDER))
        self.set_interval(self._times.paint_s, self._paint_if_seen)
        self.paint()

    def _paint_if_seen(self) -> None:
        if self.is_current:
            self.paint()

    @property
    def _path(self) -> DataTable[Text]:
        return self.query_one("#path", DataTable)

    def paint(self) -> None:
        """Show what has changed; read the response again if it has moved or the origin of the facts has changed."""
        seen = self._known.responses.get(self._response_id)
        moved = (self._known.link, seen.moves if seen else None)
        if moved != self._asked_for:
            self._asked_for = moved
            self.run_worker(self._ask(), group="told", exclusive=True)
        now = self._times.at(self._known)
        state = (moved, self._told, None if now is None else int(now))
        if state != self._painted:
            self._painted = state
            self.query_one("#link", Static).update(link_line(self._known.link))
            if self._told is not None:
                self.query_one("#strip", Static).update(self._strip(self._told))
                self.query_one("#standing", Static).update(self._standing(self._told, now))

    async def _ask(self) -> None:
        path = self._path
        told = await self._source.told(self._response_id)
        if not path.is_attached:
            return  # the view was closed meanwhile
        self._told = told
        if told is None:
            self.query_one("#whose", Static).update(GONE)
            for name in ("#strip", "#standing", "#move", "#legal"):
                self.query_one(name, Static).update("")
            self._path.clear()
            return
        self.query_one("#whose", Static).update(styled(told.whose, "bold"))
        legal = f"May come next: {', '.join(told.legal)}" if told.legal else "It has ended: no fact can follow."
        self.query_one("#legal", Static).update(styled(legal, "dim"))
        self._paint_path(told)
        self.paint()

    def _paint_path(self, told: ResponseDetail) -> None:
        """Add the new moves; the cursor stays where it was, or follows the newest move."""
        table = self._path
        was_at_end = table.cursor_row >= table.row_count - 1
        if table.row_count > len(told.moves):
            table.clear()
        for move in told.moves[table.row_count :]:
            cells = dict(zip(told.heads, move, strict=True))
            table.add_row(*(move_cell(head, cells[head]) for head in ORDER))
        if was_at_end:
            table.move_cursor(row=table.row_count - 1)

    def _strip(self, told: ResponseDetail) -> Text:
        states = [str(state) for state in MACHINE.states]
        return strip(states, told.visits, told.seen.state, is_live=self._known.is_live)

    def _standing(self, told: ResponseDetail, now: float | None) -> Text:
        seen = told.seen
        if seen.is_final:
            return styled(told.standing, f"bold {style_of(seen.state)}")
        if now is None:
            return styled(f"Last known state ({UNSEEN}): {told.standing}", "magenta")
        return _alive(seen, now)

    def action_end(self, row: int) -> None:
        self._path.move_cursor(row=row % max(1, self._path.row_count))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the whole move below the path, because a narrow screen cuts off its row."""
        if self._told is None or not 0 <= event.cursor_row < len(self._told.moves):
            return
        cells = dict(zip(self._told.heads, self._told.moves[event.cursor_row], strict=True))
        extra = [f"{head} {cells[head]}" for head in ("try", "part") if cells[head]]
        words = ", ".join([f"{cells['after']} after the move before", *extra])
        why_it = f": {cells['why']}" if cells["why"] else ""
        self.query_one("#move", Static).update(Text(f"{cells['#']}. {cells['fact']}{why_it} ({words})"))


def _alive(seen: ResponseView, now: float) -> Text:
    """The present state of a response on a live bot."""
    reason = stuck(seen, now)
    text = styled(f"{seen.state} for {in_seconds(now - seen.entered_at)}", f"bold {style_of(seen.state)}")
    if waits := why(seen, now):
        text.append(f": {waits}", style_of(seen.state))
    return text.append(f"\nStuck: {reason}", "bold red") if reason else text
