"""How long a newcomer waits: from `python bot.py play` on a fresh database to the first character's line.

Run by hand: python -m tests.bench_first_line
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.playground_place import PlaygroundPlace

ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="starts of the program")
    runs: int = parser.parse_args().runs
    waits = sorted(first_line_s() for _ in range(runs))
    print(
        f"first line after {waits[0]:.2f} / {waits[runs // 2]:.2f} / {waits[-1]:.2f} s (min / median / max of {runs})"
    )


def first_line_s() -> float:
    """Seconds from the start of the process to the first character's line in the channel."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "GROQ_"))}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "bot.py"), "play", "--port", "0", "--no-open"],
            env=environment | {"DATA_DIR": folder, "GATHER_S": "0", "UNDERSTUDY_TYPING_S": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            place = PlaygroundPlace.of(next(line for line in process.stdout if line.startswith("Playground: ")))
            until(place, lambda shown: any(message["voice"] == "bot" for message in shown))
            ask(
                place,
                "messages",
                {"channel": "tavern", "user": "Robin", "text": "Is anyone keeping this light?"},
            )
            until(place, lambda shown: any(message["voice"] == "webhook" for message in shown))
            return time.monotonic() - began
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def until(place: PlaygroundPlace, holds: Any) -> None:  # noqa: ANN401 - a predicate over JSON
    while not holds(ask(place, "messages?channel=tavern")):
        time.sleep(0.01)


def ask(place: PlaygroundPlace, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    data = None if body is None else json.dumps(body).encode()
    headers = place.headers | {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{place.base}_control/{path}", data, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
