"""CHARX files: a zip with `card.json` and the card's pictures in it, of which single members are read.

    file, which may be large ─► its end (how many members?) ─► their list ─► the one that is asked for

Only stored and deflated members are read: the other methods cannot be inflated in bounded steps.
Failure modes: whatever is wrong with the archive ends as one CharxError.
"""

import io
import struct
import zipfile
import zlib
from typing import IO, Final

MEMBERS_MAX: Final = 2_000  # the largest cards have some hundred pictures; all are listed before one is read
_ROW_BYTES_MAX: Final = 512  # of a member in the archive's list: 46, and its path
_END: Final = b"PK\x05\x06"
_END_BYTES_MAX: Final = 22 + 65_535  # the record, and the comment behind it
_END_RECORD: Final = struct.Struct("<4s4H2LH")
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ZIP: Final = b"PK\x03\x04"
# What zipfile raises on damaged input, found by fuzzing; it documents only the first.
_DAMAGED: Final = (
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


def is_charx(file: IO[bytes]) -> bool:
    """Return whether the file is a zip, or one behind a JPEG, as some programs write it."""
    file.seek(0)
    start = file.read(4)
    return start == _ZIP or (start[:3] == b"\xff\xd8\xff" and _end_of(file) is not None)


def member(file: IO[bytes], path: str, *, bytes_max: int) -> bytes:
    """Return the file at `path` in the archive, its checksum checked. Raises CharxError."""
    try:
        _check_list(file)
        with zipfile.ZipFile(file) as archive:
            return _read(archive, path, bytes_max)
    except KeyError as error:
        raise CharxError(f"no '{path[:100]}' in the archive") from error
    except CharxError:
        raise
    except _DAMAGED as error:
        raise CharxError("the archive is damaged or encrypted") from error


def _check_list(file: IO[bytes]) -> None:
    """Refuse a list of members that is too long, before it is read."""
    end = _end_of(file)
    if end is None:
        raise CharxError("the archive is damaged or encrypted")
    _, _, _, _, members, list_bytes, _, _ = _END_RECORD.unpack(end)
    if members > MEMBERS_MAX or list_bytes > MEMBERS_MAX * _ROW_BYTES_MAX:
        raise CharxError(f"the archive has more than {MEMBERS_MAX:,} files")


def _end_of(file: IO[bytes]) -> bytes | None:
    """The record that ends an archive; None where there is none."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - _END_BYTES_MAX))
    tail = file.read(_END_BYTES_MAX)
    at = tail.rfind(_END)
    record = tail[at : at + _END_RECORD.size] if at >= 0 else b""
    return record if len(record) == _END_RECORD.size else None


def _read(archive: zipfile.ZipFile, path: str, bytes_max: int) -> bytes:
    found = archive.getinfo(path)
    if found.compress_type not in _METHODS:
        raise CharxError(f"'{path[:100]}' is packed in an unusual way")
    with archive.open(found) as file:
        content = file.read(bytes_max + 1)  # the checksum is compared when the end is reached
    if len(content) > bytes_max:
        raise CharxError(f"'{path[:100]}' in the archive is larger than {bytes_max:,} bytes")
    return content
