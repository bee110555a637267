"""Books of scenes and of servers: each where it belongs, one of a name, and each command carried out once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.adapters.store import SqlStore
from actors.ports import BookScope, Shelf, StoredBook
from tests.contracts.scene import CHANNEL, NOW, Scene, an_answer

SERVER = 9
OF_SCENE = StoredBook("0000000000001", BookScope.SCENE, "Coast", '{"entries": []}')
OF_SERVER = StoredBook("0000000000002", BookScope.SERVER, "Coast", '{"entries": {}}')


async def keep(store: SqlStore, scene: Scene, book: StoredBook, key: str, at: float = NOW) -> bool:
    where: dict[str, object] = {"session_id": scene.claim.session_id}
    if book.scope is BookScope.SERVER:
        where = {"server_id": SERVER}
    return await store.keep_book(book, **where, answer=an_answer(key), at=at)  # type: ignore[arg-type]


async def test_a_scene_has_its_own_books_and_those_of_its_server(store: SqlStore, scene: Scene) -> None:
    await store.keep_place(CHANNEL, None, SERVER)
    await store.keep_place(CHANNEL + 1, None, SERVER)
    await keep(store, scene, OF_SERVER, "a")
    await keep(store, scene, OF_SCENE, "b", NOW + 1)
    session_id = scene.claim.session_id
    assert await store.books(session_id, CHANNEL) == Shelf(SERVER, (OF_SCENE, OF_SERVER))
    assert await store.books(None, CHANNEL + 1) == Shelf(SERVER, (OF_SERVER,))
    assert await store.books(session_id, CHANNEL + 2) == Shelf(None, (OF_SCENE,))


async def test_a_book_replaces_the_one_of_its_name_in_its_place_only(store: SqlStore, scene: Scene) -> None:
    await store.keep_place(CHANNEL, None, SERVER)
    await keep(store, scene, OF_SERVER, "a")
    await keep(store, scene, OF_SCENE, "b")
    newer = StoredBook("0000000000003", BookScope.SCENE, "COAST", '{"entries": [{}]}')
    await keep(store, scene, newer, "c")
    shelf = await store.books(scene.claim.session_id, CHANNEL)
    assert shelf.books == (newer, OF_SERVER)


async def test_a_command_that_was_answered_changes_nothing(store: SqlStore, scene: Scene) -> None:
    assert await keep(store, scene, OF_SCENE, "a")
    assert not await keep(store, scene, replace(OF_SCENE, id="0000000000009"), "a")
    assert not await store.switch_book(OF_SCENE.id, is_on=False, answer=an_answer("a"), at=NOW)
    shelf = await store.books(scene.claim.session_id, CHANNEL)
    assert shelf.books == (OF_SCENE,)


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_book_is_on_or_off(store: SqlStore, scene: Scene, is_on: bool) -> None:
    await keep(store, scene, OF_SCENE, "a")
    assert await store.switch_book(OF_SCENE.id, is_on=is_on, answer=an_answer("b"), at=NOW)
    shelf = await store.books(scene.claim.session_id, CHANNEL)
    assert shelf.books == (replace(OF_SCENE, is_on=is_on),)
