"""No secret comes out, wherever it goes in: log, channel, inspector, metrics, report and doctor are searched."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path

import aiohttp
import anyio
import pytest

from actors.playground import PlaygroundServer, Voice
from tests.app.planted import GROQ_KEY, MARK, ORGANISATION, OURS, TOKEN, Planter, headers, leaks, planted
from tests.app.processes import BOT, environment
from tests.fakes.model_server import Answer, ModelServer, Request, gives, model_server, says
from tests.patience import PATIENCE_S

CHANNEL = "tavern"
LINES = "POST .*/webhooks/"
PLAIN = "POST .*/channels/\\d+/messages"
KNOWN = (*OURS, ORGANISATION)


def refuses(status: int) -> Answer:
    """A model server's error that tells everything."""
    body = {"error": {"message": f"Rate limit for `{ORGANISATION}`. {planted(KNOWN)}", "type": "x", "code": "x"}}
    return gives(body, status=status, headers={**headers(KNOWN), "retry-after": "0"})


def a_new_line(request: Request) -> Answer:
    """Never the same: a character that repeats itself is not heard."""
    words = blake2b(request.body).hexdigest()
    return says("Well met. " + " ".join(words[at : at + 8] for at in range(0, 64, 8)))


class Table:
    """The servers, a bot between them as a process of its own, and what may be read of it afterwards."""

    def __init__(self, server: PlaygroundServer, planter: Planter, model: ModelServer, folder: Path) -> None:
        self.server, self.planter, self.model, self.folder = server, planter, model, folder

    def settings(self, **more: str) -> dict[str, str]:
        return {
            "DISCORD_TOKEN": TOKEN,
            "DISCORD_API_URL": self.server.api_url,
            "DISCORD_GATEWAY_URL": self.server.gateway_url,
            "GROQ_API_KEY": GROQ_KEY,
            "GROQ_BASE_URL": self.model.url,
            "GROQ_MODEL": "test-model",
            "GROQ_FALLBACK_MODELS": "",
            "INSPECTOR_ADDRESS": "127.0.0.1:0",
            "BACKOFF_BASE_S": "0.01",
            "SETTLE_S": "0.05",
            "LOG_LEVEL": "DEBUG",
            **more,
        }

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @asynccontextmanager
    async def bot(self, **settings: str) -> AsyncIterator[str]:
        """`run`, until the block ends; gives the inspector's address."""
        with (self.folder / "log").open("wb") as out:
            process = await anyio.open_process(
                [sys.executable, str(BOT), "run"],
                cwd=self.folder,
                env=environment(**self.settings(**settings)),
                stdout=out,
                stderr=out,
            )
            try:
                await until(lambda: "Ready: " in self.log and "Inspector: " in self.log)
                found = re.search(r"Inspector: (http://[\d.:]+)", self.log)
                assert found is not None
                yield found[1]
                process.terminate()
                with anyio.fail_after(PATIENCE_S):
                    assert await process.wait() == 0
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    async def command(self, name: str, **settings: str) -> str:
        """All that a command prints."""
        done = await anyio.run_process(
            [sys.executable, str(BOT), name],
            cwd=self.folder,
            env=environment(**self.settings(**settings)),
            check=False,
        )
        return (done.stdout + done.stderr).decode()

    async def say(self, text: str, answer: str) -> None:
        """A user's message, until the channel shows one more that begins so."""
        before = self.shown(answer)
        self.server.say(CHANNEL, "Robin", text)
        await until(lambda: self.shown(answer) == before + 1)

    def shown(self, beginning: str) -> int:
        return sum(m.content.startswith(beginning) for m in self.server.messages(CHANNEL) if m.voice is not Voice.USER)


async def until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - the process under test signals nothing
            await anyio.sleep(0.02)


@pytest.fixture
async def table(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Table]:
    server = PlaygroundServer(token=TOKEN)
    planter = Planter(server)
    planter.mount()
    async with server, model_server(otherwise=a_new_line) as model:
        yield Table(server, planter, model, tmp_path)


async def play_through_every_failure(table: Table) -> None:
    """A line that arrives, then one failure after the other, each with everything planted in it."""
    planter, script = table.planter, table.model.script
    await table.say("!start Maren", "🎭")
    await table.say("Good evening.", "Well met.")
    planter.will("POST .*/typing", *[403] * 100)
    script.extend([refuses(429), refuses(500), refuses(400)])
    await table.say("The model refuses three times.", "⚠️")
    script.append(refuses(401))
    await table.say("The model refuses the key.", "⚠️")
    for status in (400, 500, 429, 502, 404, 401, 413, 403):  # whatever becomes of the line, the answer was met
        planter.will(LINES, status)
        before = planter.answered
        table.server.say(CHANNEL, "Robin", f"Discord answers {status}.")
        await until(lambda before=before: planter.answered > before)  # type: ignore[misc]
    planter.will(PLAIN, 400)
    before = planter.answered
    table.server.say(CHANNEL, "Robin", "!status")
    await until(lambda: planter.answered > before)


async def read_inspector(url: str) -> dict[str, str]:
    """Every answer of the inspector that tells of responses."""
    read = {}
    async with aiohttp.ClientSession() as client:
        for path in ("/api/responses", "/metrics"):
            async with client.get(url + path) as response:
                assert response.status == 200
                read[path] = await response.text()
        first = json.loads(read["/api/responses"])["responses"][0]["id"]
        async with client.get(f"{url}/api/responses/{first}") as response:
            read["/api/responses/…"] = await response.text()
        async with client.get(f"{url}/events") as response:
            read["/events"] = (await response.content.readuntil(b"\n\n")).decode()
            read["/events"] += (await response.content.readuntil(b"\n\n")).decode()
    return read


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_what_servers_tell_comes_out_nowhere(table: Table, log_format: str) -> None:
    async with table.bot(LOG_FORMAT=log_format) as url:
        await play_through_every_failure(table)
        places = await read_inspector(url)
    places["log"] = table.log
    places["channel"] = "\n".join(f"{m.author} {m.content} {m.embeds}" for m in table.server.messages(CHANNEL))
    places["report"] = await table.command("report")
    secrets = table.planter.secrets
    assert len(secrets) > len(KNOWN), "the webhook's own token is among them"
    assert {place: leaks(text, secrets) for place, text in places.items() if leaks(text, secrets)} == {}
    assert MARK in places["log"], "the errors' words did get there"
    assert places["log"].count("[secret]") > 10
    assert "snapshot" in places["/events"]
    assert "Message send success rate" in places["report"]


HEARD = "the smuggler hides under the pier"
SAID = "the lantern keeper knows every tide"
ECHOES = (
    gives({"error": {"message": f"Bad: {SAID}", "code": "tool_use_failed", "failed_generation": SAID}}, status=400),
    gives({"error": {"message": f"prompt refused: {HEARD}", "type": "x"}}, status=400),
    gives({"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": None, "refusal": SAID}}]}),
    Answer(200, json.dumps({"choices": SAID}).encode()),
    Answer(200, SAID.encode()),
    gives({"error": {"message": f"crashed on {HEARD}"}}, status=500),
)
"""How a model's server repeats the prompt, or what its model wrote."""


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("texts", ["true", "false"])
async def test_log_texts_off_leaves_what_people_characters_and_servers_say_out_of_every_line(
    table: Table, log_format: str, texts: str
) -> None:
    settings = {"LOG_TEXTS": texts, "LOG_FORMAT": log_format, "GENERATE_ATTEMPTS": "1", "BREAKER_FAILURES": "0"}
    async with table.bot(**settings):
        await table.say("!start Maren", "🎭")
        for echo in ECHOES:
            table.model.script.append(echo)
            await table.say(f"Listen: {HEARD}?", "⚠️")
        table.model.script.append(says(f"Well met. Listen, {SAID}."))
        await table.say(f"Listen: {HEARD}!", "Well met. Listen")
        for route, status, text in ((LINES, 400, HEARD), (LINES, 403, SAID), (PLAIN, 400, "!history")):
            table.planter.will(route, status)
            before = table.planter.answered
            table.server.say(CHANNEL, "Robin", text)
            await until(lambda before=before: table.planter.answered > before)  # type: ignore[misc]
    written = [words for words in (HEARD, SAID, MARK) if words in table.log]
    assert written == ([HEARD, SAID, MARK] if texts == "true" else [])
    assert "Generated response for Maren: " in table.log, "the fixed sentences stay"
    assert "HTTPException[400]" in table.log


@pytest.mark.slow
async def test_the_doctor_names_the_trouble_and_not_the_secret(table: Table) -> None:
    table.model.script.append(refuses(401))
    table.planter.will("GET .*/users/@me", 401)
    said = await table.command("doctor")
    table.model.script.clear()
    table.model.script.append(Answer(404))
    table.planter.will("GET .*/applications/@me", 403)
    with_password = table.model.url.replace("http://", "http://me:pass-w0rd-1@")
    said += await table.command("doctor", GROQ_BASE_URL=f"{with_password}?key={GROQ_KEY}")
    for words in ("refused the key", "✗ token: refused", "✗ connection: Discord is"):
        assert words in said
    assert leaks(said, (*table.planter.secrets, "pass-w0rd-1")) == []


async def test_a_bot_that_cannot_start_does_not_say_why_in_the_server_s_words(table: Table) -> None:
    table.planter.will("GET .*/users/@me", 403)
    table.planter.will("GET .*/applications/@me", 400)
    async with table.bot():
        pass  # it tries again until it is let in
    assert table.log.count("out of reach") == table.planter.answered == 2
    assert leaks(table.log, table.planter.secrets) == []


class TestTheSearch:
    """It finds what it is to find, or the claims above are worth nothing."""

    @pytest.mark.parametrize("secret", OURS)
    def test_it_reads_every_form(self, secret: str) -> None:
        assert planted((secret,)).count(" | ") == 9
        for number in range(10):
            form = planted((secret,)).split(" | ")[number]
            assert leaks(form, (secret,)) == [secret], form
            assert leaks(json.dumps({"error": form}), (secret,)) == [secret], form

    def test_it_finds_nothing_in_nothing(self) -> None:
        assert leaks("Bearer [secret]", KNOWN) == []
