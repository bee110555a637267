"""The command line from outside: what it prints, and its exit codes."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.app.cli import app
from actors.app.commands import play, run
from actors.app.shipped_cards import CARDS
from actors.roleplay.card import read_card
from machines.diagrams.notations import MACHINES
from tests.app.cards import png, v1_json, v2_json, v3_json
from tests.app.processes import run_bot

COMMANDS = ("run", "play", "rehearse", "transcript", "report", "diagram", "replay", "migrate", "doctor", "character")
CHARACTER_COMMANDS = ("import", "list", "show", "export", "delete")


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def the_line(done: Result) -> str:
    """The one line on standard error that says what is wrong."""
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("ensemble: ")
    return line.removeprefix("ensemble: ")


class TestUse:
    @pytest.mark.parametrize("command", [[], *[[c] for c in COMMANDS], *[["character", c] for c in CHARACTER_COMMANDS]])
    def test_every_command_explains_itself(self, command: list[str]) -> None:
        done = invoke(*command, "--help")
        assert done.exit_code == 0
        assert "Usage: " in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80

    @pytest.mark.parametrize(
        "arguments", [["nope"], ["run", "--nope"], ["rehearse"], ["character"], ["play", "--port", "99999"]]
    )
    def test_wrong_use_is_2(self, arguments: list[str]) -> None:
        assert invoke(*arguments).exit_code == 2

    def test_a_process_ends_with_the_same_codes_and_without_a_traceback(self, bare: Path) -> None:
        done = run_bot(bare, "nope")
        assert done.returncode == 2
        assert "No such command 'nope'" in done.stderr
        assert "Traceback" not in done.stderr

    def test_without_a_command_a_token_decides_between_run_and_play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        chosen: list[str] = []
        monkeypatch.setattr(run, "run", lambda: chosen.append("run"))
        monkeypatch.setattr(play, "play", lambda: chosen.append("play"))
        assert invoke().exit_code == 0
        monkeypatch.setenv("DISCORD_TOKEN", "of-a-bot")
        assert invoke().exit_code == 0
        assert chosen == ["play", "run"]

    def test_run_without_a_token_is_wrong_use_and_names_the_mend(self) -> None:
        done = invoke("run")
        assert done.exit_code == 2
        assert the_line(done).startswith("DISCORD_TOKEN is not set. Put it into .env, or try `play`")


def bomb() -> bytes:
    """A PNG whose text chunk is small on disk and a gigabyte in memory."""
    packed = zlib.compress(b"\0" * 30_000_000, 9)
    ihdr = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", ihdr), (b"zTXt", b"chara\0\0" + packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


class TestCharacters:
    def test_a_new_database_has_the_shipped_ones_in_rows_of_a_terminal(self) -> None:
        done = invoke("character", "list")
        assert done.exit_code == 0
        assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["Fitch", "Maren", "Oriel"]
        assert max(map(len, done.stdout.splitlines())) <= 80

    def test_cards_of_every_version_are_imported(self, bare: Path) -> None:
        (bare / "one.json").write_text(v1_json("Ada"), encoding="utf-8")
        (bare / "two.png").write_bytes(png(v2_json("Bo Ann")))
        (bare / "three.json").write_text(v3_json("Cy"), encoding="utf-8")
        done = invoke("character", "import", "one.json", "two.png", "three.json")
        assert done.exit_code == 0, done.output
        assert done.stdout.splitlines()[:-1] == [
            "Imported Ada (one.json)",
            "Imported Bo Ann (two.png)",
            "Imported Cy (three.json)",
        ]
        again = invoke("character", "import", "one.json")
        assert again.stdout.splitlines()[:-1] == ["Replaced Ada (one.json)"]
        shown = invoke("character", "show", "bo ann").stdout.splitlines()
        assert shown[:2] == ["Name: Bo Ann", "Picture: yes"]
        assert "Tags: sea" in shown

    def test_broken_files_are_a_line_each_and_keep_no_other_out(self, bare: Path) -> None:
        (bare / "good.json").write_text(v2_json("Ada"), encoding="utf-8")
        (bare / "broken.png").write_bytes(png(v2_json("Bo"))[:300])
        (bare / "bomb.png").write_bytes(bomb())
        (bare / "list.json").write_text("[]", encoding="utf-8")
        (bare / "huge.json").write_bytes(b" " * 11_000_000)
        (bare / "folder.png").mkdir()
        bad = ["broken.png", "bomb.png", "missing.png", "list.json", "huge.json", "folder.png"]
        done = invoke("character", "import", *bad, "good.json")
        assert done.exit_code == 1
        assert done.stdout.splitlines()[:-1] == ["Imported Ada (good.json)"]
        lines = done.stderr.splitlines()
        assert [line.replace(": ", " ").split()[:2] for line in lines] == [["ensemble", name] for name in bad]

    def test_what_was_exported_is_what_was_imported(self, bare: Path) -> None:
        for name in ("maren.png", "maren.json"):
            done = invoke("character", "export", "Maren", name)
            assert done.exit_code == 0
            assert done.stdout.startswith(f"Wrote Maren to {name}")
        shipped, picture = read_card((CARDS / "maren.png").read_bytes())
        assert read_card((bare / "maren.png").read_bytes()) == (shipped, picture)
        assert json.loads((bare / "maren.json").read_text(encoding="utf-8")) == json.loads(shipped.raw)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["export", "Maren", "maren.gif"], "maren.gif: write to a .json file or a .png file"),
            (["export", "Maren", "nowhere/maren.png"], "No such file or directory"),
            (["export", "Nobody", "a.json"], "there is no character named 'Nobody'; there are: Fitch, Maren, Oriel"),
            (["show", "Nobody"], "there is no character named 'Nobody'; there are: Fitch, Maren, Oriel"),
            (["delete", "Nobody"], "there is no character named 'Nobody'; there are: Fitch, Maren, Oriel"),
        ],
    )
    def test_what_cannot_be_done_is_one_line_with_the_mend(self, arguments: list[str], words: str) -> None:
        done = invoke("character", *arguments)
        assert done.exit_code == 1
        assert words in the_line(done)

    def test_deleted_characters_stay_deleted_the_shipped_ones_too(self) -> None:
        for name in ("maren", "Fitch", "Oriel"):
            assert invoke("character", "delete", name).exit_code == 0
        assert invoke("character", "list").stdout == ""
        assert "there are: none; " in the_line(invoke("character", "show", "Maren"))

    def test_a_card_cannot_steer_the_terminal(self, bare: Path) -> None:
        card = json.loads(v2_json("Ada"))
        card["data"]["description"] = "\x1b[2J\x1b]0;owned\x07 Ada."
        (bare / "ada.json").write_text(json.dumps(card), encoding="utf-8")
        shown = [invoke("character", *words).stdout for words in (["import", "ada.json"], ["list"], ["show", "Ada"])]
        assert "\x1b" not in "".join(shown)
        assert "Ada." in shown[2]


class TestDiagram:
    @pytest.mark.parametrize("machine", MACHINES)
    @pytest.mark.parametrize(
        ("format", "beginning"), [("text", "{}: "), ("mermaid", "stateDiagram-v2"), ("dot", 'digraph "{}"')]
    )
    def test_every_machine_is_drawn(self, machine: str, format: str, beginning: str) -> None:
        done = invoke("diagram", machine, "--format", format)
        assert done.exit_code == 0
        assert done.stdout.startswith(beginning.format(machine))
        assert all(state in done.stdout for state in MACHINES[machine].states)

    def test_without_a_name_it_is_the_response_s(self) -> None:
        assert invoke("diagram").stdout == invoke("diagram", "response").stdout

    def test_it_is_written_to_a_file(self, bare: Path) -> None:
        assert invoke("diagram", "-o", "response.txt").stdout == "Wrote the response machine to response.txt (text)\n"
        assert (bare / "response.txt").read_text(encoding="utf-8") == invoke("diagram").stdout

    @pytest.mark.parametrize(
        ("name", "begins"),
        [("r.svg", b"<svg"), ("r.png", b"\x89PNG"), ("r.mmd", b"stateDiagram-v2"), ("r.gv", b"digraph")],
    )
    def test_the_files_ending_says_what_it_is(self, name: str, begins: bytes, bare: Path) -> None:
        assert invoke("diagram", "-o", name).exit_code == 0
        assert (bare / name).read_bytes().startswith(begins)

    def test_an_ending_that_says_nothing_is_wrong_use(self, bare: Path) -> None:
        done = invoke("diagram", "-o", "response.pdf")
        assert done.exit_code == 2
        assert the_line(done).startswith("response.pdf: the ending does not name a format; use --format")
        assert not (bare / "response.pdf").exists()

    def test_an_unknown_machine_is_wrong_use(self) -> None:
        done = invoke("diagram", "toaster")
        assert done.exit_code == 2
        assert the_line(done).startswith(
            "there is no machine 'toaster'; there are: response, session, breaker, connection; for your own, write "
        )

    def test_a_file_that_cannot_be_written_is_one_line(self) -> None:
        done = invoke("diagram", "-o", "nowhere/response.txt")
        assert done.exit_code == 1
        assert "No such file or directory" in the_line(done)


class TestDatabases:
    def test_migrate_makes_one_and_says_so_again(self, bare: Path) -> None:
        for words in ("Created a new database", "The database is up to date"):
            done = invoke("migrate")
            assert (done.exit_code, done.stdout) == (0, f"{words}: ensemble.db\n")
        assert (bare / "ensemble.db").is_file()

    def test_a_relative_path_is_under_data_dir(self, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATA_DIR", "deep/er")
        monkeypatch.setenv("DATABASE_URL", "sqlite:///mine.db")
        assert invoke("migrate").exit_code == 0
        assert (bare / "deep" / "er" / "mine.db").is_file()

    @pytest.mark.parametrize(
        "command", [["transcript", "1"], ["migrate"], ["character", "list"], ["run"], ["character", "delete", "Maren"]]
    )
    @pytest.mark.parametrize("what", ["newer", "no database", "another program's"])
    def test_a_database_that_cannot_be_used_is_one_line_and_stays_as_it_was(
        self, what: str, command: list[str], bare: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DISCORD_TOKEN", "never-used")
        path, words = unusable(what, bare)
        before = path.read_bytes()
        done = invoke(*command)
        assert done.exit_code == 1
        line = the_line(done)
        assert words in line
        assert "another DATABASE_URL" in line
        assert path.read_bytes() == before

    @pytest.mark.parametrize("command", [["migrate"], ["character", "list"], ["run"]])
    def test_a_folder_that_cannot_be_made_is_one_line(
        self, command: list[str], bare: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DISCORD_TOKEN", "never-used")
        (bare / "file").write_text("in the way")
        monkeypatch.setenv("DATA_DIR", "file")
        done = invoke(*command)
        assert done.exit_code == 1
        assert "another DATABASE_URL" in the_line(done)

    def test_a_transcript_needs_a_database(self, bare: Path) -> None:
        done = invoke("transcript", "1")
        assert done.exit_code == 1
        assert "there is no database at ensemble.db: start the bot once" in the_line(done)
        assert list(bare.iterdir()) == []

    def test_a_transcript_of_an_unknown_channel_is_one_line(self) -> None:
        invoke("migrate")
        done = invoke("transcript", "12345")
        assert done.exit_code == 1
        assert the_line(done).startswith(
            "there is no session '12345' in ensemble.db: give a channel id, or a session id"
        )


def unusable(what: str, folder: Path) -> tuple[Path, str]:
    """A database of that kind where ours would be, and what is to be said about it."""
    path = folder / "ensemble.db"
    if what == "no database":
        path.write_text("Dear diary, " * 100)
        return path, "is not an SQLite database"
    if what == "newer":
        assert invoke("migrate").exit_code == 0
        change(path, "UPDATE alembic_version SET version_num = '9999'")
        return path, "from a newer version of Ensemble (9999)"
    change(path, "CREATE TABLE diary (page TEXT)")
    return path, "holds another program's tables"


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
