"""Draws machines as PNGs for a chat: compact, on a dark card, in a thread and one at a time."""

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
from machines.diagrams.layout import Edge, Size
from machines.diagrams.path import Path
from machines.diagrams.svg import svg

Draw = Callable[[str], bytes]
"""Converts an SVG with a fixed theme into a PNG."""

WIDTH_PX: Final = 800
"""Discord shows a picture about 400 px wide; high-density screens have two pixels for each."""


class Pictures:
    """Draws one picture at a time: each takes 0.1 s of a core, and requests never use more than one core."""

    def __init__(self, draw: Draw | None = None) -> None:
        """`draw` defaults to the application's own."""
        self._png = draw or partial(png, width=WIDTH_PX)
        self._drawing = anyio.Lock()

    async def path(self, path: Path) -> bytes:
        """Draw the path of one response."""
        return await self._draw(response.MACHINE, lit=path.state, taken=path.edges)

    async def paths(self, paths: Sequence[Path]) -> bytes:
        """Draw several paths together: how many responses are in each state, and how often each edge was taken."""
        taken: Counter[Edge] = Counter()
        for path in paths:
            taken.update(path.edges)
        return await self._draw(response.MACHINE, taken=taken, held=Counter(path.state for path in paths))

    async def states(self, held: dict[str, int]) -> bytes:
        """Draw how many responses are in each state."""
        return await self._draw(response.MACHINE, held=held)

    async def session(self, state: str) -> bytes:
        """Draw the state of a session."""
        return await self._draw(session.MACHINE, lit=state)

    async def _draw(self, machine: StateMachine[Any, Any], **moment: Any) -> bytes:  # noqa: ANN401 - as `svg` takes them
        drawn = svg(machine, size=Size.COMPACT, theme="dark", **moment)
        async with self._drawing:
            return await anyio.to_thread.run_sync(self._png, drawn)
