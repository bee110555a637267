"""Checks by a trial write whether a database can be kept at its configured place.

Failure modes: none is raised; an error of the operating system becomes a Refusal with a fix. No file is left behind.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

ELSEWHERE: Final = "set another DATA_DIR or another DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a database cannot be kept there, and what to do."""

    words: str
    mend: str

    def __str__(self) -> str:
        return f"{self.words}: {self.mend}"


def refusal_of(database: Path, *, elsewhere: str = ELSEWHERE) -> Refusal | None:
    """Return why no database can be kept at `database`; None if it can be, or can be created with its folders."""
    folder = database.parent
    # os.path treats a folder that we may not read as absent; pathlib raises.
    existing = next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place))
    if not os.path.isdir(existing):
        return Refusal(f"{existing} is not a folder", elsewhere)
    tried = existing.absolute()
    try:
        with TemporaryFile(dir=existing):
            pass
        if os.path.exists(database):
            tried = database
            with database.open("r+b"):
                pass
    except OSError as error:
        mend = f"give this user write permission there, or {elsewhere}"
        return Refusal(f"{tried} cannot be written ({error.strerror})", mend)
    return None
