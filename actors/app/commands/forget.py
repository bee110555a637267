"""`forget`: removes everything that a person wrote from the database."""

from __future__ import annotations

from typing import Annotated

import anyio
import typer

from actors.adapters.clock import SystemClock
from actors.adapters.store import SqlStore, StoreError
from actors.app.commands.prune import opened
from actors.app.console import fail, printable, read_settings, refusing
from actors.app.read_only_store import in_which
from actors.ports.deletion import Forgotten

OUTSIDE = "Files that were saved (transcripts, backups, logs) and the messages in Discord are not touched."


def forget(
    user: Annotated[str, typer.Argument(help="The person's Discord id, or the name under which they wrote.")],
) -> None:
    """Remove everything that a person wrote from the database, whether or not the bot runs.

    Texts and names are blanked in the inbox, the history, prompts, raw answers and answers to commands. Characters' own
    lines stay, also where they answer that person.
    """
    settings = read_settings()
    with refusing(StoreError):
        forgotten = anyio.run(opened, settings, lambda store: _forget(store, user.strip()))
    for line in _in_words(forgotten):
        typer.echo(printable(line))
    typer.echo(OUTSIDE)
    typer.echo(in_which(settings, "forget"))


async def _forget(store: SqlStore, user: str) -> Forgotten:
    people = await store.people_named(user)
    if len(people) > 1:
        known = ", ".join(f"{author_id} ({name})" for author_id, name in people)
        fail(f"{len(people)} people wrote as {user!r}, and nothing was removed; give one of the ids: {known}")
    if not people and not (user.isascii() and user.isdecimal()):
        fail(f"nobody wrote as {user!r}: give the Discord id (Developer Mode, right click, Copy User ID)")
    return await store.forget(people[0][0] if people else int(user), at=SystemClock().now())


def _in_words(forgotten: Forgotten) -> list[str]:
    if not forgotten.removed:
        return [f"Nothing of {forgotten.author_id} is stored."]
    head = (
        f"Removed what {forgotten.author_id} wrote in {forgotten.scenes} scene{'' if forgotten.scenes == 1 else 's'}:"
    )
    return [head, *(f"  {table}: {count}" for table, count in forgotten.removed.items())]
