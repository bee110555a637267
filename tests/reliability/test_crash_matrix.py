"""kill -9 at each row of the response's table, right before the move is durable and right after it.

The default run keeps the worst rows; all of them: python -m pytest -m "slow or not slow" tests/reliability
"""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import pytest

from actors.adapters.store import open_store
from actors.playground import DISCORD, READS, FaultPlan, PlaygroundServer, ShownMessage, Voice
from actors.roleplay.parts import split
from machines.response import TABLE
from tests.patience import PATIENCE_S
from tests.reliability.crashes import CHANNEL, CRASHES, ELSEWHERE, TYPING, Crash, Stand
from tests.reliability.faults import SILENT
from tests.reliability.mortal_bot import DATABASE, LAST_QUESTION, Death, Part, Process, open_bot

POLL_S = 0.01
RECOVERY_MAX_S = 1.0
BUSY_START_S = 0.8
"""From a process's start to READY it takes half a second. Where it takes more than this the machine is busy, with
something else every moment: what takes a twentieth of a second then has four times as long as the start took.
"""
ALWAYS_RUN = {(("Sent", "Sending", "Delivered"), False), (("SendUnconfirmed", "Sending", "Retrying"), True)}
"""Stored, and nobody knows: Discord's answer is lost with the process, or was lost before it."""

UNDONE = """SELECT (SELECT count(*) FROM response WHERE state NOT IN ('Delivered', 'Failed'))
                 + (SELECT count(*) FROM outbox WHERE done_at IS NULL)
                 + (SELECT count(*) FROM session WHERE state = 'Responding')
                 + (SELECT count(*) FROM inbox JOIN session ON session.id = session_id
                    WHERE starts_turn AND turn_id IS NULL AND deleted_at IS NULL AND state <> 'Ended')"""
DUE_AT = "SELECT max(due_at) FROM response WHERE state = 'Retrying'"
LAST_MOVE = "SELECT fact, source, dest FROM move ORDER BY response_id DESC, seq DESC LIMIT 1"
SPOKEN = "SELECT count(*) FROM history_message JOIN history ON history.id = history_id WHERE kind = 'character'"


async def until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - the process under test signals nothing
            await anyio.sleep(POLL_S)


class Trial:
    """A server, a database file, and one process after the other on it."""

    def __init__(self, server: PlaygroundServer, folder: Path, crash: Crash, voice: str) -> None:
        self.server, self.folder, self.crash = server, folder, crash
        own = {name.lower(): value for name, value in crash.settings.items()}
        self.settings = {
            "discord_token": server.token,
            "discord_api_url": server.api_url,
            "discord_gateway_url": server.gateway_url,
            "data_dir": str(folder),
            "inspector_address": "",
            "breaker_failures": "0",
            "gather_s": "0",
            "voice": voice,
            "settle_s": "0.3",
            **own,
        }

    # ── processes ───────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def running(self, death: Death | None = None, *answers: str) -> AsyncIterator[Process]:
        bot = open_bot(Part(self.folder, self.settings, self.crash.text, answers, death))
        try:
            yield bot
        finally:
            await anyio.to_thread.run_sync(bot.close)

    async def die(self, *, is_durable: bool) -> None:
        """Play until the process dies at its row, which the journal then shows, or does not."""
        crash, death = self.crash, self.crash.death(is_durable=is_durable)
        self.server.dialect = SILENT  # a copy would confirm a line before the row that reads it back
        self.server.next_lines(*crash.lines)
        self.server.next_requests(READS, *crash.reads)
        first = death if crash.earlier is None else Death(*crash.earlier, is_durable=True)
        async with self.running(first, *crash.answers) as bot:
            await until(lambda: bot.times("ready") != [])
            self.server.say(CHANNEL, "Robin", "!start Ada")
            await until(lambda: len(self.server.messages(CHANNEL)) == 2)
            self.server.next_requests(TYPING, *crash.typing)
            await crash.act(self.server, until)
            await self.is_killed(bot)
        if crash.earlier is not None:
            await anyio.sleep(crash.rest_s)
            async with self.running(death) as bot:
                await self.is_killed(bot)
        assert (self.ask(LAST_MOVE) == crash.row) is is_durable

    async def is_killed(self, bot: Process) -> None:
        await until(lambda: bot.exit_code is not None)
        assert bot.exit_code == -signal.SIGKILL

    async def recover(self) -> tuple[float, float]:
        """Start it again, until all is done. How long its start took, and how long after READY it went on but for the
        wait that it owed, in s.
        """
        (owed_until,) = self.ask(DUE_AT) or (None,)
        self.server.dialect = DISCORD
        began_at = time.time()
        async with self.running() as bot:
            await until(lambda: bot.times("ready") != [])
            await until(self.is_done)
            (ready_at,), went_on_at = bot.times("ready"), bot.times("goes on")
            if self.expects_answer:
                self.server.say(CHANNEL, "Robin", LAST_QUESTION)
                shown = len(self.lines)
                await until(lambda: len(self.lines) > shown and self.is_done())
            bot.ask_to_end()
            await until(lambda: bot.exit_code is not None)
            assert bot.exit_code == 0
        from_s = max(ready_at, owed_until if isinstance(owed_until, float) else 0.0)
        return ready_at - began_at, next((at - from_s for at in went_on_at if at >= from_s), 0.0)

    # ── what can be seen ────────────────────────────────────────────────────────────────────────────

    @property
    def expects_answer(self) -> bool:
        return self.crash.after != "nothing"

    @property
    def lines(self) -> list[ShownMessage]:
        shown = self.server.messages(CHANNEL)
        return [m for m in shown if m.voice is Voice.WEBHOOK or (m.voice is Voice.BOT and m.embeds)]

    @property
    def strays(self) -> list[ShownMessage]:
        return [message for message in self.server.messages(ELSEWHERE) if message.voice is not Voice.USER]

    @property
    def notices(self) -> list[ShownMessage]:
        return [m for m in self.server.messages(CHANNEL) if m.voice is Voice.BOT and m.content.startswith("⚠️")]

    def ask(self, query: str) -> tuple[object, ...] | None:
        with closing(sqlite3.connect(f"file:{self.folder / DATABASE}?mode=ro", uri=True)) as conn:
            row: tuple[object, ...] | None = conn.execute(query).fetchone()
            return row

    def is_done(self) -> bool:
        """Nothing is on its way, and what the channel shows too much has been taken back."""
        return self.ask(UNDONE) == (0,) and self.ask(SPOKEN) == (len(self.lines),)

    def stand(self) -> Stand:
        """What came of the message at which the process died."""
        told = len(self.notices) - self.crash.told_before
        spoken = len(self.lines) - self.expects_answer
        assert (told, spoken) in ((0, 0), (1, 0), (0, len(split(self.crash.text))))
        return "told" if told else "stands" if spoken else "nothing"

    async def equal_to_the_channel(self) -> None:
        path = f"sqlite:///{self.folder / DATABASE}"
        async with open_store(path, read_only=True) as store:
            (session,) = await store.find_sessions(str(self.server.discord.find_channel(CHANNEL).id))
            entries = await store.history(session.id)
        spoken = [m for m in self.server.messages(CHANNEL) if m in self.lines or m.content.endswith("?")]
        committed = [message_id for entry in entries for message_id in entry.message_ids]
        assert committed == [message.id for message in spoken]
        parts = [line.description or line.content for line in self.lines]
        assert "\n".join(entry.text for entry in entries if entry.kind == "character") == "\n".join(parts)


ROWS = [
    pytest.param(
        crash, voice, is_durable,
        id=f"{crash.name}-{'after' if is_durable else 'before'}-{voice}",
        marks=() if (crash.row, is_durable) in ALWAYS_RUN else pytest.mark.slow,
    )
    for crash in CRASHES
    for is_durable in (False, True)
    for voice in crash.voices
]  # fmt: skip


@pytest.mark.parametrize(("crash", "voice", "is_durable"), ROWS)
async def test_killed_at_this_row_nothing_is_lost_or_doubled(
    crash: Crash, voice: str, is_durable: bool, tmp_path: Path
) -> None:
    async with PlaygroundServer(faults=FaultPlan(retry_after_s=crash.retry_after_s)) as server:
        trial = Trial(server, tmp_path, crash, voice)
        await trial.die(is_durable=is_durable)
        start_s, recovery_s = await trial.recover()
        await server.wait_landed()
        assert trial.strays == []
        assert trial.stand() == crash.comes_to(is_durable=is_durable)
        await trial.equal_to_the_channel()
        assert recovery_s < (RECOVERY_MAX_S if start_s < BUSY_START_S else 4 * start_s)


def test_the_matrix_covers_every_row() -> None:
    rows = {(row.fact.__name__, str(row.source), str(row.dest)) for row in TABLE}
    assert len(rows) == len(TABLE)
    assert {crash.row for crash in CRASHES} == rows
