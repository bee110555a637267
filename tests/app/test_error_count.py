"""The errors in the log are counted where they are written: in `report`, and in the metrics."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from actors.adapters.log import ErrorCounter
from actors.app.error_count import ErrorCount
from actors.playground import PlaygroundServer, Voice
from tests.app.processes import run_bot, started
from tests.app.test_running import say, say_and_wait, settings_for, wait_until, with_server

CHANNEL = "tavern"
FIGURE = re.compile(r"❌ errors in the log: .*\((\d+) in all")


def error_lines(folder: Path) -> int:
    return sum("❌" in line for line in (folder / "stderr").read_text(encoding="utf-8").splitlines())


def reported(folder: Path, settings: dict[str, str]) -> int:
    done = run_bot(folder, "report", **settings)
    found = FIGURE.search(done.stdout)
    assert found is not None, done.stdout + done.stderr
    return int(found[1])


def shown(server: PlaygroundServer, beginning: str) -> int:
    return sum(m.content.startswith(beginning) for m in server.messages(CHANNEL) if m.voice is not Voice.USER)


def control(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `work` returns
    return anyio.from_thread.run_sync(work)


def test_m4_report_counts_the_errors_that_the_log_has(tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        settings = settings_for(server, BACKOFF_BASE_S="0.05")
        with started(tmp_path, "run", until="Ready: ", **settings) as (process, _):
            say_and_wait(server, "!start Maren", Voice.BOT)
            say_and_wait(server, "Good evening.", Voice.WEBHOOK)
            control(lambda: server.next_lines("http_400"))
            # The notice is refused for good as well: that line of the log is in no move of the journal.
            control(lambda: server.next_requests("POST /channels/{channel}/messages", "http_400"))
            say(server, "And now?")
            wait_until(lambda: error_lines(tmp_path) == 4)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert error_lines(tmp_path) == 4
        assert reported(tmp_path, settings) == 3  # the attempt, the message (FAILED, NOT adding), the notice

    with_server(work)


@pytest.mark.parametrize("is_killed", [False, True], ids=["asked to end", "killed"])
def test_m4_what_was_counted_long_enough_ago_survives_the_process(is_killed: bool, tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        settings = settings_for(server)
        with started(tmp_path, "run", until="Ready: ", **settings) as (process, _):
            say_and_wait(server, "!start Maren", Voice.BOT)
            control(lambda: server.next_lines("http_400"))
            say(server, "And now?")
            wait_until(lambda: error_lines(tmp_path) == 3)
            if is_killed:
                wait_until(lambda: reported(tmp_path, settings) == 2)
                process.kill()
            else:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
        assert reported(tmp_path, settings) == 2

    with_server(work)


class Failing:
    """A store whose writes fail, until they do not."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.written: list[dict[int, int]] = []

    async def add_errors(self, counted: dict[int, int], *, at: float) -> None:
        await anyio.lowlevel.checkpoint()
        if self.errors:
            raise self.errors.pop()
        self.written.append(counted)


async def test_m4_a_count_that_cannot_be_written_is_written_the_next_time_and_nothing_twice() -> None:
    lines, store = ErrorCounter(), Failing(OSError("disk full"))
    count = ErrorCount(lines, store, lambda: 0.0)  # type: ignore[arg-type] # all that it asks of a store
    record = logging.LogRecord("ensemble.actors", logging.ERROR, __file__, 1, "❌ no", None, None)
    record.created = 60.0
    lines.handle(record)
    with pytest.raises(OSError, match="disk full"):
        await count.write()
    lines.handle(record)
    await count.write()
    await count.write()
    assert store.written == [{1: 2}]


async def test_m4_that_lines_are_counted_is_written_though_there_are_none() -> None:
    store = Failing()
    count = ErrorCount(ErrorCounter(), store, lambda: 0.0)  # type: ignore[arg-type]
    await count.write()
    await count.write()
    assert store.written == [{}]


async def test_m4_a_write_that_is_cancelled_is_finished_and_not_counted_twice() -> None:
    lines, store = ErrorCounter(), Failing()
    count = ErrorCount(lines, store, lambda: 0.0)  # type: ignore[arg-type]
    record = logging.LogRecord("ensemble.actors", logging.ERROR, __file__, 1, "❌ no", None, None)
    record.created = 60.0
    lines.handle(record)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await count.write()
    await count.write()
    assert store.written == [{1: 1}]
