"""Store the books that members gave to scenes and servers, each as its file's JSON; a row's content never changes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from actors.adapters.store.engine.columns import id_column
from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import AnyRow, metadata
from actors.adapters.store.play.discord_knowledge import place
from actors.adapters.store.play.outbox import enqueue
from actors.ports.lore import BookScope, Shelf, StoredBook
from actors.roleplay.model import OutboxDraft, SessionId
from actors.roleplay.names import name_key

KEPT_MAX: Final = 64
"""Contents in memory, so that a prompt reads no megabytes."""

BOOK: Final = Table(
    "book",
    metadata,
    id_column(),
    Column("session_id", ForeignKey("session.id", ondelete="CASCADE")),  # of a scene
    Column("server_id", BigInteger),  # of a server
    Column("name", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("added_at", Float, nullable=False),
    CheckConstraint("(session_id IS NULL) <> (server_id IS NULL)", name="scope"),
    Index("ix_book_session", "session_id"),
    Index("ix_book_server", "server_id"),
)

_HEADS: Final = select(BOOK.c.id, BOOK.c.name, BOOK.c.is_on, BOOK.c.session_id).order_by(BOOK.c.added_at, BOOK.c.id)
_OF_SCENE: Final = Prepared(_HEADS.where(BOOK.c.session_id == bindparam("session_id")))
_OF_SERVER: Final = Prepared(_HEADS.where(BOOK.c.server_id == bindparam("server_id")))
_CONTENT: Final = Prepared(select(BOOK.c.content).where(BOOK.c.id == bindparam("book_id")))


def books(conn: Connection, session_id: SessionId | None, channel_id: int) -> Shelf:
    known = place(conn, channel_id)
    server_id = None if known is None else known[1]
    return Shelf(server_id, (*_of(conn, session_id, None), *_of(conn, None, server_id)))


def keep_book(
    conn: Connection,
    book: StoredBook,
    *,
    session_id: SessionId | None = None,
    server_id: int | None = None,
    answer: OutboxDraft,
    at: float,
) -> bool:
    if not enqueue(conn, answer, at=at):
        return False
    for known in _of(conn, session_id, server_id):
        if name_key(known.name) == name_key(book.name):
            conn.execute(delete(BOOK).where(BOOK.c.id == known.id))
    values = {"id": book.id, "name": book.name, "content": book.content, "is_on": book.is_on}
    conn.execute(insert(BOOK).values(session_id=session_id, server_id=server_id, added_at=at, **values))
    return True


def switch_book(conn: Connection, book_id: str, *, is_on: bool, answer: OutboxDraft, at: float) -> bool:
    if not enqueue(conn, answer, at=at):
        return False
    conn.execute(update(BOOK).where(BOOK.c.id == book_id).values(is_on=is_on))
    return True


def _of(conn: Connection, session_id: SessionId | None, server_id: int | None) -> list[StoredBook]:
    rows = [] if session_id is None else _OF_SCENE.rows(conn, {"session_id": session_id})
    rows += [] if server_id is None else _OF_SERVER.rows(conn, {"server_id": server_id})
    return [_book(conn, row) for row in rows]


def _book(conn: Connection, row: AnyRow) -> StoredBook:
    scope = BookScope.SERVER if row.session_id is None else BookScope.SCENE
    return StoredBook(row.id, scope, row.name, _content(conn, row.id), bool(row.is_on))


def _content(conn: Connection, book_id: str) -> str:
    kept: dict[str, str] = conn.info.setdefault("books", {})
    if book_id not in kept:
        while len(kept) >= KEPT_MAX:
            del kept[next(iter(kept))]
        kept[book_id] = _CONTENT.scalar(conn, {"book_id": book_id})
    return kept[book_id]
