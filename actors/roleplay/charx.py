"""CHARX files: a zip with `card.json` and the card's pictures in it, read in memory.

Only stored and deflated members are read: the other methods cannot be inflated in bounded steps.
"""

import io
import struct
import zipfile
import zlib

MEMBERS_MAX = 2_000  # the largest cards have some hundred pictures; zipfile lists all members before it reads one
_MEMBER_MARK = b"PK\x01\x02"  # one in front of each member's row in the archive's list
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_STARTS = (b"PK\x03\x04", b"\xff\xd8\xff")  # some writers put the zip behind a JPEG
# What zipfile raises on damaged input, found by fuzzing; it documents only the first.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


class CharxError(ValueError):
    """The archive or the member cannot be read; the message is a clause that says why."""


def is_charx(data: bytes) -> bool:
    """Return whether the bytes begin like a CHARX file."""
    return data.startswith(_STARTS)


def member(data: bytes, path: str, *, bytes_max: int) -> bytes:
    """Return the file at `path` in the archive, its checksum checked. Raises CharxError."""
    if data.count(_MEMBER_MARK) > MEMBERS_MAX:
        raise CharxError(f"the archive has more than {MEMBERS_MAX:,} files")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, path, bytes_max)
    except KeyError as error:
        raise CharxError(f"no '{path}' in the archive") from error
    except CharxError:
        raise
    except _DAMAGED as error:
        raise CharxError("the archive is damaged or encrypted") from error


def _read(archive: zipfile.ZipFile, path: str, bytes_max: int) -> bytes:
    found = archive.getinfo(path)
    if found.compress_type not in _METHODS:
        raise CharxError(f"'{path}' is packed in an unusual way")
    with archive.open(found) as file:
        content = file.read(bytes_max + 1)  # the checksum is compared when the end is reached
    if len(content) > bytes_max:
        raise CharxError(f"'{path}' in the archive is larger than {bytes_max:,} bytes")
    return content
