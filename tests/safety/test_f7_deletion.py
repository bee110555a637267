"""F7: deleted words are in no table of the database, whoever deletes them and wherever they were repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import inspect, text

from actors.adapters.store import SqlStore, memory_store
from actors.adapters.store.engine.executor import Inline
from actors.ports import Asked, AskedMessage, AskedTexts, Exchange, SessionMove
from actors.ports.deletion import Kept
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind
from machines import session as machine
from machines.facts import Generated, Sent
from machines.response import advance
from tests.contracts.scene import CHANNEL, NOW, Line, Scene, open_scene

WORD = "Zanzibar"
"""Said once; it must be nowhere afterwards."""

ROBIN = 7
SAM = 8


@pytest.fixture
async def store(anyio_backend: str) -> AsyncIterator[SqlStore]:
    opened = memory_store()
    yield opened
    await opened.aclose()


def message(message_id: int, words: str, author_id: int = ROBIN, name: str = "Robin") -> ChannelMessage:
    return ChannelMessage(
        id=message_id, channel_id=CHANNEL, author_id=author_id, name=name, text=words, at=NOW + message_id
    )


def tables_with(store: SqlStore, word: str = WORD) -> list[str]:
    """The columns of the whole database that hold a word, as `table.column`."""
    assert isinstance(store._executor, Inline)
    engine = store._executor._engine
    with engine.connect() as conn:
        return [
            f"{table}.{column['name']}"
            for table in inspect(engine).get_table_names()
            for column in inspect(engine).get_columns(table)
            if any(word in str(value) for (value,) in conn.execute(text(f'SELECT "{column["name"]}" FROM "{table}"')))
        ]


async def accepted(store: SqlStore, heard: ChannelMessage) -> None:
    assert await store.accept(heard) is not None


def an_exchange(words: str) -> Exchange:
    asked = Asked("m", 1, (AskedMessage("user", "history", len(words)),), 9, 9, 1, 700, "ok", 1.0, raw_characters=9)
    return Exchange((), asked, AskedTexts((f"Robin: {words}",), raw=words, cleaned=words))


async def a_line(scene: Scene, words: str, message_id: int) -> Line:
    """A delivered line whose prompt and text hold `words`."""
    line = await (await scene.line()).start()
    generated = advance(line.response, Generated(NOW + message_id, (words,)))
    await line.store.record(line.claim, line.response, generated, exchange=an_exchange(words))
    await line.tell(Sent(NOW + message_id, message_id, words))
    return line


async def an_answer(store: SqlStore, words: str, at: float) -> None:
    await store.enqueue(OutboxDraft(f"answer:{at:.0f}", OutboxKind.ANSWER, CHANNEL, words, repeats=True), at=at)
    for row in await store.due_outbox(now=at + 1, limit=9):
        await store.outbox_done(row.id, message_id=int(at), at=at, outcome="sent")


async def test_f7_a_persons_deleted_words_are_in_no_table(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, f"I hide it in {WORD}."))
    await store.amend(CHANNEL, 11, text=f"I hid it in {WORD}!", at=NOW + 12)
    await a_line(scene, f"In {WORD}?", 13)
    await an_answer(store, f"Robin: I hid it in {WORD}!", NOW + 20)
    before = tables_with(store)
    assert {name.partition(".")[0] for name in before} >= {
        "inbox",
        "history_message",
        "amendment",
        "exchange",
        "outbox",
    }
    await store.amend(CHANNEL, 11, text=None, at=NOW + 30)
    await store.amend(CHANNEL, 13, text=None, at=NOW + 31)
    assert tables_with(store) == []
    assert [entry.text for entry in await store.history(scene.claim.session_id)] == []


async def test_f7_a_deleted_line_is_redacted_in_its_recorded_moves(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, "Hello?"))
    line = await a_line(scene, f"In {WORD}.", 13)
    await store.amend(CHANNEL, 13, text=None, at=NOW + 31)
    recorded = await store.recorded(line.response.id)
    assert recorded is not None
    assert [fact.texts for _, _, fact in recorded.moves if isinstance(fact, Generated)] == [("[redacted]",)]
    assert [fact.text for _, _, fact in recorded.moves if isinstance(fact, Sent)] == ["[redacted]"]


async def test_f7_other_words_stay(store: SqlStore) -> None:
    scene = await open_scene(store)
    for message_id, words in ((11, f"I hide it in {WORD}."), (12, "The lamp is out.")):
        await accepted(store, message(message_id, words))
    await store.amend(CHANNEL, 11, text=None, at=NOW + 30)
    assert [entry.text for entry in await store.history(scene.claim.session_id)] == ["The lamp is out."]
    assert "inbox.text" in tables_with(store, "lamp")


async def test_f7_a_line_that_may_have_a_second_copy_keeps_its_text_until_nobody_looks_for_it(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, "Hello?"))
    line = await (await scene.line()).start()
    await line.tell(Generated(NOW + 12, (f"In {WORD}.",)))
    await line.keep_intent()
    await line.tell(Sent(NOW + 13, 13, f"In {WORD}."))
    engine = store._executor._engine  # type: ignore[attr-defined] # the executor in memory has one
    with engine.begin() as conn:
        conn.execute(text("UPDATE response SET doubtful = 1"))
    await store.amend(CHANNEL, 13, text=None, at=NOW + 14)
    assert "part.text" in tables_with(store)
    await store.tidy(Kept(), watched_since=NOW - 1)
    assert "part.text" in tables_with(store)
    await store.tidy(Kept(), watched_since=NOW + 10_000)
    assert tables_with(store) == []


async def test_f7_forget_removes_what_one_person_wrote_and_leaves_the_others(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, f"I hide it in {WORD}."))
    await accepted(store, message(12, "The lamp is out.", SAM, "Sam"))
    await a_line(scene, "Then light it.", 13)
    forgotten = await store.forget(ROBIN, at=NOW + 40)
    assert forgotten.removed["inbox"] == forgotten.removed["history_message"] == 1
    assert tables_with(store) == []
    assert tables_with(store, "Robin") == []
    history = await store.history(scene.claim.session_id)
    assert [entry.text for entry in history] == ["The lamp is out.", "Then light it."]
    recent = await store.recent_history(scene.claim.session_id, entries_max=9)
    assert recent.length == 2
    assert (await store.forget(ROBIN, at=NOW + 41)).removed == {}


async def test_f7_what_was_forgotten_is_not_learnt_again_from_the_channel(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, f"I hide it in {WORD}."))
    await store.forget(ROBIN, at=NOW + 40)
    assert await store.known_messages(CHANNEL, after=1) == ()
    await store.amend(CHANNEL, 11, text=f"It is in {WORD}.", at=NOW + 50)
    again = await store.accept(message(11, f"I hide it in {WORD}."))
    assert again is not None
    assert not again.is_new
    assert tables_with(store) == []
    assert (await store.audited(scene.claim.session_id)).redacted == frozenset({11})


async def test_f7_a_name_that_several_had_names_them_all(store: SqlStore) -> None:
    await open_scene(store)
    await accepted(store, message(11, "One."))
    await accepted(store, message(12, "Two.", SAM, "robin"))
    assert await store.people_named("ROBIN") == ((ROBIN, "Robin"), (SAM, "robin"))


async def ended(store: SqlStore, scene: Scene, at: float) -> None:
    record = await store.session(scene.claim.session_id)
    assert record is not None
    session = machine.Session(record.id, record.state, record.version)
    machine.advance(session, machine.EndRequested(at))
    await store.move_session(record.id, SessionMove(session.state, session.version, at, "end"))


async def test_f7_prune_deletes_old_scenes_whole_and_no_others(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, f"I hide it in {WORD}."))
    await a_line(scene, f"In {WORD}?", 13)
    assert await store.prune(before=NOW + 10_000) == {}, "the scene is open"
    await ended(store, scene, NOW + 100)
    assert await store.prune(before=NOW + 50) == {}, "it ended later"
    removed = await store.prune(before=NOW + 10_000)
    assert (removed["session"], removed["response"], removed["inbox"]) == (1, 1, 1)
    assert tables_with(store) == []
    assert await store.session(scene.claim.session_id) is None
    await store.require_sound()
    assert await store.prune(before=NOW + 10_000) == {}


async def test_f7_exchanges_of_ended_scenes_go_when_their_time_is_over(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, "Hello?"))
    await a_line(scene, f"In {WORD}?", 13)
    await ended(store, scene, NOW + 100)
    await store.tidy(Kept(exchanges_since=NOW + 99), watched_since=NOW)
    assert "exchange.texts" in tables_with(store)
    await store.tidy(Kept(exchanges_since=NOW + 101), watched_since=NOW)
    assert "exchange.texts" not in tables_with(store)


async def test_f7_a_deletion_before_the_message_is_known_leaves_no_words(store: SqlStore) -> None:
    scene = await open_scene(store)
    await accepted(store, message(11, "Hello?"))
    line = await (await scene.line()).start()
    await line.tell(Generated(NOW + 12, (f"In {WORD}.",)))
    await store.amend(CHANNEL, 13, text=None, at=NOW + 13)  # it may be a part whose answer has not come
    await line.tell(Sent(NOW + 13, 13, f"In {WORD}."))
    assert "history_message.text" not in tables_with(store)
    await store.tidy(Kept(), watched_since=NOW + 10_000)
    assert tables_with(store) == []
