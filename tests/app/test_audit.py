"""`audit` as a process, beside and after a real bot: clean after faults, and each change is named."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import anyio
import pytest
from rich.console import Console

from actors.app.channel_audit import AuditResult, SessionAudit
from actors.app.commands.audit import table_of
from actors.playground import FaultPlan, PlaygroundServer, Voice
from actors.playground.local_discord import Author, Draft
from actors.roleplay.audit import Kind
from tests.app.processes import run_bot, started
from tests.app.test_running import CHANNEL, say, say_and_wait, settings_for, shown_by, wait_until, with_server

QUICK = {"BACKOFF_BASE_S": "0.1", "SETTLE_S": "0.4", "SEND_ATTEMPTS": "8"}


def faulty(server: PlaygroundServer, *faults: str) -> None:
    anyio.from_thread.run_sync(setattr, server, "faults", FaultPlan.parse(faults, seed=3, speed=10))


def play_scene(server: PlaygroundServer, lines: int) -> None:
    say_and_wait(server, "!start Maren Fitch --turns everyone", Voice.BOT)
    for number in range(lines):
        before = shown_by(server, Voice.WEBHOOK)
        say(server, f"Line {number}?")
        wait_until(lambda wanted=before + 2: shown_by(server, Voice.WEBHOOK) >= wanted)  # type: ignore[misc]


def forge(server: PlaygroundServer, text: str) -> int:
    """A line under a webhook of ours that the bot never sent."""

    def post() -> int:
        channel, line = server.discord.find_channel(CHANNEL), server.messages(CHANNEL)[-1]
        assert line.webhook_id is not None
        author = Author(line.webhook_id, "Maren", webhook_id=line.webhook_id)
        return server.discord.post(channel, author, Draft(text)).id

    return anyio.from_thread.run_sync(post)


def mend_after_the_first_look(server: PlaygroundServer, message_id: int, text: str) -> None:
    """Edit a message back as soon as somebody has read a channel."""
    seen = server.ledger.since()[-1].order

    async def mend() -> None:
        while not any(e.path.endswith("/messages") and e.status for e in server.ledger.since(seen)):  # noqa: ASYNC110
            await anyio.sleep(0.02)
        server.edit(message_id, text)

    async def begin() -> None:
        mending.append(asyncio.get_running_loop().create_task(mend()))

    mending: list[asyncio.Task[None]] = []
    anyio.from_thread.run(begin)


def kinds(output: str) -> dict[int, str]:
    """By message id, what it is said to be."""
    return {int(i): kind for kind, i in re.findall(r"^✗ ([a-z ]+): .* message (\d+),", output, re.MULTILINE)}


@pytest.mark.slow
def test_after_faults_it_is_clean_and_what_is_changed_behind_the_bots_back_is_named(tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        settings = settings_for(server, **QUICK)
        with started(tmp_path, "run", until="Ready: ", **settings):
            faulty(server, "drop_after=0.3", "http_503=0.2", "stored_502=0.2")
            play_scene(server, lines=4)
            faulty(server)
            clean = run_bot(tmp_path, "audit", **settings)  # beside the bot
            assert (clean.returncode, clean.stderr) == (0, "")
            assert "no difference" in clean.stdout
        users = [message for message in server.messages(CHANNEL) if message.content.startswith("Line")]
        lines = [message for message in server.messages(CHANNEL) if message.voice is Voice.WEBHOOK]
        anyio.from_thread.run_sync(server.edit, users[0].id, "For a moment.")
        mend_after_the_first_look(server, users[0].id, users[0].content)
        passing = run_bot(tmp_path, "audit", **{**settings, "SETTLE_S": "2"})
        assert passing.returncode == 0, passing.stdout  # what only one look finds is no difference
        forged = forge(server, "I never said that.")
        anyio.from_thread.run_sync(server.edit, users[0].id, "Something else?")
        anyio.from_thread.run_sync(server.purge, CHANNEL, [users[1].id, lines[1].id])
        unheard = anyio.from_thread.run_sync(server.say, CHANNEL, "Robin", "Is nobody there?").id
        named = run_bot(tmp_path, "audit", str(server.discord.find_channel(CHANNEL).id), **settings)
        assert named.returncode == 1
        assert kinds(named.stdout) == {
            users[0].id: Kind.ALTERED,
            users[1].id: Kind.MISSING,
            lines[1].id: Kind.MISSING,
            forged: Kind.EXTRA,
            unheard: Kind.EXTRA,
        }
        assert "'Something else?'" in named.stdout
        before = shown_by(server, Voice.WEBHOOK)
        with started(tmp_path, "run", until="Ready: ", **settings):
            wait_until(lambda: shown_by(server, Voice.WEBHOOK) == before + 2)
            learnt = run_bot(tmp_path, "audit", **settings)
        assert kinds(learnt.stdout) == {forged: Kind.EXTRA}
        assert "and history differ: 1 extra" in (tmp_path / "stderr").read_text()

    with_server(work)


@pytest.mark.slow
def test_a_channel_that_cannot_be_read_is_told_and_is_not_clean(tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        settings = settings_for(server, **QUICK)
        with started(tmp_path, "run", until="Ready: ", **settings):
            play_scene(server, lines=1)
        anyio.from_thread.run_sync(server.permit, "READ_MESSAGE_HISTORY", False)
        blind = run_bot(tmp_path, "audit", **settings)
        assert blind.returncode == 1
        assert "cannot be read (forbidden)" in blind.stdout
        assert "1 not checked" in blind.stdout
        unknown = run_bot(tmp_path, "audit", "12345", **settings)
        assert (unknown.returncode, "'12345'" in unknown.stderr) == (1, True)
        tokenless = run_bot(tmp_path, "audit", **{**settings, "DISCORD_TOKEN": ""})
        assert (tokenless.returncode, "DISCORD_TOKEN is not set" in tokenless.stderr) == (1, True)
        wrong = run_bot(tmp_path, "audit", **{**settings, "DISCORD_TOKEN": "wr0ng"})
        assert (wrong.returncode, "refuses DISCORD_TOKEN" in wrong.stderr) == (1, True)
        assert "Traceback" not in wrong.stderr + tokenless.stderr + blind.stderr

    with_server(work)


def test_without_a_database_it_says_so_and_makes_none(tmp_path: Path) -> None:
    done = run_bot(tmp_path, "audit", DISCORD_TOKEN="t0ken")
    assert done.returncode == 1
    assert done.stderr.startswith("ensemble: there is no database at ")
    assert list(tmp_path.iterdir()) == []


def test_its_table_cuts_nothing_in_a_terminal_of_80_columns() -> None:
    seen = SessionAudit("mif5xk4e2abcd", 1234567890123456789, 123456)
    out = StringIO()
    console = Console(width=80, file=out)
    console.print(table_of(AuditResult((seen, replace(seen, unread="forbidden")))))
    shown = out.getvalue()
    assert "…" not in shown
    for words in ("Session", "Channel", "Lines", *(word for kind in Kind for word in kind.capitalize().split())):
        assert words in shown
    assert "mif5xk4e2abcd  1234567890123456789   123456" in shown
