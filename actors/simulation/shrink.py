"""Reduces a broken world to the smallest that still breaks the same invariant.

    fewer responses ─► kinds of faults switched off, half of them at a time ─► no fault after a point ─► again

Every step is a whole run, so their number and their time are bounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from actors.simulation.faults import KINDS
from actors.simulation.world import Build, Order, run_world

RUNS_MAX: Final = 60
CPU_S_MAX: Final = 90.0
"""A person waits for the result, and a world that never comes to rest takes many seconds."""


class Shrinker:
    """Makes an order smaller while `invariant` breaks."""

    def __init__(self, order: Order, invariant: str, build: Build) -> None:
        self.order = order
        self._invariant = invariant
        self._build = build
        self._runs_left = RUNS_MAX
        self._until_cpu_s = time.process_time() + CPU_S_MAX

    def shrink(self) -> Order:
        self._fewer_responses()
        self._without_kinds()
        self._up_to_a_point()
        self._fewer_responses()
        return self.order

    def _fewer_responses(self) -> None:
        smaller = self.order.responses // 2
        while smaller >= 1 and self._try(replace(self.order, responses=smaller)):
            smaller //= 2

    def _without_kinds(self) -> None:
        """Switch off as many kinds as possible, large groups first."""
        size = len(KINDS) // 2
        while size:
            for group in _groups([kind for kind in KINDS if kind not in self.order.cut.without], size):
                cut = self.order.cut
                self._try(replace(self.order, cut=replace(cut, without=cut.without | set(group))))
            size //= 2

    def _up_to_a_point(self) -> None:
        """Find, by bisection, the earliest point after which no more faults are needed."""
        low, high = 0, run_world(self.order, self._build).points
        while low < high:
            middle = (low + high) // 2
            if self._try(replace(self.order, cut=replace(self.order.cut, last_point=middle))):
                high = middle
            else:
                low = middle + 1

    def _try(self, smaller: Order) -> bool:
        """Whether the invariant breaks in `smaller`; if so, `smaller` becomes the order."""
        if not self._runs_left or time.process_time() > self._until_cpu_s:
            return False
        self._runs_left -= 1
        is_broken = any(one.invariant == self._invariant for one in run_world(smaller, self._build).broken)
        if is_broken:
            self.order = smaller
        return is_broken


def shrunk(order: Order, invariant: str, build: Build) -> Order:
    """The smallest order found that breaks `invariant`; `order` itself if no smaller one does."""
    return Shrinker(order, invariant, build).shrink()


def _groups(kinds: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (kinds[start : start + size] for start in range(0, len(kinds), size))
