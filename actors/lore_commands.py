"""Handles `!lore`: brings books of the scene and of the server, lists them, and turns them on and off.

import ─► the attached file, from Discord ─► read ─► book and answer, in one transaction ─► outbox
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import PurePath
from typing import Final

from actors.authority import Asker, Authority
from actors.ports import BookScope, FileRefused, Shelf, StoredBook
from actors.roleplay.escapes import plain_name
from actors.roleplay.lore.cards import book_of_card
from actors.roleplay.lore.model import Book
from actors.roleplay.lore.reading import LoreError, read_book
from actors.roleplay.model import Attachment, ChannelMessage, OutboxDraft, OutboxKind, SessionRecord
from actors.roleplay.names import name_key, shown_on_one_line
from actors.services import Services

FILE_BYTES_MAX: Final = 1024 * 1024
"""Of an attached book: the largest that are shared have some hundred KB."""

BOOKS_MAX: Final = 20
"""Of a scene, and of a server."""

DOUBTS_MAX: Final = 3
SHOWN_MAX: Final = 40
"""Books that a list names."""

ANSWER_MAX: Final = 2000
"""Characters of one message (Discord's reference, "Create Message")."""

SHOWING: Final = frozenset({"", "list"})
"""The acts that list the books."""

Answer = Callable[[ChannelMessage, str], Awaitable[None]]


class LoreCommands:
    """Handles `!lore`; `answer` answers where nothing is written."""

    def __init__(self, services: Services, authority: Authority, answer: Answer) -> None:
        self._services = services
        self._authority = authority
        self._answer = answer

    async def commanded(self, message: ChannelMessage, rest: str) -> None:
        """Carry out the command, and answer it."""
        act, _, words = rest.strip().partition(" ")
        session = await self._services.store.session_in(message.channel_id)
        match act.lower(), words.strip():
            case word, "" if word in SHOWING:
                await self._list(message, session)
            case "import", ("" | "scene" | "server") as scope:
                await self._import(message, session, BookScope(scope or BookScope.SCENE))
            case ("on" | "off") as word, name if name:
                await self._switch(message, session, name, is_on=word == "on")
            case _:
                await self._answer(message, f"❓ {self._usage}")

    async def _list(self, message: ChannelMessage, session: SessionRecord | None) -> None:
        shelf = await self._shelf(message, session)
        rows = [_row(book) for book in shelf.books]
        if session is not None:
            books = (book_of_card(each.card_json, each.id, each.name) for each in session.cast)
            rows += [_row_of_card(book) for book in books if book is not None]
        none = f"No lore is played here. {self._usage}"
        await self._answer(message, "\n".join(rows[:SHOWN_MAX]) or none)

    async def _import(self, message: ChannelMessage, session: SessionRecord | None, scope: BookScope) -> None:
        shelf = await self._shelf(message, session)
        try:
            await self._require_right(message, scope)
            self._require_place(message, session, scope, shelf)
            stored, book, doubts = await self._read(message.attachments[0], scope)
            _require_room(stored, shelf)
        except LoreError as refusal:
            await self._answer(message, f"❓ {refusal}")
            return
        is_of_scene = scope is BookScope.SCENE
        await self._services.store.keep_book(
            stored,
            session_id=session.id if is_of_scene and session is not None else None,
            server_id=None if is_of_scene else shelf.server_id,
            answer=self._draft(message, self._imported(book, scope, doubts)),
            at=self._services.clock.now(),
        )
        self._services.outbox_bell.ring()

    async def _require_right(self, message: ChannelMessage, scope: BookScope) -> None:
        """Raises LoreError for who may not change the lore of all scenes; that of a scene is its opener's."""
        if scope is BookScope.SERVER and not (await self._authority.standing(Asker.of(message))).moderates:
            raise LoreError("Only a moderator (Manage Messages) can change the lore of the whole server.")

    def _require_place(
        self, message: ChannelMessage, session: SessionRecord | None, scope: BookScope, shelf: Shelf
    ) -> None:
        """Raises LoreError where there is no scene or no server, or not one file."""
        if scope is BookScope.SCENE and session is None:
            raise LoreError(f"No scene is open here. Open one, or write `{self._p}lore import server`.")
        if scope is BookScope.SERVER and shelf.server_id is None:
            raise LoreError(f"This channel belongs to no server. Write `{self._p}lore import`.")
        if len(message.attachments) != 1:
            raise LoreError("Attach one file: SillyTavern's world info, a `lorebook_v3` file or a card, as JSON.")
        if message.attachments[0].size > FILE_BYTES_MAX:
            raise LoreError(f"The file is larger than {FILE_BYTES_MAX // 1024} KB. Leave some of it out.")

    async def _read(self, attached: Attachment, scope: BookScope) -> tuple[StoredBook, Book, tuple[str, ...]]:
        """Read the attached file. Raises LoreError."""
        data = await self._services.files.fetch(attached.url, bytes_max=FILE_BYTES_MAX)
        if isinstance(data, FileRefused):
            raise LoreError(data.words)
        book_id = self._services.clock.new_id()
        name = shown_on_one_line(PurePath(attached.name).stem) or "Lore"
        book, doubts = read_book(data, book_id=book_id, name=name)
        if not book.entries:
            raise LoreError("The book has no entries. Add some in the program that made it.")
        return StoredBook(book_id, scope, book.name, data.decode("utf-8-sig")), book, doubts

    def _imported(self, book: Book, scope: BookScope, doubts: Sequence[str]) -> str:
        where = "this scene" if scope is BookScope.SCENE else "all scenes of this server"
        rows = [f"📖 {plain_name(book.name)} is played in {where}: {_entries(len(book.entries))}."]
        rows += [f"Note: {doubt}." for doubt in doubts[:DOUBTS_MAX]]
        return "\n".join((*rows, f"`{self._p}lore off NAME` turns a book off."))

    async def _switch(self, message: ChannelMessage, session: SessionRecord | None, name: str, *, is_on: bool) -> None:
        shelf = await self._shelf(message, session)
        wanted = next((book for book in shelf.books if name_key(book.name) == name_key(name)), None)
        if wanted is None:
            await self._answer(message, f"❓ There is no such book here. `{self._p}lore` lists them.")
            return
        try:
            await self._require_right(message, wanted.scope)
        except LoreError as refusal:
            await self._answer(message, f"❓ {refusal}")
            return
        words = f"📖 {plain_name(wanted.name)} is {'on' if is_on else 'off'}."
        answer, at = self._draft(message, words), self._services.clock.now()
        await self._services.store.switch_book(wanted.id, is_on=is_on, answer=answer, at=at)
        self._services.outbox_bell.ring()

    async def _shelf(self, message: ChannelMessage, session: SessionRecord | None) -> Shelf:
        return await self._services.store.books(None if session is None else session.id, message.channel_id)

    def _draft(self, message: ChannelMessage, text: str) -> OutboxDraft:
        return OutboxDraft(f"answer:{message.id}", OutboxKind.ANSWER, message.channel_id, text[:ANSWER_MAX])

    @property
    def _p(self) -> str:
        return self._services.rules.command_prefix

    @property
    def _usage(self) -> str:
        p = self._p
        return f"Write `{p}lore import` or `{p}lore import server` with a file, `{p}lore list`, `{p}lore on|off NAME`."


def _require_room(new: StoredBook, shelf: Shelf) -> None:
    """Raises LoreError if there are too many books; one of a known name takes the place of that one."""
    others = [each for each in shelf.books if each.scope is new.scope and name_key(each.name) != name_key(new.name)]
    if len(others) >= BOOKS_MAX:
        raise LoreError(
            f"The {new.scope} has {BOOKS_MAX} books already. Give it the name of one of them to replace it."
        )


def _row(book: StoredBook) -> str:
    return f"📖 {plain_name(book.name)}, from the {book.scope}: {'on' if book.is_on else 'off'}"


def _row_of_card(book: Book) -> str:
    return f"📖 {plain_name(book.name)}, from a card: {_entries(len(book.entries))}"


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"
