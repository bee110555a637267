"""The facts of the live view: from the running bot's inspector, and from the database where no bot answers.

    INSPECTOR_ADDRESS, then the playground ─ answers? ─► /events ─► Known, until it ends
        ▲                                     └─ no ─► database, read-only ─► Known
        └───────────────── some seconds ────────────────────┘

Failure modes: none is raised. What keeps the one or the other from being read stands in `Known.link`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from pydantic import TypeAdapter, ValidationError

from actors.adapters.inspector import InspectorClient, InspectorGone, newest_and_unfinished, recorded_view
from actors.adapters.store import StoreError, database_path
from actors.adapters.terminal.facts import Known, Link, MachineSeen, Origin, Seen, Told
from actors.adapters.terminal.words import clock
from actors.app.console import printable
from actors.app.playground_place import find_playground, playground_folder
from actors.app.reading import open_to_read
from actors.app.recordings import from_view
from actors.app.settings import Settings
from actors.app.telling import HEADS, moves, standing, whose
from actors.app.watched_machines import machines_of

AGAIN_S: Final = 3.0
"""Between two questions whether a bot is there."""

RESPONSES_MAX: Final = 200
"""The newest that are read of a database, and of each state that is not final: as many as the inspector tells of."""

SESSIONS_MAX: Final = 100
NOT_ASKED: Final = "INSPECTOR_ADDRESS is empty, so no bot is asked"
DATABASE_URL: Final = "sqlite:///ensemble.db"
"""The playground's, in its folder."""

_SEEN: Final = TypeAdapter(Seen)

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to ask a bot, and what to read where it does not answer. `words` say whose bot it is."""

    address: str
    token: str | None
    settings: Settings
    words: str = ""


class Watching:
    """The `Source` of the live view. `follow` first: the others answer from what it has found."""

    def __init__(self, settings: Settings, *, now: Callable[[], float] = time.time, again_s: float = AGAIN_S) -> None:
        self._asked_first = settings
        self._folder = playground_folder(settings)
        self._playground = settings.model_copy(update={"data_dir": self._folder, "database_url": DATABASE_URL})
        self._client: InspectorClient | None = None
        self._settings = settings
        """Whose database is read: of the bot that answered last, at first as the user set it."""
        self._now = now
        self._again_s = again_s
        self._is_live = False
        self._resting: tuple[MachineSeen, ...] = ()  # the fleet as the database has it
        self._read_as_of: object = None  # the database's stamp at the last reading
        self._read_at = 0.0

    async def follow(self, known: Known) -> None:
        """Keep `known` up to date, for ever: from the bot while it answers, else from the database."""
        while True:
            places = self._places()
            why = [await self._live(place, known) for place in places]
            if len(places) == 1:
                why.append(f"no playground runs in {self._folder}")
            self._settings = self._with_database()
            await self._rest(known, "; ".join(why))
            await anyio.sleep(self._again_s)

    async def fleet(self) -> tuple[MachineSeen, ...]:
        """Every machine; none where nobody can tell."""
        if not self._is_live or self._client is None:
            return self._resting
        try:
            fleet, sessions = await self._client.fleet(), await self._client.sessions()
        except InspectorGone:
            return self._resting  # `follow` learns it as well, and says so
        return machines_of(
            fleet["states"],
            [each["state"] for each in sessions["sessions"]],
            breakers=fleet["breakers"],
            connections=fleet["connections"],
            now=fleet["now"],
        )

    async def told(self, response_id: str) -> Told | None:
        """One response; None where nobody knows it."""
        view = await self._asked(response_id)
        return None if view is None else told_of(view)

    async def _asked(self, response_id: str) -> View | None:
        if self._is_live and self._client is not None:
            try:
                return await self._client.response(response_id)
            except InspectorGone:
                pass  # `follow` learns it as well, and says so
        return await self._recorded(response_id)

    # ── the running bot ─────────────────────────────────────────────────────────────────────────────

    def _places(self) -> list[_Place]:
        """Where a bot may be asked: as the user set it, then in the playground that runs here."""
        first = self._asked_first
        token = first.inspector_token.get_secret_value() if first.inspector_token else None
        places = [_Place(first.inspector_address, token, first)]
        playground = find_playground(self._folder)
        if playground is not None:
            words = f" (the playground in {self._folder})"
            places.append(_Place(playground.address, playground.token, self._playground, words))
        return places

    def _with_database(self) -> Settings:
        """Whose database is read: that of the bot that answered last, else the playground's where that alone exists."""
        for settings in (self._settings, self._playground):
            path = database_path(settings.database_url, folder=settings.data_dir)
            if path is None or path.is_file():
                return settings
        return self._settings

    async def _live(self, place: _Place, known: Known) -> str:
        """Follow the bot there while it answers; why it does no longer."""
        if not place.address:
            return NOT_ASKED
        try:
            async with InspectorClient(place.address, place.token) as client:
                self._client = client
                return await self._followed(client, place, known)
        finally:
            self._is_live = False

    async def _followed(self, client: InspectorClient, place: _Place, known: Known) -> str:
        try:
            fleet = await client.fleet()
            words = printable(f"Live from {client.url}{place.words}")
            link = Link(Origin.BOT, words, ahead_s=float(fleet["now"]) - self._now())
            self._settings = place.settings
            await client.follow(partial(self._take, known, link))
        except InspectorGone as gone:
            return f"{gone}{place.words}"
        except (ValidationError, KeyError, TypeError):
            return f"{client.url} says what this version does not understand"

    def _take(self, known: Known, link: Link, event: str, told: View) -> None:
        match event:
            case "snapshot":
                known.replace(seen_of(view) for view in told["responses"])
                known.linked(link)
                self._is_live = True
            case "move":
                known.changed(seen_of(told["response"]))
            case "paused":
                known.held(told["response"], _held(told["paused"]))
            case _:
                pass  # breakers and connections: the fleet tells of them

    # ── the database ────────────────────────────────────────────────────────────────────────────────

    async def _rest(self, known: Known, why: str) -> None:
        """Show what the database has, read again where it has changed."""
        try:
            path, stamp = self._path(), self._stamp()
            if known.link.origin is not Origin.DATABASE or stamp != self._read_as_of:
                known.replace(await self._read())
                self._read_as_of, self._read_at = stamp, self._now()
            words = f"From the database {path}, as of {clock(self._read_at)} UTC: {why}"
            link = Link(Origin.DATABASE, printable(words))
        except StoreError as error:
            self._resting = ()
            link = Link(Origin.NOBODY, printable(f"{why}; {error}"))
        if link != known.link:
            known.linked(link)

    async def _read(self) -> list[Seen]:
        async with open_to_read(self._settings) as store:
            states = await store.lines_by_state()
            sessions = await store.seen_sessions(limit=SESSIONS_MAX)
            found = await newest_and_unfinished(store, limit=RESPONSES_MAX)
        counts = [{"state": each.state, "count": each.count} for each in states]
        self._resting = machines_of(counts, [each.state for each in sessions])
        return [seen_of(recorded_view(each)) for each in found]

    async def _recorded(self, response_id: str) -> View | None:
        settings = self._settings
        try:
            self._path()
            async with open_to_read(settings) as store:
                recorded = await store.recorded(response_id)
        except StoreError:
            return None  # the link says so
        return None if recorded is None else recorded_view(recorded)

    def _path(self) -> Path:
        """The database's file. Raises StoreError."""
        path = database_path(self._settings.database_url, folder=self._settings.data_dir)
        if path is None:
            raise StoreError("a database in memory is read by nobody but its own process")
        return path

    def _stamp(self) -> object:
        """Changes with the database: SQLite writes into the file, or into the log beside it."""
        path = self._path()
        files = [path, path.with_name(f"{path.name}-wal")]
        stats = [file.stat() for file in files if file.exists()]
        return [(stat.st_mtime_ns, stat.st_size) for stat in stats]


def seen_of(view: View) -> Seen:
    """A response of the inspector's shape as a row. Raises ValidationError, and KeyError, for another shape."""
    # A card's name may hold what steers a terminal.
    words = {name: _plain(view.get(name)) for name in ("name", "waits", "last_error", "mend")}
    words["held"] = _held(view.get("paused"))
    return _SEEN.validate_python({**view, **words, "moves": view["path"][-1]["seq"] if view["path"] else 0})


def told_of(view: View) -> Told:
    """A whole response of the inspector's shape, in the words of `replay`."""
    recording = from_view(view)
    entered = Counter(move.dest for move in recording.path if move.source != move.dest)
    return Told(
        seen=seen_of(view),
        whose=whose(recording),
        visits=dict(entered),
        heads=HEADS,
        moves=tuple(moves(recording)),
        standing=standing(recording),
        legal=tuple(view["legal"]),
    )


def _held(pause: View | None) -> str:
    if pause is None:
        return ""
    return f"held by breakpoint {pause['breakpoint']} before {pause['from']} ─► {pause['to']}"


def _plain(words: str | None) -> str | None:
    return None if words is None else printable(" ".join(words.split()))
