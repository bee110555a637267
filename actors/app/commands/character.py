"""`character`: the characters of this database, and Tavern cards in and out of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import anyio
import typer

from actors.adapters.clock import SystemClock
from actors.adapters.icon import IconError, png_of
from actors.adapters.store import SqlStore, StoreError, database_path, open_store
from actors.app.characters import add_shipped, keeping_picture, read_character
from actors.app.console import FAILED, WRONG_USE, fail, printable, read_settings, refusing
from actors.app.places import refusal_of
from actors.app.reading import elsewhere, in_which
from actors.roleplay.card import CardError, kept_card, kept_picture
from actors.roleplay.card_writing import write_png
from actors.roleplay.model import Character
from actors.roleplay.names import find_named, shown_on_one_line

T = TypeVar("T")

WIDTH: Final = 80
"""Columns of a terminal, as it has always been."""

NOT_PLAYED: Final = "kept, not played"

app = typer.Typer(help="Characters: Tavern cards V1, V2 and V3 from JSON, PNG and CHARX.", no_args_is_help=True)


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Card files (.json, .png, .charx).")],
    name: Annotated[str, typer.Option(help="What to call the character instead of what its card says.")] = "",
) -> None:
    """Add characters; one of a known name replaces it from the next `!start` on."""
    if name and (len(files) > 1 or not shown_on_one_line(name)):
        fail("--name takes a name that can be seen, and one file; import the others without it", WRONG_USE)
    is_whole = _with_store(lambda store: _import(store, files, name))
    typer.echo(in_which(read_settings(), "character import"))
    if not is_whole:
        raise typer.Exit(FAILED)


@app.command("list")
def list_() -> None:
    """List the characters by name."""
    for character in _with_store(lambda store: store.characters()):
        card = kept_card(character.card_json)
        typer.echo(printable(_row(character.name, card.description)))


@app.command()
def show(name: str) -> None:
    """Show a character's card."""
    character = _named(name)
    card = kept_card(character.card_json)
    rows = (
        ("Name", character.name),
        ("Picture", "yes" if character.picture else "no"),
        ("Creator", card.creator),
        ("Tags", ", ".join(card.tags)),
        ("Description", card.description),
        ("Personality", card.personality),
        ("Scenario", card.scenario),
        ("Example dialogues", card.mes_example),
        (f"First message ({NOT_PLAYED})", card.first_mes),
        (f"Greetings ({NOT_PLAYED})", _number(card.alternate_greetings, card.group_only_greetings)),
        (f"Lorebook ({NOT_PLAYED})", _number(_lorebook(character.card_json))),
    )
    for title, text in rows:
        if text:
            typer.echo(printable(f"{title}: {text}"))


@app.command()
def export(
    name: str,
    file: Annotated[Path, typer.Argument(help="A .json or .png file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if there is one.")] = False,
) -> None:
    """Write a character's card to a file: the whole of it to a .png; a .json has no room for its picture."""
    character = _named(name)
    with refusing(CardError, IconError, OSError):
        data = _as_file(character, file)
        try:
            with file.open("wb" if force else "xb") as opened:
                opened.write(data)
        except FileExistsError:
            fail(f"{file} is there already: name another file, or overwrite it with --force")
    typer.echo(f"Wrote {character.name} to {file}{_left_out(character, file)}")


@app.command()
def delete(name: str) -> None:
    """Take a character off the list; scenes that are open keep it."""
    known = _named(name).name
    _with_store(lambda store: store.delete_character(known))
    typer.echo(f"Deleted {known}")
    typer.echo(in_which(read_settings(), "character delete"))


def _as_file(character: Character, file: Path) -> bytes:
    """The card as the file's ending asks for. Raises CardError, and IconError for a picture that cannot be read."""
    if file.suffix.lower() == ".json":
        return character.card_json.encode()
    if file.suffix.lower() != ".png" or character.picture is None:
        fail(f"{file}: write to a .json file" + (" or a .png file" if character.picture else "; it has no picture"))
    return write_png(character.card_json, png_of(character.picture))


def _left_out(character: Character, file: Path) -> str:
    """What to say of a picture that the file has no room for."""
    if file.suffix.lower() != ".json" or character.picture is None:
        return ""
    return "" if kept_picture(character.card_json) else "; its picture is not in it: a .png file takes both"


def _number(*lists: Sequence[object]) -> str:
    return str(sum(map(len, lists)) or "")


def _lorebook(card_json: str) -> Sequence[object]:
    """The lorebook's entries, as they stand in the card."""
    whole = json.loads(card_json)
    fields = whole["data"] if isinstance(whole.get("data"), dict) else whole
    book = fields.get("character_book")
    entries = book.get("entries") if isinstance(book, dict) else None
    return entries if isinstance(entries, list) else ()


async def _import(store: SqlStore, files: list[Path], name: str) -> bool:
    """Import each file by itself, so that one broken card keeps no other out."""
    clock, is_whole = SystemClock(), True
    for file in files:
        try:
            brought = read_character(file, new_id=clock.new_id(), name=name)
        except CardError as error:
            typer.echo(f"ensemble: {error}", err=True)
            is_whole = False
            continue
        character = keeping_picture(brought.character, await store.characters())
        replaced = await store.add_character(character, at=clock.now())
        kept = "; it keeps its picture, the file has none" if character.picture is not brought.character.picture else ""
        for doubt in brought.doubts:
            typer.echo(printable(f"ensemble: {file}: {doubt}"), err=True)
        typer.echo(f"{'Replaced' if replaced else 'Imported'} {character.name} ({file}){kept}")
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


def _named(name: str) -> Character:
    found = find_named(name, _with_store(lambda store: store.characters()))
    return found or _unknown(name)


def _unknown(name: str) -> NoReturn:
    known = ", ".join(character.name for character in _with_store(lambda store: store.characters()))
    found = f"there is no character named {name!r}; there are: {known or 'none'}"
    fail(f"{found}{elsewhere(read_settings())}")


def _row(name: str, description: str) -> str:
    """A line of the list, no wider than a terminal."""
    line = " ".join(f"{name}: {description}".split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
