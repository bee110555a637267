"""Machines as PNGs for a chat: compact, on a dark card, drawn off the loop and one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import anyio
import anyio.to_thread

from actors.adapters.picture import png
from machines import response, session
from machines.binding import StateMachine
from machines.layout import Edge, Size
from machines.path import Path
from machines.svg import svg

Draw = Callable[[str], bytes]
"""Makes a PNG of an SVG with a fixed theme."""

WIDTH_PX: Final = 800
"""Discord shows a picture some 400 px wide; sharp screens have two pixels for each."""


class Pictures:
    """Drawing takes 0.1 s of a core: however many ask, it never takes more than one."""

    def __init__(self, draw: Draw | None = None) -> None:
        """`draw` is the application's own, unless another one is given."""
        self._png = draw or partial(png, width=WIDTH_PX)
        self._drawing = anyio.Lock()

    async def path(self, path: Path) -> bytes:
        """The way of one response."""
        return await self._draw(response.MACHINE, lit=path.state, taken=path.edges)

    async def paths(self, paths: Sequence[Path]) -> bytes:
        """The ways of several together: how many are where, and how often each edge was taken."""
        taken: Counter[Edge] = Counter()
        for path in paths:
            taken.update(path.edges)
        return await self._draw(response.MACHINE, taken=taken, held=Counter(path.state for path in paths))

    async def states(self, held: dict[str, int]) -> bytes:
        """How many responses are in each state."""
        return await self._draw(response.MACHINE, held=held)

    async def session(self, state: str) -> bytes:
        """Where a session is."""
        return await self._draw(session.MACHINE, lit=state)

    async def _draw(self, machine: StateMachine[Any, Any], **moment: Any) -> bytes:  # noqa: ANN401 - as `svg` takes them
        drawn = svg(machine, size=Size.COMPACT, theme="dark", **moment)
        async with self._drawing:
            return await anyio.to_thread.run_sync(self._png, drawn)
