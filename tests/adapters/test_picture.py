"""Pictures: real PNGs, with words in them on a machine without fonts."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from actors.adapters.picture import png
from machines.diagram import MACHINES
from machines.svg import svg

WORD = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text y="15" font-size="14">{}</text></svg>'


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
