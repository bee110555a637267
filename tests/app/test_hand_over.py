"""M9 with real processes over real sockets: a new process takes over from the one that runs, or leaves it as it is."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from actors.adapters.store import AlreadyRunning, DatabaseLock
from actors.app.hand_over import ANSWER_S, LOOK_EVERY_S, NotHandedOver, take_lock, wait_until_asked
from actors.playground import FaultPlan, PlaygroundServer, Voice
from tests.app.processes import BOT, environment
from tests.app.test_running import CHANNEL, say, say_and_wait, settings_for, shown_by, wait_until, with_server
from tests.patience import PATIENCE_S

ASKED = "is asked to hand over"
NOW = 1_750_000_000.0


@dataclass
class Bot:
    """One process, and what it said."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "stderr").read_text(encoding="utf-8")

    @property
    def is_ready(self) -> bool:
        return "Ready: " in (self.folder / "stdout").read_text(encoding="utf-8")

    def wait_ready(self) -> None:
        wait_until(lambda: self.is_ready or self.process.poll() is not None)
        assert self.is_ready, self.log

    def wait_asking(self) -> None:
        wait_until(lambda: ASKED in self.log or self.process.poll() is not None)
        assert self.process.poll() is None, self.log

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        return self.process.wait(PATIENCE_S)


@dataclass
class Stage:
    """A local Discord, one database, and the bots on it."""

    server: PlaygroundServer
    folder: Path
    inspector: str = ""
    bots: int = 0
    spoken: int = 0

    @contextmanager
    def bot(self, *options: str, **settings: str) -> Iterator[Bot]:
        """`run` with these options; killed at the end."""
        self.bots += 1
        own = self.folder / f"bot {self.bots}"
        own.mkdir()
        known = settings_for(self.server, DATA_DIR=str(self.folder), INSPECTOR_ADDRESS=self.inspector)
        with (own / "stdout").open("wb") as said, (own / "stderr").open("wb") as logged:
            process = subprocess.Popen(
                [sys.executable, str(BOT), "run", *options],
                cwd=own,
                env=environment(**{**known, **settings}),
                stdout=said,
                stderr=logged,
            )
        try:
            yield Bot(process, own)
        finally:
            process.kill()
            process.wait(PATIENCE_S)

    @contextmanager
    def scene(self, **settings: str) -> Iterator[Bot]:
        """The bot that runs, in an open scene."""
        with self.bot(**settings) as bot:
            bot.wait_ready()
            say_and_wait(self.server, "!start Maren", Voice.BOT)
            yield bot

    def talk_until(self, holds: Callable[[], object]) -> list[str]:
        """Somebody talks on and on until `holds`, and once more; what was said."""
        said: list[str] = []

        def talk() -> bool:
            self.spoken += 1
            said.append(f"Message {self.spoken}.")
            say(self.server, said[-1])
            return bool(holds())

        wait_until(talk, every_s=0.1)
        return said

    def check_all_answered(self, said: list[str]) -> None:
        """Each message is in the inbox once, in its order, and has its answer; nothing is left to do."""
        wait_until(lambda: len(self.heard()) >= len(said) and self.is_at_rest())
        assert self.heard() == said
        assert self.read("SELECT count(*) FROM response WHERE state <> 'Delivered'") == [0]
        assert self.read("SELECT count(*) FROM inbox WHERE starts_turn AND turn_id IS NULL") == [0]

    def is_at_rest(self) -> bool:
        """Asked in the order in which a message becomes a turn, and a turn its responses."""
        left = (
            "SELECT count(*) FROM inbox WHERE starts_turn AND turn_id IS NULL",
            "SELECT count(*) FROM turn WHERE speakers_left > 0",
            "SELECT count(*) FROM response WHERE state NOT IN ('Delivered', 'Failed')",
        )
        return all(self.read(statement) == [0] for statement in left)

    def heard(self) -> list[object]:
        return self.read("SELECT text FROM inbox ORDER BY message_id")

    def goes_on(self, bot: Bot) -> None:
        """A bot that was stopped, or asked in vain, still answers when it has looked around."""
        bot.signal(signal.SIGCONT)
        say_and_wait(self.server, "Still there?", Voice.WEBHOOK)
        say_and_wait(self.server, "And now?", Voice.WEBHOOK)
        assert bot.process.poll() is None

    def health(self, path: str = "healthz") -> int | None:
        """The status of the inspector's answer; None where nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self.inspector}/{path}", timeout=PATIENCE_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def read(self, query: str) -> list[object]:
        """The first column."""
        with closing(sqlite3.connect(f"file:{self.folder / 'ensemble.db'}?mode=ro", uri=True)) as database:
            return [row[0] for row in database.execute(query)]

    def write(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "ensemble.db")) as database:
            database.execute(statement)
            database.commit()


@pytest.fixture
def on_stage(tmp_path: Path) -> Callable[[Callable[[Stage], None]], None]:
    def play(work: Callable[[Stage], None]) -> None:
        with_server(lambda server: work(Stage(server, tmp_path)))

    return play


Play = Callable[[Callable[[Stage], None]], None]


# ── it changes hands ────────────────────────────────────────────────────────────────────────────────


def test_m9_the_new_process_goes_on_where_the_old_one_ends_and_nobody_goes_unheard(
    on_stage: Play, free_tcp_port: int
) -> None:
    def work(stage: Stage) -> None:
        stage.inspector = f"127.0.0.1:{free_tcp_port}"
        with stage.scene() as old, stage.bot("--take-over") as new:
            assert stage.health() == 200
            said = stage.talk_until(lambda: new.is_ready)
            said += stage.talk_until(lambda: old.process.poll() is not None)
            assert old.end() == 0
            stage.check_all_answered(said)
            wait_until(lambda: stage.health("readyz") == 200)  # the inspector's address has changed hands as well
            assert "is not available" not in new.log
            assert "Traceback" not in old.log + new.log
            new.signal(signal.SIGTERM)
            assert new.end() == 0

    on_stage(work)


def test_m9_what_is_on_the_wire_is_finished_and_what_is_said_meanwhile_is_kept_for_the_new_process(
    on_stage: Play,
) -> None:
    def work(stage: Stage) -> None:
        with stage.scene() as old:
            stage.server.faults = FaultPlan.parse(["slow=1"])  # each line's answer comes a second late
            say(stage.server, "First.")
            wait_until(lambda: shown_by(stage.server, Voice.WEBHOOK) == 1)
            with stage.bot("--take-over") as new:
                new.wait_asking()
                said = stage.talk_until(lambda: old.process.poll() is not None)
                stage.server.faults = FaultPlan()
                stage.check_all_answered(["First.", *said])
                assert "❌ Discord" not in old.log + new.log

    on_stage(work)


def test_m9_messages_and_commands_of_the_moment_in_which_nobody_writes_are_heard_in_their_order(on_stage: Play) -> None:
    def work(stage: Stage) -> None:
        with stage.scene() as old, stage.bot("--take-over") as new:
            new.wait_asking()
            new.signal(signal.SIGSTOP)  # so that the moment lasts
            assert old.end() == 0
            for text in ("Hello?", "!end", "!start Fitch", "And you?"):
                say(stage.server, text)
            assert stage.heard() == []
            new.signal(signal.SIGCONT)
            new.wait_ready()
            wait_until(lambda: shown_by(stage.server, Voice.WEBHOOK) == 1)
            assert stage.heard() == ["Hello?", "And you?"]
            openings = [m.content for m in stage.server.messages(CHANNEL) if "The scene is open with" in m.content]
            assert [text.split("with ")[1].split(".")[0] for text in openings] == ["Maren", "Fitch"]

    on_stage(work)


def test_m9_where_nobody_runs_it_just_starts(on_stage: Play) -> None:
    def work(stage: Stage) -> None:
        with stage.bot("--take-over") as new:
            new.wait_ready()
            say_and_wait(stage.server, "!start Maren", Voice.BOT)
            assert ASKED not in new.log

    on_stage(work)


def test_m9_an_old_process_that_dies_while_it_is_asked_is_taken_over_from(on_stage: Play) -> None:
    def work(stage: Stage) -> None:
        with stage.scene() as old:
            old.signal(signal.SIGSTOP)
            with stage.bot("--take-over") as new:
                new.wait_asking()
                old.signal(signal.SIGKILL)
                new.wait_ready()
                say_and_wait(stage.server, "Hello?", Voice.WEBHOOK)

    on_stage(work)


# ── it does not ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_m9_an_old_process_that_does_not_answer_for_20_s_keeps_everything(on_stage: Play) -> None:
    def work(stage: Stage) -> None:
        with stage.scene() as old:
            old.signal(signal.SIGSTOP)
            with stage.bot("--take-over") as new:
                new.wait_asking()
                began = time.monotonic()
                assert new.end() == 1
                assert time.monotonic() - began > ANSWER_S - 1
                [words] = [line for line in new.log.splitlines() if line.startswith("ensemble: ")]
                assert f"(process {old.process.pid}, since " in words
                assert "has not answered within 20 s and keeps running" in words
            stage.goes_on(old)

    on_stage(work)


def test_m9_of_two_that_take_over_at_once_the_second_is_refused(on_stage: Play) -> None:
    def work(stage: Stage) -> None:
        with stage.scene() as old:
            old.signal(signal.SIGSTOP)
            with stage.bot("--take-over") as first:
                first.wait_asking()
                with stage.bot("--take-over") as second:
                    assert second.end() == 1
                    assert "ensemble: Another process is already taking over" in second.log
                old.signal(signal.SIGCONT)
                first.wait_ready()
                assert old.end() == 0
                say_and_wait(stage.server, "Hello?", Voice.WEBHOOK)

    on_stage(work)


def test_m9_the_old_process_does_not_end_for_one_that_is_gone(on_stage: Play) -> None:
    def work(stage: Stage) -> None:
        with stage.scene() as old:
            for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
                old.signal(signal.SIGSTOP)
                with stage.bot("--take-over") as new:
                    new.wait_asking()
                    new.signal(number)
                    assert new.end() == code
                stage.goes_on(old)
            assert "takes over" not in old.log

    on_stage(work)


def test_m9_a_new_process_that_cannot_play_asks_for_nothing(on_stage: Play) -> None:
    def refused(stage: Stage, words: str, **settings: str) -> None:
        with stage.bot("--take-over", **settings) as new:
            assert new.end() in (1, 2)
            assert words in new.log
            assert "Traceback" not in new.log

    def work(stage: Stage) -> None:
        with stage.scene() as old:
            refused(stage, "Discord refuses DISCORD_TOKEN", DISCORD_TOKEN="wr0ng")
            refused(stage, "GROQ_BASE_URL", GROQ_BASE_URL="nowhere")
            stage.write("UPDATE alembic_version SET version_num = '9999'")
            refused(stage, "update Ensemble")
            assert "takes over" not in old.log
            stage.goes_on(old)

    on_stage(work)


# ── the lock's side of it ───────────────────────────────────────────────────────────────────────────


async def test_m9_an_asker_gives_up_after_its_time_and_the_holder_hears_of_nothing(tmp_path: Path) -> None:
    holder, asker = DatabaseLock(tmp_path / "ensemble.db"), DatabaseLock(tmp_path / "ensemble.db")
    holder.acquire(at=NOW)
    with pytest.raises(NotHandedOver, match=r"has not answered within 0\.1 s and keeps running"):
        await take_lock(asker, now=lambda: NOW, answer_s=0.1)
    assert not holder.is_asked_for
    assert not asker.is_handing_over
    holder.release()


async def test_m9_an_answer_buys_the_holder_time_to_finish(tmp_path: Path) -> None:
    holder, asker = DatabaseLock(tmp_path / "ensemble.db"), DatabaseLock(tmp_path / "ensemble.db")
    holder.acquire(at=NOW)

    async def hand_over() -> None:
        await wait_until_asked(holder)
        await anyio.sleep(3 * LOOK_EVERY_S)
        holder.release()

    async with anyio.create_task_group() as group:
        group.start_soon(hand_over)
        await take_lock(asker, now=lambda: NOW, answer_s=2 * LOOK_EVERY_S)
    assert not asker.is_handing_over  # of the new holder nothing of the old one is believed
    asker.release()


async def test_m9_a_look_of_the_holder_is_not_taken_for_another_asker(tmp_path: Path) -> None:
    holder, asker = DatabaseLock(tmp_path / "ensemble.db"), DatabaseLock(tmp_path / "ensemble.db")
    other = DatabaseLock(tmp_path / "ensemble.db")
    holder.acquire(at=NOW)
    with other.asking() as is_asking:
        assert is_asking
        async with anyio.create_task_group() as group:
            group.start_soon(_release_soon, holder)
            with pytest.raises(AlreadyRunning, match="already taking over"):
                await take_lock(asker, now=lambda: NOW)
    await take_lock(asker, now=lambda: NOW)
    asker.release()


async def _release_soon(lock: DatabaseLock) -> None:
    lock.release()
