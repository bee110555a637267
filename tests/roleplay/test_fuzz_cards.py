"""Card files that are bombs: each is a card or one CardError, within seconds and a bounded memory."""

import base64
import io
import json
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay import charx, png
from actors.roleplay.card import FILE_BYTES_MAX, CardError, read_card, read_card_file
from actors.roleplay.card_writing import write_png
from tests.pace import pace_s
from tests.roleplay.hostile import TEXTS
from tests.roleplay.test_card import END, FIELDS, HEADER, PICTURE, PIXELS, V3, as_json, charx_with, chunk, packed

PACES_MAX = 120
"""Three seconds where it was chosen."""
BYTES_MAX = 100 * 1024 * 1024  # ten times the largest file
NOTHING = zlib.compress(bytes(64 * 1024 * 1024), 9)  # 64 KB that inflate to 64 MB


def png_of(*chunks: bytes) -> bytes:
    return png.SIGNATURE + HEADER + b"".join(chunks) + PIXELS + END


def text_of(body: bytes, kind: bytes = b"tEXt", keyword: bytes = b"chara") -> bytes:
    return chunk(kind, keyword + b"\0" + body)


def named(name: object) -> bytes:
    return packed({"data": {"name": name}})


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for path, content in members:
            archive.writestr(path, content)
    return file.getvalue()


def symlinked() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("card.json")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def patched(data: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(mark) + offset
    return data[:at] + value + data[at + len(value) :]


CHARX = charx_with({"card.json": as_json(V3)})
DEEP = 200_000

BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a file of 33 MB": (lambda: bytes(33 * 1024 * 1024), "it is larger than 32 MB"),
    "a tEXt of 9 MB": (lambda: png_of(text_of(b"A" * 9 * 1024**2)), "larger than"),
    "an iTXt of 9 MB": (lambda: png_of(text_of(b"\0\0\0\0" + b"A" * 9 * 1024**2, b"iTXt")), "larger than"),
    "a zTXt that inflates to 64 MB": (lambda: png_of(text_of(b"\0" + NOTHING, b"zTXt")), "larger than"),
    "an iTXt that inflates to 64 MB": (lambda: png_of(text_of(b"\1\0\0\0" + NOTHING, b"iTXt")), "larger than"),
    "a keyword of 9 MB": (lambda: png_of(chunk(b"tEXt", b"k" * 9 * 1024**2)), "no 'chara' text"),
    "800,000 empty chunks": (lambda: png_of(chunk(b"tEXt", b"") * 800_000), "more than 20,000 chunks"),
    "a wrong checksum": (lambda: png_of(text_of(named("x"))[:-1] + b"\xee"), "checksum"),
    "a chunk longer than the file": (lambda: png.SIGNATURE + HEADER + b"\xff\xff\xff\xfftEXt", "cut short"),
    "a PNG without its end": (lambda: png.SIGNATURE + HEADER + text_of(named("x")), "cut short"),
    "base64 of 64 MB of zeros": (
        lambda: png_of(text_of(b"\0" + zlib.compress(b"A" * 64 * 1024**2), b"zTXt")),
        "larger",
    ),
    "lists in lists": (lambda: b"[" * DEEP, "valid JSON"),
    "objects in objects": (lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP, "valid JSON"),
    "a closed tower of lists": (lambda: b'{"name":' + b"[" * DEEP + b"]" * DEEP + b"}", "valid JSON"),
    "a number of a million digits": (lambda: b'{"name":"x","talkativeness":' + b"9" * 1_000_000 + b"}", "valid JSON"),
    "JSON of 5 MB": (lambda: as_json({"name": "x", "more": "x" * 5 * 1024**2}), "its JSON is larger than 4 MB"),
    "a name that is no text": (lambda: as_json({"name": {"a": 1}}), "nothing about a character"),
    "a name of half a character": (lambda: b'{"name": "\\ud800"}', "no name"),
    "a zip that inflates to 64 MB": (lambda: zipped(("card.json", bytes(64 * 1024**2))), "larger than"),
    "a zip of 60,000 files": (lambda: zipped(*((f"{n}", b"") for n in range(60_000))), "more than 2,000 files"),
    "a zip within zips": (lambda: zipped(("card.json", zipped(("card.json", as_json(V3))))), "not UTF-8"),
    "a path upwards": (lambda: zipped(("../card.json", as_json(V3))), "no 'card.json'"),
    "a nested path": (lambda: zipped(("a/b/card.json", as_json(V3))), "no 'card.json'"),
    "a link instead of a file": (symlinked, "valid JSON"),
    "a folder instead of a file": (lambda: zipped(("card.json/", b"")), "no 'card.json'"),
    "bzip2": (lambda: zipped(("card.json", b"{}"), method=zipfile.ZIP_BZIP2), "unusual way"),
    "lzma": (lambda: zipped(("card.json", b"{}"), method=zipfile.ZIP_LZMA), "unusual way"),
    "an encrypted member": (lambda: patched(CHARX, b"PK\x01\x02", 8, b"\1\0"), "damaged or encrypted"),
    "a size that lies": (lambda: patched(CHARX, b"PK\x01\x02", 24, struct.pack("<I", 3)), "archive"),
    "an offset that lies": (lambda: patched(CHARX, b"PK\x01\x02", 42, b"\xff\xff\xff\x7f"), "archive"),
    "a list that overlaps": (lambda: patched(CHARX, b"PK\x05\x06", 12, b"\xff\xff\xff\x7f"), "archive"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_clear_sentence_in_seconds_and_a_bounded_memory(name: str) -> None:
    make, clause = BOMBS[name]
    data = make()
    tracemalloc.start()
    try:
        began = time.process_time()
        with pytest.raises(CardError) as caught:
            read_card(data, "x.png")
        spent_s, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert clause in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert spent_s < PACES_MAX * pace_s()
    assert peak < BYTES_MAX


def test_of_duplicate_chunks_the_first_counts() -> None:
    card, _ = read_card(png_of(text_of(named("First")), text_of(named("Second")), text_of(b"%%%", keyword=b"chara")))
    assert card.name == "First"


def test_an_icon_that_is_a_bomb_leaves_the_card_without_a_picture() -> None:
    assets = [{"type": "icon", "name": "main", "uri": "embeded://icon.png"}]
    data = zipped(("card.json", as_json({"data": {"name": "x", "assets": assets}})), ("icon.png", bytes(64 * 1024**2)))
    assert read_card(data)[1] is None


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "card.json\0.png", "C:\\x"])
def test_an_icons_path_never_leaves_the_archive(path: str) -> None:
    assets = [{"type": "icon", "name": "main", "uri": f"embeded://{path}"}]
    assert read_card(zipped(("card.json", as_json({"data": {"name": "x", "assets": assets}}))))[1] is None


def test_a_card_with_a_number_too_large_is_never_written_as_infinity() -> None:
    card, _ = read_card(write_png('{"name": "x", "more": [1e999, -1e999, NaN, 1.5]}', PICTURE))
    assert json.loads(card.raw, parse_constant=pytest.fail)["data"]["more"] == [None, None, None, 1.5]


def test_a_file_with_a_hostile_name_is_named_on_one_line() -> None:
    with pytest.raises(CardError) as caught:
        read_card(b"", "\x1b[31mx\n@everyone" + "y" * 5000)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


class Counting(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def test_b33_of_a_large_archive_only_its_list_the_card_and_the_icon_are_read() -> None:
    assets = [{"type": "icon", "name": "main", "uri": "embeded://icon.png"}]
    card = as_json({"data": {"name": "x", "assets": assets}})
    ballast = [(f"{number}.bin", bytes(1_000_000)) for number in range(40)]
    file = Counting(zipped(("card.json", card), *ballast, ("icon.png", PICTURE), method=zipfile.ZIP_STORED))
    found = read_card_file(file)
    assert (found.card.name, found.picture, found.doubts[:-1]) == ("x", PICTURE, ())
    assert file.getbuffer().nbytes > 40_000_000
    assert file.count < 1_000_000


# ── any bytes ───────────────────────────────────────────────────────────────────────────────────────

KINDS = st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"IHDR", b"IDAT", b"IEND", b"tIME", b"\0\0\0\0"])
KEYWORDS = st.sampled_from([b"chara", b"ccv3", b"CHARA", b"", b"chara-ext-asset_:x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=6,
)
CARDS = st.dictionaries(st.sampled_from([*FIELDS, "data", "spec", "assets"]), JSON)
WHOLE = st.builds(lambda fields: {"data": {**fields, "name": "x"}}, CARDS) | CARDS
BODIES = st.one_of(
    st.binary(max_size=60),
    WHOLE.map(packed),
    WHOLE.map(packed).map(zlib.compress).map(b"\0".__add__),
    WHOLE.map(packed).map(b"\0\0\0\0".__add__),
    WHOLE.map(as_json),
)
CHUNKS = st.builds(lambda kind, key, body: chunk(kind, key + b"\0" + body), KINDS, KEYWORDS, BODIES)
PNGS = st.lists(CHUNKS, max_size=6).map(lambda chunks: png_of(*chunks))
MEMBERS = st.tuples(st.sampled_from(["card.json", "../card.json", "icon.png", "a/b"]), BODIES | WHOLE.map(as_json))
CHARXES = st.dictionaries(MEMBERS.map(lambda m: m[0]), BODIES | WHOLE.map(as_json), max_size=3).map(charx_with)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file that was nearly right, with some bytes changed, taken out or doubled."""
    data = bytearray(draw(PNGS | CHARXES | WHOLE.map(as_json)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        data[start:end] = draw(
            st.sampled_from([b"", b"\xff\xff\xff\xff", b"\0", bytes(data[start:end]) * 2, b"PK\x01\x02"])
        )
    return bytes(data)


@given(damaged())
def test_any_file_is_a_card_or_a_card_error(data: bytes) -> None:
    try:
        card, picture = read_card(data, "x.png")
    except CardError:
        return
    assert card.name.strip()
    assert picture is None or len(picture) <= FILE_BYTES_MAX
    assert "\0" not in card.name
    assert card.raw.encode()


@given(damaged())
def test_a_card_that_was_read_is_the_same_when_it_is_written_and_read_again(data: bytes) -> None:
    try:
        card, _ = read_card(data)
    except CardError:
        return
    again, _ = read_card(write_png(card.raw, PICTURE))
    assert json.loads(again.raw)["data"]["name"].strip()
    assert (again.name, again.description, again.tags) == (card.name, card.description, card.tags)


@given(st.binary(max_size=200), st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"PK\x01\x02", b"\xff\xd8\xff"]))
def test_any_archive_gives_a_member_or_a_charx_error(data: bytes, start: bytes) -> None:
    try:
        member = charx.member(io.BytesIO(start + data), "card.json", bytes_max=1000)
    except charx.CharxError:
        return
    assert len(member) <= 1000


def test_base64_with_text_behind_its_end_is_refused() -> None:
    with pytest.raises(CardError, match="base64"):
        read_card(png_of(text_of(base64.b64encode(b'{"name": "x"}') + b"====x")))
