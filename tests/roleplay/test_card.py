"""Character cards: every version and container, everything that can be wrong, and the way back into a PNG."""

import base64
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import tavern_card
from forge.helper import extract_card_data  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay import png
from actors.roleplay.card import FILE_BYTES_MAX, Card, CardError, read_card
from actors.roleplay.card_fields import FIELD_BYTES_MAX, JSON_BYTES_MAX, LIST_ITEMS_MAX
from actors.roleplay.card_writing import write_png
from actors.roleplay.examples import ExampleLine, examples

FIELDS: dict[str, Any] = {
    "name": "Maren",
    "nickname": "Mar",
    "description": "Keeps the light. 🌊",
    "personality": "dry",
    "scenario": "a storm",
    "first_mes": "Wipe your feet.",
    "mes_example": "<START>\n{{user}}: Hi\n{{char}}: Aye.",
    "system_prompt": "{{original}} Be brief.",
    "post_history_instructions": "Stay dry.",
    "alternate_greetings": ["Up here!"],
    "group_only_greetings": ["All of you: feet."],
    "creator": "Ensemble",
    "creator_notes": "notes",
    "character_version": "1.0",
    "tags": ["sea", "drama"],
    "extensions": {"talkativeness": "0.3", "someone/else": {"kept": [1, 2]}},
    "character_book": {"entries": [{"keys": ["lamp"], "content": "It is hot."}], "extensions": {}},
}
ONLY_EXPORTED = ("creator_notes", "character_version")
V3 = {"spec": "chara_card_v3", "spec_version": "3.0", "data": FIELDS}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0))
PIXELS = chunk(b"IDAT", zlib.compress(bytes(5)))
END = chunk(b"IEND", b"")
PICTURE = png.SIGNATURE + HEADER + PIXELS + END


def packed(value: object) -> bytes:
    return base64.b64encode(json.dumps(value).encode())


def text_chunk(kind: str, keyword: bytes, text: bytes) -> bytes:
    between = {"tEXt": b"", "zTXt": b"\0", "iTXt": b"\0\0en\0\0", "iTXt deflated": b"\1\0\0\0"}[kind]
    body = text if kind in ("tEXt", "iTXt") else zlib.compress(text)
    return chunk(kind[:4].encode(), keyword + b"\0" + between + body)


def png_with(*texts: bytes) -> bytes:
    return png.SIGNATURE + HEADER + b"".join(texts) + PIXELS + END


def charx_with(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def assert_is_maren(card: Card) -> None:
    assert card.spoken_name == "Mar"
    assert card.alternate_greetings == ("Up here!",)
    assert card.group_only_greetings == ("All of you: feet.",)
    assert card.tags == ("sea", "drama")
    assert card.talkativeness == 0.3
    texts = {key: value for key, value in FIELDS.items() if isinstance(value, str) and key not in ONLY_EXPORTED}
    assert {key: getattr(card, key) for key in texts} == texts


# What is read


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt deflated"])
@pytest.mark.parametrize("keyword", [b"chara", b"Chara", b"CCV3"])
def test_a_card_is_read_from_every_text_chunk(kind: str, keyword: bytes) -> None:
    card, picture = read_card(png_with(text_chunk(kind, keyword, packed(V3))))
    assert_is_maren(card)
    assert picture == PICTURE


@pytest.mark.parametrize("data", [as_json(V3), b"\xef\xbb\xbf" + as_json(V3), as_json(FIELDS)])
def test_a_card_is_read_from_json(data: bytes) -> None:
    card, picture = read_card(data)
    assert_is_maren(card)
    assert picture is None
    assert json.loads(card.raw) == json.loads(data.decode("utf-8-sig"))


def test_the_v3_chunk_wins() -> None:
    old = {"name": "Old"}
    card, _ = read_card(png_with(text_chunk("tEXt", b"chara", packed(old)), text_chunk("tEXt", b"ccv3", packed(V3))))
    assert card.name == "Maren"


def test_json_without_base64_in_a_chunk_is_read() -> None:
    assert read_card(png_with(text_chunk("tEXt", b"chara", as_json(V3))))[0].name == "Maren"


def test_the_oldest_field_names_are_read() -> None:
    card, _ = read_card(as_json({"char_name": "Maren", "char_persona": "dry", "char_greeting": "Feet."}))
    assert (card.name, card.description, card.first_mes) == ("Maren", "dry", "Feet.")


def test_absent_and_null_fields_are_empty() -> None:
    card, _ = read_card(as_json({"name": " Maren ", "scenario": None, "tags": None}))
    assert (card.name, card.scenario, card.tags) == ("Maren", "", ())
    assert card.talkativeness is None


def test_characters_that_no_database_takes_are_left_out() -> None:
    card, _ = read_card(rb'{"name": "Ma\u0000r\ud83cen", "first_mes": "\ud83c\udf0a"}')
    assert (card.name, card.first_mes) == ("Maren", "🌊")


@pytest.mark.parametrize("talkativeness", ["nan", "2", -1, True, None, "often", 10**400])
def test_an_unreadable_talkativeness_is_none(talkativeness: object) -> None:
    card, _ = read_card(as_json({"name": "Maren", "extensions": {"talkativeness": talkativeness}}))
    assert card.talkativeness is None


def assets(*uris: str) -> list[dict[str, str]]:
    names = ["other", "main"]
    return [{"type": "icon", "uri": uri, "name": name, "ext": "png"} for uri, name in zip(uris, names, strict=False)]


@pytest.mark.parametrize("scheme", ["embeded", "embedded"])
@pytest.mark.parametrize("before", [b"", b"\xff\xd8\xff a JPEG"])
def test_a_charx_gives_its_main_icon(scheme: str, before: bytes) -> None:
    data = FIELDS | {"assets": assets("https://example.org/a.png", f"{scheme}://assets/icon/images/m.png")}
    members = {"card.json": as_json(V3 | {"data": data}), "assets/icon/images/m.png": PICTURE}
    card, picture = read_card(before + charx_with(members))
    assert_is_maren(card)
    assert picture == PICTURE


@pytest.mark.parametrize("uri", ["embeded://absent.png", "https://example.org/a.png", "ccdefault:", "data:,%"])
def test_a_card_whose_icon_is_not_in_the_file_has_no_picture(uri: str) -> None:
    data = FIELDS | {"assets": assets(uri)}
    assert read_card(charx_with({"card.json": as_json(V3 | {"data": data})}))[1] is None


def test_an_icon_in_the_json_itself_is_given() -> None:
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    assert read_card(as_json(V3 | {"data": FIELDS | {"assets": assets(uri)}}))[1] == PICTURE


@pytest.mark.parametrize("letter", ["x", "ö", "嵐", "🌊"])
def test_b28_of_a_text_that_is_too_long_whole_letters_are_used(letter: str) -> None:
    card, _ = read_card(as_json({"name": "M", "scenario": letter * 150_000, "first_mes": letter * 150_000}))
    for text in (card.scenario, card.first_mes):
        assert set(text) == {letter}
        assert FIELD_BYTES_MAX - 4 < len(text.encode()) <= FIELD_BYTES_MAX


def test_b28_of_lists_that_are_too_long_the_beginning_is_used() -> None:
    card, _ = read_card(as_json({"name": "M", "tags": [*map(str, range(LIST_ITEMS_MAX + 5))]}))
    assert card.tags == tuple(map(str, range(LIST_ITEMS_MAX)))


@given(
    st.dictionaries(
        st.sampled_from([*FIELDS, "assets"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=8,
        ),
    )
)
def test_b28_no_type_of_any_field_keeps_a_named_card_out_and_its_json_is_kept(fields: dict[str, Any]) -> None:
    whole = {"spec": "chara_card_v2", "spec_version": "2.0", "data": fields | {"name": "Maren"}}
    card, _ = read_card(as_json(whole))
    assert card.name == "Maren"
    assert json.loads(card.raw) == whole


# What is refused

BOMB = zlib.compress(bytes(50_000_000))
DEEP = b'{"name":' + b"[" * 200_000


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (b"", "neither a PNG"),
        (b"hello", "neither a PNG"),
        (DEEP, "neither a PNG"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"name": "\xc3\x28"}', "not UTF-8"),
        (b"[]", "not an object"),
        (b"{}", "nothing about a character"),
        (b'{"name": " \\u0000"}', "no name"),
        (b'{"name": {"a": 1}}', "nothing about a character"),
        (b" " * (JSON_BYTES_MAX + 1), "JSON is larger than 4 MB"),
        (b" " * (FILE_BYTES_MAX + 1), "larger than 32 MB"),
        (PICTURE, "no 'chara' text in the PNG"),
        (PICTURE[:-1], "cut short"),
        (PICTURE[:20], "cut short"),
        (png.SIGNATURE, "cut short"),
        (png.SIGNATURE + PIXELS, "does not begin"),
        (PICTURE.replace(b"IDAT", b"IDAX"), "checksum"),
        (png_with(text_chunk("tEXt", b"chara", b"%%%%")), "base64"),
        (png_with(text_chunk("tEXt", b"chara", b"e30")), "nothing about a character"),
        (png_with(chunk(b"zTXt", b"chara\0\0" + BOMB)), "larger than"),
        (png_with(chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"{}")[:-5])), "compressed text"),
        (png_with(chunk(b"zTXt", b"chara\0\0no zlib")), "compressed text"),
        (png_with(chunk(b"iTXt", b"chara\0")), "valid JSON"),
        (charx_with({"other.json": b"{}"}), "no 'card.json'"),
        (charx_with({"card.json": as_json(V3)})[:-30], "damaged"),
        (charx_with({"card.json": bytes(JSON_BYTES_MAX + 1)}), "larger than"),
    ],
)
def test_a_broken_card_is_one_clear_sentence(data: bytes, clause: str) -> None:
    with pytest.raises(CardError) as caught:
        read_card(data, "maren.png")
    message = str(caught.value)
    assert message.startswith("maren.png is not a Tavern card: ")
    assert clause in message
    assert "\n" not in message


WHOLE = {
    "json": as_json(V3),
    "png": png_with(text_chunk("zTXt", b"chara", packed(V3))),
    "charx": charx_with({"card.json": as_json(V3), "m.png": PICTURE}),
}


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_damaged_bytes_give_a_card_or_a_card_error(kind: str, draw: st.DataObject) -> None:
    data = bytearray(WHOLE[kind])
    for position in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=4)):
        data[position] = draw.draw(st.integers(0, 255))
    start, end = (draw.draw(st.integers(0, len(data))) for _ in range(2))
    del data[start : draw.draw(st.sampled_from([start, end]))]
    try:
        card, _ = read_card(bytes(data))
    except CardError:
        return
    assert card.name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([*FIELDS, "spec", "data", "assets", "type", "uri"])
CARDS = st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON)).map(as_json)


@given(CARDS | st.binary() | st.binary().map(png.SIGNATURE.__add__) | st.binary().map(b"PK\x03\x04".__add__))
def test_any_bytes_give_a_card_or_a_card_error(data: bytes) -> None:
    try:
        card, _ = read_card(data)
    except CardError:
        return
    assert card.name


@given(CARDS | st.text().map(str.encode))
def test_any_readable_json_can_be_written_and_nothing_but_a_card_error_escapes(data: bytes) -> None:
    try:
        written = write_png(data.decode(), PICTURE)
    except CardError:
        return
    assert read_card(written)[0].name == read_card(data)[0].name


# What is written


def test_a_written_card_replaces_every_older_one() -> None:
    stale = png_with(
        text_chunk("iTXt", b"CHARA", packed({"name": "Old"})),
        text_chunk("tEXt", b"ccv3", packed({"name": "Older"})),
        text_chunk("tEXt", b"chara-ext-asset_:0", b"AAAA"),
        text_chunk("tEXt", b"Software", b"resvg"),
    )
    written = write_png(json.dumps(V3), stale)
    assert [png.keyword(c) for c in png.chunks(written) if png.keyword(c)] == ["software", "chara", "ccv3"]
    card, picture = read_card(written)
    assert_is_maren(card)
    assert picture == png_with(text_chunk("tEXt", b"Software", b"resvg"))


def test_unknown_fields_and_the_lorebook_survive() -> None:
    raw = json.dumps(V3 | {"create_date": "today"})
    card, _ = read_card(write_png(raw, PICTURE))
    assert json.loads(card.raw) == V3 | {"create_date": "today"}


def test_a_v1_card_is_written_as_v2_and_v3() -> None:
    card, _ = read_card(write_png('{"name": "Maren", "mood": "grim"}', PICTURE))
    whole = json.loads(card.raw)
    assert whole["spec"] == "chara_card_v3"
    assert whole["data"]["mood"] == "grim"
    assert whole["data"]["alternate_greetings"] == []


def test_a_picture_that_is_no_png_is_refused() -> None:
    with pytest.raises(CardError, match="Give a PNG picture"):
        write_png(json.dumps(V3), b"\xff\xd8\xff")


# Other programs agree. tavern-card does not know nickname and group greetings; card-forge knows them.


def test_tavern_card_reads_what_is_written() -> None:
    theirs = tavern_card.parse_png_card(write_png(json.dumps(V3), PICTURE))["data"]
    assert theirs == {key: FIELDS[key] for key in theirs}


def test_what_tavern_card_writes_is_read() -> None:
    card, _ = read_card(tavern_card.write_png_card(V3))
    assert_is_maren(card)


def test_card_forge_reads_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "maren.png"
    entry = {"keys": ["lamp"], "content": "hot", "insertion_order": 1}
    data = FIELDS | {"character_book": {"entries": [entry], "extensions": {}}}
    file.write_bytes(write_png(json.dumps(V3 | {"data": data}), PICTURE))
    theirs = extract_card_data(str(file))
    assert theirs is not None
    shared = [key for key in FIELDS if key != "character_book"]
    assert theirs.data.model_dump(include=set(shared)) == {key: FIELDS[key] for key in shared}


# Example dialogues


def dialogues(mes_example: str) -> tuple[tuple[ExampleLine, ...], ...]:
    return examples(read_card(as_json(FIELDS | {"mes_example": mes_example}))[0])


def test_example_dialogues_are_told_apart_by_block_and_speaker() -> None:
    text = "<START>\n{{user}}: Hi\n{{char}}: Aye.\n\nSo it is.\n<start>\nMaren: Feet!\nMar: Now.\n<USER>:Why?"
    assert dialogues(text) == (
        (ExampleLine(False, "Hi"), ExampleLine(True, "Aye.\n\nSo it is.")),
        (ExampleLine(True, "Feet!"), ExampleLine(True, "Now."), ExampleLine(False, "Why?")),
    )


def test_an_example_without_a_speaker_is_the_characters() -> None:
    assert dialogues("She nods.") == ((ExampleLine(True, "She nods."),),)


@pytest.mark.parametrize("text", ["", "<START>\n<START>", "{{char}}:\n{{user}}: "])
def test_empty_examples_are_left_out(text: str) -> None:
    assert dialogues(text) == ()
