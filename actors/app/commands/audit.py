"""`audit`: reads channels back and prints every difference from the committed history."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final

import anyio
import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table

from actors.adapters.discord import GatewayLost, WrongToken
from actors.adapters.store import StoreError
from actors.app.channel_audit import RECENT_DAYS, AuditError, AuditResult, SessionAudit, audit_all
from actors.app.console import FAILED, printable, read_settings, refusing
from actors.roleplay.audit import Difference, Kind

QUOTED: Final = 60
"""Characters of a text that are quoted in a difference."""

UNREAD: Final = "not checked"

ID_WIDTHS: Final = {"Session": 13, "Channel": 19}
"""Length of our ids and of Discord's, in characters."""


def audit(
    channel_or_session: Annotated[
        str | None, typer.Argument(help="A channel id, or a session id from `!status`. Default: all recent sessions.")
    ] = None,
) -> None:
    """Read channels back and compare them with the committed history; exit 1 if anything differs.

    A bot may run at the same time. Without an argument, all sessions that are open or ended in the last seven days
    are checked. Messages that people write while no bot runs count as extra until a bot has caught up.

    On a playground: `play --no-bot` prints DISCORD_API_URL, DISCORD_GATEWAY_URL and DISCORD_TOKEN. Set them in the
    environment; then `run` plays there and `audit` checks it.
    """
    settings = read_settings()
    with refusing(AuditError, StoreError, WrongToken, GatewayLost):
        result = anyio.run(audit_all, settings, channel_or_session)
    # People's text is not markup; in a pipe, lines are not wrapped.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=not sys.stdout.isatty())
    for line in _lines(result):
        console.print(printable(line))
    console.print(table_of(result))
    console.print(_summary(result, is_chosen=channel_or_session is not None))
    if not result.holds:
        raise typer.Exit(FAILED)


def _lines(result: AuditResult) -> Iterable[str]:
    for each in result.sessions:
        where = f"session {each.session_id}, channel {each.channel_id}"
        if each.unread:
            yield f"✗ not checked: {where}: the channel cannot be read ({each.unread})"
        for found in each.differences:
            yield f"✗ {found.kind}: {where}, message {found.message_id}, {found.name}: {_texts(found)}"


def _texts(found: Difference) -> str:
    return f"history {_quoted(found.committed)}, channel {_quoted(found.shown)}"


def _quoted(text: str | None) -> str:
    if text is None:
        return "nothing"
    return repr(text if len(text) <= QUOTED else text[: QUOTED - 1] + "…")


def table_of(result: AuditResult) -> Table:
    """One row per session: its number of lines, and of differences of each kind."""
    # Ids must stay whole, to be copied: other columns shrink instead.
    ids = (Column(title, no_wrap=True, overflow="ignore", min_width=width) for title, width in ID_WIDTHS.items())
    # Without lines between the columns, all titles fit into 80 columns.
    table = Table(*ids, title="Audit", title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.pad_edge = False
    for title in ("Lines", *(str(kind).capitalize() for kind in Kind)):
        table.add_column(title, justify="right", min_width=max(map(len, (*title.split(), UNREAD.split()[-1]))))
    for each in result.sessions:
        table.add_row(each.session_id, str(each.channel_id), *_figures(each))
    return table


def _figures(each: SessionAudit) -> list[str]:
    if each.unread:
        return [UNREAD]
    found = Counter(difference.kind for difference in each.differences)
    return [str(each.lines), *(str(found[kind]) for kind in Kind)]


def _summary(result: AuditResult, *, is_chosen: bool) -> str:
    which = "" if is_chosen else f" (open, or ended in the last {RECENT_DAYS} days)"
    by_kind = result.by_kind
    found = ", ".join(f"{by_kind[kind]} {kind}" for kind in Kind if by_kind[kind]) or "no difference"
    unread = f"; {result.sessions_unread} not checked" if result.sessions_unread else ""
    mark = "✓" if result.holds else "✗"
    sessions, lines = result.sessions_checked, result.lines_compared
    checked = f"{sessions} session{'' if sessions == 1 else 's'}{which}"
    redacted = f"; {result.redacted} redacted" if result.redacted else ""
    return f"{mark} {checked}, {lines} line{'' if lines == 1 else 's'} compared: {found}{redacted}{unread}"
