"""Write the figures of the docs by the commands that measure them.

    python -m tests.figures                  list the commands, and the pages that show what they print
    python -m tests.figures hand_over …      run those whose text contains a word, and write their output into the pages

A block of a page stands between `<!-- figures: COMMAND -->` and `<!-- end -->`. Measure on a machine that does nothing
else: absolute times depend on it, ratios and counts less.
"""

from __future__ import annotations

import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
BLOCK: Final = re.compile(r"<!-- figures: (?P<command>[^\n]+?) -->\n(?P<shown>.*?)<!-- end -->\n", re.DOTALL)
SHOWN: Final = re.compile(r"```text\n\$ (?P<command>[^\n]+)\n(?P<output>.+?)```\n(?P<machine>Measured .+)\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Figures:
    """One block: the command, the page that shows it, and what stands there."""

    command: str
    page: Path
    shown: str


def every_block() -> Iterator[Figures]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
            yield Figures(found["command"], page, found["shown"])


def measure(command: str) -> str:
    """What the block shows: the command and its output. Raises CalledProcessError."""
    words = shlex.split(command)
    assert words[0] == "python", command
    done = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    output = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
    machine = f"Measured {datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}."
    return f"```text\n$ {command}\n{output}\n```\n{machine}\n"


def write(figures: Figures) -> None:
    shown = measure(figures.command)
    text = figures.page.read_text(encoding="utf-8")
    opening = f"<!-- figures: {figures.command} -->\n"
    figures.page.write_text(
        text.replace(f"{opening}{figures.shown}<!-- end -->", f"{opening}{shown}<!-- end -->"), encoding="utf-8"
    )
    print(shown)


def main(words: list[str]) -> None:
    for each in every_block():
        if any(word in each.command for word in words):
            write(each)
        elif not words:
            print(f"{each.page.relative_to(ROOT)}: {each.command}")


if __name__ == "__main__":
    main(sys.argv[1:])
