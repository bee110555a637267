"""Opens files that a person named: regular ones only, since a pipe may be waited for and a device read without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a pipe that nobody writes waits for a writer. Windows has no such pipes, and needs O_BINARY."""


def opened(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises OSError, also for anything else that has a name."""
    descriptor = os.open(path, os.O_RDONLY | _AT_ONCE)
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def size_of(file: BinaryIO) -> int:
    """Return the bytes of an open file, without reading it."""
    return os.fstat(file.fileno()).st_size
