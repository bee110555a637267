"""Lists, imports and edits the characters of a database for the playground's page.

A version of a character never changes: an edit adds a version, which the next `!start` uses; open scenes keep theirs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import anyio

from actors.app.characters import Imported, character_from, keeping_picture
from actors.playground import CARD_BYTES_MAX, CARD_FIELDS, CardRefused, ShownCard
from actors.ports import Clock, Store
from actors.roleplay.card import CardError, kept_card
from actors.roleplay.model import Character
from actors.roleplay.names import find_named, name_key


class StoreCardShelf:
    """The playground's `CardShelf` over a store; a running bot may have the same store open."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def list(self) -> Sequence[ShownCard]:
        """Return every character that `!start` knows, sorted by name."""
        return [_shown(character) for character in await self._all()]

    async def picture(self, name: str) -> bytes | None:
        """Return the picture as it is in the card; None without a character or picture."""
        character = await self._find(name)
        return None if character is None else character.picture

    async def save(self, data: bytes, filename: str) -> ShownCard:
        """Add the character in a card file, or replace the one with its name, whose picture stays if the file has none.

        Raises CardRefused.
        """
        if len(data) > CARD_BYTES_MAX:
            limit = f"{CARD_BYTES_MAX // 1024**2} MB"
            raise CardRefused(f"{filename} is larger than {limit}. Add it with `character import`, or make it smaller.")
        # In a thread: converting a picture would block the event loop.
        brought = await anyio.to_thread.run_sync(partial(self._read, data, filename))
        character = keeping_picture(brought.character, await self._all())
        await self._store.add_character(character, at=self._clock.now())
        return replace(_shown(character), doubts=brought.doubts)

    async def edit(self, name: str, fields: dict[str, str]) -> ShownCard:
        """Change only these fields; lorebook, extensions and picture stay. Raises CardRefused."""
        before = await self._find(name)
        if before is None:
            raise CardRefused(f"There is no character named {name} any more. Reload the page.")
        brought = self._read(_with_fields(before.card_json, fields), name)
        edited = brought.character
        is_renamed = name_key(edited.name) != name_key(before.name)
        known = await self._store.known_in(None)
        if is_renamed and name_key(edited.name) in {name_key(each.name) for each in known}:
            raise CardRefused(f"There is already a character named {edited.name}. Choose another name.")
        after = replace(edited, picture=before.picture)
        await self._store.add_character(after, at=self._clock.now())
        if is_renamed:
            await self._store.delete_character(before.name)
        return replace(_shown(after), doubts=brought.doubts)

    def _read(self, data: bytes, filename: str) -> Imported:
        try:
            return character_from(data, filename=filename, new_id=self._clock.new_id())
        except CardError as error:
            raise CardRefused(str(error)) from error

    async def _find(self, name: str) -> Character | None:
        found = find_named(name, await self._store.known_in(None))
        return None if found is None else (await self._store.versions([found.id]))[0]

    async def _all(self) -> tuple[Character, ...]:
        return await self._store.versions([known.id for known in await self._store.known_in(None)])


def _shown(character: Character) -> ShownCard:
    card = kept_card(character.card_json)
    fields = {name: str(getattr(card, name)) for name in CARD_FIELDS}
    return ShownCard(character.name, character.id, character.picture is not None, fields)


def _with_fields(card_json: str, fields: dict[str, str]) -> bytes:
    """The card's JSON with these fields changed. A V1 card becomes V2, which has a place for each of them."""
    whole: dict[str, Any] = json.loads(card_json)
    if not isinstance(whole.get("data"), dict):
        card = kept_card(card_json)
        known = {name: getattr(card, name) for name in CARD_FIELDS}
        whole = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {**whole, **known}}
    whole["data"] = {**whole["data"], **fields}
    return json.dumps(whole, ensure_ascii=False).encode()
