"""The page's view of the characters in a database."""

import json
from collections.abc import AsyncIterator
from importlib import resources

import pytest

from actors.adapters.clock import SystemClock
from actors.adapters.store import SqlStore
from actors.adapters.store.engine.opening import memory_store
from actors.app.card_shelf import StoreCardShelf
from actors.app.characters import add_shipped
from actors.playground import CARD_BYTES_MAX, CardRefused
from actors.roleplay.model import Character

V1 = {
    "name": "Otto",
    "description": "A ferryman.",
    "personality": "",
    "scenario": "",
    "first_mes": "",
    "mes_example": "",
}


@pytest.fixture
async def store(anyio_backend: str) -> AsyncIterator[SqlStore]:
    store = memory_store()
    await add_shipped(store, SystemClock())
    yield store
    await store.aclose()


@pytest.fixture
def shelf(store: SqlStore) -> StoreCardShelf:
    return StoreCardShelf(store, SystemClock())


async def card_json(store: SqlStore, name: str) -> dict[str, object]:
    (found,) = [each for each in await store.characters() if each.name == name]
    whole: dict[str, object] = json.loads(found.card_json)
    return whole


async def test_the_shipped_characters_are_shown_with_their_pictures(shelf: StoreCardShelf) -> None:
    cards = await shelf.list()
    assert [card.name for card in cards] == ["Fitch", "Maren", "Oriel"]
    assert all(card.has_picture and card.fields["first_mes"] for card in cards)
    picture = await shelf.picture("maren")
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert await shelf.picture("Nobody") is None


async def test_an_edit_changes_its_fields_and_nothing_else(store: SqlStore, shelf: StoreCardShelf) -> None:
    before, picture = await card_json(store, "Maren"), await shelf.picture("Maren")
    version = (await shelf.list())[1].version
    edited = await shelf.edit("Maren", {"scenario": "A harbour."})
    after = await card_json(store, "Maren")
    assert after == {**before, "data": {**before["data"], "scenario": "A harbour."}}  # type: ignore[dict-item]
    assert (edited.fields["scenario"], edited.version != version) == ("A harbour.", True)
    assert await shelf.picture("Maren") == picture


async def test_a_renamed_character_keeps_its_picture_and_its_old_name_is_gone(shelf: StoreCardShelf) -> None:
    picture = await shelf.picture("Maren")
    await shelf.edit("Maren", {"name": "Marina"})
    assert [card.name for card in await shelf.list()] == ["Fitch", "Marina", "Oriel"]
    assert await shelf.picture("Marina") == picture


async def test_a_name_that_is_taken_is_refused(shelf: StoreCardShelf) -> None:
    with pytest.raises(CardRefused, match="There is already a character named Fitch"):
        await shelf.edit("Maren", {"name": "fitch"} | {"name": "Fitch"})
    assert len(await shelf.list()) == 3


async def test_an_old_card_is_edited_as_a_new_one(store: SqlStore, shelf: StoreCardShelf) -> None:
    await shelf.save(json.dumps(V1 | {"extra": 1}).encode(), "otto.json")
    await shelf.edit("Otto", {"personality": "Slow."})
    whole = await card_json(store, "Otto")
    data = whole["data"]
    assert isinstance(data, dict)
    assert (data["description"], data["personality"], data["extra"]) == ("A ferryman.", "Slow.", 1)


async def test_a_file_without_a_card_is_refused_in_a_sentence_that_names_it(shelf: StoreCardShelf) -> None:
    with pytest.raises(CardRefused, match=r"^picture\.png is not a Tavern card: .+\.$"):
        await shelf.save(b"\x89PNG\r\n\x1a\n", "picture.png")
    with pytest.raises(CardRefused, match="no character named Nobody"):
        await shelf.edit("Nobody", {})


async def test_a_shipped_card_is_added_again_from_its_file(shelf: StoreCardShelf) -> None:
    data = resources.files("actors.app").joinpath("cards", "oriel.png").read_bytes()
    card = await shelf.save(data, "oriel.png")
    assert (card.name, card.has_picture, len(await shelf.list())) == ("Oriel", True, 3)


async def test_b28_what_is_odd_about_a_card_is_said_when_it_is_added_and_not_later(shelf: StoreCardShelf) -> None:
    card = await shelf.save(json.dumps(V1 | {"tags": "a, b"}).encode(), "otto.json")
    assert card.doubts == ("its 'tags' is text, not a list: split at its commas",)
    assert [each.doubts for each in await shelf.list()] == [()] * 4


async def test_b36_a_card_without_a_name_is_called_like_its_file(shelf: StoreCardShelf) -> None:
    card = await shelf.save(json.dumps(V1 | {"name": ""}).encode(), "The Ferryman.json")
    assert (card.name, card.fields["name"]) == ("The Ferryman", "The Ferryman")


async def test_b39_a_lorebook_is_refused_as_what_it_is(shelf: StoreCardShelf) -> None:
    with pytest.raises(CardRefused, match=r"^coast\.json is not a Tavern card: it is a lorebook \(world info\)\."):
        await shelf.save(b'{"entries": {}}', "coast.json")


async def test_b33_a_file_that_the_page_cannot_take_says_which_way_it_can_come(shelf: StoreCardShelf) -> None:
    with pytest.raises(CardRefused, match=r"^a\.charx is larger than 64 MB\. Add it with `character import`"):
        await shelf.save(b"PK\x03\x04" + bytes(CARD_BYTES_MAX), "a.charx")


async def test_b39_a_lorebook_that_an_older_version_took_for_a_character_is_shown(
    store: SqlStore, shelf: StoreCardShelf
) -> None:
    await store.add_character(Character("c1", "Coast", '{"name": "Coast", "entries": {}}'), at=1.0)
    assert [card.name for card in await shelf.list()] == ["Coast", "Fitch", "Maren", "Oriel"]
