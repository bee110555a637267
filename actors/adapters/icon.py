"""Pictures of characters, as Discord shows them: PNG, JPEG and GIF stay as they are, other formats become PNG.

    picture of any format ─► one that Discord shows, small enough? ─► as it is
                              └ else decoded, made smaller, written as PNG

Pictures come from strangers: only some formats are decoded, and none with more pixels than PIXELS_MAX.
Source: Discord's reference, "Image Data" (JPG, GIF and PNG).
"""

from __future__ import annotations

import io
import struct
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

SHOWN: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
"""How the pictures begin that Discord shows."""

BYTES_MAX: Final = 8 * 1024 * 1024
"""Of a picture that is sent: 11 MB as base64, with room below Discord's limit of a request."""

PIXELS_MAX: Final = 40_000_000
"""Decoded, these are 160 MB; the largest pictures of cards have a tenth of them."""

SIDES: Final = (2048, 1024, 512)
"""Pixels of the longer side, tried in this order until the PNG is small enough; Discord shows 128."""

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP")
_DAMAGED: Final = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    struct.error,
    MemoryError,
)
"""What Pillow raises for damaged pictures; its documentation names the first two."""


class IconError(ValueError):
    """A picture that cannot be shown; the message is a clause that says why."""


def shown_icon(picture: bytes) -> bytes:
    """Return the picture in a format that Discord shows. Raises IconError.

    Takes up to a second: keep it off the loop.
    """
    if picture.startswith(SHOWN) and len(picture) <= BYTES_MAX:
        return picture
    return _converted(picture, SIDES)


def png_of(picture: bytes) -> bytes:
    """Return the picture as PNG, in which a card can be written. Raises IconError."""
    return picture if picture.startswith(SHOWN[0]) else _converted(picture, SIDES)


def _converted(picture: bytes, sides: tuple[int, ...]) -> bytes:
    try:
        # An error instead of the warning that Pillow prints: what is too large is refused below in any case.
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture), formats=FORMATS) as opened:
                return _as_png(opened, sides)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except IconError:
        raise
    except _DAMAGED as error:
        raise IconError("it is damaged, or of a format that is not known") from error


def _as_png(opened: Image.Image, sides: tuple[int, ...]) -> bytes:
    width, height = opened.size
    if width * height > PIXELS_MAX:
        raise _too_many_pixels()
    turned = ImageOps.exif_transpose(opened)  # as cameras mean it
    drawn = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    for side in sides:
        drawn.thumbnail((side, side))
        file = io.BytesIO()
        drawn.save(file, "PNG")
        if file.tell() <= BYTES_MAX:
            return file.getvalue()
    raise IconError("it is too large")


def _too_many_pixels() -> IconError:
    return IconError(f"it has more than {PIXELS_MAX // 1_000_000} million pixels")
