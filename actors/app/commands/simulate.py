"""`simulate`: runs the real actors through simulated crashes and faults, on virtual time, from one seed."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from actors.app.console import FAILED, WRONG_USE, fail
from actors.simulation import campaign
from actors.simulation.faults import KINDS, Cut
from actors.simulation.result import Result, Totals
from actors.simulation.shrink import shrunk
from actors.simulation.world import Build, Order, run_world
from machines.response import State


def simulate(
    responses: Annotated[int, typer.Option(help="Number of lines to play.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run on every machine.")] = 1,
    faults: Annotated[float, typer.Option(help="Probability of a fault in each attempt on the wire.")] = 0.3,
    workers: Annotated[int | None, typer.Option(help="Number of processes. Default: one per core.")] = None,
    world: Annotated[int | None, typer.Option(help="Run only the world with this number.")] = None,
    world_responses: Annotated[int | None, typer.Option(help="End that world after this many lines.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="A kind of fault to leave out; repeatable.")] = None,
    last_point: Annotated[int | None, typer.Option(help="No fault after this point of the world.")] = None,
) -> None:
    """Run the bot against simulated people, models, outages and crashes, and check every line."""
    cut = Cut(frozenset(without or ()), last_point)
    _check(responses, faults, workers, world_responses, cut)
    orders = campaign.orders(responses, seed=seed, chance=faults, cut=cut, only=None)
    if world is not None:
        if not 0 <= world < len(orders):
            fail(f"there is no world {world}: {responses} responses make worlds 0 to {len(orders) - 1}", WRONG_USE)
        orders = [replace(orders[world], responses=world_responses or orders[world].responses)]
    began = time.monotonic()
    results = _run(orders, responses, workers or os.cpu_count() or 1)
    console = Console(highlight=False, soft_wrap=True)
    _print(console, Totals.of(results), seed=seed, wall_s=time.monotonic() - began)
    broken = [(order, result) for order, result in zip(orders, results, strict=False) if result.broken]
    for order, result in broken:
        console.print(f"  world {order.index}: {', '.join(sorted({each.invariant for each in result.broken}))}")
    if broken:
        order, result = min(broken, key=lambda pair: pair[1].responses)
        _explain(console, order, result, responses)
        raise typer.Exit(FAILED)


def _check(responses: int, faults: float, workers: int | None, world_responses: int | None, cut: Cut) -> None:
    if responses < 1:
        fail(f"--responses must be at least 1, not {responses}", WRONG_USE)
    if not 0 <= faults <= 1:
        fail(f"--faults is a probability from 0 to 1, not {faults}", WRONG_USE)
    if workers is not None and workers < 1:
        fail(f"--workers must be at least 1, not {workers}", WRONG_USE)
    if world_responses is not None and world_responses < 1:
        fail(f"--world-responses must be at least 1, not {world_responses}", WRONG_USE)
    unknown = sorted(cut.without - set(KINDS))
    if unknown:
        fail(f"there is no kind of fault {unknown[0]!r}; there are: {', '.join(KINDS)}", WRONG_USE)


def _run(orders: list[Order], responses: int, workers: int) -> list[Result]:
    """Run the worlds until they have made enough responses (each may make a few more); results in the worlds' order."""
    columns = (TextColumn("Simulating"), BarColumn(), MofNCompleteColumn(), TextColumn("worlds"), TimeElapsedColumn())
    results: list[Result] = []
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=len(orders))
        for result in campaign.run(orders, workers=workers):
            results.append(result)
            progress.advance(task)
            if sum(each.responses for each in results) >= responses:
                break
    return results


def _print(console: Console, totals: Totals, *, seed: int, wall_s: float) -> None:
    delivered, failed = totals.ended.get(State.DELIVERED, 0), totals.ended.get(State.FAILED, 0)
    rows = (
        ("Seed", f"{seed}"),
        ("Responses", f"{totals.responses:,}"),
        ("Delivered", f"{delivered:,}"),
        ("Failed", f"{failed:,}, each with a notice, or cancelled"),
        ("Fault points", f"{totals.points:,}"),
        ("Crashes", f"{totals.crashes:,}"),
        ("Faults", f"{sum(totals.faults.values()):,}"),
        ("Virtual time", f"{timedelta(seconds=round(totals.virtual_s))}"),
        ("Time", f"{wall_s:.1f} s ({totals.cpu_s:.1f} s of CPU), {totals.responses / wall_s:,.0f} responses/s"),
        ("Broken invariants", f"{sum(totals.broken.values())}"),
    )
    for name, figure in rows:
        console.print(f"{name:<18} {figure}")
    kinds = (f"{kind} {count:,}" for kind, count in sorted(totals.faults.items(), key=lambda item: (-item[1], item[0])))
    console.print(", ".join(kinds) or "no faults", style="dim")
    for invariant, count in sorted(totals.broken.items()):
        console.print(f"✗ {invariant}: {count}", style="bold red")
    if not totals.broken:
        console.print("✓ every line arrived once or failed with a notice; history equals channel", style="green")


def _explain(console: Console, order: Order, result: Result, responses: int) -> None:
    """Find the smallest run that breaks the same invariant, and print its story."""
    console.print("\nLooking for the smallest run that breaks it …", style="dim")
    least = shrunk(order, result.broken[0].invariant, Build())
    console.print(run_world(least, told=True).story, markup=False, emoji=False)
    console.print(f"\nRun it again: {command(least, responses)}", markup=False)


def command(order: Order, responses: int) -> str:
    """Return the command line that repeats exactly this run."""
    words = [f"python bot.py simulate --responses {responses} --seed {order.seed} --faults {order.chance}"]
    words.append(f"--world {order.index} --world-responses {order.responses}")
    words += [f"--without {kind}" for kind in sorted(order.cut.without)]
    if order.cut.last_point is not None:
        words.append(f"--last-point {order.cut.last_point}")
    return " ".join(words)
