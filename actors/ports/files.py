"""Port for files that people attach to messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FileRefused:
    """A file that was not read; `words` are for the person who attached it."""

    words: str


class Files(Protocol):
    async def fetch(self, url: str, *, bytes_max: int) -> bytes | FileRefused:
        """Read an attachment from Discord, of at most `bytes_max`; no other host is asked."""
        ...


class NoFiles:
    """Reads no file."""

    async def fetch(self, url: str, *, bytes_max: int) -> bytes | FileRefused:
        return FileRefused("Files cannot be read here.")
