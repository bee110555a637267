"""docs/reliability.md shows the tables that the tests run.

To bring it up to date: python -m tests.test_reliability_page
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import pytest

from actors.playground import DISCORD
from tests.reliability.crashes import CRASHES, VOICES, Crash, Stand
from tests.reliability.faults import CASES, Case, Outcome

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
BLOCK = re.compile(r"<!-- table: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)
DIALECT = asdict(DISCORD)
STANDS = {"stands": "stands once", "told": "told", "nothing": "nothing left"}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def faults() -> str:
    head = ("what goes wrong", "voice", "the machine's path", "tries", "the line", "the channel is told")
    return table(head, [row for case in CASES for row in fault_rows(case)])


def fault_rows(case: Case) -> list[tuple[str, ...]]:
    scripted = [kind or "passes" for kind in (*case.lines, *case.reads)]
    scripted += [f"{name}={value}".lower() for name, value in asdict(case.dialect).items() if value != DIALECT[name]]
    name = f"{case.name} {' '.join(f'`{kind}`' for kind in dict.fromkeys(scripted))}".rstrip()
    if case.webhook == case.embed and case.webhook is not None:
        return [(name, "both", *cells(case.webhook))]
    known = {"webhook": case.webhook, "embed": case.embed}
    return [(name, voice, *cells(outcome)) for voice, outcome in known.items() if outcome is not None]


def cells(outcome: Outcome) -> tuple[str, str, str, str]:
    words = {
        "": "–",
        "log": "nobody is there; ERROR in the log",
        "later": "when it may be told; ERROR in the log",
        "opened": "when the thread is opened",
        "waits": "when the line comes",
    }
    told = words.get(outcome.told, outcome.told)
    return outcome.path, str(outcome.attempts), "stands once" if outcome.stands else "–", told


def crashes() -> str:
    head = ("the move", "killed before it, webhook", "embed", "killed after it, webhook", "embed")
    return table(head, [(named(crash), *stands(crash, crash.before), *stands(crash, crash.after)) for crash in CRASHES])


def named(crash: Crash) -> str:
    fact, _, edge = crash.name.partition(": ")
    return f"`{fact}`: {edge}".replace("[*]", "(new)")


def stands(crash: Crash, what: Stand) -> list[str]:
    """For each voice; only a webhook is moved."""
    return [STANDS[what] if voice in crash.voices else "–" for voice in VOICES]


TABLES: dict[str, Callable[[], str]] = {"faults": faults, "crashes": crashes}


def test_the_page_has_every_table() -> None:
    assert [name for name, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8"))] == list(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_what_the_tests_run(name: str) -> None:
    assert dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))[name] == TABLES[name]()


def write() -> None:
    def block(found: re.Match[str]) -> str:
        return f"<!-- table: {found[1]} -->\n{TABLES[found[1]]()}<!-- end -->"

    PAGE.write_text(BLOCK.sub(block, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
