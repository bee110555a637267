"""Convert a character's picture to a format that Discord shows: PNG, JPEG and GIF are kept, others become PNG.

    picture of any format ─► undamaged, small enough, and of a format that Discord shows? ─► unchanged
                              └ else decoded, scaled down, written as PNG

Pictures are untrusted: only the formats in FORMATS are decoded, and none with more than PIXELS_MAX pixels.
Pillow is imported with the first picture that needs it: most bots never get one.
Source: Discord's reference, "Image Data" (JPG, GIF and PNG).
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from actors.roleplay import png

if TYPE_CHECKING:
    from PIL.Image import Image

SHOWN: Final = (png.SIGNATURE, b"\xff\xd8\xff", b"GIF8")
"""First bytes of the formats that Discord shows."""

BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest picture that is sent: 11 MB as base64, which leaves room below Discord's limit for a request."""

PIXELS_MAX: Final = 40_000_000
"""160 MB when decoded; the largest pictures of cards have a tenth of this."""

SIDES: Final = (2048, 1024, 512)
"""Pixels of the longer side, tried in this order until the PNG is small enough; Discord shows 128."""

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP")


class IconError(ValueError):
    """The picture cannot be shown; the message is a clause with the reason."""


def shown_icon(picture: bytes) -> bytes:
    """Return the picture in a format that Discord shows. Raises IconError.

    Takes up to a second: call it in a thread.
    """
    if len(picture) > BYTES_MAX or not picture.startswith(SHOWN):
        return _converted(picture)
    if picture.startswith(png.SIGNATURE):
        _check_png(picture)
    else:
        with _opened(picture) as image:
            image.load()
    return picture


def png_of(picture: bytes) -> bytes:
    """Return the picture as PNG, so that a card can be embedded. Raises IconError."""
    return picture if picture.startswith(png.SIGNATURE) else _converted(picture)


def _check_png(picture: bytes) -> None:
    try:
        for _ in png.chunks(picture):
            pass
    except png.PngError as error:
        raise IconError(str(error)) from error


def _converted(picture: bytes) -> bytes:
    from PIL import ImageOps

    with _opened(picture) as image:
        turned = ImageOps.exif_transpose(image)  # apply the camera's orientation
        drawn = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
        for side in SIDES:
            drawn.thumbnail((side, side))
            file = io.BytesIO()
            drawn.save(file, "PNG")
            if file.tell() <= BYTES_MAX:
                return file.getvalue()
    raise IconError("it is too large")


@contextmanager
def _opened(picture: bytes) -> Iterator[Image]:
    """Open a picture of a known format with at most PIXELS_MAX pixels; Pillow's errors become IconError."""
    from PIL import Image

    # Pillow raises these for damaged pictures; its documentation names only OSError and its UnidentifiedImageError.
    damaged = (OSError, ValueError, RuntimeError, SyntaxError, EOFError, IndexError, struct.error, MemoryError)
    bomb = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        # Pillow warns of damaged metadata, which nobody can repair: ignored. Its warning of a bomb becomes an error.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
                if image.width * image.height > PIXELS_MAX:
                    raise _TooManyPixelsError
                yield image
    except (_TooManyPixelsError, *bomb) as error:
        raise IconError(f"it has more than {PIXELS_MAX // 1_000_000} million pixels") from error
    except damaged as error:
        raise IconError("it is damaged, or of a format that is not known") from error


class _TooManyPixelsError(Exception):
    """The picture has more than PIXELS_MAX pixels; raised before it is decoded."""
