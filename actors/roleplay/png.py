"""Reads, removes and adds the text chunks of a PNG file.

    signature | IHDR … tEXt/zTXt/iTXt … IDAT … | IEND
                 └── every chunk: length, type, body, CRC; a text with a wrong CRC damages only itself

The picture itself is never decoded. Source of the layout: W3C, PNG (third edition), sections 5 and 11.3.3.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXT_KINDS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
CHUNKS_MAX = 20_000  # a 10 MB picture in chunks of 8 KB has 1,300; a million empty ones cost seconds
_WRONG_CHECKSUM = "a checksum in the PNG is wrong"
_CHUNK_OVERHEAD_BYTES = 12  # length, type and CRC: four bytes each


class PngError(ValueError):
    """The bytes are not a whole PNG; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk with a checked CRC; only text chunks may be damaged."""

    kind: bytes
    body: bytes
    is_damaged: bool = False


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield every chunk up to and with IEND; bytes behind it are ignored. Raises PngError."""
    if not data.startswith(SIGNATURE):
        raise PngError("the PNG signature is missing")
    position = len(SIGNATURE)
    for number in range(CHUNKS_MAX):
        chunk, position = _chunk_at(data, position)
        if number == 0 and chunk.kind != b"IHDR":
            raise PngError("the PNG does not begin with its header")
        yield chunk
        if chunk.kind == b"IEND":
            return
    raise PngError(f"the PNG has more than {CHUNKS_MAX:,} chunks")


def _chunk_at(data: bytes, position: int) -> tuple[Chunk, int]:
    if position + _CHUNK_OVERHEAD_BYTES > len(data):
        raise PngError("the PNG is cut short")
    (length,) = struct.unpack_from(">I", data, position)
    end = position + _CHUNK_OVERHEAD_BYTES + length
    if end > len(data):
        raise PngError("the PNG is cut short")
    kind = data[position + 4 : position + 8]
    body = data[position + 8 : end - 4]
    (crc,) = struct.unpack_from(">I", data, end - 4)
    is_damaged = crc != zlib.crc32(body, zlib.crc32(kind))
    if is_damaged and kind not in _TEXT_KINDS:
        raise PngError(_WRONG_CHECKSUM)
    return Chunk(kind, body, is_damaged), end


def keyword(chunk: Chunk) -> str | None:
    """Return a text chunk's keyword in lower case, or None for every other chunk."""
    if chunk.kind not in _TEXT_KINDS:
        return None
    return chunk.body.partition(b"\0")[0].decode("latin-1").lower()


def text(chunk: Chunk, *, bytes_max: int) -> bytes:
    """Return the text of a text chunk, inflated to `bytes_max` bytes at the most. Raises PngError."""
    if chunk.is_damaged:
        raise PngError(_WRONG_CHECKSUM)
    value = chunk.body.partition(b"\0")[2]
    if chunk.kind == b"zTXt":
        return _inflate(value[1:], bytes_max)
    if chunk.kind == b"iTXt":
        compressed = value[:1] == b"\1"
        value = value[2:].partition(b"\0")[2].partition(b"\0")[2]
        return _inflate(value, bytes_max) if compressed else _within(value, bytes_max)
    return _within(value, bytes_max)


def _within(value: bytes, bytes_max: int) -> bytes:
    if len(value) > bytes_max:
        raise PngError(f"a text in the PNG is larger than {bytes_max:,} bytes")
    return value


def _inflate(value: bytes, bytes_max: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        # One byte more than allowed tells a text that is too long from one that just fits.
        inflated = inflater.decompress(value, bytes_max + 1)
    except zlib.error as error:
        raise PngError("a compressed text in the PNG is damaged") from error
    if not inflater.eof and len(inflated) <= bytes_max:
        raise PngError("a compressed text in the PNG is cut short")
    return _within(inflated, bytes_max)


def without_text(data: bytes, is_dropped: Callable[[str], bool]) -> bytes:
    """Return the PNG without the text chunks whose lower-case keyword `is_dropped`. Raises PngError."""
    return _assemble(_kept(data, is_dropped))


def with_text(data: bytes, texts: dict[str, bytes], is_dropped: Callable[[str], bool]) -> bytes:
    """Return the PNG with `texts` (keyword to Latin-1 text) as tEXt chunks before IEND. Raises PngError."""
    kept = list(_kept(data, is_dropped))
    added = [Chunk(b"tEXt", key.encode("latin-1") + b"\0" + value) for key, value in texts.items()]
    return _assemble([*kept[:-1], *added, kept[-1]])


def _kept(data: bytes, is_dropped: Callable[[str], bool]) -> Iterator[Chunk]:
    for chunk in chunks(data):
        key = keyword(chunk)
        if key is None or not is_dropped(key):
            yield chunk


def _assemble(parts: Iterable[Chunk]) -> bytes:
    return SIGNATURE + b"".join(_bytes(chunk) for chunk in parts)


def _bytes(chunk: Chunk) -> bytes:
    crc = zlib.crc32(chunk.body, zlib.crc32(chunk.kind))
    return struct.pack(">I", len(chunk.body)) + chunk.kind + chunk.body + struct.pack(">I", crc)
