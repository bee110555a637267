"""What the log says of the database at a start and at an end: which file it is, whether it is new, what is left to do.

A bot that looks at another file than yesterday's plays on as if nothing had ever been: a wrong folder, a name mistyped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from actors.adapters.store import SqlStore
from actors.ports import Noted
from machines.response import FINAL

SHOWN_MAX: Final = 3
"""Other databases that are named."""

NOT_BEGUN: Final = Noted("info", "Ended before it began to play.")
ENDED: Final = Noted("info", "Ended.")
HANDED_OVER: Final = Noted("info", "Ended; the process that took over goes on.")

WORLD: Final = "world.db"
"""The playground's own, which is no bot's."""


def note_of_place(path: Path | None) -> Noted:
    """Which file it is, before it is opened; a warning where it is new and others are near."""
    if path is None:
        return Noted("warning", "The database is in memory: all of it ends with this process.")
    if path.exists():
        return Noted("info", f"The database is {path.absolute()}.")
    made = f"A new, empty database is made: {path.absolute()}."
    near = others_near(path)
    if not near:
        return Noted("info", made)
    named = ", ".join(str(each) for each in near[:SHOWN_MAX]) + (", …" if len(near) > SHOWN_MAX else "")
    return Noted(
        "warning",
        f"{made} There is already {named}. If your scenes are in there, end the bot, set DATABASE_URL or DATA_DIR "
        "(or start it in the right folder), and start it again.",
    )


def note_of_empty(path: Path) -> Noted:
    """Of a database that was there and never had a character: every start gives it some."""
    return Noted(
        "warning",
        f"{path.absolute()} was there and holds nothing: no bot has ended its first start on it. A copy of a running "
        f"bot's database without its {path.name}-wal looks like that. If it is one, end the bot and put a copy in its "
        "place that `python bot.py backup FILE` has made, or both files.",
    )


def others_near(path: Path) -> list[Path]:
    """Databases in the same folder, in the one above, and under the same name in folders beside it."""
    path = path.absolute()
    above = path.parent.parent
    found = {*path.parent.glob("*.db"), *above.glob(f"*/{path.name}"), above / path.name}
    return sorted(each for each in found - {path} if each.name != WORLD and each.is_file())


async def note_of_end(store: SqlStore) -> Noted:
    """The last line of the log: what the next start goes on with."""
    left = sum(each.count for each in await store.lines_by_state() if each.state not in FINAL)
    if not left:
        return Noted("info", "Ended. Nothing is left to finish.")
    unfinished, them = ("1 response is", "it") if left == 1 else (f"{left} responses are", "them")
    return Noted("info", f"Ended. {unfinished} not finished; the next start goes on with {them}.")
