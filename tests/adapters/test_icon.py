"""Pictures of characters: what stays as it is, what is converted, and what is refused in bounded time."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from actors.adapters.icon import BYTES_MAX, FORMATS, PIXELS_MAX, SIDES, IconError, png_of, shown_icon
from actors.roleplay import png
from tests.roleplay.test_card import END, PICTURE, chunk


def drawn(format: str, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 0).save(file, format)
    return file.getvalue()


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    return image


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF"])
def test_b32_a_picture_that_discord_shows_stays_as_it_is(format: str) -> None:
    assert shown_icon(drawn(format)) == drawn(format)


@pytest.mark.parametrize("format", ["WEBP", "AVIF", "BMP"])
def test_b32_a_picture_of_another_format_becomes_png(format: str) -> None:
    image = opened(shown_icon(drawn(format)))
    assert (image.format, image.size) == ("PNG", (6, 4))


@pytest.mark.parametrize("format", FORMATS)
def test_b32_a_card_can_be_written_into_every_picture(format: str) -> None:
    assert list(png.chunks(png_of(drawn(format))))[-1].kind == b"IEND"


@pytest.mark.parametrize("mode", ["RGBA", "L"])
def test_transparency_is_kept_where_there_is_one(mode: str) -> None:
    image = opened(shown_icon(drawn("WEBP", mode=mode)))
    assert image.mode == ("RGBA" if mode == "RGBA" else "RGB")


def test_a_moving_picture_becomes_its_first_frame() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert opened(shown_icon(file.getvalue())).getpixel((0, 0)) == (255, 0, 0)


def test_a_picture_that_a_camera_turned_stands_upright() -> None:
    file = io.BytesIO()
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (6, 4)).save(file, "WEBP", exif=turned.tobytes())
    assert opened(shown_icon(file.getvalue())).size == (4, 6)


def test_a_picture_that_is_too_large_for_discord_is_made_smaller() -> None:
    noise = Image.effect_noise((3000, 3000), 90)
    file = io.BytesIO()
    noise.save(file, "PNG")
    assert len(file.getvalue()) > BYTES_MAX // 2
    ballast = chunk(b"tEXt", b"more\0" + bytes(BYTES_MAX))
    image = opened(smaller := shown_icon(file.getvalue()[:-12] + ballast + END))
    assert max(image.size) == SIDES[1]  # noise: the larger one would not fit
    assert len(smaller) <= BYTES_MAX


def bomb(side: int) -> bytes:
    """A PNG that says how large it is, and has nothing in it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0))
    return png.SIGNATURE + header + chunk(b"IDAT", zlib.compress(bytes(64))) + END


@pytest.mark.parametrize("side", [6_400, 9_500, 14_000, 65_000])
def test_b32_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(side: int) -> None:
    assert side * side > PIXELS_MAX
    with pytest.raises(IconError, match="more than 40 million pixels"):
        shown_icon(bomb(side) + bytes(BYTES_MAX))


DAMAGED = (
    b"",
    b"GIF89a",
    b"\xff\xd8\xff\xe0",
    PICTURE[:-1],
    PICTURE[:40],
    drawn("JPEG", (64, 64))[:-40],
    drawn("WEBP")[:-4],
    drawn("AVIF")[:-9],
    b"RIFF\x04\0\0\0WEBP",
    b"<svg/>",
    drawn("TIFF"),
)


@pytest.mark.parametrize("picture", DAMAGED)
def test_b32_a_damaged_picture_is_one_clause(picture: bytes) -> None:
    with pytest.raises(IconError):
        shown_icon(picture)


def test_damaged_metadata_of_a_picture_that_can_be_drawn_is_nobodys_concern() -> None:
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\x09\0")
    assert opened(shown_icon(file.getvalue())).size == (6, 4)  # a warning would be an error here


@given(st.sampled_from(FORMATS), st.data())
def test_any_bytes_give_a_picture_or_an_icon_error(format: str, draw: st.DataObject) -> None:
    data = bytearray(drawn(format))
    for position in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=4)):
        data[position] = draw.draw(st.integers(0, 255))
    try:
        shown = shown_icon(bytes(data))
    except IconError:
        return
    assert shown == bytes(data) or shown.startswith(png.SIGNATURE)
