"""`rehearse`: plays a written scene in the terminal, and checks that every line arrived once."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from actors.adapters import log
from actors.app import scenes
from actors.app.console import FAILED, WRONG_USE, fail, read_settings, refusing
from actors.app.rehearsal import Report, quickened
from actors.app.rehearsal import rehearse as play_scene
from actors.app.scenes import Scene, SceneError
from actors.app.settings import Settings
from actors.playground import FaultPlan
from actors.roleplay.turns import speaker_count
from machines.response import State

OUTAGE: Final = "outage"


def rehearse(
    script: Annotated[str, typer.Argument(help="A scene file, or the name of a shipped scene: storm, logbook.")],
    fault: Annotated[list[str] | None, typer.Option(help="KIND=PROBABILITY, like drop_after=0.3; repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same faults.")] = 1,
    speed: Annotated[float, typer.Option(help="Divide every wait by this.", min=0.01, max=1000)] = 1.0,
    voice: Annotated[str | None, typer.Option(help="webhook or embed. Default: the scene's, else VOICE.")] = None,
    logs: Annotated[bool, typer.Option("--logs", help="Also print the bot's log.")] = False,
) -> None:
    """Play a written scene against a local Discord, with faults on request.

    The breaker is off, as with BREAKER_FAILURES=0: in an outage, lines do not wait but use up their attempts.
    """
    settings = read_settings()
    with refusing(SceneError, ValueError, code=WRONG_USE):
        path = scenes.find(script)
        scene = scenes.read(path)
        plan = FaultPlan.parse(fault or (), seed=seed, speed=speed)
    if plan.chance(OUTAGE) >= 1:
        fail("--fault outage=1: no request would ever succeed; use a lower probability, such as outage=0.3", WRONG_USE)
    chosen = voice or scene.voice or settings.voice
    if chosen not in ("webhook", "embed"):
        fail(f"there is no voice {chosen!r}; use webhook or embed", WRONG_USE)
    log.set_up(
        level=settings.log_level if logs else logging.getLevelName(logging.CRITICAL),
        json_lines=settings.log_format == "json",
        secrets=settings.secrets,
        texts=settings.log_texts,
    )
    with refusing(SceneError, code=WRONG_USE):
        report = anyio.run(_play, scene, path.parent, quickened(settings, speed=speed, voice=chosen), plan)
    _print(report)
    if report.problems:
        raise typer.Exit(FAILED)


async def _play(scene: Scene, folder: Path, settings: Settings, plan: FaultPlan) -> Report:
    speakers = speaker_count(scene.turns, len(scene.cast))
    columns = (TextColumn("Rehearsing"), BarColumn(), MofNCompleteColumn(), TextColumn("lines"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None if speakers is None else len(scene.lines) * speakers)
        on_end = partial(progress.advance, task)
        tell = partial(console.print, markup=False, highlight=False)
        return await play_scene(scene, folder, settings, plan, on_end=on_end, tell=tell)


def _print(report: Report) -> None:
    # People's text is not markup; in a pipe, lines are not wrapped.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=not sys.stdout.isatty())
    console.print(f"Speaking: {report.speaking}\n", style="dim")
    for entry in report.entries:
        style = "bold cyan" if entry.kind == "character" else "bold"
        console.print(Text.assemble((entry.name, style), ": ", entry.text))
    console.print()
    console.print(_table(report))
    for problem in report.problems:
        console.print(f"✗ {problem}", style="bold red")
    if not report.problems:
        console.print("✓ every line arrived once or failed with a notice; history equals channel", style="green")


def _table(report: Report) -> Table:
    table = Table("Character", title="Deliveries", title_justify="left")
    for title in ("Lines", "Delivered", "Failed (notice)", "Wire attempts", "Retries"):
        table.add_column(title, justify="right")
    names = list(report.wire_attempts)
    for name in names:
        table.add_row(name, *_row(report, name))
    table.add_section()
    table.add_row("All", *_row(report, *names))
    return table


def _row(report: Report, *names: str) -> list[str]:
    of = [outcome for outcome in report.outcomes if outcome.name in names]
    delivered = sum(outcome.state == State.DELIVERED for outcome in of)
    told = sum(outcome.state == State.FAILED and outcome.notice == "sent" for outcome in of)
    attempts = sum(report.wire_attempts[name] for name in names)
    return [str(figure) for figure in (len(of), delivered, told, attempts, sum(outcome.retries for outcome in of))]
