"""`doctor`: what it says of names that are no settings, of lines that it cannot read, and of the model."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from typer.testing import CliRunner

from actors.adapters.groq.knowledge import Known
from actors.adapters.store import open_store
from actors.app.cli import app
from actors.playground import PlaygroundServer
from tests.app.processes import run_bot
from tests.contracts.scene import MIRA, NOW, a_session, an_answer
from tests.fakes.model_server import Answer, ModelServer, Request, Script, lists, model_server, refuses, says


@pytest.fixture(autouse=True)
def _bare(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine's settings, in an empty folder, and no status page."""
    monkeypatch.setenv("STATUS_URL", "")


def told() -> list[str]:
    return CliRunner().invoke(app, ["doctor"]).stdout.splitlines()


def test_a_misspelt_name_in_dotenv_is_named_with_the_setting_that_was_meant(bare: Path) -> None:
    (bare / ".env").write_text("SEND_ATEMPTS=4\nSEND_ATTEMPTS=4\nOF_ANOTHER_PROGRAM=1\n", encoding="utf-8")
    assert "✗ .env: names no setting: OF_ANOTHER_PROGRAM, SEND_ATEMPTS (meant: SEND_ATTEMPTS)" in told()


def test_in_the_environment_only_names_that_are_nearly_a_setting_are_told_and_fail_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GROQ_MODELS", "a")
    monkeypatch.setenv("OF_ANOTHER_PROGRAM", "1")
    assert "– environment: names no setting: GROQ_MODELS (meant: GROQ_MODEL)" in told()


def test_where_every_name_is_a_setting_nothing_is_said_of_names(bare: Path) -> None:
    (bare / ".env").write_text("SEND_ATTEMPTS=4\nOTEL_SERVICE_NAME=mine\n", encoding="utf-8")
    assert not [line for line in told() if "names no setting" in line]


def test_a_line_of_dotenv_that_cannot_be_read_is_told_once_with_its_file(bare: Path) -> None:
    (bare / ".env").write_text("# mine\nthis is (no setting\n", encoding="utf-8")
    done = run_bot(bare, "doctor", STATUS_URL="")
    assert done.stderr == ".env: line 2 cannot be read and is ignored: write it as NAME=value\n"


def test_b26_the_doctor_looks_where_the_database_has_an_open_scene(bare: Path) -> None:
    async def main() -> subprocess.CompletedProcess[str]:
        async with PlaygroundServer() as server:
            thread = server.add_thread("tavern", "cellar", "Robin").id
            server.permit("SEND_MESSAGES_IN_THREADS", False, channel="tavern")
            async with open_store("sqlite:///ensemble.db", folder=bare) as store:
                await store.add_character(MIRA, at=NOW)
                for number, channel_id in ((100, thread), (101, 77)):
                    scene = a_session(number, channel_id=channel_id, cast=[MIRA])
                    assert await store.open_session(scene, an_answer(str(number), channel_id=channel_id))
                await store.keep_place(77, None, 78)
            urls = {"DISCORD_API_URL": server.api_url, "DISCORD_GATEWAY_URL": server.gateway_url}
            doctor = partial(run_bot, bare, "doctor", DISCORD_TOKEN=server.token, STATUS_URL="", **urls)
            return await anyio.to_thread.run_sync(doctor)

    done = anyio.run(main)
    said = done.stdout.splitlines()
    assert "✗ #tavern in Playground: lacks Send Messages in Threads" in said
    assert "✗ scene in #cellar in Playground: lacks Send Messages in Threads" in said
    assert "✓ scene in 77: the bot was removed from its server" in said
    assert done.returncode == 1


# ── the model ───────────────────────────────────────────────────────────────────────────────────────


async def nothing(server: str) -> None:
    """Before the doctor is asked."""


def doctor_of(
    folder: Path, speaks: Script, *, before: Callable[[str], Awaitable[None]] = nothing
) -> tuple[list[str], ModelServer]:
    """What the doctor says of the model `mine` of a server that answers so, and the server."""
    found: list[str] = []

    async def main() -> ModelServer:
        async with model_server(otherwise=lambda r: lists("mine") if r.method == "GET" else speaks(r)) as server:
            await before(server.url)
            named = {"GROQ_BASE_URL": server.url, "GROQ_MODEL": "mine", "GROQ_FALLBACK_MODELS": "", "STATUS_URL": ""}
            done = await anyio.to_thread.run_sync(lambda: run_bot(folder, "doctor", DATA_DIR=str(folder), **named))
            found.extend(line for line in done.stdout.splitlines() if "model: " in line)
            return server

    return found, anyio.run(main)


def takes_no_max_tokens(request: Request) -> Answer:
    if "max_tokens" in request.json:
        return refuses(400, "Unsupported parameter: 'max_tokens'", code="unsupported_parameter")
    return says("Only the lamp and me.")


def test_b02_the_doctor_asks_for_one_short_line_and_says_what_it_found(tmp_path: Path) -> None:
    found, server = doctor_of(tmp_path, takes_no_max_tokens)
    assert len(found) == 1
    assert found[0].startswith("✓ model: mine said “Only the lamp and me.” in ")
    assert found[0].endswith("; it refuses max_tokens.")
    assert [request.method for request in server.requests] == ["GET", "POST", "POST"]
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


def test_b02_a_model_that_writes_no_line_is_an_error_with_the_servers_words(tmp_path: Path) -> None:
    [found], _ = doctor_of(tmp_path, lambda _: refuses(500, "CUDA out of memory"))
    assert found.startswith("✗ model: mine wrote no line: ")
    assert "CUDA out of memory" in found


def test_b09_the_doctor_knows_how_much_the_bot_found_the_model_to_read(tmp_path: Path) -> None:
    known = Known(window_tokens=2050, window_at=time.time())

    async def keep(server: str) -> None:
        async with open_store("sqlite:///ensemble.db", folder=tmp_path) as store:
            await store.keep_server_knowledge(server, "mine", known.written(), at=0.0)

    (spoke, warned), _ = doctor_of(tmp_path, lambda _: says("Aye."), before=keep)
    assert spoke.endswith("; it reads 2,050 tokens of a prompt.")
    assert warned.startswith("– model: mine: It reads 2,050 tokens of a prompt, and CONTEXT_TOKENS is 6,000.")
    assert "OLLAMA_CONTEXT_LENGTH" in warned


def test_f4_the_doctor_shows_what_people_may_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENES_PER_PERSON", "0")
    monkeypatch.setenv("CHANNELS", "80351110224678912")
    (limits,) = [line for line in told() if "limits:" in line]
    assert "scenes a server: 20, scenes a person: no limit, turns a person and minute: 12" in limits
    assert limits.endswith("direct messages: off; scenes in 1 listed channel(s)")
