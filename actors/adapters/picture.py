"""SVG to PNG, with a font of its own: the picture is the same on a machine that has none."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import resvg_py

FAMILY: Final = "Source Sans Pro"
_FILES: Final = ("SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf")

SHARPNESS: Final = 2.0
"""Pixels of a picture for one of the SVG: enough for sharp screens."""


def picture(svg: str) -> bytes:
    """Draw `svg` at twice its own size; as `png` else."""
    return png(svg, zoom=SHARPNESS)


def png(svg: str, *, width: int | None = None, zoom: float | None = None) -> bytes:
    """Draw `svg` at `width` pixels, or `zoom` times its own size. Takes about 0.1 s: keep it off the loop.

    The SVG must have a fixed theme: the renderer knows neither CSS variables nor media queries.
    Raises ValueError for what is no SVG.
    """
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            width=width,
            zoom=zoom,
            skip_system_fonts=True,
            font_files=[str(path) for path in _fonts()],
            font_family=FAMILY,
            sans_serif_family=FAMILY,
        )
    )


def _fonts() -> tuple[Path, ...]:
    # Found, not imported: the package is only its files.
    spec = find_spec("font_source_sans_pro")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("font-source-sans-pro is not installed", name="font_source_sans_pro")
    folder = Path(spec.submodule_search_locations[0]) / "files"
    return tuple(folder / name for name in _FILES)
