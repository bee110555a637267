"""Whether a database can be kept where the settings say, found out by trying.

Failure modes: none is raised; what the operating system refuses is a Refusal with its mend. Nothing stays behind.
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
    """Why it cannot be kept there, and what to do."""

    words: str
    mend: str

    def __str__(self) -> str:
        return f"{self.words}: {self.mend}"


def refusal_of(database: Path, *, elsewhere: str = ELSEWHERE) -> Refusal | None:
    """Why no database can be kept at `database`; None where it can be, or made with its folders."""
    folder = database.parent
    # Only os.path takes what may not be looked into for what is not there.
    existing = next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place))
    if not os.path.isdir(existing):
        return Refusal(f"{existing} is no folder, and one is needed there", elsewhere)
    tried = existing.absolute()
    try:
        with TemporaryFile(dir=existing):
            pass
        if os.path.exists(database):
            tried = database
            with database.open("r+b"):
                pass
    except OSError as error:
        mend = f"give this user the right to write there, or {elsewhere}"
        return Refusal(f"{tried} cannot be written ({error.strerror})", mend)
    return None
