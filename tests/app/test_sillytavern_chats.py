"""`transcript --format sillytavern`: one chat a file, with each field that SillyTavern's import reads.

What it reads is stated here as facts, from its source (SillyTavern, `src/endpoints/chats.js`): `/import` of a
`.jsonl` (a first line with `user_name` or `name`, else the file is refused), `/save` (`chat_metadata.integrity`),
`getChatInfo` (the last line's `name`, `mes`, `send_date`), `/export` (`is_system`, `name`, `mes`,
`extra.display_text`), `/search` (`mes` as text, `send_date` that a browser's `Date` takes), and the header
that its own importers write (`user_name`, `character_name`, `create_date`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from typer.testing import CliRunner, Result

from actors.adapters.store import open_store
from actors.app.cli import app
from actors.app.commands.transcript import as_sillytavern
from actors.ports.work import SessionMove
from actors.roleplay.model import Entry, SessionRecord, base36
from tests.contracts.scene import CHANNEL, MIRA, NOW, TOBIN, a_session, an_answer

ENTRIES = (
    Entry("user", "Robin", "Hello?", (1,), NOW, "s1", author_id=7),
    Entry("character", "Mira", "Aye.\nCome in.", (2, 3), NOW + 1.5, "s1", character_id=MIRA.id, response_id="r1"),
    Entry("user", "Kim", "", (4,), NOW + 2, "s1", author_id=8),
    Entry("narration", "Narrator", "Rain.", (5,), NOW + 3, "s1", response_id="r2"),
)


def chat(*entries: Entry, session: SessionRecord | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in as_sillytavern([(session or a_session(), entries)])]


def test_b51_the_header_is_one_that_the_import_takes() -> None:
    header, *lines = chat(*ENTRIES)
    assert header["user_name"] == "Robin"
    assert header["character_name"] == "Mira"
    assert read_date(header["create_date"]) == NOW
    assert isinstance(header["chat_metadata"], dict)
    assert "integrity" not in header["chat_metadata"]  # else SillyTavern would compare it with its own
    assert "mes" not in header
    assert all("chat_metadata" not in line and "user_name" not in line for line in lines)


def test_b51_each_line_has_the_fields_that_a_chat_reads() -> None:
    _, *lines = chat(*ENTRIES)
    assert [(line["name"], line["is_user"], line["is_system"], line["mes"]) for line in lines] == [
        ("Robin", True, False, "Hello?"),
        ("Mira", False, False, "Aye.\nCome in."),
        ("Kim", True, False, ""),
        ("Narrator", False, False, "Rain."),
    ]
    assert [read_date(line["send_date"]) for line in lines] == [entry.at for entry in ENTRIES]
    assert [line["extra"].get("type") for line in lines] == [None, None, None, "narrator"]
    assert all("display_text" not in line["extra"] for line in lines)


def test_b51_a_scene_without_a_line_of_a_persons_has_a_user_name_all_the_same() -> None:
    assert [line.get("user_name") for line in chat()] == ["User"]
    assert chat(ENTRIES[1])[0]["user_name"] == "User"


def read_date(text: str) -> float:
    """ISO 8601 with a zone, which every browser's `Date` takes."""
    assert text.endswith("Z")
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()


# ── one chat a file ─────────────────────────────────────────────────────────────────────────────────


async def _play() -> None:
    async with open_store("sqlite:///ensemble.db") as store:
        for each in (MIRA, TOBIN):
            await store.add_character(each, at=NOW)
        for number, channel_id in ((100, CHANNEL), (101, CHANNEL), (102, CHANNEL + 1)):
            opened = replace(a_session(number, channel_id=channel_id), opened_at=NOW + 60 * number)
            await store.open_session(opened, an_answer(f"start {number}", channel_id=channel_id))
            await store.move_session(opened.id, SessionMove("Ended", 2, opened.opened_at + 1, "end"))


@pytest.fixture(autouse=True)
def _two_scenes_in_one_channel(bare: Path) -> None:
    """A database with three scenes, and none of this machine's settings."""
    anyio.run(partial(_play))


FIRST, SECOND, ALONE = base36(100), base36(101), base36(102)


def transcript(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["transcript", *arguments])


def header_of(file: Path) -> str:
    (header,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    session: str = header["chat_metadata"]["ensemble"]["session"]
    return session


def test_b51_two_scenes_are_not_printed_as_one_chat() -> None:
    done = transcript(str(CHANNEL), "--format", "sillytavern")
    assert (done.exit_code, done.stdout) == (2, "")
    first, *rows = done.stderr.splitlines()
    assert first == (
        "ensemble: there are 2 scenes, and a SillyTavern chat holds one: "
        "name one of them, or write one file per scene with `-o FOLDER`"
    )
    assert [row.split()[0] for row in rows] == [FIRST, SECOND]
    for row in rows:
        alone = transcript(row.split()[0], "--format", "sillytavern")
        assert (alone.exit_code, alone.stdout.count("user_name")) == (0, 1)


def test_b51_into_a_folder_each_scene_is_a_file(bare: Path) -> None:
    (bare / "chats").mkdir()
    done = transcript(str(CHANNEL), "--format", "sillytavern", "-o", "chats")
    assert done.stdout.splitlines() == [
        f"Wrote 0 lines to chats/{FIRST}.jsonl (sillytavern)",
        f"Wrote 0 lines to chats/{SECOND}.jsonl (sillytavern)",
    ]
    assert sorted(header_of(file) for file in (bare / "chats").iterdir()) == [FIRST, SECOND]


def test_b51_into_a_file_each_scene_has_a_file_of_its_own_beside_it(bare: Path) -> None:
    done = transcript(str(CHANNEL), "--format", "sillytavern", "-o", "chat.jsonl")
    assert done.exit_code == 0
    assert sorted(file.name for file in bare.glob("*.jsonl")) == [f"chat-{FIRST}.jsonl", f"chat-{SECOND}.jsonl"]
    assert header_of(bare / f"chat-{SECOND}.jsonl") == SECOND


def test_b51_one_scene_is_written_as_it_is_named(bare: Path) -> None:
    transcript(ALONE, "--format", "sillytavern", "-o", "chat.jsonl")
    assert header_of(bare / "chat.jsonl") == ALONE


@pytest.mark.parametrize("format", ["jsonl", "md", "html"])
def test_other_formats_hold_every_scene_in_one_file(format: str, bare: Path) -> None:
    done = transcript(str(CHANNEL), "--format", format, "-o", f"all.{format}")
    assert done.stdout == f"Wrote 0 lines to all.{format} ({format})\n"
