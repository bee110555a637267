"""How long a newcomer waits: from `python bot.py play` on a fresh database to the first character's line.

Run by hand: python -m tests.bench_first_line
"""

from __future__ import annotations

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

ROOT = Path(__file__).parent.parent
RUNS = 5


def main() -> None:
    waits = sorted(first_line_s() for _ in range(RUNS))
    print(
        f"first line after {waits[0]:.2f} / {waits[RUNS // 2]:.2f} / {waits[-1]:.2f} s (min / median / max of {RUNS})"
    )


def first_line_s() -> float:
    """Seconds from the start of the process to the first character's line in the channel."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "GROQ_"))}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "bot.py"), "play", "--port", "0", "--no-open"],
            env=environment | {"DATA_DIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = next(line for line in process.stdout if line.startswith("Playground: ")).split()[1]
            until(url, lambda shown: any(message["voice"] == "bot" for message in shown))
            ask(url, "messages", {"channel": "tavern", "user": "Robin", "text": "Hello? Is anyone keeping this light?"})
            until(url, lambda shown: any(message["voice"] == "webhook" for message in shown))
            return time.monotonic() - began
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def until(url: str, holds: Any) -> None:  # noqa: ANN401 - a predicate over JSON
    while not holds(ask(url, "messages?channel=tavern")):
        time.sleep(0.01)


def ask(url: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}_control/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
