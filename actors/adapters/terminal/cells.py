"""Render rows of the table, the strip of states and the fleet as Rich `Text`, never as markup. Pure.

Colours are the terminal's own 16, and only those that are readable on black and on white.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.text import Text

from actors.adapters.terminal.facts import Link, MachineView, Origin, ResponseView
from actors.adapters.terminal.words import clock, stay, stuck, tries, when_and_why, why
from machines import breaker, connection, response, session
from machines.binding import START
from machines.response import DELIVERED, FAILED, FINAL

STYLES: Final[Mapping[str, str]] = {
    response.GENERATING: "blue",
    response.SENDING: "blue",
    response.RETRYING: "magenta",
    response.DELIVERED: "green",
    response.FAILED: "red",
    session.RESPONDING: "blue",
    breaker.OPEN: "red",
    breaker.HALF_OPEN: "magenta",
    connection.READY: "green",
    connection.RESUMING: "magenta",
    connection.DOWN: "red",
}
MARKS: Final[Mapping[str, str]] = {response.DELIVERED: "✓", response.FAILED: "✗", response.RETRYING: "↻"}
STUCK_MARK: Final = "▲"
RESTING_MARK: Final = "○"
NAMES_WIDE: Final = 11

LINKS: Final[Mapping[Origin, tuple[str, str]]] = {
    Origin.BOT: ("●", "bold green"),
    Origin.DATABASE: (RESTING_MARK, "bold magenta"),
    Origin.NOBODY: ("✗", "bold red"),
}


def style_of(state: str) -> str:
    return STYLES.get(state, "")


def styled(words: str, style: str) -> Text:
    """Return `words` in a terminal colour.

    The style belongs to a span: as the style of the whole text, Textual would read "green" as the web colour.
    """
    return Text.assemble((words, style))


def link_line(link: Link) -> Text:
    """Render where the facts come from."""
    mark, style = LINKS[link.origin]
    return styled(f"{mark} {link.words}", style)


def row(seen: ResponseView, now: float | None) -> dict[str, Text]:
    """Return the cells of a response, by column. With `now` None it is not shown as live."""
    reason = stuck(seen, now)
    is_resting = now is None and not seen.is_final
    dim = "dim" if is_resting or seen.is_final else ""
    waits = f"stuck: {reason}. {why(seen, now)}" if reason else when_and_why(seen, now)
    return {
        "mark": _mark(seen, is_resting, reason is not None),
        "name": _cut(seen.name, "" if is_resting else "bold" if not seen.is_final else ""),
        "state": Text(seen.state, dim if is_resting else style_of(seen.state)),
        "attempt": Text(tries(seen), dim),
        "stay": Text(stay(seen, now), "bold red" if reason else dim),
        "why": _cut(waits, "bold red" if reason else dim),
        "error": _cut(seen.last_error or "", "red" if seen.state == FAILED else ""),
        "session": Text(seen.session, "dim"),
        "started": Text(clock(seen.started_at), "dim"),
        "id": Text(seen.id, "dim"),
    }


def _cut(words: str, style: str) -> Text:
    return Text(words, style, no_wrap=True, overflow="ellipsis")


def _mark(seen: ResponseView, is_resting: bool, is_stuck: bool) -> Text:
    if is_stuck:
        return Text(STUCK_MARK, "bold red")
    if is_resting:
        return Text(RESTING_MARK, "magenta")
    return Text(MARKS.get(seen.state, "●"), style_of(seen.state))


def detail(seen: ResponseView, now: float | None) -> Text:
    """Render everything about one response, for the lines below the table."""
    reason = stuck(seen, now)
    text = Text.assemble((seen.name, "bold"), f" {seen.state} ", (f"{stay(seen, now)}, try {tries(seen)}", "dim"))
    if reason:
        text.append(f"\nStuck: {reason}. {why(seen, now)}", "bold red")
    elif waits := why(seen, now):
        text.append(f"\n{waits[:1].upper()}{waits[1:]}")
    if seen.last_error:
        text.append(f"\nLast error: {seen.last_error}", "red")
    if seen.mend and seen.state != DELIVERED:
        text.append(f"\nWhat to do: {seen.mend}")
    return text.append(f"\nresponse {seen.id}, session {seen.session}, began {clock(seen.started_at)}", "dim")


def fleet(machines: Iterable[MachineView], *, is_live: bool) -> Text:
    """Render one line for each machine, with the number in each state."""
    lines = Text()
    for machine in machines:
        if lines:
            lines.append("\n")
        lines.append(f"{machine.name:<{NAMES_WIDE}}", "bold")
        for state, count in machine.counts or ():
            lines.append(f"{state} ", style_of(state) if count and is_live else "dim")
            lines.append(f"{count}", "bold" if count else "dim").append("  ")
        lines.append(machine.words, "dim")
    return lines


def strip(states: Iterable[str], visits: Mapping[str, int], here: str, *, is_live: bool) -> Text:
    """Render the states as a row: the present one highlighted, visited ones with their count, the others dim."""
    text = styled("[*]", "dim")
    for state in states:
        times = visits.get(state, 0)
        count = f" {times}×" if times > 1 else ""
        text.append(" ─ ", "dim")
        if state == here:
            is_lit = is_live or state in FINAL
            style = f"bold reverse {style_of(state)}" if is_lit else "bold underline"
            text.append(f" {'▶' if is_lit else RESTING_MARK} {state}{count} ", style)
        else:
            text.append(f" {state}{count} ", style_of(state) if times else "dim")
    return text


def move_cell(head: str, cell: str) -> Text:
    """Render a cell of the path; states have their colours."""
    if head != "move":
        return Text(cell, "dim" if head in ("#", "time") else "")
    source, arrow, dest = cell.partition(" ─► ")
    return Text.assemble((source, "dim" if source == START else style_of(source)), arrow, (dest, style_of(dest)))
