"""Runs many worlds: divides the responses into worlds of one size, and spreads these over processes.

A world depends only on the seed and its number, so the results are the same for any number of workers.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterator
from typing import Final

from actors.simulation.faults import Cut
from actors.simulation.result import Result
from actors.simulation.world import Order, run_world

WORLD_RESPONSES: Final = 500
"""Responses of one world: enough for faults to accumulate, few enough to run it again while shrinking."""

COLLECT_AFTER: Final = 5_000_000
"""New objects after which a worker collects garbage; Python's default is 700. No usual world creates so many."""


def orders(responses: int, *, seed: int, chance: float, cut: Cut, only: int | None = None) -> list[Order]:
    """The worlds that together have `responses`; the last one may be smaller."""
    worlds = -(-responses // WORLD_RESPONSES)
    sizes = [min(WORLD_RESPONSES, responses - WORLD_RESPONSES * index) for index in range(worlds)]
    made = [Order(seed, index, size, chance, cut) for index, size in enumerate(sizes)]
    return made if only is None else [made[only]]


def run(orders: list[Order], *, workers: int) -> Iterator[Result]:
    """Yields each world's result in the worlds' order, as soon as it and all earlier ones are known."""
    if workers == 1 or len(orders) == 1:
        yield from map(run_world, orders)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(workers, len(orders)), initializer=_collect_seldom) as pool:
        yield from pool.imap(_run_and_collect, orders)


def _collect_seldom() -> None:
    # The search for cycles took a quarter of the time, and a world is soon discarded as a whole.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 50)


def _run_and_collect(order: Order) -> Result:
    result = run_world(order)
    gc.collect()
    return result
