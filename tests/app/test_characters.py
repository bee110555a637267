"""`character`: what a card keeps on its way in and out, and what is said of what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.app.cli import app
from actors.app.shipped_cards import CARDS
from tests.app.cards import png, v1_json, v2_json, v3_json


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["character", *arguments])


class TestPicture:
    def test_json_has_no_room_for_it_and_the_export_says_so(self) -> None:
        assert invoke("export", "Maren", "maren.json").stdout == (
            "Wrote Maren to maren.json without its picture; export to a .png file to keep both\n"
        )
        assert invoke("export", "Maren", "maren.png").stdout == "Wrote Maren to maren.png\n"

    def test_a_character_that_comes_back_from_json_keeps_it(self, bare: Path) -> None:
        invoke("export", "Maren", "maren.json")
        done = invoke("import", "maren.json")
        assert done.stdout.startswith("Replaced Maren (maren.json); its picture stays, the file has none\n")
        assert invoke("export", "Maren", "maren.png").exit_code == 0
        assert (bare / "maren.png").read_bytes() == (CARDS / "maren.png").read_bytes()

    def test_a_file_with_one_replaces_it(self, bare: Path) -> None:
        (bare / "new.png").write_bytes(png(v2_json("Fitch")))  # in Maren's picture
        assert invoke("import", "new.png").stdout.startswith("Replaced Fitch (new.png)\n")

    def test_one_embedded_in_the_json_is_in_it(self, bare: Path) -> None:
        card = json.loads(v2_json("Ada"))
        icon = {"type": "icon", "name": "main", "ext": "gif", "uri": "data:image/gif;base64,R0lGODlh"}
        card["data"]["assets"] = [icon]
        (bare / "ada.json").write_text(json.dumps(card), encoding="utf-8")
        assert invoke("import", "ada.json").stdout.startswith("Imported Ada (ada.json)\n")
        assert invoke("export", "Ada", "again.json").stdout == "Wrote Ada to again.json\n"


class TestExport:
    def test_a_file_that_is_there_is_overwritten_only_by_force(self, bare: Path) -> None:
        (bare / "mine.json").write_text("mine")
        done = invoke("export", "Maren", "mine.json")
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == ("ensemble: mine.json exists already: name another file, or overwrite it with --force\n")
        assert (bare / "mine.json").read_text() == "mine"
        assert invoke("export", "Maren", "mine.json", "--force").exit_code == 0
        assert json.loads((bare / "mine.json").read_text(encoding="utf-8"))["data"]["name"] == "Maren"


class TestShow:
    def test_what_is_kept_and_not_played_is_called_so(self, bare: Path) -> None:
        card = json.loads(v2_json("Ada"))
        card["data"] |= {"alternate_greetings": ["Hi."], "group_only_greetings": ["All!", "Hoy!"]}
        card["data"]["character_book"] = {"entries": [{"keys": ["rope"], "content": "Long."}]}
        (bare / "ada.json").write_text(json.dumps(card), encoding="utf-8")
        invoke("import", "ada.json")
        assert invoke("show", "Ada").stdout.splitlines()[-3:] == [
            "First message (kept, not played): Ahoy.",
            "Greetings (kept, not played): 3",
            "Lorebook: 1",
        ]

    @pytest.mark.parametrize("book", [None, [], "x", {}, {"entries": {}}])
    def test_a_lorebook_of_no_form_is_none(self, book: object, bare: Path) -> None:
        card = json.loads(v1_json("Ada")) | {"character_book": book}
        (bare / "ada.json").write_text(json.dumps(card), encoding="utf-8")
        invoke("import", "ada.json")
        done = invoke("show", "Ada")
        assert done.exit_code == 0
        assert "Lorebook" not in done.stdout


class TestDoubts:
    @pytest.mark.parametrize("card", [{"name": "Ada", "first_mes": "Hi."}, {"name": "Ada", "description": " \n"}])
    def test_a_card_that_says_nothing_about_its_character_is_imported_with_a_warning(
        self, card: dict[str, str], bare: Path
    ) -> None:
        (bare / "ada.json").write_text(json.dumps(card), encoding="utf-8")
        done = invoke("import", "ada.json")
        assert (done.exit_code, done.stdout.splitlines()[:-1]) == (0, ["Imported Ada (ada.json)"])
        assert done.stderr == (
            "ensemble: ada.json: it says nothing about the character: the model will know only the name\n"
        )

    @pytest.mark.parametrize("spec", ["chara_card_v9", 3, None, "\x1b[2J" + "x" * 1000])
    def test_an_unknown_spec_is_imported_with_a_warning(self, spec: object, bare: Path) -> None:
        (bare / "ada.json").write_text(json.dumps(json.loads(v2_json("Ada")) | {"spec": spec}), encoding="utf-8")
        done = invoke("import", "ada.json")
        assert (done.exit_code, done.stdout.splitlines()[:-1]) == (0, ["Imported Ada (ada.json)"])
        (line,) = done.stderr.splitlines()
        assert line.startswith("ensemble: ada.json: its spec '")
        assert "\x1b" not in line
        assert len(line) < 250

    @pytest.mark.parametrize("card", [v1_json, v2_json, v3_json])
    def test_a_whole_card_of_any_version_raises_none(self, card: Callable[[str], str], bare: Path) -> None:
        (bare / "ada.json").write_text(card("Ada"), encoding="utf-8")
        assert invoke("import", "ada.json").stderr == ""


class TestServer:
    """F4: a server has characters of its own."""

    SERVER = "80351110224678912"

    def test_a_character_is_imported_shown_and_deleted_for_one_server(self, bare: Path) -> None:
        (bare / "maren.json").write_text(v2_json("Maren"), encoding="utf-8")
        done = invoke("import", "--server", self.SERVER, "maren.json")
        assert done.stdout.startswith(f"Imported Maren [server {self.SERVER}] (maren.json)")
        listed = [line for line in invoke("list").stdout.splitlines() if line.startswith("Maren")]
        assert [line.partition(":")[0] for line in listed] == ["Maren", f"Maren [server {self.SERVER}]"]
        assert f"Server: {self.SERVER}" in invoke("show", "Maren", "--server", self.SERVER).stdout
        assert "Server:" not in invoke("show", "Maren").stdout
        assert invoke("delete", "Maren", "--server", self.SERVER).exit_code == 0
        assert invoke("show", "Maren").exit_code == 0

    def test_a_character_of_one_server_is_none_of_all_servers(self) -> None:
        done = invoke("show", "Maren", "--server", self.SERVER)
        assert done.exit_code == 1
        assert "there is no character named 'Maren'" in done.stderr
