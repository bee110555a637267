"""Convert SVG to PNG with the fonts in `fonts/`, so that a picture looks the same on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import resvg_py

FAMILY: Final = "Source Sans Pro"
_FOLDER: Final = Path(__file__).parent / "fonts"
_FONTS: Final = [str(_FOLDER / name) for name in ("SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf")]

SHARPNESS: Final = 2.0
"""Pixels of the picture for each pixel of the SVG: enough for high-resolution screens."""


def picture(svg: str) -> bytes:
    """Draw `svg` at SHARPNESS times its own size; see `png`."""
    return png(svg, zoom=SHARPNESS)


def png(svg: str, *, width: int | None = None, zoom: float | None = None) -> bytes:
    """Draw `svg` at `width` pixels, or `zoom` times its own size. Takes about 0.1 s: call it in a thread.

    The SVG must have a fixed theme: the renderer knows neither CSS variables nor media queries.
    Raises ValueError if `svg` is not an SVG.
    """
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            width=width,
            zoom=zoom,
            skip_system_fonts=True,
            font_files=_FONTS,
            font_family=FAMILY,
            sans_serif_family=FAMILY,
        )
    )
