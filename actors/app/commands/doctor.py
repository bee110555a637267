"""`doctor`: checks everything that a running bot needs, and prints each finding with its fix."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import anyio
import typer
from dotenv import dotenv_values

from actors.adapters.clock import SystemClock
from actors.adapters.discord import examine
from actors.adapters.groq import GroqModel
from actors.adapters.store import (
    HAS_MODES,
    KEPT_BESIDE,
    MEND,
    StoreError,
    database_path,
    is_filled_by_others,
    is_open_to_others,
    open_store,
)
from actors.app.composition import model_of, status_page_of, urls_of
from actors.app.console import FAILED, read_settings
from actors.app.database_location import refusal_of
from actors.app.playground_address import DATABASE, WORLD
from actors.app.playground_address import FILE as PLACE
from actors.app.read_only_store import PLAYGROUND
from actors.app.settings import DOTENV, Settings
from actors.app.tracing import PREFIX, read_variables, tracing
from actors.ports import StatusUnknown

DISK_FREE_MIN = 100_000_000
"""Bytes that should be free on the database's disk: months of play on a busy server."""

NEAR: Final = 0.85
"""difflib's ratio, 1 for equal names: one typo in eight letters is above it, names of other programs are below."""

MISNAMED: Final = "check the names in .env.example; variables of other programs can stay"
MARKS: Final = {True: "✓", False: "✗", None: "–"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check. `mend` is the fix, empty if none is needed; `is_fine` is None if it could not be checked."""

    subject: str
    is_fine: bool | None
    words: str
    mend: str = ""


def doctor() -> None:
    """Check settings, token, intents, permissions, model, database and disk."""
    settings = read_settings()
    findings = [Finding("settings", True, "all values are valid"), *anyio.run(_look, settings)]
    for finding in findings:
        typer.echo(f"{MARKS[finding.is_fine]} {finding.subject}: {finding.words}")
        if finding.mend:
            typer.echo(f"    {finding.mend}")
    if any(finding.is_fine is False for finding in findings):
        raise typer.Exit(FAILED)


async def _look(settings: Settings) -> list[Finding]:
    return [
        *_names(),
        *await _database(settings),
        _disk(settings),
        _limits(settings),
        *_folders(settings),
        *_files(settings),
        *await _model(settings),
        *await _discord(settings),
        *await _status_page(settings),
        *_traces(settings),
    ]


def _names() -> list[Finding]:
    """Names that are not settings: in `.env` all of them, in the environment those similar to a setting."""
    known = [name.upper() for name in Settings.model_fields]
    named = {name for name in dotenv_values(DOTENV) if not name.startswith(PREFIX)}
    places = ((DOTENV, False, named), ("environment", None, {name for name in os.environ if _meant(name, known)}))
    return [
        Finding(place, is_fine, f"names no setting: {', '.join(_unknown(names, known))}", MISNAMED)
        for place, is_fine, names in places
        if _unknown(names, known)
    ]


def _unknown(names: Iterable[str], known: Sequence[str]) -> list[str]:
    """The names that are not settings, each with the setting that was probably meant."""
    strange = sorted(name for name in names if name.upper() not in known)
    return [f"{name} (meant: {meant})" if (meant := _meant(name, known)) else name for name in strange]


def _meant(name: str, known: Sequence[str]) -> str:
    """The setting with the most similar name; empty if none is similar."""
    return next(iter(get_close_matches(name.upper(), known, n=1, cutoff=NEAR)), "")


async def _database(settings: Settings) -> list[Finding]:
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is not None and (refusal := refusal_of(path)):
        return [Finding("database", False, refusal.words, refusal.mend)]
    if path is not None and not path.exists():
        return [Finding("database", True, f"{path} will be created at the first start")]
    try:
        async with open_store(settings.database_url, folder=settings.data_dir, read_only=True) as store:
            characters, unsound = await store.characters(), await store.unsound()
    except StoreError as error:
        return [Finding("database", False, "cannot be used", str(error))]
    if unsound:
        return [Finding("database", False, f"{path} is damaged: {'; '.join(unsound)}", MEND)]
    return [Finding("database", True, f"{path}, {len(characters)} characters")]


def _disk(settings: Settings) -> Finding:
    places = (settings.data_dir.resolve(), *settings.data_dir.resolve().parents)
    folder = next(place for place in places if os.path.isdir(place))
    free = shutil.disk_usage(folder).free
    words = f"{free // 1_000_000:,} MB free in {folder}"
    if free < DISK_FREE_MIN:
        return Finding("disk", False, words, "free some space, or set DATA_DIR to a larger disk")
    return Finding("disk", True, words)


def _limits(settings: Settings) -> Finding:
    """What people may cost; a note where one person can use all of the account."""
    limits = (
        ("scenes a server", settings.scenes_per_server),
        ("scenes a person", settings.scenes_per_person),
        ("turns a person and minute", settings.turns_per_person_minute),
        ("tokens a server and day", settings.tokens_per_server_day),
    )
    shown = ", ".join(f"{words}: {limit:,}" if limit else f"{words}: no limit" for words, limit in limits)
    dms = "allowed" if settings.allow_dms else "off"
    places = f"{len(settings.channels)} listed channel(s)" if settings.channels else "all channels"
    return Finding("limits", True, f"{shown}; direct messages: {dms}; scenes in {places}")


def _folders(settings: Settings) -> list[Finding]:
    """A finding if other users of this machine can put files into our folders; else nothing."""
    folders = dict.fromkeys((settings.data_dir, settings.data_dir / PLAYGROUND))
    exposed = [str(folder) for folder in folders if is_filled_by_others(folder)]
    if not exposed:
        return []
    words = f"other users of this machine can put files into {', '.join(exposed)}"
    return [Finding("folders", False, words, f"run `chmod o-w -- {shlex.join(exposed)}`, or set another DATA_DIR")]


def _files(settings: Settings) -> list[Finding]:
    """Whether other users of this machine can open files with messages or keys; nothing if there are no such files."""
    databases = (
        database_path(settings.database_url, folder=settings.data_dir),
        settings.data_dir / PLAYGROUND / DATABASE,
        settings.data_dir / PLAYGROUND / WORLD,
    )
    kept = [path.with_name(path.name + ending) for path in databases if path for ending in ("", *KEPT_BESIDE)]
    found = [
        path for path in dict.fromkeys((Path(DOTENV), settings.data_dir / PLAYGROUND / PLACE, *kept)) if path.is_file()
    ]
    exposed = [str(path) for path in found if is_open_to_others(path)]
    if exposed:
        words = f"other users of this machine can open {', '.join(exposed)}"
        return [Finding("files", False, words, f"run `chmod go= -- {shlex.join(exposed)}`")]
    return [Finding("files", True, "only this user can read them")] if found and HAS_MODES else []


async def _model(settings: Settings) -> list[Finding]:
    """Ask each model for one short line, and warn about what is known of its context size."""
    try:
        model = model_of(settings, _Remembered(settings))
    except ValueError as error:
        return [Finding("model", False, "cannot be used", str(error))]
    if not isinstance(model, GroqModel):
        mend = "for a real model, set GROQ_API_KEY, or GROQ_BASE_URL for your own server"
        return [Finding("model", True, f"{model.label} speaks: no key is set", mend)]
    await model.recall()
    checks = await model.try_out(settings.response_tokens)
    await model.aclose()
    found = [Finding("model", each.outcome == "ok", each.words, each.mend) for each in checks]
    seen = model.seen_models(settings.context_tokens)
    return [*found, *(Finding("model", None, f"{each.model}: {each.warning}") for each in seen if each.warning)]


class _Remembered:
    """The ServerKnowledge in the bot's database, read-only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def server_knowledge(self, server: str) -> Mapping[str, str]:
        settings = self._settings
        path = database_path(settings.database_url, folder=settings.data_dir)
        if path is None or not path.exists():
            return {}
        try:
            async with open_store(settings.database_url, folder=settings.data_dir, read_only=True) as store:
                return await store.server_knowledge(server)
        except StoreError:
            return {}  # the database check reports it

    async def keep_server_knowledge(self, server: str, model: str, knowledge: str, *, at: float) -> None:
        pass  # read-only: the bot learns it again at its first line


async def _discord(settings: Settings) -> list[Finding]:
    """Check token, intent and permissions, and whether each open scene can continue in its channel."""
    if settings.discord_token is None:
        return [Finding("token", False, "DISCORD_TOKEN is not set", "put the bot's token into .env; `play` needs none")]
    token, scenes = settings.discord_token.get_secret_value(), await _open_scenes(settings)
    found = await examine(token, endpoints=urls_of(settings), scenes=scenes)
    return [Finding(each.subject, each.is_fine, each.words, each.mend) for each in found]


async def _open_scenes(settings: Settings) -> dict[int, int | None]:
    """Server by channel or thread of each open scene; empty if the database cannot be read."""
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is None or not path.exists():
        return {}
    try:
        async with open_store(settings.database_url, folder=settings.data_dir, read_only=True) as store:
            opened = await store.open_sessions(since=SystemClock().now(), lookback=1)
            places = {each.channel_id: await store.place(each.channel_id) for each in opened if each.session_id}
    except StoreError:
        return {}  # the database check reports it
    return {channel_id: place and place[1] for channel_id, place in places.items()}


async def _status_page(settings: Settings) -> list[Finding]:
    """Check the status page. It is optional, so an unreadable page is reported but is not a failure."""
    page = status_page_of(settings, is_discord=not settings.discord_api_url)
    if page is None:
        return []
    said = await page.read()
    if isinstance(said, StatusUnknown):
        mend = "check STATUS_URL, or set it empty to turn the page off; the bot works without it"
        return [Finding("status page", None, f"cannot be read ({said.reason})", mend)]
    unread = f" (parts could not be read: {'; '.join(said.unread)})" if said.unread else ""
    return [Finding("status page", True, f"it reports: {said.indicator}{unread}")]


def _traces(settings: Settings) -> list[Finding]:
    """What `run` would log about the trace collector. Its address is omitted: it may hold a password."""
    read_variables()
    with tracing(settings) as asked_for:
        if asked_for.note is None:
            return []
        is_sent = asked_for.spans is not None
        return [Finding("traces", is_sent, "spans are sent" if is_sent else asked_for.note.words)]
