"""Holds a world's result as plain values, so that a worker process can return them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from actors.simulation.faults import CRASH
from actors.simulation.watch import Broken


@dataclass(frozen=True, slots=True)
class Result:
    """One world's figures and verdict. `digest` is equal if, and only if, two runs were equal."""

    index: int
    responses: int
    ended: Mapping[str, int]  # delivered, failed
    faults: Mapping[str, int]
    points: int
    virtual_s: float
    broken: tuple[Broken, ...]
    story: str
    digest: str
    cpu_s: float = 0.0

    def timed(self, cpu_s: float) -> Result:
        return replace(self, cpu_s=cpu_s)


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over all worlds."""

    responses: int
    ended: Mapping[str, int]
    faults: Mapping[str, int]
    crashes: int
    points: int
    virtual_s: float
    cpu_s: float
    broken: Mapping[str, int]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Totals:
        ended: Counter[str] = Counter()
        faults: Counter[str] = Counter()
        broken: Counter[str] = Counter()
        responses = points = 0
        virtual_s = cpu_s = 0.0
        for result in results:
            ended.update(result.ended)
            faults.update(result.faults)
            broken.update(one.invariant for one in result.broken)
            responses += result.responses
            points += result.points
            virtual_s += result.virtual_s
            cpu_s += result.cpu_s
        crashes = faults.pop(CRASH, 0)
        return cls(responses, ended, faults, crashes, points, virtual_s, cpu_s, broken)
