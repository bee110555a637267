"""docs/architecture.md shows the machines that run. To bring it up to date: python -m tests.test_architecture_page"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from machines.diagrams.notations import MACHINES, mermaid

PAGE = Path(__file__).parent.parent / "docs" / "architecture.md"
BLOCK = re.compile(r"<!-- diagram: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)


def drawn(name: str) -> str:
    return f"```mermaid\n{mermaid(MACHINES[name])}```\n"


def test_the_page_draws_every_machine() -> None:
    assert {name for name, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8"))} == set(MACHINES)


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_the_page_shows_the_running_table(name: str) -> None:
    assert dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))[name] == drawn(name)


def write() -> None:
    def block(found: re.Match[str]) -> str:
        return f"<!-- diagram: {found[1]} -->\n{drawn(found[1])}<!-- end -->"

    PAGE.write_text(BLOCK.sub(block, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
