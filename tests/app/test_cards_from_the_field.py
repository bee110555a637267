"""`character import` of cards and files as people have them: what is doubted, what is refused, and in which words."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from actors.adapters.store import open_store
from actors.app.cli import app
from actors.roleplay.model import Character
from tests.roleplay.test_card import PICTURE, as_json, packed, png_with, text_chunk


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["character", *arguments])


@dataclass(frozen=True)
class Done:
    exit_code: int
    stdout: str
    """Without its last line, which says into which database."""
    stderr: str


def imported(content: bytes, filename: str = "ada.json", *options: str) -> Done:
    Path(filename).write_bytes(content)
    done = invoke("import", filename, *options)
    *lines, last = done.stdout.splitlines(keepends=True)
    assert last.startswith("This is the bot's database, ")
    return Done(done.exit_code, "".join(lines), done.stderr)


def names() -> list[str]:
    """Who is there beside the three that are shipped."""
    rows = invoke("list").stdout.splitlines()
    return [row.rpartition(": ")[0] for row in rows if row.partition(":")[0] not in ("Maren", "Fitch", "Oriel")]


def v2(**fields: object) -> bytes:
    return as_json(
        {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Ada", "description": "d"} | fields}
    )


def exported(name: str) -> dict[str, Any]:
    assert invoke("export", name, "out.json", "--force").exit_code == 0
    whole: dict[str, Any] = json.loads(Path("out.json").read_text(encoding="utf-8"))
    return whole


def drawn(format: str, size: tuple[int, int] = (8, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, format)
    return file.getvalue()


def charx(picture: bytes, ending: str, more: dict[str, bytes] | None = None) -> bytes:
    path = f"assets/icon/image/main.{ending}"
    icon = {"type": "icon", "name": "main", "ext": ending, "uri": f"embeded://{path}"}
    card = {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "data": {"name": "Ada", "description": "d", "assets": [icon]},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {"card.json": as_json(card), path: picture, **(more or {})}.items():
            archive.writestr(name, content)
    return file.getvalue()


ODD: dict[str, tuple[object, str]] = {
    "tags as text": ({"tags": "a, b"}, "its 'tags' is text, not a list: split at its commas"),
    "tags of numbers": ({"tags": [1]}, "its 'tags' has numbers in it: taken as they are written"),
    "tags as an object": ({"tags": {"a": 1}}, "its 'tags' is an object, not a list: left out"),
    "too many tags": ({"tags": ["t"] * 201}, "its 'tags' has more than 200 entries: the others were left out"),
    "a greeting as text": (
        {"alternate_greetings": "1687194031049"},
        "its 'alternate_greetings' is text, not a list: taken as one entry",
    ),
    "a greeting that is null": (
        {"alternate_greetings": [None, "hi"]},
        "its 'alternate_greetings' has 1 of 2 entries that are no text: left out",
    ),
    "group greetings as a number": (
        {"group_only_greetings": 5},
        "its 'group_only_greetings' is a number, not a list: left out",
    ),
    "a creator that is a number": ({"creator": 123}, "its 'creator' is a number, not text: taken as it is written"),
    "notes as an object": ({"creator_notes": {"en": "x"}}, "its 'creator_notes' is an object, not text: left out"),
    "a scenario of 150 KB": (
        {"scenario": "x" * 150_000},
        "its 'scenario' is larger than 100 KB: only its beginning is used",
    ),
    "a personality as a list": (
        {"personality": ["dry", "kind"]},
        "its 'personality' is a list, not text: its entries were joined",
    ),
    "a nickname that is true": ({"nickname": True}, "its 'nickname' is true or false, not text: left out"),
    "a version as a list": ({"character_version": [1]}, "its 'character_version' is a list, not text: left out"),
    "extensions as text": ({"extensions": "x"}, "its 'extensions' is text, not an object: left out"),
    "a lorebook as a list": ({"character_book": []}, "its 'character_book' is a list, not an object: left out"),
    "assets as an object": ({"assets": {}}, "its 'assets' is an object, not a list: left out"),
    "talkativeness in words": (
        {"extensions": {"talkativeness": "often"}},
        "its 'talkativeness' is not a number from 0 to 1: left out",
    ),
}


class TestB28OddTypes:
    @pytest.mark.parametrize("what", ODD)
    def test_b28_an_odd_type_in_a_field_is_a_doubt_and_an_export_gives_it_back(self, what: str) -> None:
        fields, doubt = ODD[what]
        assert isinstance(fields, dict)
        done = imported(v2(**fields))
        assert (done.exit_code, done.stdout) == (0, "Imported Ada (ada.json)\n"), done.stderr
        assert done.stderr == f"ensemble: ada.json: {doubt}\n"
        assert exported("Ada")["data"] == {"name": "Ada", "description": "d"} | fields
        assert invoke("show", "Ada").exit_code == 0

    @pytest.mark.parametrize("fields", [{"character_book": None, "extensions": None, "tags": None}, {"tags": []}])
    def test_b29_fields_that_are_null_or_empty_raise_no_doubt(self, fields: dict[str, object]) -> None:
        assert imported(v2(**fields)).stderr == ""

    def test_b28_a_name_that_is_a_number_is_that_number(self) -> None:
        assert imported(v2(name=47)).stdout == "Imported 47 (ada.json)\n"

    def test_b28_nan_is_empty_and_the_export_is_json(self) -> None:
        done = imported(b'{"name": "Ada", "description": "d", "x": [NaN, 1e999]}')
        assert done.stderr == "ensemble: ada.json: it holds NaN or a number too large to be kept: these are empty now\n"
        assert exported("Ada")["x"] == [None, None]

    @pytest.mark.parametrize(
        "content", [b"{}", b'{"spec": "chara_card_v2", "data": {}}', b'{"name": [], "tags": ["a"]}']
    )
    def test_b28_what_says_nothing_about_a_character_is_refused(self, content: bytes) -> None:
        done = imported(content)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "it holds nothing about a character, not even a name." in done.stderr


def two_cards(ccv3: bytes, chara: bytes) -> bytes:
    return png_with(text_chunk("tEXt", b"ccv3", ccv3), text_chunk("tEXt", b"chara", chara))


def named(name: str, **fields: object) -> dict[str, object]:
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": name, "description": "d"} | fields}


class TestB31TwoCards:
    def test_b31_of_two_cards_that_differ_the_one_that_was_changed_is_taken_and_both_are_named(self) -> None:
        done = imported(two_cards(packed(named("Old")), packed(named("New"))), "a.png")
        assert done.stdout == "Imported New (a.png)\n"
        assert "it holds two cards, which differ in name: 'New' in its 'chara' text was taken, 'Old'" in done.stderr

    @pytest.mark.parametrize(
        "ccv3", [b"", b"%%%%", packed([]), packed({}), base64.b64encode(b"{"), packed({"entries": {}})]
    )
    def test_b31_a_damaged_text_beside_a_good_one_is_a_doubt(self, ccv3: bytes) -> None:
        done = imported(two_cards(ccv3, packed(named("New"))), "a.png")
        assert done.stdout == "Imported New (a.png)\n"
        assert "its 'ccv3' text cannot be used (" in done.stderr
        assert "'New' in its 'chara' text was taken" in done.stderr

    def test_b31_a_damaged_older_text_beside_a_good_newer_one_is_a_doubt(self) -> None:
        done = imported(two_cards(packed(named("New")), b"%%%%"), "a.png")
        assert done.stdout == "Imported New (a.png)\n"
        assert "its 'chara' text cannot be used (its base64 text is damaged): 'New' in its 'ccv3' text" in done.stderr

    def test_b31_a_text_with_a_wrong_checksum_damages_only_itself(self) -> None:
        broken = bytearray(text_chunk("tEXt", b"ccv3", packed(named("Old"))))
        broken[-1] ^= 1
        done = imported(png_with(bytes(broken), text_chunk("tEXt", b"chara", packed(named("New")))), "a.png")
        assert done.stdout == "Imported New (a.png)\n"
        assert "its 'ccv3' text cannot be used (a checksum in the PNG is wrong)" in done.stderr

    def test_b31_two_cards_that_say_the_same_raise_no_doubt_and_the_newer_form_is_kept(self) -> None:
        done = imported(two_cards(packed(named("Ada", nickname="A", scenario=None)), packed(named("Ada"))), "a.png")
        assert (done.stdout, done.stderr) == ("Imported Ada (a.png)\n", "")
        assert exported("Ada")["data"]["nickname"] == "A"

    def test_b31_an_older_text_that_is_only_a_stub_is_not_taken(self) -> None:
        stub = {"spec": "chara_card_v2", "data": {"name": "New", "first_mes": "Get a program that knows V3."}}
        done = imported(two_cards(packed(named("New")), packed(stub)), "a.png")
        assert "'New' in its 'ccv3' text was taken" in done.stderr

    def test_b31_the_dates_of_change_decide_where_both_have_one(self) -> None:
        ccv3, chara = named("Ccv3", modification_date=200), named("Chara", modification_date=100)
        assert imported(two_cards(packed(ccv3), packed(chara)), "a.png").stdout == "Imported Ccv3 (a.png)\n"


class TestPictures:
    @pytest.mark.parametrize(("format", "ending"), [("JPEG", "jpeg"), ("GIF", "gif"), ("PNG", "png")])
    def test_b32_an_icon_that_discord_shows_is_kept_as_it_is(self, format: str, ending: str) -> None:
        done = imported(charx(drawn(format), ending), "a.charx")
        assert (done.stdout, done.stderr) == ("Imported Ada (a.charx)\n", "")
        assert "Picture: yes" in invoke("show", "Ada").stdout

    @pytest.mark.parametrize("format", ["WEBP", "AVIF", "BMP", "JPEG", "GIF"])
    def test_b32_an_icon_of_any_format_is_in_an_exported_png(self, format: str) -> None:
        imported(charx(drawn(format), format.lower()), "a.charx")
        assert invoke("export", "Ada", "out.png").stdout == "Wrote Ada to out.png\n"
        with Image.open("out.png") as picture:
            picture.load()
            assert (picture.format, picture.size) == ("PNG", (8, 8))

    @pytest.mark.parametrize(
        "picture", [drawn("WEBP")[:-9], b"RIFF\x04\0\0\0WEBP", b"not a picture", b"\0\0\0\x18ftypheic"]
    )
    def test_b32_an_icon_that_cannot_be_shown_is_a_doubt(self, picture: bytes) -> None:
        done = imported(charx(picture, "webp"), "a.charx")
        assert done.stdout == "Imported Ada (a.charx)\n"
        assert done.stderr.startswith("ensemble: a.charx: its picture ")
        assert done.stderr.endswith(": it has none\n")

    def test_b33_of_a_large_archive_only_the_card_and_its_icon_are_read(self) -> None:
        ballast = {f"assets/other/{number}.bin": bytes(4_000_000) for number in range(8)}
        content = charx(drawn("PNG"), "png", ballast)
        assert len(content) > 31_000_000
        done = imported(content, "a.charx")
        assert (done.stdout, done.stderr) == ("Imported Ada (a.charx)\n", "")

    @pytest.mark.parametrize(
        "place",
        [
            lambda text: v2(extensions={"avatar_base64": "data:image/png;base64," + text}),
            lambda text: v2(avatar_base64=text),
            lambda text: v2(
                avatar="data:image/png;base64," + "\n".join(text[at : at + 40] for at in range(0, len(text), 40))
            ),
            lambda text: as_json({"name": "Ada", "description": "d", "avatar": "data:image/png;base64," + text}),
            lambda text: v2(avatar=text.rstrip("=").replace("+", "-").replace("/", "_")),
        ],
    )
    def test_b35_a_picture_in_the_json_is_taken(self, place: Callable[[str], bytes]) -> None:
        done = imported(place(base64.b64encode(PICTURE).decode()))
        assert (done.stdout, done.stderr) == ("Imported Ada (ada.json)\n", "")
        assert "Picture: yes" in invoke("show", "Ada").stdout

    def test_b35_a_picture_on_the_web_is_a_doubt_and_none_at_all_is_not(self) -> None:
        assert "its picture is on the web and is not fetched" in imported(v2(avatar="https://example.org/a.png")).stderr
        assert imported(v2(avatar="none")).stderr == ""


class TestB34Formats:
    @pytest.mark.parametrize("what", ["JPEG", "WebP", "GIF", "AVIF", "BMP", "TIFF"])
    def test_b34_a_picture_that_is_no_png_is_named_with_what_to_do(self, what: str) -> None:
        done = imported(drawn(what), "a.jpg")
        assert (done.exit_code, done.stdout) == (1, "")
        article = "an" if what == "AVIF" else "a"
        assert done.stderr == (
            f"ensemble: a.jpg is not a Tavern card: it is {article} {what} picture. "
            "Pictures lose their card when a site converts them: download the original PNG or JSON.\n"
        )

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"<!DOCTYPE html><html>", "a web page"),
            (b"\n <HTML>", "a web page"),
            (b"%PDF-1.7", "a PDF file"),
            (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
            (b"Rar!\x1a\x07", "a RAR archive"),
        ],
    )
    def test_b34_another_file_is_named_as_well(self, content: bytes, what: str) -> None:
        assert f"is not a Tavern card: it is {what}." in imported(content, "a.png").stderr


class TestB36Nameless:
    def test_b36_a_card_without_a_name_is_called_like_its_file(self) -> None:
        done = imported(png_with(text_chunk("tEXt", b"chara", packed(named("")))), "Nyx the Sly.png")
        assert done.stdout == "Imported Nyx the Sly (Nyx the Sly.png)\n"
        assert done.stderr == (
            "ensemble: Nyx the Sly.png: it has no name: it is called 'Nyx the Sly', "
            "`character import --name NAME` gives it another one\n"
        )
        assert exported("Nyx the Sly")["data"]["name"] == "Nyx the Sly"

    @pytest.mark.parametrize("name", ["", " ", "\u200b\u2060", None, 3, "Other"])
    def test_b36_a_given_name_goes_before_the_cards(self, name: object) -> None:
        done = imported(v2(name=name), "ada.json", "--name", "Nyx")
        assert done.stdout == "Imported Nyx (ada.json)\n"
        assert "no name" not in done.stderr
        assert invoke("show", "Nyx").stdout.startswith("Name: Nyx\n")

    def test_b36_fields_beside_an_empty_data_are_read(self) -> None:
        content = as_json({"spec": "chara_card_v2", "data": {}, "name": "Nyx", "description": "sly"})
        done = imported(content)
        assert done.stdout == "Imported Nyx (ada.json)\n"
        assert "its 'data' has no name: what is missing in it was taken from the older fields" in done.stderr
        assert "Description: sly" in invoke("show", "Nyx").stdout

    def test_b36_fields_without_data_are_read_as_v1(self) -> None:
        done = imported(as_json({"spec": "chara_card_v2", "name": "Nyx", "description": "sly"}))
        assert done.stdout == "Imported Nyx (ada.json)\n"
        assert "its 'data' is missing: the fields beside it were read, as of V1" in done.stderr

    def test_b36_a_name_is_for_one_file(self) -> None:
        Path("ada.json").write_bytes(v2())
        done = invoke("import", "ada.json", "ada.json", "--name", "Nyx")
        assert (done.exit_code, names()) == (2, [])


GUILD = "The Wandering Cartographer's Guild - "


class TestNames:
    def test_b37_names_that_share_their_beginning_are_two_characters(self) -> None:
        assert imported(v2(name=GUILD + "Alice")).stdout == f"Imported {GUILD}Alice (ada.json)\n"
        assert imported(v2(name=GUILD + "Bob")).stdout == f"Imported {GUILD}Bob (ada.json)\n"
        assert names() == [GUILD + "Alice", GUILD + "Bob"]

    def test_b37_a_name_of_80_characters_is_whole_and_a_longer_one_is_cut_with_a_doubt(self) -> None:
        whole, longer = imported(v2(name="x" * 80)), imported(v2(name="y" * 81))
        assert (whole.stdout, whole.stderr) == (f"Imported {'x' * 80} (ada.json)\n", "")
        assert longer.stdout == f"Imported {'y' * 80} (ada.json)\n"
        assert "its name is longer than the 80 characters that Discord shows: it is cut" in longer.stderr

    @pytest.mark.parametrize(
        ("name", "asked"),
        [
            ("Re:Zero Emilia", ["Re:Zero Emilia", "ReZero Emilia", "re：zero emilia"]),
            ("Zoe\u0308", ["Zoë", "Zoe\u0308", "ZOË"]),
            ("René", ["Rene\u0301", "rené"]),
            ("“The Hand” O’Neill", ["“The Hand” O’Neill", '"The Hand" O\'Neill', "The Hand O'Neill"]),
            ("Ａｄａ – Ｔｗｏ", ["Ａｄａ – Ｔｗｏ", "Ada - Two"]),
            ("Ada  the\u200b Great", ["Ada the Great", "Ada  the\u200b Great"]),
        ],
    )
    def test_b38_a_character_is_found_as_written_as_cleaned_and_as_typed(self, name: str, asked: list[str]) -> None:
        assert imported(v2(name=name)).exit_code == 0
        for each in asked:
            assert "Description: d" in invoke("show", each).stdout, each
        assert imported(v2(name=name)).stdout.startswith("Replaced ")
        assert invoke("delete", asked[-1]).exit_code == 0
        assert names() == []


OTHERS: dict[str, tuple[object, str]] = {
    "a V3 lorebook": ({"spec": "lorebook_v3", "data": {"name": "Coast", "entries": []}}, "a lorebook (world info)"),
    "world info": ({"name": "Coast", "entries": {"0": {"uid": 0, "key": ["x"]}}}, "a lorebook (world info)"),
    "a V2 book": ({"name": "C", "description": "d", "entries": [], "extensions": {}}, "a lorebook (world info)"),
    "a NovelAI lorebook": ({"lorebookVersion": 4, "entries": []}, "a lorebook (world info)"),
    "an Agnai memory": ({"kind": "memory", "name": "C", "entries": []}, "a lorebook (world info)"),
    "a RisuAI lorebook": ({"type": "risu", "ver": 1, "data": [{"key": "a"}]}, "a lorebook (world info)"),
    "a chat preset": ({"temperature": 1, "prompts": [], "prompt_order": []}, "a chat-completion preset"),
    "an older chat preset": ({"chat_completion_source": "openai", "name": "x"}, "a chat-completion preset"),
    "an instruct template": ({"input_sequence": "<|", "name": "ChatML"}, "an instruct template"),
    "a context template": ({"story_string": "{{x}}", "name": "ChatML"}, "a context template"),
    "a master export": ({"instruct": {}, "context": {}, "preset": {}}, "a set of instruct templates"),
    "a system prompt": ({"name": "Neutral", "content": "Write", "post_history": ""}, "a system prompt"),
    "a reasoning template": ({"name": "R", "prefix": "<", "suffix": ">", "separator": ""}, "a reasoning template"),
    "a sampler preset": ({"temp": 1, "top_p": 1, "rep_pen": 1, "name": "x"}, "a sampler preset (text completion)"),
    "a theme": ({"name": "Dark", "blur_strength": 10, "main_text_color": "x"}, "a theme"),
    "a regex script": ({"scriptName": "x", "findRegex": "y"}, "a regex script"),
    "quick replies": ({"version": 2, "name": "x", "qrList": []}, "a set of quick replies"),
    "an Agnai chat": ({"name": "x", "messages": []}, "a chat"),
    "a group": ({"id": "1", "name": "x", "members": []}, "a group of characters"),
    "personas": ({"personas": {}, "persona_descriptions": {}}, "a backup of personas"),
}


class TestB39Others:
    @pytest.mark.parametrize("what", OTHERS)
    @pytest.mark.parametrize("container", ["json", "png", "charx"])
    def test_b39_what_is_no_card_is_named_as_what_it_is_and_imports_nobody(self, what: str, container: str) -> None:
        whole, kind = OTHERS[what]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("card.json", as_json(whole))
        content = {
            "json": as_json(whole),
            "png": png_with(text_chunk("tEXt", b"chara", packed(whole))),
            "charx": archive.getvalue(),
        }[container]
        done = imported(content, f"a.{container}")
        assert (done.exit_code, done.stdout, names()) == (1, "", [])
        assert done.stderr.startswith(f"ensemble: a.{container} is not a Tavern card: it is {kind}. ")
        assert done.stderr.count("\n") == 1

    def test_b39_a_chat_in_lines_and_a_list_of_scripts_are_named(self) -> None:
        chat = as_json({"user_name": "R", "character_name": "A"}) + b"\n" + as_json({"name": "R", "mes": "Hi."})
        assert "it is a chat." in imported(chat, "a.jsonl").stderr
        scripts = as_json([{"scriptName": "x", "findRegex": "y"}])
        assert "it is a list, whose first entry is a regex script." in imported(scripts).stderr

    def test_b39_a_card_with_a_lorebook_in_it_is_a_card(self) -> None:
        book = {"name": "Coast", "entries": [{"keys": ["lamp"], "content": "hot"}]}
        assert imported(v2(character_book=book)).stdout == "Imported Ada (ada.json)\n"
        old = {"name": "Old", "personality": "dry", "entries": {}, "temperature": 1, "top_p": 1, "top_k": 3}
        assert imported(as_json(old)).stdout == "Imported Old (ada.json)\n"


def test_b40_the_import_names_the_macros_that_are_left_out() -> None:
    text = "{{char}} {{foo}} {{#if x}}{{random:{{bar::1}},b}}{{roll 1d6}}{{// {{}} {{ x: 1 }} {{time_UTC+2}}"
    done = imported(v2(description=text))
    assert done.stderr == (
        "ensemble: ada.json: it has macros that Ensemble does not know, left out of the prompt: "
        "{{foo}}, {{#if}}, {{bar}}, {{x}}\n"
    )


def test_b39_a_lorebook_that_an_older_version_took_for_a_character_can_be_seen_exported_and_deleted() -> None:
    book = {"name": "Coast", "description": "d", "entries": {}}

    async def keep() -> None:
        async with open_store("sqlite:///ensemble.db") as store:
            await store.add_character(Character("c1", "Coast", json.dumps(book), PICTURE), at=1.0)

    anyio.run(keep)
    assert names() == ["Coast"]
    assert "Name: Coast" in invoke("show", "coast").stdout
    assert exported("Coast") == book
    assert "is not a Tavern card: it is a lorebook" in invoke("export", "Coast", "coast.png").stderr
    assert invoke("delete", "Coast").exit_code == 0
