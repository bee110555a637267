"""Stores the inspector's address and token of the playground's bot: `play` writes the file, `watch` reads it.

Port and token are new in each playground, so they cannot be known in advance.
Failure modes: a killed playground leaves the file; then nothing answers at its address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from actors.adapters.store import write_private
from actors.app.read_only_store import PLAYGROUND, is_playground
from actors.app.settings import Settings

FILE: Final = "inspector.json"
WORLD: Final = "world.db"
DATABASE: Final = "ensemble.db"


class PlaygroundPlace(BaseModel):
    """The address of the inspector, and its token."""

    model_config = ConfigDict(frozen=True)

    address: str
    token: str


def playground_folder(settings: Settings) -> Path:
    """Return the playground's folder; DATA_DIR may be the playground's folder itself, or its parent."""
    return settings.data_dir if is_playground(settings) else settings.data_dir / PLAYGROUND


@contextmanager
def announced(folder: Path, place: PlaygroundPlace) -> Iterator[None]:
    """Keep a file with the place in the playground's folder while the block runs. Raises OSError."""
    path = folder / FILE
    path.unlink(missing_ok=True)  # left by a killed playground; its permissions may be wrong
    # The token gives access to people's messages, so only this user may read the file.
    write_private(path, [place.model_dump_json().encode()], overwrites=False)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find_playground(folder: Path) -> PlaygroundPlace | None:
    """Return the place from the file in this folder; None if there is no file, or it cannot be read."""
    try:
        return PlaygroundPlace.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
