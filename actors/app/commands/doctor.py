"""`doctor`: looks at everything that a running bot needs; each finding with its mend."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import anyio
import typer
from dotenv import dotenv_values

from actors.adapters.clock import SystemClock
from actors.adapters.discord import examine
from actors.adapters.groq import GroqModel
from actors.adapters.store import MEND, StoreError, database_path, open_store
from actors.app.composition import model_of, status_page_of, urls_of
from actors.app.console import FAILED, read_settings
from actors.app.places import refusal_of
from actors.app.settings import DOTENV, Settings
from actors.app.tracing import PREFIX, read_variables, tracing
from actors.ports import StatusUnknown

DISK_FREE_MIN = 100_000_000
"""Bytes that should be free beside the database: months of a busy server's play."""

NEAR: Final = 0.85
"""Of difflib's 1: one slip in a name of eight letters is above it, the names of other programs are below."""

MISNAMED: Final = "look at .env.example for the names; what another program reads can stay"
MARKS: Final = {True: "✓", False: "✗", None: "–"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `mend` is empty where nothing is to be done. `is_fine`: None where it could not be told."""

    subject: str
    is_fine: bool | None
    words: str
    mend: str = ""


def doctor() -> None:
    """Check settings, token, intents, permissions, model, database and disk."""
    settings = read_settings()
    findings = [Finding("settings", True, "all values are good"), *anyio.run(_look, settings)]
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
        *await _model(settings),
        *await _discord(settings),
        *await _status_page(settings),
        *_traces(settings),
    ]


def _names() -> list[Finding]:
    """Names that are no settings: in `.env` all of them, in the environment those that are nearly one."""
    known = [name.upper() for name in Settings.model_fields]
    named = {name for name in dotenv_values(DOTENV) if not name.startswith(PREFIX)}
    places = ((DOTENV, False, named), ("environment", None, {name for name in os.environ if _meant(name, known)}))
    return [
        Finding(place, is_fine, f"names no setting: {', '.join(_unknown(names, known))}", MISNAMED)
        for place, is_fine, names in places
        if _unknown(names, known)
    ]


def _unknown(names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Those that are no settings, each with the one that was meant where there is one."""
    strange = sorted(name for name in names if name.upper() not in known)
    return [f"{name} (meant: {meant})" if (meant := _meant(name, known)) else name for name in strange]


def _meant(name: str, known: Sequence[str]) -> str:
    """The setting that this is nearly; empty where it is near none."""
    return next(iter(get_close_matches(name.upper(), known, n=1, cutoff=NEAR)), "")


async def _database(settings: Settings) -> list[Finding]:
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is not None and (refusal := refusal_of(path)):
        return [Finding("database", False, refusal.words, refusal.mend)]
    if path is not None and not path.exists():
        return [Finding("database", True, f"{path} will be made at the first start")]
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
        return Finding("disk", False, words, "make room, or set DATA_DIR to a larger disk")
    return Finding("disk", True, words)


async def _model(settings: Settings) -> list[Finding]:
    """One short line of each model, and what is known of how much it reads."""
    try:
        model = model_of(settings, _Remembered(settings))
    except ValueError as error:
        return [Finding("model", False, "cannot be used", str(error))]
    if not isinstance(model, GroqModel):
        mend = "set GROQ_API_KEY, or GROQ_BASE_URL for a server of your own, for a real model"
        return [Finding("model", True, f"{model.label} speaks: no key is set", mend)]
    await model.recall()
    checks = await model.try_out(settings.response_tokens)
    await model.aclose()
    found = [Finding("model", each.outcome == "ok", each.words, each.mend) for each in checks]
    seen = model.seen_models(settings.context_tokens)
    return [*found, *(Finding("model", None, f"{each.model}: {each.warning}") for each in seen if each.warning)]


class _Remembered:
    """The ServerKnowledge of the bot's database, which the doctor reads and leaves as it is."""

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
            return {}  # the finding on the database says it

    async def keep_server_knowledge(self, server: str, model: str, knowledge: str, *, at: float) -> None:
        pass  # the bot learns it at its first line


async def _discord(settings: Settings) -> list[Finding]:
    """Token, intent, permissions, and whether each open scene can go on where it is."""
    if settings.discord_token is None:
        return [Finding("token", False, "DISCORD_TOKEN is not set", "put the bot's token into .env; `play` needs none")]
    token, scenes = settings.discord_token.get_secret_value(), await _open_scenes(settings)
    found = await examine(token, endpoints=urls_of(settings), scenes=scenes)
    return [Finding(each.subject, each.is_fine, each.words, each.mend) for each in found]


async def _open_scenes(settings: Settings) -> dict[int, int | None]:
    """The channel or thread of each open scene, and its server; none where the database cannot be read."""
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is None or not path.exists():
        return {}
    try:
        async with open_store(settings.database_url, folder=settings.data_dir, read_only=True) as store:
            opened = await store.open_sessions(since=SystemClock().now(), lookback=1)
            places = {each.channel_id: await store.place(each.channel_id) for each in opened if each.session_id}
    except StoreError:
        return {}  # the finding on the database says it
    return {channel_id: place and place[1] for channel_id, place in places.items()}


async def _status_page(settings: Settings) -> list[Finding]:
    """Nothing depends on the page, so one that cannot be read is told and is no failure."""
    page = status_page_of(settings, is_discord=not settings.discord_api_url)
    if page is None:
        return []
    said = await page.read()
    if isinstance(said, StatusUnknown):
        mend = "look at STATUS_URL; empty turns it off, and the bot plays on without it"
        return [Finding("status page", None, f"cannot be read ({said.reason})", mend)]
    unread = f" (not all of it could be read: {'; '.join(said.unread)})" if said.unread else ""
    return [Finding("status page", True, f"it reports: {said.indicator}{unread}")]


def _traces(settings: Settings) -> list[Finding]:
    """What `run` would note of the collector. Its address is not shown: it may hold a password."""
    read_variables()
    with tracing(settings) as asked_for:
        if asked_for.note is None:
            return []
        is_sent = asked_for.spans is not None
        return [Finding("traces", is_sent, "spans are sent" if is_sent else asked_for.note.words)]
