"""Reads one response's recorded path from the journal, or from a file saved from the inspector.

id, or the start of it ─► database, read-only ─┐
file (`/api/responses/{id}`) ──────────────────┴─► Recording
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Final

import anyio
from pydantic import Field, TypeAdapter, ValidationError

from actors.adapters.inspector import recorded_view
from actors.adapters.store import database_path
from actors.app.console import read_settings
from actors.app.named_files import opened
from actors.app.read_only_store import elsewhere, open_to_read
from actors.app.settings import Settings
from actors.observation import Recorded
from actors.observation.exchange_view import exchange_view
from actors.ports import Exchange, LoreRecord
from machines.diagrams.path import Path

FILE_BYTES_MAX: Final = 10_000_000
"""Enough for fifty thousand moves; a response has about a dozen."""

AT_MAX: Final = 253_402_300_799
"""The end of the year 9999, the last that `datetime` supports."""

Time = Annotated[float, Field(ge=0, le=AT_MAX, allow_inf_nan=False)]


class NoRecording(Exception):
    """There is no such response, or the file contains none; the text says what to do."""


@dataclass(frozen=True, slots=True)
class RecordedMove:
    """One move; `attempt` and `part` are those of the fact, 0 if there was none yet."""

    seq: int
    fact: str
    source: Annotated[str, Field(validation_alias="from")]
    dest: Annotated[str, Field(validation_alias="to")]
    at: Time
    attempt: int
    part: int
    reason: str | None
    said: str | None = None  # the server's error code and text; older files have none


@dataclass(frozen=True, slots=True)
class RecordedAsked:
    """One request to a model, as far as it is shown here; older files have no lore."""

    attempt: int
    lore: LoreRecord | None = None


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    asked: RecordedAsked | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A response in the inspector's form, with its whole path, oldest move first."""

    id: str
    session: str
    name: str
    state: str
    parts: int
    path: Annotated[tuple[RecordedMove, ...], Field(min_length=1)]
    waits: str | None
    due_at: Time | None
    last_error: str | None
    mend: str | None = None  # older files have none
    exchanges: tuple[RecordedExchange, ...] = ()

    @property
    def lore(self) -> LoreRecord | None:
        """The lore of the newest request to a model, if that is kept."""
        kept = [each.asked.lore for each in self.exchanges if each.asked is not None]
        return kept[-1] if kept else None

    def way(self, moves: int | None = None) -> Path:
        """Return the path for a diagram: the first `moves` moves, or all."""
        return Path(tuple((move.source, move.dest, move.fact) for move in self.path[:moves]))


_RECORDING: Final = TypeAdapter(Recording)


def recording_of(wanted: str) -> Recording:
    """Return the response in this file, or the one with this id or start of an id.

    Raises NoRecording, StoreError, and OSError if the file cannot be read.
    """
    path = FilePath(wanted)
    if path.suffix == ".json" or path.is_file():
        return from_file(path)
    return anyio.run(_from_journal, read_settings(), wanted)


def recorded_as(recorded: Recorded, exchanges: Sequence[tuple[int, Exchange]] = ()) -> Recording:
    """Convert a response from the journal, and its exchanges, into a Recording."""
    shown = [exchange_view(seq, exchange) for seq, exchange in exchanges]
    return from_view(recorded_view(recorded) | {"exchanges": shown})


def from_file(path: FilePath) -> Recording:
    """Read a file saved from `/api/responses/{id}`. Raises NoRecording and OSError."""
    with opened(path) as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise NoRecording(f"{path} is larger than {FILE_BYTES_MAX // 1_000_000} MB: it is not a response")
    try:
        return _RECORDING.validate_json(content)
    except ValidationError as error:
        raise NoRecording(f"{path} is not a response: save the inspector's answer at /api/responses/ID") from error


def from_view(view: Mapping[str, object]) -> Recording:
    """Convert the inspector's view of a response into a Recording. Raises pydantic.ValidationError."""
    return _RECORDING.validate_python(view)


async def _from_journal(settings: Settings, wanted: str) -> Recording:
    async with open_to_read(settings) as store:
        ids = await store.find_responses(wanted)
        if len(ids) > 1:
            raise NoRecording(f"{wanted!r} begins several ids: {', '.join(ids)}, …; give more of the id")
        recorded = await store.recorded(ids[0]) if ids else None
        exchanges = await store.exchanges(ids[0]) if ids else ()
    if recorded is None:
        path = database_path(settings.database_url, folder=settings.data_dir)
        raise NoRecording(
            f"there is no response {wanted!r} in {path}: `transcript --format jsonl` and the inspector list the ids"
            f"{elsewhere(settings)}"
        )
    return recorded_as(recorded, exchanges)
