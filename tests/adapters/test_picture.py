"""Pictures: real PNGs, with words in them on a machine without fonts."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

import actors.adapters.picture
from actors.adapters.picture import png
from machines.diagrams.notations import MACHINES
from machines.diagrams.svg import svg

WORD = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text y="15" font-size="14">{}</text></svg>'

FONTS = Path(actors.adapters.picture.__file__).parent / "fonts"
UNMODIFIED = {
    "SourceSansPro-Regular.ttf": "b77f3a700edd0fc0dec73258f882d5c3926c77f5caf6800a201d2166568d2309",
    "SourceSansPro-Semibold.ttf": "b440fd42fd5a54e1b252731deca9cc86604bee6ffa99281f5874c3476eb17eae",
}
"""Of the release that Adobe made: the licence reserves the font's name for it."""


def colours(picture: bytes) -> set[tuple[int, ...]]:
    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    return {colour for _, colour in image.getcolors(1 << 24) or []}  # type: ignore[misc]


def test_words_are_drawn_with_the_font_that_comes_along() -> None:
    assert len(colours(png(WORD.format("Sending")))) > 5
    assert len(colours(png(WORD.format(" ")))) == 1


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_becomes_a_picture_of_the_width_asked_for(name: str) -> None:
    picture = Image.open(io.BytesIO(png(svg(MACHINES[name], theme="dark"), width=800)))
    assert (picture.format, picture.width) == ("PNG", 800)


def test_what_is_no_svg_is_refused() -> None:
    with pytest.raises(ValueError, match="token"):
        png("not a picture")


def test_the_fonts_are_as_adobe_released_them_and_their_licence_lies_beside_them() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FONTS.glob("*.ttf")}
    assert found == UNMODIFIED
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text(encoding="ascii")
