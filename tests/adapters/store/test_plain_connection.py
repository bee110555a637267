"""What another program writes into the file over a plain connection, whose foreign keys are off: refused, not believed,
and found at the next start.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.adapters.store import SqlStore, WrongRowsFound, open_store, prepare
from actors.adapters.store.engine.rules import RULES, triggers
from actors.ports.work import NextMessages
from machines.facts import SendRefused, Sent
from tests.contracts.scene import MIRA, NOW, Line, Scene, open_scene

LINE = (
    "INSERT INTO history (session_id, first_message_id, kind, name, at, author_id, character_id, response_id,"
    " response_state) VALUES (?, 40, ?, 'Mira', 0, ?, ?, ?, ?)"
)
MESSAGE = "INSERT INTO history_message SELECT 40, max(id), 1, 'Never said.', 0 FROM history"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "ensemble.db"
    prepare(path).dispose()
    return path


@pytest.fixture
async def store(anyio_backend: str, migrated: Path, tmp_path: Path) -> AsyncIterator[SqlStore]:
    shutil.copy(migrated, tmp_path)
    async with open_store("sqlite:///ensemble.db", folder=tmp_path) as opened:
        yield opened


@pytest.fixture
async def scene(store: SqlStore) -> Scene:
    scene = await open_scene(store)
    await scene.hear(10)
    return scene


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "ensemble.db", isolation_level=None)) as conn:
        assert conn.execute("PRAGMA foreign_keys").fetchone() == (0,)
        yield conn


async def failed(scene: Scene) -> Line:
    line = await (await scene.line()).start("In vain.")
    await line.tell(SendRefused(NOW, "forbidden", 403, final=True))
    return line


async def delivered(scene: Scene) -> Line:
    line = await (await scene.line()).start("Aye.")
    await line.tell(Sent(NOW, 20, "Aye."))
    return line


def without_triggers(plain: sqlite3.Connection) -> None:
    """As a file of an earlier version was while something else wrote into it."""
    for name, _, _ in triggers():
        plain.execute(f"DROP TRIGGER {name}")


async def test_m7_a_plain_connection_cannot_write_a_line_of_a_failed_response(
    scene: Scene, plain: sqlite3.Connection
) -> None:
    line = await failed(scene)
    here, response_id = scene.claim.session_id, line.response.id
    with pytest.raises(sqlite3.IntegrityError, match="history: a line whose response is not Delivered"):
        plain.execute(LINE, (here, "character", None, MIRA.id, response_id, "Delivered"))
    await scene.hear(12)
    good = await delivered(scene)
    for change in (f"response_id = '{response_id}'", "character_id = NULL", "kind = 'user'", "author_id = 7"):
        with pytest.raises(sqlite3.IntegrityError, match="history"):
            plain.execute(f"UPDATE history SET {change} WHERE response_id = ?", (good.response.id,))


@pytest.mark.parametrize(
    ("kind", "author_id", "character_id"),
    [("user", 7, MIRA.id), ("character", None, None), ("narration", 7, None), ("character", 7, MIRA.id)],
)
async def test_m7_a_line_whose_speaker_cannot_be_is_refused(
    scene: Scene, plain: sqlite3.Connection, kind: str, author_id: int | None, character_id: str | None
) -> None:
    response_id = (await delivered(scene)).response.id if kind == "character" else None
    plain.execute("DELETE FROM history WHERE kind = 'character'")
    state = response_id and "Delivered"
    with pytest.raises(sqlite3.IntegrityError, match="a line names a speaker that its kind cannot have"):
        plain.execute(LINE, (scene.claim.session_id, kind, author_id, character_id, response_id, state))


async def test_m7_lines_of_no_session_and_messages_of_no_line_are_refused(
    scene: Scene, plain: sqlite3.Connection
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="a line of no session"):
        plain.execute(LINE, ("0000000nowhere", "user", 7, None, None, None))
    with pytest.raises(sqlite3.IntegrityError, match="a message of no line"):
        plain.execute("INSERT INTO history_message VALUES (40, 999, 1, 'Never said.', 0)")


async def test_m7_the_journal_takes_no_move_that_is_not_in_the_table_and_none_is_changed(
    scene: Scene, plain: sqlite3.Connection
) -> None:
    line = await failed(scene)
    insert = (
        "INSERT INTO move (response_id, seq, after_seq, source, dest, fact, fields, part, attempt, at)"
        " VALUES (?, ?, ?, ?, ?, ?, '{}', 1, 1, 0)"
    )
    for move, why in (
        ((3, 2, "Failed", "Delivered", "Sent"), "not in the table"),
        ((3, 2, "Sending", "Delivered", "Sent"), "does not begin where"),
        ((9, 8, "Sending", "Delivered", "Sent"), "does not begin where"),
    ):
        with pytest.raises(sqlite3.IntegrityError, match=why):
            plain.execute(insert, (line.response.id, *move))
    with pytest.raises(sqlite3.IntegrityError, match="only added to"):
        plain.execute("UPDATE move SET dest = 'Delivered' WHERE seq = 2")
    for change in ("state = 'Delivered'", "state = 'Sending', version = 1 + version", "version = 1"):
        with pytest.raises(sqlite3.IntegrityError, match="not that of its newest move"):
            plain.execute(f"UPDATE response SET {change}")


async def test_m7_what_would_make_a_line_come_twice_is_refused(scene: Scene, plain: sqlite3.Connection) -> None:
    line = await delivered(scene)
    with pytest.raises(sqlite3.IntegrityError, match="deliver again what has not failed"):
        plain.execute("INSERT INTO retry_request VALUES (?, ?, 0, NULL)", (line.response.id, scene.claim.session_id))
    with pytest.raises(sqlite3.IntegrityError, match="answers no message of its session"):
        plain.execute(
            "INSERT INTO turn VALUES ('000000000twin', ?, 'messages', 777, '[]', 0, NULL, NULL)",
            (scene.claim.session_id,),
        )


async def test_m7_a_line_whose_response_is_not_delivered_is_read_by_nobody(
    scene: Scene, plain: sqlite3.Connection
) -> None:
    line = await failed(scene)
    without_triggers(plain)
    here = scene.claim.session_id
    plain.execute(LINE, (here, "character", None, MIRA.id, line.response.id, "Delivered"))
    plain.execute(MESSAGE)
    store = scene.store
    assert [entry.text for entry in await store.history(here)] == ["Hello?"]
    assert [entry.text for entry in (await store.recent_history(here, entries_max=9)).entries] == ["Hello?"]
    assert [shown.name for shown in await store.lines(here)] == ["Robin"]
    assert [shown.name for shown in await store.seen_lines(here, limit=9)] == ["Robin"]
    assert 40 not in [message_id for each in (await store.audited(here)).lines for message_id, _ in each.messages]


async def test_m7_a_persons_line_with_a_character_is_read_by_nobody(scene: Scene, plain: sqlite3.Connection) -> None:
    without_triggers(plain)
    here = scene.claim.session_id
    plain.execute(LINE, (here, "user", 7, MIRA.id, None, None))
    plain.execute(MESSAGE)
    assert [entry.text for entry in await scene.store.history(here)] == ["Hello?"]
    assert isinstance(await scene.store.next_work(scene.claim), NextMessages)


async def test_m7_a_sound_database_is_found_sound(scene: Scene) -> None:
    await failed(scene)
    await scene.hear(12)
    await delivered(scene)
    await scene.store.require_sound()
    assert await scene.store.unsound() == ()


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE history SET response_id = '00000nothing0' WHERE kind = 'character'", "history"),
        ("UPDATE history SET character_id = 'c' WHERE kind = 'user'", "history"),
        ("DELETE FROM response", "part"),
        ("DELETE FROM session", "inbox"),
        ("DELETE FROM move WHERE seq = 1", "move"),
        ("DELETE FROM history WHERE kind = 'character'", "history_message"),
        ("INSERT INTO cast VALUES ('nowhere', 9, 'nobody')", "cast"),
        ("UPDATE inbox SET session_id = 'nowhere'", "turn"),
        ("INSERT INTO retry_request SELECT id, session_id, 0, NULL FROM response", "retry_request"),
        ("UPDATE outbox SET kind = 'takedown', target_id = NULL", "outbox"),
        ("UPDATE outbox SET response_id = 'nowhere'", "outbox"),
    ],
)
async def test_m7_each_table_with_rows_that_cannot_be_right_is_named(
    scene: Scene, plain: sqlite3.Connection, statement: str, table: str
) -> None:
    await delivered(scene)
    without_triggers(plain)
    assert plain.execute(statement).rowcount >= 1
    with pytest.raises(WrongRowsFound, match=f"of `{table}`") as found:
        await scene.store.require_sound()
    assert "Put a backup in its place, or delete these rows" in str(found.value)
    assert "\n" not in str(found.value)
    assert any(f"of `{table}`" in each for each in await scene.store.unsound())


async def test_m7_a_row_that_breaks_a_check_is_found(scene: Scene, plain: sqlite3.Connection) -> None:
    plain.execute("PRAGMA ignore_check_constraints = ON")
    plain.execute("UPDATE session SET state = 'Asleep'")
    assert await scene.store.unsound() == ("CHECK constraint failed in session",)


def test_m7_every_rule_has_its_trigger() -> None:
    named = {name for name, _, _ in triggers()}
    for rule in RULES:
        assert {f"tr_{rule.table}_{rule.name}_{each}" for each in ("insert", "update")} & named
        assert "'" not in rule.words
