"""What the database refuses by itself: raw SQL, around the port and the machines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from actors.adapters.store.engine.executor import Inline
from actors.adapters.store.engine.migrate import upgrade
from actors.adapters.store.engine.schema import response
from actors.adapters.store.engine.sqlite import memory_engine
from actors.adapters.store.store import SqlStore
from actors.roleplay.model import base36
from machines.facts import SendRefused, Sent
from tests.contracts.scene import CHANNEL, NOW, Line, Scene, open_scene


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def conn() -> Iterator[Connection]:
    """A connection to a migrated database; the store of `scene` writes on the same one."""
    engine = memory_engine()
    upgrade(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


@pytest.fixture
async def scene(conn: Connection) -> Scene:
    scene = await open_scene(SqlStore(Inline(conn.engine)))
    await scene.hear(10)
    return scene


def refuses(conn: Connection, statement: str, *params: object) -> None:
    """The statement is refused for its content, not for its form."""
    with pytest.raises(IntegrityError):
        conn.exec_driver_sql(statement, params)
    conn.rollback()


def takes(conn: Connection, statement: str, *params: object) -> None:
    assert conn.exec_driver_sql(statement, params).rowcount == 1
    conn.rollback()


MOVE = (
    "INSERT INTO move (response_id, seq, after_seq, source, dest, fact, fields, part, attempt, at)"
    " VALUES (?, ?, ?, ?, ?, ?, '{}', 1, 1, 0)"
)
ENTRY = (
    "INSERT INTO history (session_id, first_message_id, kind, name, at, response_id, response_state)"
    " VALUES (?, ?, ?, 'Mira', 0, ?, ?)"
)


async def sending(scene: Scene) -> Line:
    return await (await scene.line()).start("Hello.")


async def delivered(scene: Scene) -> Line:
    line = await sending(scene)
    await line.tell(Sent(NOW, 20, "Hello."))
    return line


async def failed(scene: Scene) -> Line:
    line = await sending(scene)
    await line.tell(SendRefused(NOW, "forbidden", 403, final=True))
    return line


async def test_a_move_that_is_in_no_row_of_the_table(scene: Scene, conn: Connection) -> None:
    line = await sending(scene)
    takes(conn, MOVE, line.response.id, 2, 1, "Sending", "Delivered", "Sent")
    refuses(conn, MOVE, line.response.id, 2, 1, "Sending", "Generating", "Sent")
    refuses(conn, MOVE, line.response.id, 2, 1, "Sending", "Delivered", "WaitElapsed")


async def test_a_move_that_does_not_begin_where_the_last_one_ended(scene: Scene, conn: Connection) -> None:
    line = await sending(scene)
    refuses(conn, MOVE, line.response.id, 2, 1, "Generating", "Sending", "Generated")
    refuses(conn, MOVE, line.response.id, 3, 2, "Sending", "Delivered", "Sent")
    refuses(conn, MOVE, line.response.id, 3, 1, "Sending", "Delivered", "Sent")
    refuses(conn, MOVE, line.response.id, 2, None, "Sending", "Delivered", "Sent")
    refuses(conn, MOVE, base36(77), 1, None, "Sending", "Delivered", "Sent")


async def test_two_moves_with_one_seq(scene: Scene, conn: Connection) -> None:
    line = await sending(scene)
    refuses(conn, MOVE, line.response.id, 1, None, "[*]", "Sending", "Started")
    refuses(conn, MOVE, line.response.id, 1, None, "[*]", "Generating", "Started")


async def test_a_move_out_of_a_final_state(scene: Scene, conn: Connection) -> None:
    for line in (await failed(scene), await delivered_next(scene)):
        state = line.response.state.value
        for fact in ("WaitElapsed", "Sent", "Cancelled"):
            refuses(conn, MOVE, line.response.id, 3, 2, state, "Sending", fact)


async def delivered_next(scene: Scene) -> Line:
    await scene.hear(30)
    return await delivered(scene)


async def test_a_state_that_is_not_that_of_the_newest_move(scene: Scene, conn: Connection) -> None:
    line = await sending(scene)
    for state in ("Generating", "Retrying", "Delivered", "Failed"):
        refuses(conn, "UPDATE response SET state = ? WHERE id = ?", state, line.response.id)
    refuses(conn, "UPDATE response SET version = 2 WHERE id = ?", line.response.id)


async def test_a_failed_response_leaving_failed(scene: Scene, conn: Connection) -> None:
    line = await failed(scene)
    refuses(conn, "UPDATE response SET state = 'Sending', version = 1 WHERE id = ?", line.response.id)


async def test_a_delivered_response_leaving_delivered(scene: Scene, conn: Connection) -> None:
    line = await delivered(scene)
    refuses(conn, "UPDATE response SET state = 'Sending', version = 1 WHERE id = ?", line.response.id)
    conn.exec_driver_sql("DELETE FROM ending")
    refuses(conn, "UPDATE response SET state = 'Sending', version = 1 WHERE id = ?", line.response.id)


async def test_a_line_whose_response_is_not_delivered(scene: Scene, conn: Connection) -> None:
    here = scene.claim.session_id
    line = await sending(scene)
    refuses(conn, ENTRY, here, 20, "character", line.response.id, "Delivered")
    refuses(conn, ENTRY, here, 20, "character", line.response.id, "Sending")
    refuses(conn, ENTRY, here, 20, "character", line.response.id, None)
    refuses(conn, ENTRY, here, 20, "character", None, None)
    refuses(conn, ENTRY, here, 20, "user", line.response.id, "Delivered")
    takes(conn, ENTRY, here, 20, "user", None, None)


async def test_a_second_commit_of_one_response(scene: Scene, conn: Connection) -> None:
    line = await delivered(scene)
    refuses(conn, ENTRY, scene.claim.session_id, 99, "character", line.response.id, "Delivered")


async def test_one_message_in_two_lines(scene: Scene, conn: Connection) -> None:
    await delivered(scene)
    refuses(conn, "INSERT INTO history_message VALUES (20, 1, 2, 'Again', 0)")


async def test_one_message_as_two_parts(scene: Scene, conn: Connection) -> None:
    await delivered(scene)
    await scene.hear(30)
    line = await sending(scene)
    refuses(conn, "UPDATE part SET message_id = 20, shown_text = 'x' WHERE response_id = ?", line.response.id)


async def test_two_parts_with_one_nonce(scene: Scene, conn: Connection) -> None:
    line = await (await scene.line()).start("One.", "Two.")
    outbound = await line.keep_intent()
    refuses(conn, "UPDATE part SET nonce = ?, fence = 1 WHERE number = 2", outbound.nonce)
    refuses(conn, "UPDATE part SET nonce = 'without a fence' WHERE number = 2")


async def test_two_open_sessions_in_one_channel(scene: Scene, conn: Connection) -> None:
    again = (
        "INSERT INTO session SELECT ?, channel_id, ?, version, epoch, turn_order, scenario, opened_at, opened_after,"
        " ?, ended_by, history_length, server_id, opener_id, NULL, NULL FROM session"
    )
    refuses(conn, again, base36(101), "Idle", None)
    takes(conn, again, base36(101), "Ended", NOW)


async def test_a_session_that_has_ended_and_does_not_say_when(scene: Scene, conn: Connection) -> None:
    refuses(conn, "UPDATE session SET state = 'Ended'")
    refuses(conn, "UPDATE session SET ended_at = 1")


async def test_one_message_twice_in_an_inbox(scene: Scene, conn: Connection) -> None:
    refuses(conn, "INSERT INTO inbox SELECT * FROM inbox")


async def test_two_turns_for_one_message(scene: Scene, conn: Connection) -> None:
    await scene.take_turn(10)
    refuses(conn, "INSERT INTO turn SELECT ?, session_id, kind, cause_id, speakers, 1, NULL, NULL FROM turn", base36(9))


async def test_more_responses_than_a_turn_has_speakers(scene: Scene, conn: Connection) -> None:
    await sending(scene)
    refuses(conn, "UPDATE turn SET speakers_left = speakers_left - 1")


async def test_two_responses_of_one_speaker(scene: Scene, conn: Connection) -> None:
    line = await sending(scene)
    columns = [name for name in response.columns.keys() if name not in ("id", "replaces")]  # noqa: SIM118
    copy = f"INSERT INTO response (id, replaces, {', '.join(columns)}) SELECT ?, ?, {', '.join(columns)} FROM response"
    with conn.begin():
        conn.exec_driver_sql(MOVE, ("twin", 1, None, "[*]", "Sending", "Started"))
    refuses(conn, copy, "twin", None)
    takes(conn, copy, "twin", line.response.id)


async def test_one_cause_twice_in_the_outbox(scene: Scene, conn: Connection) -> None:
    columns = "key, kind, channel_id, text, nonce, fence, attempt, first_try_at, due_at"
    refuses(conn, f"INSERT INTO outbox ({columns}) SELECT {columns} FROM outbox")


async def test_two_current_characters_of_one_name(scene: Scene, conn: Connection) -> None:
    again = "INSERT INTO character SELECT ?, 'MIRA', folded_name, card_json, picture, 0, ?, ? FROM character LIMIT 1"
    refuses(conn, again, base36(9), True, 0)
    takes(conn, again, base36(9), False, 0)
    takes(conn, again, base36(10), True, 77)  # of one server


async def test_two_deletions_of_one_message(scene: Scene, conn: Connection) -> None:
    await scene.store.amend(CHANNEL, 10, text=None, at=NOW)
    refuses(conn, "INSERT INTO amendment (message_id, text, at) VALUES (10, NULL, 0)")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE session SET state = 'Asleep'",
        "UPDATE response SET state = 'Stuck'",
        "UPDATE outbox SET outcome = 'perhaps', done_at = 1",
        "UPDATE outbox SET outcome = 'sent'",
        "UPDATE outbox SET kind = 'letter'",
        "UPDATE part SET kind = 'pigeon'",
        "UPDATE history SET kind = 'rumour'",
        "UPDATE ending SET response_state = 'Sending'",
    ],
)
async def test_a_value_out_of_range(scene: Scene, conn: Connection, statement: str) -> None:
    await delivered(scene)
    refuses(conn, statement)
