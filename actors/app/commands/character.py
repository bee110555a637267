"""`character`: lists, imports, exports and deletes the characters of this database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import anyio
import typer

from actors.adapters.clock import SystemClock
from actors.adapters.icon import IconError, png_of
from actors.adapters.store import SqlStore, StoreError, database_path, open_store, write_private
from actors.app.characters import add_shipped, keeping_picture, read_character
from actors.app.console import FAILED, WRONG_USE, fail, printable, read_settings, refusing
from actors.app.database_location import refusal_of
from actors.app.read_only_store import elsewhere, in_which
from actors.roleplay.card import CardError, kept_card, kept_picture
from actors.roleplay.card_writing import write_png
from actors.roleplay.lore.cards import book_of_card
from actors.roleplay.model import Character
from actors.roleplay.names import find_named, shown_on_one_line

T = TypeVar("T")

WIDTH: Final = 80
"""Columns of a standard terminal."""

Server = Annotated[int, typer.Option(min=0, help="Id of the server that it belongs to; without it, to all servers.")]

NOT_PLAYED: Final = "kept, not played"

app = typer.Typer(help="Characters: Tavern cards V1, V2 and V3 from JSON, PNG and CHARX.", no_args_is_help=True)


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Card files (.json, .png, .charx).")],
    name: Annotated[str, typer.Option(help="Name of the character, instead of the name on its card.")] = "",
    server: Server = 0,
) -> None:
    """Add characters. A card with a known name replaces that character from the next `!start` on."""
    if name and (len(files) > 1 or not shown_on_one_line(name)):
        fail("--name needs one file and a name with visible characters; import the other files without it", WRONG_USE)
    is_whole = _with_store(lambda store: _import(store, files, name, server or None))
    typer.echo(in_which(read_settings(), "character import"))
    if not is_whole:
        raise typer.Exit(FAILED)


@app.command("list")
def list_() -> None:
    """List the characters by name; a server's own ones with the server's id."""
    for character in _with_store(lambda store: store.characters()):
        card = kept_card(character.card_json)
        typer.echo(printable(_row(_with_server(character), card.description)))


@app.command()
def show(name: str, server: Server = 0) -> None:
    """Show a character's card."""
    character = _named(name, server)
    card = kept_card(character.card_json)
    rows = (
        ("Name", character.name),
        ("Server", str(character.server_id or "")),
        ("Picture", "yes" if character.picture else "no"),
        ("Creator", card.creator),
        ("Tags", ", ".join(card.tags)),
        ("Description", card.description),
        ("Personality", card.personality),
        ("Scenario", card.scenario),
        ("Example dialogues", card.mes_example),
        (f"First message ({NOT_PLAYED})", card.first_mes),
        (f"Greetings ({NOT_PLAYED})", _number(card.alternate_greetings, card.group_only_greetings)),
        ("Lorebook", _number(_lorebook(character))),
    )
    for title, text in rows:
        if text:
            typer.echo(printable(f"{title}: {text}"))


@app.command()
def export(
    name: str,
    file: Annotated[Path, typer.Argument(help="A .json or .png file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    server: Server = 0,
) -> None:
    """Write a character's card to a file. A .png file holds the whole card; a .json file leaves out the picture."""
    character = _named(name, server)
    with refusing(CardError, IconError, OSError):
        data = _as_file(character, file)
        try:
            write_private(file, [data], overwrites=force)
        except FileExistsError:
            fail(f"{file} exists already: name another file, or overwrite it with --force")
    typer.echo(f"Wrote {character.name} to {file}{_left_out(character, file)}")


@app.command()
def delete(name: str, server: Server = 0) -> None:
    """Delete a character. Open scenes keep it."""
    known = _named(name, server).name
    _with_store(lambda store: store.delete_character(known, server or None))
    typer.echo(f"Deleted {known}")
    typer.echo(in_which(read_settings(), "character delete"))


def _as_file(character: Character, file: Path) -> bytes:
    """Return the card in the format of the file's ending. Raises CardError, and IconError for an unreadable picture."""
    if file.suffix.lower() == ".json":
        return character.card_json.encode()
    if file.suffix.lower() != ".png" or character.picture is None:
        fail(f"{file}: write to a .json file" + (" or a .png file" if character.picture else "; it has no picture"))
    return write_png(character.card_json, png_of(character.picture))


def _left_out(character: Character, file: Path) -> str:
    """A hint if the file leaves out the picture; else empty."""
    if file.suffix.lower() != ".json" or character.picture is None:
        return ""
    return "" if kept_picture(character.card_json) else " without its picture; export to a .png file to keep both"


def _number(*lists: Sequence[object]) -> str:
    return str(sum(map(len, lists)) or "")


def _lorebook(character: Character) -> Sequence[object]:
    """The entries of the lorebook in the card."""
    book = book_of_card(character.card_json, character.id, character.name)
    return () if book is None else book.entries


async def _import(store: SqlStore, files: list[Path], name: str, server_id: int | None) -> bool:
    """Import each file separately, so that one broken card does not stop the others. True if all were imported."""
    clock, is_whole = SystemClock(), True
    for file in files:
        try:
            brought = read_character(file, new_id=clock.new_id(), name=name)
        except CardError as error:
            typer.echo(f"ensemble: {error}", err=True)
            is_whole = False
            continue
        own = replace(brought.character, server_id=server_id)
        character = keeping_picture(own, await store.characters())
        replaced = await store.add_character(character, at=clock.now())
        kept = "; its picture stays, the file has none" if character.picture is not brought.character.picture else ""
        for doubt in brought.doubts:
            typer.echo(printable(f"ensemble: {file}: {doubt}"), err=True)
        typer.echo(f"{'Replaced' if replaced else 'Imported'} {_with_server(character)} ({file}){kept}")
    return is_whole


def _with_store(work: Callable[[SqlStore], Awaitable[T]]) -> T:
    settings = read_settings()

    async def main() -> T:
        path = database_path(settings.database_url, folder=settings.data_dir)
        if path is not None and (refusal := refusal_of(path)):
            raise StoreError(str(refusal))
        async with open_store(settings.database_url, folder=settings.data_dir) as store:
            await add_shipped(store, SystemClock())
            return await work(store)

    with refusing(StoreError):
        return anyio.run(main)


def _named(name: str, server: int) -> Character:
    known = [each for each in _with_store(lambda store: store.characters()) if (each.server_id or 0) == server]
    return find_named(name, known) or _unknown(name)


def _unknown(name: str) -> NoReturn:
    known = ", ".join(_with_server(character) for character in _with_store(lambda store: store.characters()))
    found = f"there is no character named {name!r}; there are: {known or 'none'}"
    fail(f"{found}{elsewhere(read_settings())}")


def _with_server(character: Character) -> str:
    return character.name if character.server_id is None else f"{character.name} [server {character.server_id}]"


def _row(name: str, description: str) -> str:
    """One line of the list, at most `WIDTH` columns."""
    line = " ".join(f"{name}: {description}".split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
