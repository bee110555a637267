"""The ❌ lines of the log are counted where they are written: in `report`, and in the metrics."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from actors.playground import PlaygroundServer, Voice
from tests.app.processes import run_bot, started
from tests.app.test_running import say, say_and_wait, settings_for, wait_until, with_server

CHANNEL = "tavern"
FIGURE = re.compile(r"❌ lines in the log: .*\((\d+) in all")


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


def test_m4_report_counts_the_error_lines_that_the_log_has(tmp_path: Path) -> None:
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
        assert reported(tmp_path, settings) == 4

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
                wait_until(lambda: reported(tmp_path, settings) == 3)
                process.kill()
            else:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
        assert reported(tmp_path, settings) == 3

    with_server(work)
