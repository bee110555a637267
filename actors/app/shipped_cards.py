"""Builds the shipped character cards from their sources: NAME.json and NAME.svg make NAME.png.

    python -m actors.app.shipped_cards       run it after changing a source; a test compares the files

The wheel contains only the PNG files.
"""

from importlib.resources import files
from pathlib import Path

import resvg_py

from actors.roleplay.card_writing import write_png

CARDS = Path(str(files("actors.app"))) / "cards"
SOURCES = CARDS / "sources"
PICTURE_PIXELS = 384  # sharp on a page and in a profile; Discord shows avatars at 128 or less


def picture(svg: str) -> bytes:
    """Return the SVG as a square PNG, without the fonts of this machine."""
    return resvg_py.svg_to_bytes(svg_string=svg, width=PICTURE_PIXELS, skip_system_fonts=True)


def build(source: Path) -> bytes:
    """Return a PNG card from NAME.json and the picture NAME.svg in the same folder."""
    svg = source.with_suffix(".svg").read_text(encoding="utf-8")
    return write_png(source.read_text(encoding="utf-8"), picture(svg))


def main() -> None:
    """Rebuild every shipped card."""
    for source in sorted(SOURCES.glob("*.json")):
        (CARDS / source.name).with_suffix(".png").write_bytes(build(source))


if __name__ == "__main__":
    main()
