"""`transcript`: writes the committed history of a channel or a session."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer

from actors.adapters.store import StoreError, database_path, write_private
from actors.app.console import FAILED, WRONG_USE, fail, printable, read_settings, refusing
from actors.app.read_only_store import elsewhere, open_to_read
from actors.app.settings import Settings
from actors.observation.journal import SessionView
from actors.roleplay.model import Entry, SessionRecord

_OF_MARKDOWN: Final = re.compile(r"[\\`*_\[\]<>#|~]")
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_LINK: Final = re.compile(r"\](?=[(:\[])")
_EMPHASIS: Final = (
    (re.compile(r"(?<![\\*])\*\*(?=\S)([^\n]+?)(?<=[^\s\\])\*\*(?!\*)"), "strong"),
    (re.compile(r"(?<![\\*])\*(?=[^\s*])([^*\n<]+?)(?<=[^\s\\])\*(?!\*)"), "em"),
    (re.compile(r"(?<![\\\w])_(?=[^\s_])([^_\n<]+?)(?<=[^\s\\])_(?!\w)"), "em"),
)
"""Strong first: the later patterns match no text with a tag inside, so no tag is broken."""

_VIEWPORT: Final = '<meta name="viewport" content="width=device-width, initial-scale=1">'
_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "h1{font-size:1.2rem}time{font-size:.8rem;opacity:.7}"
)

NAMED_MAX: Final = 5
"""Sessions that an error lists: open ones first, then the newest."""

NOBODY: Final = "User"
"""SillyTavern's name for a person without a name."""

Session = tuple[SessionRecord, tuple[Entry, ...]]


class Format(StrEnum):
    JSONL = "jsonl"
    SILLYTAVERN = "sillytavern"
    MD = "md"
    HTML = "html"


def transcript(
    channel_or_session: Annotated[
        str | None,
        typer.Argument(help="A channel id, or a session id from `!status`. Without one, lists the newest sessions."),
    ] = None,
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.MD,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file to write, or a folder for one file per scene. Default: print."),
    ] = None,
) -> None:
    """Write the committed history, oldest first. For SillyTavern, whose chats hold one scene, one file per scene."""
    settings = read_settings()
    with refusing(StoreError):
        sessions, newest = anyio.run(_read, settings, channel_or_session)
    if not sessions:
        fail(
            _unknown(channel_or_session, settings) + "".join(f"\n  {_row(session)}" for session in newest),
            FAILED if channel_or_session else WRONG_USE,
        )
    is_apart = format is Format.SILLYTAVERN and len(sessions) > 1
    if output is None and is_apart:
        fail(_several(sessions), WRONG_USE)
    if output is None:
        for line in WRITERS[format](sessions):
            typer.echo(line)
        return
    apart = [[session] for session in sessions] if is_apart or output.is_dir() else [sessions]
    with refusing(OSError):
        for written in apart:
            _write(written, format, _file_for(written, format, output, is_alone=len(apart) == 1))


def _write(sessions: Sequence[Session], format: Format, file: Path) -> None:
    text = "".join(f"{line}\n" for line in WRITERS[format](sessions))
    write_private(file, [text.encode()])
    typer.echo(f"Wrote {sum(len(entries) for _, entries in sessions)} lines to {file} ({format})")


def _file_for(sessions: Sequence[Session], format: Format, output: Path, *, is_alone: bool) -> Path:
    """The file as the user named it; if there are several, with the session's id in each name."""
    session_id = sessions[0][0].id
    if output.is_dir():
        return output / f"{session_id}.{ENDINGS[format]}"
    return output if is_alone else output.with_name(f"{output.stem}-{session_id}{output.suffix}")


def _several(sessions: Sequence[Session]) -> str:
    rows = "".join(
        f"\n  {record.id}  {_time(record.opened_at)[:16]}Z  {len(entries)} lines" for record, entries in sessions
    )
    what = f"there are {len(sessions)} scenes, and a SillyTavern chat holds one"
    return f"{what}: name one of them, or write one file per scene with `-o FOLDER`{rows}"


async def _read(settings: Settings, wanted: str | None) -> tuple[list[Session], Sequence[SessionView]]:
    """Read the sessions with this id or in this channel; if there are none, the newest of all."""
    async with open_to_read(settings) as store:
        found = [(session, await store.history(session.id)) for session in await store.find_sessions(wanted or "")]
        return found, () if found else await store.seen_sessions(limit=NAMED_MAX)


def _unknown(wanted: str | None, settings: Settings) -> str:
    path = database_path(settings.database_url, folder=settings.data_dir)
    what = f"there is no session {wanted!r} in {path}" if wanted else f"no session in {path} was named"
    return f"{what}: give a channel id, or a session id from `!status`{elsewhere(settings)}"


def _row(session: SessionView) -> str:
    """One session of the error's list: id, channel, opening time and cast."""
    cast = printable(", ".join(session.cast))
    return f"{session.session_id}  channel {session.channel_id}  {_time(session.opened_at)[:16]}Z  {cast}"


def as_jsonl(sessions: Iterable[Session]) -> Iterable[str]:
    """Yield one JSON object per line, in the documented form."""
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
    """Yield a SillyTavern chat file of one session: a header line, then the lines, with our ids in `extra`.

    Source: the fields that its import, chat list, search and export read (SillyTavern, `src/endpoints/chats.js`).
    """
    for session, entries in sessions:
        yield json.dumps(_chat_header(session, entries), ensure_ascii=False)
        for entry in entries:
            extra: dict[str, object] = {
                "message_ids": [str(message_id) for message_id in entry.message_ids],
                "response_id": entry.response_id,
            }
            if entry.kind == "narration":
                extra["type"] = "narrator"
            line = {
                "name": entry.name,
                "is_user": entry.kind == "user",
                "is_system": False,
                "send_date": _time(entry.at),
                "mes": entry.text,
                "extra": extra,
            }
            yield json.dumps(line, ensure_ascii=False)


def _chat_header(session: SessionRecord, entries: Sequence[Entry]) -> dict[str, object]:
    """The header line, with the first person and the first character. SillyTavern needs `user_name`."""
    people = (entry.name for entry in entries if entry.kind == "user")
    cast = (character.name for character in session.cast)
    return {
        "user_name": next(people, NOBODY),
        "character_name": next(cast, NOBODY),
        "create_date": _time(session.opened_at),
        "chat_metadata": {"ensemble": {"session": session.id, "channel": str(session.channel_id)}},
    }


def as_markdown(sessions: Iterable[Session]) -> Iterable[str]:
    """Yield Markdown: one heading per session, one paragraph per entry; further lines of its text are quoted."""
    for session, entries in sessions:
        yield f"# Session {session.id}\n"
        for entry in entries:
            name = _OF_MARKDOWN.sub(r"\\\g<0>", " ".join(entry.name.split()))
            yield printable(f"**{name}**: {_quoted(entry.text)}\n")


def _quoted(text: str) -> str:
    """Quote all lines of the text but the first, so that none looks like a name; show tags and links as text."""
    harmless = _LINK.sub(r"]\\", _TAG.sub(r"\\<", text))
    return "\n> ".join(harmless.splitlines())


def as_html(sessions: Iterable[Session]) -> Iterable[str]:
    """Yield one HTML page without scripts or external files, for any screen size, light or dark."""
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8">{_VIEWPORT}<title>Transcript</title>'
    yield f"<style>{_STYLE}</style></head><body>"
    for session, entries in sessions:
        yield f"<h1>Session {html.escape(session.id)}</h1>"
        for entry in entries:
            name, text = html.escape(entry.name), _emphasised(html.escape(entry.text)).replace("\n", "<br>")
            yield f"<p><b>{name}</b> <time>{_time(entry.at)}</time><br>{text}</p>"
    yield "</body></html>"


def _emphasised(escaped: str) -> str:
    """Replace Discord's emphasis by tags. The input is escaped, so every `<` in the result is ours."""
    for mark, tag in _EMPHASIS:
        escaped = mark.sub(rf"<{tag}>\g<1></{tag}>", escaped)
    return escaped


WRITERS: dict[Format, Callable[[Iterable[Session]], Iterable[str]]] = {
    Format.JSONL: as_jsonl,
    Format.SILLYTAVERN: as_sillytavern,
    Format.MD: as_markdown,
    Format.HTML: as_html,
}


ENDINGS: Final = {Format.JSONL: "jsonl", Format.SILLYTAVERN: "jsonl", Format.MD: "md", Format.HTML: "html"}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
