"""Where the playground's bot can be asked: `play` writes it beside its world, `watch` reads it.

Its inspector has another port and another token in each playground, so nobody could know them.
Failure modes: a playground that was killed leaves the file; then nobody answers there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from actors.app.reading import PLAYGROUND, is_playground
from actors.app.settings import Settings

FILE: Final = "inspector.json"
PRIVATE: Final = 0o600
"""The token opens what people wrote: it is for the user alone."""


class PlaygroundPlace(BaseModel):
    """The address of its inspector, and the token that it asks for."""

    model_config = ConfigDict(frozen=True)

    address: str
    token: str


def playground_folder(settings: Settings) -> Path:
    """Where a playground keeps everything with these settings, or those of somebody who looks into it."""
    return settings.data_dir if is_playground(settings) else settings.data_dir / PLAYGROUND


@contextmanager
def announced(folder: Path, place: PlaygroundPlace) -> Iterator[None]:
    """Keep the place in the playground's folder while the block runs. Raises OSError."""
    path = folder / FILE
    path.unlink(missing_ok=True)  # of one that was killed; its rights may be others
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8") as file:
        file.write(place.model_dump_json())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find_playground(folder: Path) -> PlaygroundPlace | None:
    """The place that a playground keeps in this folder; None where none runs, or its file cannot be read."""
    try:
        return PlaygroundPlace.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
