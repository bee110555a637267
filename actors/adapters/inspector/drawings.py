"""The machines' diagrams as files: text forms at once, pictures on a thread and only once each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import anyio.to_thread

from machines.binding import StateMachine
from machines.diagram import dot, mermaid, text
from machines.layout import Size
from machines.svg import svg

Picture = Callable[[str], bytes]
"""Makes a PNG of an SVG with a fixed theme."""

TYPES: Final = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "mmd": "text/plain",
    "dot": "text/vnd.graphviz",
    "txt": "text/plain",
}
"""What each ending is (iana.org/assignments/media-types); Mermaid has no type of its own."""


class Drawings:
    """Every diagram by its ending; without a `picture` there are no PNGs."""

    def __init__(self, picture: Picture | None) -> None:
        self._picture = picture
        self._pictures: dict[tuple[str, Size], bytes] = {}  # as many as there are machines and sizes

    async def drawn(self, machine: StateMachine[Any, Any], kind: str, size: Size) -> bytes | None:
        """The file's content; None for a kind that is not drawn here."""
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
