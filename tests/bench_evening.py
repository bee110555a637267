"""An evening on a free account, in real time (20 minutes): `python -m tests.bench_evening`, run by hand.

    this process: a model server with a free account's limits, one person     ◄── HTTP ──►     python bot.py play

`--tree PATH`, also more than once, plays the same evening with other copies of the program at the same time, each with
a server and a database of its own. What it prints is read from each bot's journal and from what its server was asked.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import anyio
import anyio.to_thread
from sqlalchemy import create_engine

from actors.app.settings import WITHOUT_LIMITS
from tests.bench_first_line import ask
from tests.evening import EVERY_S, IN_TIME_S, MESSAGES, SPEAKERS, Evening, figures, messages
from tests.fakes.free_account import LIMITS, MODELS, Answered, Form, FreeAccount, contents_of
from tests.fakes.model_server import Answer, Request, lists, model_server
from tests.playground_place import PlaygroundPlace

ROOT = Path(__file__).parent.parent
CHANNEL = "tavern"
CAST = "Maren Fitch Oriel"
LAST_LINES_S = 60.0
SHORT = ("rpm", "tpm", "rpd", "tpd")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, action="append", help="a copy of the program; by default this one")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--form", choices=get_args(Form), default="bucket", help="how the server counts")
    asked = parser.parse_args()
    anyio.run(play_all, asked.tree or [ROOT], asked.messages, asked.form)


async def play_all(trees: list[Path], count: int, form: Form) -> None:
    """Play with all of them at once, and print what became of each evening."""
    async with anyio.create_task_group() as group:
        for tree in trees:
            group.start_soon(play_and_print, tree, count, form)


async def play_and_print(tree: Path, count: int, form: Form) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = await play(tree, Path(folder), count, form)
    print(f"{tree} ({form}, {count} messages):\n{found.report()}\n", flush=True)


async def play(tree: Path, folder: Path, count: int, form: Form) -> Evening:
    account = FreeAccount(form)
    async with model_server(otherwise=lambda request: answer(account, request)) as server:
        command = [sys.executable, str(tree / "bot.py"), "play", "--port", "0", "--no-open"]
        async with await anyio.open_process(command, env=environment(server.url, folder), cwd=folder) as process:
            assert process.stdout is not None
            try:
                written = ""
                while "Playground: " not in written or not written.endswith("\n"):
                    written += (await process.stdout.receive()).decode()
                await talk(PlaygroundPlace.of(written.partition("Playground: ")[2].split()[0]), count)
            finally:
                process.send_signal(signal.SIGINT)
                async for _ in process.stdout:
                    pass
    engine = create_engine(f"sqlite:///{folder / 'playground' / 'ensemble.db'}")
    with engine.connect() as conn:
        found = figures(conn, account.asked, refused=sum(account.refused.values()), wanted=count * SPEAKERS)
    engine.dispose()
    return found


async def talk(place: PlaygroundPlace, count: int) -> None:
    """A scene with `everyone`, and a message every 40 s; then the last lines get their time."""
    await until_answered(place)  # the bot is there, and the first scene is open
    for command in ("!end", f"!start {CAST} --turns everyone"):
        await say(place, command)
        await anyio.sleep(5)
    next_at = time.monotonic()
    for text in messages(1, count):
        await say(place, text)
        next_at += EVERY_S
        await anyio.sleep(next_at - time.monotonic())
    await anyio.sleep(LAST_LINES_S - EVERY_S + IN_TIME_S)


async def until_answered(place: PlaygroundPlace) -> None:
    with anyio.fail_after(60):
        while not any(each["voice"] == "bot" for each in await call(place, f"messages?channel={CHANNEL}")):  # noqa: ASYNC110
            await anyio.sleep(0.2)


async def say(place: PlaygroundPlace, text: str) -> None:
    await call(place, "messages", {"channel": CHANNEL, "user": "Robin", "text": text})


async def call(place: PlaygroundPlace, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    return await anyio.to_thread.run_sync(ask, place, path, body)


def answer(account: FreeAccount, request: Request) -> Answer:
    if request.method == "GET":
        return lists(*MODELS)
    model, contents, budget = contents_of(request.body)
    granted: Answered = account.answer(model, contents, budget, time.time())
    return Answer(granted.status, json.dumps(granted.body).encode(), granted.headers)


def environment(url: str, folder: Path) -> dict[str, str]:
    """Only what the evening needs, and nothing of a `.env`'s."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    limits = ",".join(f"{short}={limit}" for short, (limit, _) in zip(SHORT, LIMITS.values(), strict=True))
    return kept | {
        **WITHOUT_LIMITS,
        "DATA_DIR": str(folder),
        "GROQ_BASE_URL": url,
        "GROQ_API_KEY": "a-free-key",
        "GROQ_MODEL": MODELS[0],
        "GROQ_FALLBACK_MODELS": ",".join(MODELS[1:]),
        "MODEL_LIMITS": limits,
        "INSPECTOR_ADDRESS": "",
        "GATHER_S": "0",
    }


if __name__ == "__main__":
    main()
