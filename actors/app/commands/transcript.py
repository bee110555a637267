"""`transcript`: the committed history of a channel or a session, to standard output."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import anyio
import typer

from actors.adapters.store import StoreError, database_path
from actors.app.console import FAILED, WRONG_USE, fail, printable, read_settings, refusing
from actors.app.reading import elsewhere, open_to_read
from actors.app.settings import Settings
from actors.ports.journal import SeenSession
from actors.roleplay.model import Entry, SessionRecord

_OF_MARKDOWN: Final = re.compile(r"[\\`*_\[\]<>#|~]")
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_LINK: Final = re.compile(r"\](?=[(:\[])")

NAMED_MAX: Final = 5
"""Sessions that an error offers: those that are open first, then the newest."""

Session = tuple[SessionRecord, tuple[Entry, ...]]


class Format(StrEnum):
    JSONL = "jsonl"
    SILLYTAVERN = "sillytavern"
    MD = "md"
    HTML = "html"


def transcript(
    channel_or_session: Annotated[
        str | None,
        typer.Argument(help="A channel's id, or a session's as `!status` shows it; without one, the newest are named."),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.MD,
) -> None:
    """Write the committed history, oldest first."""
    settings = read_settings()
    with refusing(StoreError):
        sessions, newest = anyio.run(_read, settings, channel_or_session)
    if not sessions:
        fail(
            _unknown(channel_or_session, settings) + "".join(f"\n  {_row(session)}" for session in newest),
            FAILED if channel_or_session else WRONG_USE,
        )
    for line in WRITERS[format](sessions):
        typer.echo(line)


async def _read(settings: Settings, wanted: str | None) -> tuple[list[Session], Sequence[SeenSession]]:
    """The sessions of this id or channel; where there are none, the newest of all."""
    async with open_to_read(settings) as store:
        found = [(session, await store.history(session.id)) for session in await store.find_sessions(wanted or "")]
        return found, () if found else await store.seen_sessions(limit=NAMED_MAX)


def _unknown(wanted: str | None, settings: Settings) -> str:
    path = database_path(settings.database_url, folder=settings.data_dir)
    what = f"there is no session {wanted!r} in {path}" if wanted else f"say which session of {path}"
    return f"{what}: give a channel's id, or a session's from `!status`{elsewhere(settings)}"


def _row(session: SeenSession) -> str:
    """One that can be asked for: its id, its channel, when it was opened, who plays."""
    cast = printable(", ".join(session.cast))
    return f"{session.session_id}  channel {session.channel_id}  {_time(session.opened_at)[:16]}Z  {cast}"


def as_jsonl(sessions: Iterable[Session]) -> Iterable[str]:
    """One object a line, as the documentation fixes it."""
    for session, entries in sessions:
        for seq, entry in enumerate(entries, 1):
            line = {
                "seq": seq,
                "session": session.id,
                "kind": entry.kind,
                "name": entry.name,
                "text": entry.text,
                "message_ids": [str(message_id) for message_id in entry.message_ids],
                "response_id": entry.response_id,
                "at": _time(entry.at),
            }
            yield json.dumps(line, ensure_ascii=False)


def as_sillytavern(sessions: Iterable[Session]) -> Iterable[str]:
    """SillyTavern's chat file: a header line for each session, then its lines, our ids in `extra`."""
    for session, entries in sessions:
        metadata = {"ensemble": {"session": session.id, "channel": str(session.channel_id)}}
        yield json.dumps({"chat_metadata": metadata, "create_date": _time(session.opened_at)}, ensure_ascii=False)
        for entry in entries:
            extra = {"message_ids": [str(i) for i in entry.message_ids], "response_id": entry.response_id}
            line = {
                "name": entry.name,
                "is_user": entry.kind == "user",
                "is_system": False,
                "send_date": _time(entry.at),
                "mes": entry.text,
                "extra": extra,
            }
            yield json.dumps(line, ensure_ascii=False)


def as_markdown(sessions: Iterable[Session]) -> Iterable[str]:
    """For people: a heading a session, a paragraph a line; further lines of a text are quoted below it."""
    for session, entries in sessions:
        yield f"# Session {session.id}\n"
        for entry in entries:
            name = _OF_MARKDOWN.sub(r"\\\g<0>", " ".join(entry.name.split()))
            yield printable(f"**{name}**: {_quoted(entry.text)}\n")


def _quoted(text: str) -> str:
    """No line but the first stands where a name could; tags and links are shown, not followed."""
    harmless = _LINK.sub(r"]\\", _TAG.sub(r"\\<", text))
    return "\n> ".join(harmless.splitlines())


def as_html(sessions: Iterable[Session]) -> Iterable[str]:
    """One page without scripts or outside files."""
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Transcript</title></head><body>'
    for session, entries in sessions:
        yield f"<h1>Session {html.escape(session.id)}</h1>"
        for entry in entries:
            name, text = html.escape(entry.name), html.escape(entry.text).replace("\n", "<br>")
            yield f"<p><b>{name}</b> <time>{_time(entry.at)}</time><br>{text}</p>"
    yield "</body></html>"


WRITERS: dict[Format, Callable[[Iterable[Session]], Iterable[str]]] = {
    Format.JSONL: as_jsonl,
    Format.SILLYTAVERN: as_sillytavern,
    Format.MD: as_markdown,
    Format.HTML: as_html,
}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
