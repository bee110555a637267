"""Render the machines' diagrams as files; PNGs are drawn in a thread and cached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import anyio.to_thread

from machines.binding import StateMachine
from machines.diagrams.layout import Size
from machines.diagrams.notations import dot, mermaid, text
from machines.diagrams.svg import svg

Picture = Callable[[str], bytes]
"""Converts an SVG with a fixed theme to PNG."""

TYPES: Final = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "mmd": "text/plain",
    "dot": "text/vnd.graphviz",
    "txt": "text/plain",
}
"""Media type of each file extension (iana.org/assignments/media-types); Mermaid has no type of its own."""


class Drawings:
    """Renders any diagram by file extension; without `picture` there are no PNGs."""

    def __init__(self, picture: Picture | None) -> None:
        self._picture = picture
        self._pictures: dict[tuple[str, Size], bytes] = {}  # at most one for each machine and size

    async def drawn(self, machine: StateMachine[Any, Any], kind: str, size: Size) -> bytes | None:
        """Return the file's content; None for a kind that is not supported."""
        match kind:
            case "svg":
                return svg(machine, size=size).encode()
            case "mmd":
                return mermaid(machine).encode()
            case "dot":
                return dot(machine).encode()
            case "txt":
                return text(machine).encode()
            case "png" if self._picture is not None:
                return await self._png(self._picture, machine, size)
            case _:
                return None

    async def _png(self, picture: Picture, machine: StateMachine[Any, Any], size: Size) -> bytes:
        key = (machine.name, size)
        if key not in self._pictures:
            plain = svg(machine, size=size, theme="light")
            self._pictures[key] = await anyio.to_thread.run_sync(picture, plain)
        return self._pictures[key]
