"""Checks a model's file before a process loads it.

A file in GGUF format begins with four letters and its version, a little-endian uint32 (llama.cpp, `gguf-py/README.md`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAGIC: Final = b"GGUF"
HEAD: Final = struct.Struct("<4sI")
VERSIONS: Final = range(2, 4)
"""Version 1 was in use for some weeks of 2023, and llama.cpp no longer reads it."""


class BadModelFile(Exception):
    """The file cannot be a model; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that begins as a model does. `name` is the file's name without its ending."""

    path: Path
    name: str


def read_model_file(path: Path) -> ModelFile:
    """Read the first bytes of the file. Raises BadModelFile."""
    if not path.is_file():
        found = "is not a regular file" if path.exists() else "does not exist"
        raise BadModelFile(f"{path} {found}; docs/models.md names models to download")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD.size)
    except OSError as error:
        raise BadModelFile(f"{path} cannot be read: {error.strerror}") from error
    magic, version = HEAD.unpack(head) if len(head) == HEAD.size else (b"", 0)
    if magic != MAGIC:
        raise BadModelFile(f"{path} is not in GGUF format; a model for llama.cpp has the ending .gguf")
    if version not in VERSIONS:
        raise BadModelFile(f"{path} has version {version} of GGUF, which llama.cpp cannot read; download a newer one")
    return ModelFile(path.absolute(), path.stem)
