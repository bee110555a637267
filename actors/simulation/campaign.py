"""Many worlds at once: the work cut into worlds of one size, spread over processes, summed up in their order.

What a world does depends on the seed and its number alone, so any number of workers finds the same.
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
"""Responses of one world: long enough for trouble to pile up, short enough to be run again while shrinking."""

COLLECT_AFTER: Final = 5_000_000
"""New objects after which a worker's garbage is collected; Python's own number is 700. No usual world makes as many."""


def orders(responses: int, *, seed: int, chance: float, cut: Cut, only: int | None = None) -> list[Order]:
    """The worlds that make up `responses`; the last one may be smaller."""
    worlds = -(-responses // WORLD_RESPONSES)
    sizes = [min(WORLD_RESPONSES, responses - WORLD_RESPONSES * index) for index in range(worlds)]
    made = [Order(seed, index, size, chance, cut) for index, size in enumerate(sizes)]
    return made if only is None else [made[only]]


def run(orders: list[Order], *, workers: int) -> Iterator[Result]:
    """Each world's result, in the worlds' order, as soon as it and all before it are known."""
    if workers == 1 or len(orders) == 1:
        yield from map(run_world, orders)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(workers, len(orders)), initializer=_collect_seldom) as pool:
        yield from pool.imap(_run_and_collect, orders)


def _collect_seldom() -> None:
    # A quarter of the time went into looking for cycles; a world is soon thrown away whole.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 50)


def _run_and_collect(order: Order) -> Result:
    result = run_world(order)
    gc.collect()
    return result
