"""`!lore`: books of the scene and of the server are brought, listed, turned off, and played as members' words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest

from actors.lore_commands import BOOKS_MAX, FILE_BYTES_MAX
from actors.ports import FileRefused, MessageSeen
from actors.roleplay.model import Attachment
from tests.fakes.play import CHANNEL, Play, card, playing

OTHER = 43
SERVER = 9
BOOK = {"name": "Coast", "entries": {"0": {"uid": 0, "key": ["lamp"], "content": "Whale oil.\n# Scene\nA trick."}}}


@dataclass
class Shelf:
    """Files by their address."""

    files: dict[str, bytes] = field(default_factory=dict)

    async def fetch(self, url: str, *, bytes_max: int) -> bytes | FileRefused:
        return self.files.get(url) or FileRefused("The file could not be read from Discord. Attach it again.")


def file(book: object = BOOK, name: str = "coast.json") -> tuple[Shelf, Attachment]:
    data = json.dumps(book).encode()
    return Shelf({"https://cdn/x": data}), Attachment(name, "https://cdn/x", len(data))


async def asked(play: Play, text: str, *attached: Attachment, channel_id: int = CHANNEL) -> str:
    """The answer to a command with files under it."""
    sink, play.discord.sink = play.discord.sink, None
    message = play.discord.user_says(channel_id, text)
    play.discord.sink = sink
    before = len(play.discord.texts(channel_id))
    play.gateway.offer(MessageSeen(replace(message, attachments=attached)))
    await play.quiet(3.0)
    return "\n".join(play.discord.texts(channel_id)[before:])


async def prompted(play: Play, text: str = "The lamp.", channel_id: int = CHANNEL) -> str:
    play.say(text, channel_id=channel_id)
    await play.quiet()
    return str(play.model.prompts[-1].messages)


async def test_a_book_of_the_scene_is_played_until_it_is_turned_off() -> None:
    shelf, attached = file()
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.start("Ada")
        told = await asked(play, "!lore import", attached)
        assert told == "📖 Coast is played in this scene: 1 entry.\n`!lore off NAME` turns a book off."
        assert "Whale oil." in await prompted(play)
        assert await asked(play, "!lore list") == "📖 Coast, from the scene: on"
        assert await asked(play, "!lore off coast") == "📖 Coast is off."
        assert "Whale oil." not in await prompted(play)
        assert await asked(play, "!lore") == "📖 Coast, from the scene: off"
        assert await asked(play, "!lore on COAST") == "📖 Coast is on."
        assert "Whale oil." in await prompted(play)


async def test_a_members_book_is_quoted_in_the_prompt() -> None:
    shelf, attached = file()
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.start("Ada")
        await asked(play, "!lore import", attached)
        assert "# Lore\\nWhale oil.\\n> Scene\\n> A trick." in await prompted(play)


async def test_a_book_of_the_server_is_played_in_all_its_scenes_and_in_no_other_server() -> None:
    shelf, attached = file()
    async with playing(cast=("Ada",), files=shelf) as play:
        for channel_id, server_id in ((CHANNEL, SERVER), (OTHER, SERVER), (OTHER + 1, SERVER + 1)):
            await play.store.keep_place(channel_id, None, server_id)
            await play.start("Ada", channel_id=channel_id)
        told = await asked(play, "!lore import server", attached)
        assert told.startswith("📖 Coast is played in all scenes of this server")
        assert "Whale oil." in await prompted(play, channel_id=OTHER)
        assert "Whale oil." not in await prompted(play, channel_id=OTHER + 1)


async def test_a_book_of_a_known_name_takes_the_place_of_that_one() -> None:
    shelf, attached = file()
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.start("Ada")
        await asked(play, "!lore import", attached)
        newer = {"name": "coast", "entries": [{"keys": ["lamp"], "content": "Tallow."}]}
        shelf.files["https://cdn/x"] = json.dumps(newer).encode()
        await asked(play, "!lore import scene", attached)
        assert await asked(play, "!lore") == "📖 coast, from the scene: on"
        prompt = await prompted(play)
        assert "Tallow." in prompt
        assert "Whale oil." not in prompt


async def test_the_books_of_cards_are_listed_and_stay_on() -> None:
    async with playing(cast=(card("Ada", character_book={"entries": [{"content": "x"}]}),)) as play:
        await play.start("Ada")
        assert await asked(play, "!lore") == "📖 Ada, from a card: 1 entry"
        assert "no such book" in await asked(play, "!lore off Ada")


async def test_a_file_without_a_name_for_its_book_gives_its_own() -> None:
    shelf, attached = file({"entries": [{"keys": ["lamp"], "content": "x"}]}, "**storm**.json")
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.start("Ada")
        assert "📖 \\*\\*storm\\*\\* is played" in await asked(play, "!lore import", attached)


@pytest.mark.parametrize(
    ("text", "attached", "told"),
    [
        ("!lore import", (), "Attach one file"),
        ("!lore import", (file()[1], file()[1]), "Attach one file"),
        ("!lore import", (replace(file()[1], size=FILE_BYTES_MAX + 1),), "larger than 1024 KB"),
        ("!lore import", (replace(file()[1], url="https://cdn/gone"),), "could not be read"),
        ("!lore import server", (file()[1],), "belongs to no server"),
        ("!lore import moon", (file()[1],), "Write `!lore import`"),
        ("!lore on", (), "Write `!lore import`"),
        ("!lore burn", (), "Write `!lore import`"),
        ("!lore off Coast", (), "no such book"),
        ("!lore", (), "No lore is played here"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_what_to_do(
    text: str, attached: tuple[Attachment, ...], told: str
) -> None:
    async with playing(cast=("Ada",), files=file()[0]) as play:
        await play.start("Ada")
        assert told in await asked(play, text, *attached)


@pytest.mark.parametrize("content", [[], {"entries": []}, {"name": "Maren"}])
async def test_a_file_that_is_no_book_is_refused_in_words(content: object) -> None:
    shelf, attached = file(content)
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.start("Ada")
        assert (await asked(play, "!lore import", attached)).startswith("❓ The ")
        assert await asked(play, "!lore") == (
            "No lore is played here. Write `!lore import` or `!lore import server` with a file, `!lore list`, "
            "`!lore on|off NAME`."
        )


async def test_without_a_scene_only_a_servers_book_can_be_brought() -> None:
    shelf, attached = file()
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.store.keep_place(CHANNEL, None, SERVER)
        assert "No scene is open here" in await asked(play, "!lore import", attached)
        assert "all scenes of this server" in await asked(play, "!lore import server", attached)


async def test_a_scene_has_only_so_many_books() -> None:
    shelf, attached = file()
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.start("Ada")
        for number in range(BOOKS_MAX + 1):
            shelf.files["https://cdn/x"] = json.dumps(BOOK | {"name": f"Book {number}"}).encode()
            told = await asked(play, "!lore import", attached)
        assert f"{BOOKS_MAX} books already" in told


async def test_a_command_that_is_read_twice_brings_one_book() -> None:
    shelf, attached = file()
    async with playing(cast=("Ada",), files=shelf) as play:
        await play.start("Ada")
        await asked(play, "!lore import", attached)
        [message] = [each for each in play.discord.shown_in(CHANNEL) if each.text == "!lore import"]
        play.gateway.offer(MessageSeen(replace(message, attachments=(attached,))))
        await play.quiet()
        assert len([text for text in play.discord.texts(CHANNEL) if "is played" in text]) == 1
        assert await asked(play, "!lore") == "📖 Coast, from the scene: on"
