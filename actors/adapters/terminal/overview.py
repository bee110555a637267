"""The first screen: the origin of the facts, the fleet, the table of responses, and the response under the cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from actors.adapters.terminal.cells import detail, fleet, link_line
from actors.adapters.terminal.facts import Known, Origin, ResponseView, Source
from actors.adapters.terminal.one import One
from actors.adapters.terminal.table import ResponseTable
from actors.adapters.terminal.times import Times
from actors.adapters.terminal.words import CHOICES, SORTS, Wanted, stuck

FLEET_EVERY_S: Final = 2.0
ROWS_MAX: Final = 200

NONE_YET: Final = (
    "There is no response yet.\n\n"
    "Each line of a character becomes a row here as soon as it begins: open a session with !start, and write "
    "something in its channel."
)
NONE_KEPT: Final = "The database has no response. Each line of a character is one, once a bot runs."
NONE_FITS: Final = "No response matches. Press Esc to show all again."
NOBODY: Final = (
    "No bot answers, and there is no database.\n\n"
    "Start the bot with `python bot.py run`, or set INSPECTOR_ADDRESS, DATABASE_URL or DATA_DIR to where it is; for "
    "the playground's database DATA_DIR=playground. This view continues automatically as soon as it finds one."
)


class Overview(Screen[None]):
    """All responses."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/"),
        Binding("f", "narrow(1)", "State"),
        Binding("F", "narrow(-1)", show=False),
        Binding("s", "sort(1)", "Sort"),
        Binding("S", "sort(-1)", show=False),
        Binding("r", "reverse", "Reverse"),
        Binding("escape", "show_all", "Show all"),
    ]

    def __init__(self, source: Source, known: Known, times: Times) -> None:
        super().__init__()
        self._source = source
        self._known = known
        self._times = times
        self._wanted = Wanted()
        self._painted: object = None
        self._fleet_asked: tuple[float, object] = (float("-inf"), None)

    def compose(self) -> ComposeResult:
        yield Static(id="link")
        yield Static(id="fleet")
        yield Static(id="sum")
        yield ResponseTable()
        yield Static(id="empty")
        yield Static(id="detail")
        yield Input(placeholder="Search: character, session, state, reason, id", id="search")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self.query_one(ResponseTable).focus()
        self.set_interval(self._times.paint_s, self._paint_if_seen)
        self.paint()

    def _paint_if_seen(self) -> None:
        if self.is_current:
            self.paint()

    def on_screen_resume(self) -> None:
        self.paint(is_due=True)

    # ── painting ────────────────────────────────────────────────────────────────────────────────────

    def paint(self, *, is_due: bool = False) -> None:
        """Show what has changed; clocks advance once a second."""
        now = self._times.at(self._known)
        self._ask_fleet()
        width = self.query_one(ResponseTable).size.width  # 0 until it is shown
        state = (self._known.version, self._wanted, None if now is None else int(now), width)
        if state == self._painted and not is_due:
            return
        self._painted = state
        found = self._wanted.chosen(self._known.responses.values(), now)
        self.query_one("#link", Static).update(link_line(self._known.link))
        self.query_one("#sum", Static).update(self._sum(found, now))
        self._paint_table(found, now)

    def _paint_table(self, found: list[ResponseView], now: float | None) -> None:
        table, empty = self.query_one(ResponseTable), self.query_one("#empty", Static)
        table.display, empty.display = bool(found), not found
        if not found:
            empty.update(self._why_empty())
        table.show(found[:ROWS_MAX], now, self._wanted)
        self._paint_detail()

    def _paint_detail(self) -> None:
        seen = self._known.responses.get(self.query_one(ResponseTable).chosen_id or "")
        self.query_one("#detail", Static).update(detail(seen, self._times.at(self._known)) if seen else "")

    def _sum(self, found: list[ResponseView], now: float | None) -> str:
        known = self._known.responses.values()
        stuck_count = sum(stuck(seen, now) is not None for seen in known)
        shown = f"the first {ROWS_MAX} of {len(found)}" if len(found) > ROWS_MAX else f"{len(found)}"
        parts = [f"Responses: {shown} of {len(known)}" if self._wanted.is_narrowed else f"Responses: {shown}"]
        parts += [f"{stuck_count} stuck"] if stuck_count else []
        parts += [f"only {self._wanted.choice}"] if self._wanted.choice else []
        parts += [f"with “{self._wanted.words}”"] if self._wanted.words.strip() else []
        return ", ".join(parts)

    def _why_empty(self) -> str:
        if self._known.responses:
            return NONE_FITS
        match self._known.link.origin:
            case Origin.NOBODY:
                return NOBODY if self._known.version else ""
            case Origin.DATABASE:
                return NONE_KEPT
            case Origin.BOT:
                return NONE_YET

    # ── the fleet ───────────────────────────────────────────────────────────────────────────────────

    def _ask_fleet(self) -> None:
        """Read the fleet: every FLEET_EVERY_S from a live bot, otherwise only after a change."""
        at, asked_for = self._fleet_asked
        now = self._times.monotonic()
        wanted = self._known.link if self._known.is_live else self._known.version
        if wanted == asked_for and not (self._known.is_live and now > at + FLEET_EVERY_S):
            return
        self._fleet_asked = now, wanted
        self.run_worker(self._paint_fleet(), group="fleet", exclusive=True)

    async def _paint_fleet(self) -> None:
        shown = self.query_one("#fleet", Static)
        machines = await self._source.fleet()
        if not shown.is_attached:
            return  # the view was closed during the request
        shown.display = bool(machines)
        shown.update(fleet(machines, is_live=self._known.is_live))

    # ── keys ────────────────────────────────────────────────────────────────────────────────────────

    def _want(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.paint(is_due=True)

    def action_search(self) -> None:
        search = self.query_one(Input)
        search.display = True
        search.focus()

    def action_narrow(self, by: int) -> None:
        """Show only the next state, or only stuck responses."""
        following = (CHOICES.index(self._wanted.choice) + by) % len(CHOICES)
        self._want(replace(self._wanted, choice=CHOICES[following]))

    def action_sort(self, by: int) -> None:
        """Sort by the next column."""
        columns = list(SORTS)
        following = columns[(columns.index(self._wanted.sort) + by) % len(columns)]
        self._want(replace(self._wanted, sort=following, is_descending=following == "started"))

    def action_reverse(self) -> None:
        self._want(replace(self._wanted, is_descending=not self._wanted.is_descending))

    def action_show_all(self) -> None:
        search = self.query_one(Input)
        search.value = ""
        search.display = False
        self.query_one(ResponseTable).focus()
        self._want(replace(self._wanted, words="", choice=""))

    def on_input_changed(self, event: Input.Changed) -> None:
        self._want(replace(self._wanted, words=event.value))

    def on_input_submitted(self) -> None:
        search = self.query_one(Input)
        search.display = bool(search.value.strip())
        self.query_one(ResponseTable).focus()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        chosen = event.column_key.value
        if chosen == self._wanted.sort:
            self.action_reverse()
        elif chosen in SORTS:
            self._want(replace(self._wanted, sort=chosen, is_descending=False))

    def on_data_table_row_highlighted(self) -> None:
        self._paint_detail()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if event.row_key.value is not None:
            self.app.push_screen(One(self._source, self._known, self._times, event.row_key.value))
