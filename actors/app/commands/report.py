"""`report`: prints the monitoring checklist from the journal, each row with its figure and its bar.

Definitions, as in the log and the metrics: an *attempt* is a finished try to send one part; a *retry* is an attempt
after the part's first; a *message* is a written line that was delivered or given up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import anyio
import typer
from rich.console import Console
from rich.table import Table

from actors.adapters.clock import SystemClock
from actors.adapters.discord import GatewayLost, WrongToken
from actors.adapters.store import Reliability, StoreError
from actors.app.channel_audit import audit_all
from actors.app.console import FAILED, WRONG_USE, fail, read_settings, refusing
from actors.app.periods import period_s
from actors.app.read_only_store import open_to_read
from actors.app.settings import Settings

SUCCESS_MIN: Final = 0.99
RETRIES_MAX: Final = 0.1
"""Both from the seed document, "Monitoring Checklist"; the figure must be beyond the bar, not equal to it."""

LINES_MIN: Final = 0.95
"""Below it the alert EnsembleResponsesFail fires (ops/alerts.yml)."""

ERRORS_MAX: Final = 12.0
"""Per 100 messages; what the first two bars allow: 10 failed tries, and one lost line (its last try, and giving up)."""

MISSING_MAX: Final = 1.0
"""Per 100 messages; the seed's "near zero", taken from its success rate: more than 99 in 100 arrive."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Result of an audit: numbers of compared lines, of differences, and of sessions whose channel cannot be read."""

    compared: int
    different: int
    unread: int = 0


@dataclass(frozen=True, slots=True)
class NotChecked:
    """No audit was made; `why` gives the reason and what to do."""

    why: str


FindAccuracy = Callable[[Settings], Awaitable[Accuracy | NotChecked]]
"""Compares the committed history with the channels."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the checklist. `holds` is None if it could not be checked; then `figure` says why."""

    name: str
    figure: str
    bar: str
    holds: bool | None


def report(
    since: Annotated[str, typer.Option(help="Period to report, such as 90s, 15m, 24h or 7d.")] = "24h",
) -> None:
    """Report how reliably lines arrived: each check with its figure, its bar, and whether it holds."""
    since_at = SystemClock().now() - _seconds(since)
    settings = read_settings()
    with refusing(StoreError):
        found, accuracy = anyio.run(_look, settings, since_at, by_audit)
    if not found.ended and not found.untold_before and not found.errors and not found.missing:
        typer.echo(f"No response has ended in the last {since}: nothing to report.")
        return
    rows = checklist(found, accuracy, since=since_at)
    _print(rows, f"The last {since}: {_count(found.ended, 'response')} ended")
    if any(row.holds is False for row in rows):
        raise typer.Exit(FAILED)


async def by_audit(settings: Settings) -> Accuracy | NotChecked:
    """Audit the channels of all recent sessions; NotChecked without a token, or if Discord does not answer."""
    if settings.discord_token is None:
        return NotChecked("DISCORD_TOKEN is not set; set it to read the channels")
    try:
        result = await audit_all(settings)
    except (GatewayLost, WrongToken) as error:
        return NotChecked(str(error))
    return Accuracy(result.lines_compared, result.by_kind.total(), result.sessions_unread)


def checklist(found: Reliability, accuracy: Accuracy | NotChecked, *, since: float) -> tuple[Row, ...]:
    """Return the seed document's rows in its order, then a row that includes responses that never got a text.

    `since` is the start of the counted period.
    """
    messages = found.delivered + found.failed
    return (_success(found, messages), _retries(found, messages), _notices(found), _history(accuracy),
            _errors(found, messages, since), _missing(found, messages), _lines(found))  # fmt: skip


def _success(found: Reliability, messages: int) -> Row:
    if not messages:
        return Row("Message send success rate", "no message had to be sent", "> 99 %", True)
    share = found.delivered / messages
    figure = f"{100 * share:.2f} % ({found.delivered} of {messages})"
    return Row("Message send success rate", figure, "> 99 %", share > SUCCESS_MIN)


def _lines(found: Reliability) -> Row:
    name, bar = "Responses that ended in a line", f"≥ {100 * LINES_MIN:g} %"
    failed = sum(count for _, count in found.reasons)
    wanted = found.delivered + failed
    if not wanted:
        return Row(name, "none, except cancelled ones", bar, True)
    share = found.delivered / wanted
    why = f"; {failed} failed: {', '.join(f'{count} {reason}' for reason, count in found.reasons)}" if failed else ""
    return Row(name, f"{100 * share:.2f} % ({found.delivered} of {wanted}{why})", bar, share >= LINES_MIN)


def _retries(found: Reliability, messages: int) -> Row:
    average = found.retries / max(1, messages)
    figure = f"{average:.3f} ({_count(found.retries, 'retry', 'retries')}, {_count(found.attempts, 'attempt')})"
    return Row("Retries per message", figure, "< 0.1", average < RETRIES_MAX)


def _notices(found: Reliability) -> Row:
    name, bar = "Failures announced in the channel", "100 %"
    waiting = f", {found.waiting} on the way" if found.waiting else ""
    share = f"{100 * found.told / max(1, found.to_tell):.2f} % ({found.told} of {found.to_tell}{waiting})"
    older = f"; {_count(found.untold_before, 'older notice')} still on the way" if found.untold_before else ""
    figure = (share if found.to_tell else "no response failed") + older
    return Row(name, figure, bar, found.told == found.to_tell and not found.untold_before)


def _history(accuracy: Accuracy | NotChecked) -> Row:
    name, bar = "History equal to the channel", "100 %"
    if isinstance(accuracy, NotChecked):
        return Row(name, f"not checked: {accuracy.why}", bar, None)
    holds = not accuracy.different and not accuracy.unread
    unread = f", {_count(accuracy.unread, 'session')} unread: see `audit`" if accuracy.unread else ""
    if not accuracy.compared:
        return Row(name, f"nothing to compare{unread}", bar, holds)
    share = 1 - accuracy.different / accuracy.compared
    figure = f"{100 * share:.2f} % ({accuracy.different} of {accuracy.compared} differ{unread})"
    return Row(name, figure, bar, holds)


def _errors(found: Reliability, messages: int, since: float) -> Row:
    name, bar, began_at = "❌ errors in the log", f"< {ERRORS_MAX:g} per 100", found.errors_from
    if began_at is None:
        return Row(name, "not counted yet: counting begins at the bot's next start", bar, None)
    per_hundred = 100 * found.errors / max(1, messages)
    began = f", counted since {datetime.fromtimestamp(began_at, UTC):%Y-%m-%d %H:%M} UTC" if began_at > since else ""
    figure = f"{per_hundred:.1f} per 100 messages ({found.errors} in all{began})"
    return Row(name, figure, bar, per_hundred < ERRORS_MAX)


def _missing(found: Reliability, messages: int) -> Row:
    name, bar = "User reports of missing messages", f"< {MISSING_MAX:g} per 100"
    reports = sum(count for _, count in found.missing)
    if not reports:
        return Row(name, "none (`!missing`, or the menu *Did not come*)", bar, True)
    per_hundred = 100 * reports / max(1, messages)
    said = ", ".join(f"{count} {finding}" for finding, count in found.missing)
    return Row(name, f"{per_hundred:.1f} per 100 messages ({reports} in all: {said})", bar, per_hundred < MISSING_MAX)


async def _look(
    settings: Settings, since: float, find_accuracy: FindAccuracy
) -> tuple[Reliability, Accuracy | NotChecked]:
    async with open_to_read(settings) as store:
        found = await store.reliability(since=since)
    return found, await find_accuracy(settings) if found.ended else NotChecked("no response has ended")


def _seconds(since: str) -> int:
    period = period_s(since.strip())
    if period is None:
        fail(f"--since: write a time like 90s, 15m, 24h or 7d, not {since!r}", WRONG_USE)
    return period


def _print(rows: tuple[Row, ...], title: str) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:  # one line per row, for grep and mail
        typer.echo(title)
        for row in rows:
            typer.echo(f"{_mark(row)} {row.name}: {row.figure}; bar: {row.bar}")
        return
    table = Table("", "Check", "Figure", "Bar", title=title, title_justify="left")
    for row in rows:
        style = {True: "green", False: "bold red", None: "dim"}[row.holds]
        table.add_row(_mark(row), row.name, row.figure, row.bar, style=style)
    console.print(table)


def _mark(row: Row) -> str:
    return {True: "✓", False: "✗", None: "–"}[row.holds]


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
