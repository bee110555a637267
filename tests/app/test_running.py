"""`run`, `play` and `doctor` as processes: what they print, whom they let in, and how they end."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from actors.playground import PlaygroundServer, Voice
from tests.app.cards import png, v2_json
from tests.app.processes import group_is_gone, run_bot, started
from tests.patience import PATIENCE_S
from tests.playground_place import PlaygroundPlace

CHANNEL = "tavern"
LINE = "<b>Good evening</b> & hello?"


def settings_for(server: PlaygroundServer, **more: str) -> dict[str, str]:
    urls = {"DISCORD_API_URL": server.api_url, "DISCORD_GATEWAY_URL": server.gateway_url}
    return {"DISCORD_TOKEN": server.token, "INSPECTOR_ADDRESS": "", "STATUS_URL": "", **urls, **more}


def with_server(work: Callable[[PlaygroundServer], Any]) -> Any:  # noqa: ANN401 - what `work` returns
    """Run blocking `work` beside a playground server of the test's own."""

    async def main() -> Any:  # noqa: ANN401
        async with PlaygroundServer() as server:
            return await anyio.to_thread.run_sync(work, server)

    return anyio.run(main)


def say(server: PlaygroundServer, text: str) -> None:
    """A user's message, written on the server's own thread."""
    anyio.from_thread.run_sync(server.say, CHANNEL, "Robin", text)


def shown_by(server: PlaygroundServer, voice: Voice) -> int:
    return sum(message.voice is voice for message in server.messages(CHANNEL))


def wait_until(holds: Callable[[], bool], *, every_s: float = 0.02) -> None:
    async def main() -> None:
        with anyio.fail_after(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - the process under test signals nothing
                await anyio.sleep(every_s)

    anyio.run(main)


def say_and_wait(server: PlaygroundServer, text: str, voice: Voice) -> None:
    """A user's message, and the next one in that voice."""
    before = shown_by(server, voice)
    say(server, text)
    wait_until(lambda: shown_by(server, voice) == before + 1)


class TestRun:
    @pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
    def test_it_says_when_it_is_ready_and_ends_with_0_when_asked(self, asked: signal.Signals, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            with started(tmp_path, "run", until="Ready: ", **settings_for(server)) as (process, lines):
                assert re.fullmatch(
                    r"Ready: Ensemble(#\d+)?, \d+ channels; speaking: the understudy \(.* see docs/models\.md\)",
                    lines[-1],
                )
                process.send_signal(asked)
                assert process.wait(PATIENCE_S) == 0
                assert group_is_gone(process.pid)
            assert "Traceback" not in (tmp_path / "stderr").read_text()

        with_server(work)

    def test_a_wrong_token_is_one_clear_line(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            done = run_bot(tmp_path, "run", **settings_for(server, DISCORD_TOKEN="wr0ng-t0ken"))
            assert done.returncode == 1
            told = [line for line in done.stderr.splitlines() if line.startswith("ensemble: ")]
            assert told == [
                "ensemble: Discord refuses DISCORD_TOKEN: copy it again from the Developer Portal, Bot, Reset Token"
            ]
            assert "Traceback" not in done.stderr
            assert "wr0ng-t0ken" not in done.stdout + done.stderr

        with_server(work)

    def test_a_second_one_on_the_same_database_names_the_first_which_goes_on(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            settings = settings_for(server)
            with started(tmp_path, "run", until="Ready: ", **settings) as (process, _):
                for command in ("run", "migrate"):
                    second = run_bot(tmp_path, command, **settings)
                    assert second.returncode == 1
                    (line,) = second.stderr.splitlines()
                    assert f"already running on ensemble.db (process {process.pid}, since " in line
                    assert "stop it first, or set another DATABASE_URL" in line
                say_and_wait(server, "!start Maren", Voice.BOT)
                assert process.poll() is None
            again = run_bot(tmp_path, "migrate")
            assert again.returncode == 0, "the lock dies with its process, killed or not"

        with_server(work)

    def test_a_character_imported_beside_it_can_play_at_once(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            settings = settings_for(server)
            with started(tmp_path, "run", until="Ready: ", **settings) as (_, _):
                (tmp_path / "ada.json").write_text(json.dumps({"name": "Ada", "description": "", "first_mes": "Hi."}))
                assert run_bot(tmp_path, "character", "import", "ada.json", **settings).returncode == 0
                say_and_wait(server, "!start Ada", Voice.BOT)
            (answer,) = [m.content for m in server.messages(CHANNEL) if m.voice is Voice.BOT]
            assert answer.startswith("🎭 The scene is open with Ada.")

        with_server(work)

    def test_b18_a_picture_imported_beside_it_is_shown_by_the_next_scene(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            settings = settings_for(server)
            avatars = []
            with started(tmp_path, "run", until="Ready: ", **settings) as (_, _):
                for picture in ("maren", "fitch"):
                    (tmp_path / "pia.png").write_bytes(png(v2_json("Pia"), picture))
                    assert run_bot(tmp_path, "character", "import", "pia.png", **settings).returncode == 0
                    say_and_wait(server, "!start Pia", Voice.BOT)
                    say_and_wait(server, "Hello?", Voice.WEBHOOK)
                    avatars += [webhook.avatar for webhook in server.webhooks(CHANNEL)]
                    say_and_wait(server, "!end", Voice.BOT)
            assert len(avatars) == 2, "one webhook, before and after"
            assert avatars[0] != avatars[1]

        with_server(work)


class TestTranscript:
    @pytest.mark.slow
    def test_what_was_played_is_written_in_every_format(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> tuple[str, list[dict[str, Any]]]:
            with started(tmp_path, "run", until="Ready: ", **settings_for(server)) as (process, _):
                for _ in range(2):
                    say_and_wait(server, "!start Maren", Voice.BOT)
                    say_and_wait(server, LINE, Voice.WEBHOOK)
                    say_and_wait(server, "!end", Voice.BOT)
                process.terminate()
                assert process.wait(PATIENCE_S) == 0
            shown = [m for m in server.messages(CHANNEL) if m.voice is Voice.WEBHOOK or m.content == LINE]
            channel = str(server.discord.find_channel(CHANNEL).id)
            return channel, [{"name": m.author, "text": m.content, "message_ids": [str(m.id)]} for m in shown]

        channel, shown = with_server(work)
        self.check_jsonl(tmp_path, channel, shown)
        self.check_sillytavern(tmp_path, channel, shown)
        markdown = run_bot(tmp_path, "transcript", channel).stdout
        assert markdown.count("# Session ") == 2
        assert markdown.count("**Robin**: " + LINE.replace("<", "\\<") + "\n") == 2
        page = run_bot(tmp_path, "transcript", channel, "--format", "html").stdout
        assert page.count(html.escape(LINE)) == 2
        assert "<b>Good" not in page
        assert "<script" not in page

    def check_jsonl(self, folder: Path, channel: str, shown: list[dict[str, Any]]) -> None:
        lines = [
            json.loads(line) for line in run_bot(folder, "transcript", channel, "--format", "jsonl").stdout.splitlines()
        ]
        keys = ["seq", "session", "kind", "name", "text", "message_ids", "response_id", "at"]
        assert [list(line) for line in lines] == [keys] * 4
        assert [line["seq"] for line in lines] == [1, 2, 1, 2]
        assert [line["kind"] for line in lines] == ["user", "character"] * 2
        assert [{key: line[key] for key in shown[0]} for line in lines] == shown
        assert [line["response_id"] is None for line in lines] == [True, False] * 2
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"]) for line in lines)
        assert len({line["session"] for line in lines}) == 2
        one = run_bot(folder, "transcript", lines[2]["session"], "--format", "jsonl").stdout.splitlines()
        assert [json.loads(line) for line in one] == lines[2:]

    def check_sillytavern(self, folder: Path, channel: str, shown: list[dict[str, Any]]) -> None:
        chats = folder / "chats"
        chats.mkdir()
        run_bot(folder, "transcript", channel, "--format", "sillytavern", "-o", "chats")
        files = sorted(chats.iterdir())
        lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        assert ["user_name" in line for line in lines] == [True, False, False] * 2
        said = [line for line in lines if "mes" in line]
        assert [(line["name"], line["mes"], line["is_user"]) for line in said] == [
            (each["name"], each["text"], each["name"] == "Robin") for each in shown
        ]


class TestDoctor:
    def test_where_all_is_well_it_says_so(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            done = run_bot(tmp_path, "doctor", **settings_for(server))
            assert done.returncode == 0, done.stdout + done.stderr
            findings = [line for line in done.stdout.splitlines() if not line.startswith("    ")]
            assert all(line.startswith("✓ ") for line in findings)
            subjects = {line.split(":")[0].removeprefix("✓ ") for line in findings}
            assert {"settings", "database", "disk", "model", "token", "intent"} <= subjects
            assert f"#{CHANNEL} in Playground" in subjects
            assert not (tmp_path / "ensemble.db").exists()

        with_server(work)

    def test_a_status_page_that_cannot_be_read_is_told_and_is_no_failure(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            with socket.socket() as silent:
                silent.bind(("127.0.0.1", 0))  # and does not listen: nobody else can
                page = f"http://127.0.0.1:{silent.getsockname()[1]}"
                done = run_bot(tmp_path, "doctor", **settings_for(server, STATUS_URL=page))
            assert done.returncode == 0, done.stdout + done.stderr
            assert "– status page: cannot be read (connection)" in done.stdout.splitlines()

        with_server(work)

    def test_a_slip_of_the_pen_in_a_dotenv_is_named(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("DISCORD_TOKN=abc\n")
        done = run_bot(tmp_path, "doctor", STATUS_URL="")
        assert done.returncode == 1
        assert "✗ .env: names no setting: DISCORD_TOKN (meant: DISCORD_TOKEN)" in done.stdout.splitlines()
        assert "abc" not in done.stdout

    def test_a_missing_permission_is_named_with_its_channel_and_mend(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            server.permit("SEND_MESSAGES", False, channel=CHANNEL)
            done = run_bot(tmp_path, "doctor", **settings_for(server))
            assert done.returncode == 1
            lines = done.stdout.splitlines()
            at = next(at for at, line in enumerate(lines) if line.startswith(f"✗ #{CHANNEL} in Playground: lacks "))
            assert "Send Messages" in lines[at]
            assert lines[at + 1].strip().startswith("grant it to the bot's role")

        with_server(work)

    def test_a_wrong_token_is_named_and_not_shown(self, tmp_path: Path) -> None:
        def work(server: PlaygroundServer) -> None:
            done = run_bot(tmp_path, "doctor", **settings_for(server, DISCORD_TOKEN="wr0ng-t0ken"))
            assert done.returncode == 1
            assert "✗ token: refused" in done.stdout.splitlines()
            assert "Reset Token" in done.stdout
            assert "wr0ng-t0ken" not in done.stdout + done.stderr

        with_server(work)

    def test_without_a_token_it_says_where_to_put_it(self, tmp_path: Path) -> None:
        done = run_bot(tmp_path, "doctor", STATUS_URL="")
        assert done.returncode == 1
        assert "✗ token: DISCORD_TOKEN is not set\n    put the bot's token into .env" in done.stdout


class TestPlay:
    def test_alone_it_prints_what_a_bot_needs(self, tmp_path: Path) -> None:
        with started(tmp_path, "play", "--no-bot", "--port", "0", until="Playground: ") as (process, lines):
            told = dict(line.split("=", 1) for line in lines[:-1])
            assert list(told) == ["DISCORD_API_URL", "DISCORD_GATEWAY_URL", "DISCORD_TOKEN"]
            assert re.fullmatch(r"Playground: http://127\.0\.0\.1:\d+/\?key=[\w-]{32}", lines[-1])
            request = urllib.request.Request(told["DISCORD_API_URL"] + "/users/@me")
            request.add_header("Authorization", f"Bot {told['DISCORD_TOKEN']}")
            with urllib.request.urlopen(request) as answer:
                assert json.load(answer)["bot"] is True
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0

    def test_a_bot_can_be_pointed_at_it(self, tmp_path: Path) -> None:
        (tmp_path / "bot").mkdir()
        with started(tmp_path, "play", "--no-bot", "--port", "0", until="Playground: ") as (_, lines):
            told = dict(line.split("=", 1) for line in lines[:-1])
            with started(tmp_path / "bot", "run", until="Ready: ", INSPECTOR_ADDRESS="", **told) as (bot, _):
                assert bot.poll() is None

    @pytest.mark.parametrize("to_all", [False, True], ids=["SIGTERM to play", "Ctrl-C in a terminal"])
    def test_it_starts_the_real_bot_and_ends_it(self, to_all: bool, tmp_path: Path) -> None:
        (tmp_path / "bot.py").write_text("raise SystemExit('another program of this name')")
        elsewhere = {"DISCORD_TOKEN": "of-the-real-bot", "DATABASE_URL": "sqlite:////nowhere/real.db"}
        with started(tmp_path, "play", "--no-open", "--port", "0", until="Ready: ", **elsewhere) as (process, lines):
            assert any(line.startswith("Playground: http://") for line in lines)
            assert (tmp_path / "playground" / "ensemble.db").is_file()
            if to_all:
                os.killpg(process.pid, signal.SIGINT)
            else:
                process.terminate()
            assert process.wait(PATIENCE_S) == 0
            assert group_is_gone(process.pid)
        assert "Traceback" not in (tmp_path / "stderr").read_text()

    def test_where_its_database_cannot_be_used_it_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "playground").mkdir()
        (tmp_path / "playground" / "ensemble.db").write_text("no database " * 50)
        done = run_bot(tmp_path, "play", "--no-open", "--port", "0")
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "is not an SQLite database" in line

    def test_a_port_in_use_is_one_line_with_the_mend(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = run_bot(tmp_path, "play", "--no-bot", "--port", str(port))
        assert done.returncode == 1
        assert done.stderr == f"ensemble: port {port} is in use: stop what uses it, or try `play --port 0`\n"

    def test_a_second_one_on_the_same_world_names_the_first(self, tmp_path: Path) -> None:
        with started(tmp_path, "play", "--no-bot", "--port", "0", until="Playground: ") as (process, _):
            for words in (["play", "--no-open"], ["play", "--no-bot"]):
                done = run_bot(tmp_path, *words, "--port", "0")
                assert done.returncode == 1
                (line,) = done.stderr.splitlines()
                assert f"already running on playground/world.db (process {process.pid}, since " in line
                assert line.endswith("): end it first, or set another DATA_DIR")

    def test_the_world_is_kept_for_the_next_time(self, tmp_path: Path) -> None:
        for name in ("first", "second"):
            with started(tmp_path, "play", "--no-bot", "--port", "0", until="Playground: ") as (process, lines):
                place = PlaygroundPlace.of(lines[-1])
                headers = place.headers | {"Content-Type": "application/json"}
                body = json.dumps({"channel": CHANNEL, "user": "Robin", "text": name}).encode()
                url = f"{place.base}_control/messages"
                with urllib.request.urlopen(urllib.request.Request(url, body, headers)):
                    pass
                read = urllib.request.Request(f"{url}?channel={CHANNEL}", headers=headers)
                with urllib.request.urlopen(read) as answer:
                    said = [message["content"] for message in json.load(answer)]
                process.terminate()
                assert process.wait(PATIENCE_S) == 0
        assert said == ["first", "second"]
