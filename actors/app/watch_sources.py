"""Supplies the live view with facts from the running bot's inspector, or from the database if no bot answers.

    INSPECTOR_ADDRESS, then the playground ─ answers? ─► /events ─► Known, until it ends
        ▲                                     └─ no ─► database, read-only ─► Known
        └───────────────── some seconds ────────────────────┘

Failure modes: none is raised. `Known.link` says why a source could not be read.
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
from actors.adapters.terminal.facts import Known, Link, MachineView, Origin, ResponseDetail, ResponseView
from actors.adapters.terminal.words import clock
from actors.app.console import printable
from actors.app.fleet_text import machines_of
from actors.app.playground_address import find_playground, playground_folder
from actors.app.read_only_store import open_to_read
from actors.app.recording_text import HEADS, moves, standing, whose
from actors.app.recordings import from_view
from actors.app.settings import Settings

AGAIN_S: Final = 3.0
"""Interval at which we look for a running bot."""

RESPONSES_MAX: Final = 200
"""Responses read from a database: the newest, and those of each unfinished state; the inspector's own limit."""

SESSIONS_MAX: Final = 100
NOT_ASKED: Final = "INSPECTOR_ADDRESS is empty, so no bot is asked"
DATABASE_URL: Final = "sqlite:///ensemble.db"
"""The playground's database, in its folder."""

_VIEW: Final = TypeAdapter(ResponseView)

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to ask a bot, and what to read if it does not answer. `words` says which bot it is."""

    address: str
    token: str | None
    settings: Settings
    words: str = ""


class Watching:
    """The `Source` of the live view. Start `follow` first: the other methods use what it finds."""

    def __init__(self, settings: Settings, *, now: Callable[[], float] = time.time, again_s: float = AGAIN_S) -> None:
        self._asked_first = settings
        self._folder = playground_folder(settings)
        self._playground = settings.model_copy(update={"data_dir": self._folder, "database_url": DATABASE_URL})
        self._client: InspectorClient | None = None
        self._settings = settings
        """Settings of the database to read: the bot that answered last; at first, the user's."""
        self._now = now
        self._again_s = again_s
        self._is_live = False
        self._resting: tuple[MachineView, ...] = ()  # the fleet from the database
        self._read_as_of: object = None  # the database's stamp at the last read
        self._read_at = 0.0

    async def follow(self, known: Known) -> None:
        """Keep `known` up to date for ever: from the bot while it answers, else from the database."""
        while True:
            places = self._places()
            why = [await self._live(place, known) for place in places]
            if len(places) == 1:
                why.append(f"no playground runs in {self._folder}")
            self._settings = self._with_database()
            await self._rest(known, "; ".join(why))
            await anyio.sleep(self._again_s)

    async def fleet(self) -> tuple[MachineView, ...]:
        """Return every machine; empty if neither source can be read."""
        if not self._is_live or self._client is None:
            return self._resting
        try:
            fleet, sessions = await self._client.fleet(), await self._client.sessions()
        except InspectorGone:
            return self._resting  # `follow` notices it too, and shows it
        return machines_of(
            fleet["states"],
            [each["state"] for each in sessions["sessions"]],
            breakers=fleet["breakers"],
            connections=fleet["connections"],
            now=fleet["now"],
        )

    async def told(self, response_id: str) -> ResponseDetail | None:
        """Return one response; None if neither source has it."""
        view = await self._asked(response_id)
        return None if view is None else detail_of(view)

    async def _asked(self, response_id: str) -> View | None:
        if self._is_live and self._client is not None:
            try:
                return await self._client.response(response_id)
            except InspectorGone:
                pass  # `follow` notices it too, and shows it
        return await self._recorded(response_id)

    # ── the running bot ─────────────────────────────────────────────────────────────────────────────

    def _places(self) -> list[_Place]:
        """The places to ask: as the user set it, then the playground that runs here."""
        first = self._asked_first
        token = first.inspector_token.get_secret_value() if first.inspector_token else None
        places = [_Place(first.inspector_address, token, first)]
        playground = find_playground(self._folder)
        if playground is not None:
            words = f" (the playground in {self._folder})"
            places.append(_Place(playground.address, playground.token, self._playground, words))
        return places

    def _with_database(self) -> Settings:
        """Choose the database: of the bot that answered last, or the playground's if only that one exists."""
        for settings in (self._settings, self._playground):
            path = database_path(settings.database_url, folder=settings.data_dir)
            if path is None or path.is_file():
                return settings
        return self._settings

    async def _live(self, place: _Place, known: Known) -> str:
        """Follow the bot at this place while it answers; return why it stopped."""
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
            return f"{client.url} sent an answer that this version does not understand"

    def _take(self, known: Known, link: Link, event: str, told: View) -> None:
        match event:
            case "snapshot":
                known.replace(view_of(view) for view in told["responses"])
                known.linked(link)
                self._is_live = True
            case "move":
                known.changed(view_of(told["response"]))
            case "paused":
                known.held(told["response"], _held(told["paused"]))
            case _:
                pass  # breakers and connections: shown by `fleet`

    # ── the database ────────────────────────────────────────────────────────────────────────────────

    async def _rest(self, known: Known, why: str) -> None:
        """Show the database's content; read it again if it has changed."""
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

    async def _read(self) -> list[ResponseView]:
        async with open_to_read(self._settings) as store:
            states = await store.lines_by_state()
            sessions = await store.seen_sessions(limit=SESSIONS_MAX)
            found = await newest_and_unfinished(store, limit=RESPONSES_MAX)
        counts = [{"state": each.state, "count": each.count} for each in states]
        self._resting = machines_of(counts, [each.state for each in sessions])
        return [view_of(recorded_view(each)) for each in found]

    async def _recorded(self, response_id: str) -> View | None:
        settings = self._settings
        try:
            self._path()
            async with open_to_read(settings) as store:
                recorded = await store.recorded(response_id)
        except StoreError:
            return None  # the link shows it
        return None if recorded is None else recorded_view(recorded)

    def _path(self) -> Path:
        """Return the database file. Raises StoreError."""
        path = database_path(self._settings.database_url, folder=self._settings.data_dir)
        if path is None:
            raise StoreError("a database in memory can be read only by its own process; set DATABASE_URL to a file")
        return path

    def _stamp(self) -> object:
        """A value that changes with the database: SQLite writes to the file, or to the log beside it."""
        path = self._path()
        files = [path, path.with_name(f"{path.name}-wal")]
        stats = [file.stat() for file in files if file.exists()]
        return [(stat.st_mtime_ns, stat.st_size) for stat in stats]


def view_of(view: View) -> ResponseView:
    """Convert a response in the inspector's form into a row. Raises ValidationError or KeyError for another form."""
    # A card's name may contain control characters.
    words = {name: _plain(view.get(name)) for name in ("name", "waits", "last_error", "mend")}
    words["held"] = _held(view.get("paused"))
    return _VIEW.validate_python({**view, **words, "moves": view["path"][-1]["seq"] if view["path"] else 0})


def detail_of(view: View) -> ResponseDetail:
    """Convert a response in the inspector's form into a detail, in the words of `replay`."""
    recording = from_view(view)
    entered = Counter(move.dest for move in recording.path if move.source != move.dest)
    return ResponseDetail(
        seen=view_of(view),
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
    return f"stopped by breakpoint {pause['breakpoint']} before {pause['from']} ─► {pause['to']}"


def _plain(words: str | None) -> str | None:
    return None if words is None else printable(" ".join(words.split()))
