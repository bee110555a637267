"""Log messages about the database: at the start its file and whether it is new, at the end what is left to do.

They make it visible when a wrong folder or a mistyped name gives the bot an empty database instead of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from actors.adapters.store import SqlStore
from actors.ports import Noted
from machines.response import FINAL

SHOWN_MAX: Final = 3
"""Number of other databases that a warning names."""

NOT_BEGUN: Final = Noted("info", "Ended before it began to play.")
ENDED: Final = Noted("info", "Ended.")
HANDED_OVER: Final = Noted("info", "Ended; the process that took over continues.")

WORLD: Final = "world.db"
"""The database of the playground's server, never of a bot."""


def note_of_place(path: Path | None) -> Noted:
    """Return which file is used, before it is opened; a warning if it is new and others are nearby."""
    if path is None:
        return Noted("warning", "The database is in memory: all data is lost when this process ends.")
    if path.exists():
        return Noted("info", f"The database is {path.absolute()}.")
    made = f"A new, empty database is created: {path.absolute()}."
    near = others_near(path)
    if not near:
        return Noted("info", made)
    named = ", ".join(str(each) for each in near[:SHOWN_MAX]) + (", …" if len(near) > SHOWN_MAX else "")
    return Noted(
        "warning",
        f"{made} There is already {named}. If your scenes are in it, stop the bot, set DATABASE_URL or DATA_DIR "
        "(or start it in the right folder), and start it again.",
    )


def note_of_empty(path: Path) -> Noted:
    """Return the warning for a file that existed but never had a character, although every start adds some."""
    return Noted(
        "warning",
        f"{path.absolute()} existed but is empty: no bot has finished its first start with it. A copy of a running "
        f"bot's database without its {path.name}-wal looks like this. If it is such a copy, stop the bot and replace "
        "the file by a backup made with `python bot.py backup FILE`, or copy both files.",
    )


def others_near(path: Path) -> list[Path]:
    """Return the databases in the same folder, and those of the same name in the parent and in sibling folders."""
    path = path.absolute()
    above = path.parent.parent
    found = {*path.parent.glob("*.db"), *above.glob(f"*/{path.name}"), above / path.name}
    return sorted(each for each in found - {path} if each.name != WORLD and each.is_file())


async def note_of_end(store: SqlStore) -> Noted:
    """Return the last line of the log: what the next start continues with."""
    left = sum(each.count for each in await store.lines_by_state() if each.state not in FINAL)
    if not left:
        return Noted("info", "Ended. Nothing is left to finish.")
    unfinished, them = ("1 response is", "it") if left == 1 else (f"{left} responses are", "them")
    return Noted("info", f"Ended. {unfinished} not finished; the next start continues {them}.")
