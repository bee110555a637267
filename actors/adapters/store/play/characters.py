"""Store characters as immutable versions, of which one per name is current."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, text, update

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import AnyRow, cast, character
from actors.ports.characters import KnownCharacter
from actors.roleplay.model import Character, CharacterId, SessionId
from actors.roleplay.names import name_key

KEPT_MAX: Final = 256
"""Versions in memory, with pictures; because versions never change, all sessions share one copy."""

OPERATOR: Final = 0
"""The `server_id` of the operator's characters, which every server sees."""

_CURRENT: Final = text("is_current")
_ONE: Final = Prepared(select(character).where(character.c.id == bindparam("character_id")))
_BY_NAME: Final = (character.c.folded_name, character.c.server_id)
_ALL: Final = Prepared(select(character).where(_CURRENT).order_by(*_BY_NAME))
_OF_SERVER: Final = Prepared(
    select(character.c.id, character.c.name, character.c.folded_name)
    .where(_CURRENT, (character.c.server_id == OPERATOR) | (character.c.server_id == bindparam("server_id")))
    .order_by(*_BY_NAME)
)
_CAST: Final = Prepared(
    select(cast.c.character_id).where(cast.c.session_id == bindparam("session_id")).order_by(cast.c.position)
)


def characters(conn: Connection) -> tuple[Character, ...]:
    return tuple(map(_character, _ALL.rows(conn, {})))


def known_in(conn: Connection, server_id: int | None) -> tuple[KnownCharacter, ...]:
    """Return the characters that a server sees, by name: its own, and the operator's of other names."""
    rows = _OF_SERVER.rows(conn, {"server_id": server_id or OPERATOR})
    # A server's own row stands behind the operator's.
    by_name = {row.folded_name: KnownCharacter(row.id, row.name) for row in rows}
    return tuple(by_name.values())


def versions(conn: Connection, ids: Sequence[CharacterId]) -> tuple[Character, ...]:
    return tuple(character_of(conn, character_id) for character_id in ids)


def has_had_characters(conn: Connection) -> bool:
    return conn.execute(select(character.c.id).limit(1)).first() is not None


def add_character(conn: Connection, new: Character, *, at: float) -> bool:
    replaces = _retire(conn, new.name, new.server_id) is not None
    conn.execute(
        insert(character).values(
            id=new.id,
            name=new.name,
            folded_name=name_key(new.name),
            card_json=new.card_json,
            picture=new.picture,
            added_at=at,
            is_current=True,
            server_id=new.server_id or OPERATOR,
        )
    )
    return replaces


def delete_character(conn: Connection, name: str, server_id: int | None = None) -> CharacterId | None:
    return _retire(conn, name, server_id)


def character_of(conn: Connection, character_id: CharacterId) -> Character:
    """Return one version, current or not. Raises LookupError for an unknown id."""
    kept: dict[CharacterId, Character] = conn.info.setdefault("characters", {})
    if character_id not in kept:
        while len(kept) >= KEPT_MAX:
            del kept[next(iter(kept))]
        found = _ONE.row(conn, {"character_id": character_id})
        if found is None:
            raise LookupError(f"there is no character {character_id}")
        kept[character_id] = _character(found)
    return kept[character_id]


def cast_of(conn: Connection, session_id: SessionId) -> tuple[Character, ...]:
    """Return a session's cast in speaking order, in the versions from when the session was opened."""
    ids = _CAST.run(conn, {"session_id": session_id}).fetchall()
    return tuple(character_of(conn, row[0]) for row in ids)


def _retire(conn: Connection, name: str, server_id: int | None) -> CharacterId | None:
    this = character.c.folded_name == name_key(name), character.c.server_id == (server_id or OPERATOR)
    known: CharacterId | None = conn.execute(select(character.c.id).where(*this, _CURRENT)).scalar()
    if known is not None:
        conn.execute(update(character).where(character.c.id == known).values(is_current=False))
    return known


def _character(row: AnyRow) -> Character:
    return Character(row.id, row.name, row.card_json, row.picture, row.server_id or None)
