"""Starting and ending a bot, as processes: a locked, new or empty database, a backup of it, and its last line."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from actors.app.database_notes import others_near
from actors.playground import PlaygroundServer, Voice
from tests.app.processes import BOT, environment, group_is_gone, run_bot, started
from tests.app.test_running import CHANNEL, say, say_and_wait, settings_for, wait_until, with_server
from tests.patience import PATIENCE_S


def log_of(folder: Path) -> list[str]:
    """What stands after each line's level."""
    file = folder / "stderr"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line.split(" - ", 3)[-1] for line in lines]


def test_b55_a_database_that_is_locked_at_the_start_is_waited_for_and_said_once(tmp_path: Path) -> None:
    assert run_bot(tmp_path, "migrate").returncode == 0
    words = "ensemble.db is locked by another program; waiting up to 60 s for it."

    def work(server: PlaygroundServer) -> None:
        with closing(sqlite3.connect(tmp_path / "ensemble.db", isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN EXCLUSIVE")

            def let_go_once_said() -> None:
                wait_until(lambda: words in log_of(tmp_path))
                other.rollback()

            Thread(target=let_go_once_said).start()
            with started(tmp_path, "run", until="Ready: ", **settings_for(server)) as (process, _):
                assert process.poll() is None
        assert log_of(tmp_path).count(words) == 1

    with_server(work)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_b55_while_it_waits_for_the_database_it_can_be_ended(asked: signal.Signals, tmp_path: Path) -> None:
    assert run_bot(tmp_path, "migrate").returncode == 0
    with closing(sqlite3.connect(tmp_path / "ensemble.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        env = environment(DISCORD_TOKEN="never-used", INSPECTOR_ADDRESS="")
        with (tmp_path / "stderr").open("w") as errors:
            process = subprocess.Popen([sys.executable, str(BOT), "run"], cwd=tmp_path, env=env, stderr=errors)
        wait_until(lambda: any("locked by another program" in line for line in log_of(tmp_path)))
        process.send_signal(asked)
        assert process.wait(PATIENCE_S) == 0
    assert log_of(tmp_path)[-1] == "Ended before it began to play."


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_the_last_line_of_the_log_says_that_it_ended(asked: signal.Signals, tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        with started(tmp_path, "run", until="Ready: ", **settings_for(server)) as (process, _):
            process.send_signal(asked)
            assert process.wait(PATIENCE_S) == 0
        lines = log_of(tmp_path)
        assert lines[-1] == "Ended. Nothing is left to finish."
        name = "SIGTERM" if asked is signal.SIGTERM else "Ctrl-C"
        assert f"{name}: no new work begins; sends in progress finish within 10 s." in lines

    with_server(work)


def test_the_last_line_counts_what_the_next_start_goes_on_with(tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        with started(tmp_path, "run", until="Ready: ", **settings_for(server, BACKOFF_BASE_S="60")) as (process, _):
            say_and_wait(server, "!start Maren", Voice.BOT)
            server.next_lines("http_500")
            say(server, "Is anybody there?")
            wait_until(lambda: any("HTTPException[500]" in line for line in log_of(tmp_path)))
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        assert log_of(tmp_path)[-1] == "Ended. 1 response is not finished; the next start continues it."

    with_server(work)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_the_playground_says_that_it_ended_and_where_it_is_kept(asked: signal.Signals, tmp_path: Path) -> None:
    with started(tmp_path, "play", "--no-bot", "--port", "0", until="Playground: ") as (process, _):
        process.send_signal(asked)
        assert process.stdout is not None
        assert process.stdout.readline() == f"Playground ended. Its data is kept in {tmp_path / 'playground'}\n"
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(("asked", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_command_that_is_cut_short_says_so_and_leaves_no_process(
    asked: signal.Signals, name: str, tmp_path: Path
) -> None:
    command = [sys.executable, str(BOT), "simulate", "--responses", "1000000", "--seed", "1"]
    with (tmp_path / "stderr").open("w") as errors:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )
    wait_until(lambda: is_at_work(process.pid))
    process.send_signal(asked)
    assert process.wait(PATIENCE_S) == 128 + asked
    assert f"ensemble: ended by {name} before it was finished" in (tmp_path / "stderr").read_text().splitlines()
    assert group_is_gone(process.pid)


def is_at_work(pid: int) -> bool:
    """Whether it has children: the simulation is past its start."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return children.exists() and children.read_text().strip() != ""


def test_o1_a_scene_goes_on_from_a_backup_that_was_taken_while_the_bot_ran(tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        settings = settings_for(server)
        with started(tmp_path, "run", until="Ready: ", **settings) as (process, _):
            say_and_wait(server, "!start Maren", Voice.BOT)
            say_and_wait(server, "Good evening.", Voice.WEBHOOK)
            done = run_bot(tmp_path, "backup", "copy.db")
            assert done.returncode == 0, done.stderr
            assert re.search(r"copy\.db \(1 scenes, 2 lines, 3 characters, [\d.]+ MB; checked\)", done.stdout)
            assert not list(tmp_path.glob("copy.db-*"))
            assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
            again = run_bot(tmp_path, "backup", "copy.db")
            assert (again.returncode, again.stdout) == (1, "")
            assert "is there already" in again.stderr
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        with started(tmp_path, "run", until="Ready: ", DATABASE_URL="sqlite:///copy.db", **settings):
            say_and_wait(server, "And now?", Voice.WEBHOOK)
        channel = str(server.discord.find_channel(CHANNEL).id)
        told = run_bot(tmp_path, "transcript", channel, "--format", "md", DATABASE_URL="sqlite:///copy.db").stdout
        assert told.index("Good evening.") < told.index("And now?")

    with_server(work)


def test_o1_a_copy_of_a_running_database_without_its_wal_is_an_empty_bot_and_the_log_says_so(tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        settings = settings_for(server)
        with started(tmp_path, "run", until="Ready: ", **settings):
            say_and_wait(server, "!start Maren", Voice.BOT)
            (tmp_path / "elsewhere").mkdir()
            shutil.copy(tmp_path / "ensemble.db", tmp_path / "elsewhere")
        with started(tmp_path, "run", until="Ready: ", DATA_DIR="elsewhere", **settings):
            pass
        (warned,) = [line for line in log_of(tmp_path) if "existed but is empty" in line]
        assert "ensemble.db-wal" in warned
        assert "python bot.py backup FILE" in warned

    with_server(work)


def test_o1_a_new_database_is_announced_with_the_others_near_it(tmp_path: Path) -> None:
    home = tmp_path / "srv" / "bot"
    home.mkdir(parents=True)

    def made(server: PlaygroundServer, **where: str) -> list[str]:
        with started(home, "run", until="Ready: ", **where, **settings_for(server)):
            pass
        return [line for line in log_of(home) if "database is" in line]

    def work(server: PlaygroundServer) -> None:
        assert made(server) == [f"A new, empty database is created: {home}/ensemble.db."]
        (slip,) = made(server, DATA_DIR="dta")
        assert slip.startswith(
            f"A new, empty database is created: {home}/dta/ensemble.db. There is already {home}/ensemble"
        )
        assert "set DATABASE_URL or DATA_DIR" in slip
        assert made(server) == [f"The database is {home}/ensemble.db."]

    with_server(work)


def test_o1_others_near_are_those_that_a_slip_of_the_pen_misses(tmp_path: Path) -> None:
    for name in ("bot/ensemble.db", "bot/old.db", "data/ensemble.db", "ensemble.db", "data/else.db", "bot/world.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = {str(each.relative_to(tmp_path)) for each in others_near(tmp_path / "bot" / "ensmble.db")}
    assert found == {"bot/ensemble.db", "bot/old.db"}
    found = {str(each.relative_to(tmp_path)) for each in others_near(tmp_path / "dta" / "ensemble.db")}
    assert found == {"bot/ensemble.db", "data/ensemble.db", "ensemble.db"}


def test_o1_a_backup_of_nothing_says_where_it_looked(tmp_path: Path) -> None:
    done = run_bot(tmp_path, "backup", "copy.db")
    assert done.returncode == 1
    assert f"there is no database at {tmp_path}/ensemble.db: check DATABASE_URL and DATA_DIR; for" in done.stderr
    done = run_bot(tmp_path, "backup", "copy.db", DATABASE_URL="sqlite:///:memory:")
    assert (done.returncode, "nothing to back up" in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


CARD = '{"name": "Ada", "description": "A cook."}'


def test_o2_an_import_says_into_which_database_and_how_into_the_other(tmp_path: Path) -> None:
    (tmp_path / "ada.json").write_text(CARD)
    told = run_bot(tmp_path, "character", "import", "ada.json").stdout.splitlines()[-1]
    assert told.startswith(f"This is the bot's database, {tmp_path}/ensemble.db. ")
    assert "For the playground's: DATA_DIR=playground character import" in told
    into_other = run_bot(tmp_path, "character", "import", "ada.json", DATA_DIR="playground").stdout.splitlines()[-1]
    assert into_other.startswith(f"This is the playground's database, {tmp_path}/playground/ensemble.db. ")
    assert "without DATA_DIR=playground" in into_other


def test_o2_the_way_into_the_other_one_holds_for_every_setting(tmp_path: Path) -> None:
    (tmp_path / "ada.json").write_text(CARD)
    for settings in ({"DATA_DIR": "deep/er"}, {"DATABASE_URL": f"sqlite:///{tmp_path}/own/mine.db"}):
        told = run_bot(tmp_path, "character", "import", "ada.json", **settings).stdout.splitlines()[-1]
        named = dict(re.findall(r"(DATA\w+)=(\S*) ", told))
        assert named.keys() >= settings.keys() - {"DATABASE_URL"}
        assert run_bot(tmp_path, "character", "import", "ada.json", **settings | named).returncode == 0
        assert (tmp_path / settings.get("DATA_DIR", "") / "playground" / "ensemble.db").is_file()
