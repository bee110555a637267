"""Pictures of characters, as Discord shows them: PNG, JPEG and GIF stay as they are, other formats become PNG.

    picture of any format ─► whole, small enough, and of a format that Discord shows? ─► as it is
                              └ else decoded, made smaller, written as PNG

Pictures come from strangers: only some formats are decoded, and none with more pixels than PIXELS_MAX.
Pillow is loaded with the first picture that needs it: most bots never meet one.
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
"""How the pictures begin that Discord shows."""

BYTES_MAX: Final = 8 * 1024 * 1024
"""Of a picture that is sent: 11 MB as base64, with room below Discord's limit of a request."""

PIXELS_MAX: Final = 40_000_000
"""Decoded, these are 160 MB; the largest pictures of cards have a tenth of them."""

SIDES: Final = (2048, 1024, 512)
"""Pixels of the longer side, tried in this order until the PNG is small enough; Discord shows 128."""

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP")


class IconError(ValueError):
    """A picture that cannot be shown; the message is a clause that says why."""


def shown_icon(picture: bytes) -> bytes:
    """Return the picture in a format that Discord shows. Raises IconError.

    Takes up to a second: keep it off the loop.
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
    """Return the picture as PNG, in which a card can be written. Raises IconError."""
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
        turned = ImageOps.exif_transpose(image)  # as cameras mean it
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
    """The picture, of a known format, with few enough pixels; what Pillow raises while it is used is an IconError."""
    from PIL import Image

    # What Pillow raises for damaged pictures; its documentation names OSError and, of it, UnidentifiedImageError.
    damaged = (OSError, ValueError, RuntimeError, SyntaxError, EOFError, IndexError, struct.error, MemoryError)
    bomb = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        # Pillow warns of damaged metadata, which nobody can repair; its warning of a bomb is a refusal here.
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
    """Raised before anything is decoded."""
