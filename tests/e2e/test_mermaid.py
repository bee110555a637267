"""Mermaid itself takes what we write for it, and draws every row of every table.

It looks at the file that MERMAID_JS names, `dist/mermaid.min.js` of the npm package `mermaid` (`npm pack mermaid`).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path as FilePath
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Error, Page

from actors.app.commands.diagram import Format, draw
from machines.binding import START, StateMachine
from machines.diagrams.layout import Edge
from machines.diagrams.notations import MACHINES
from machines.diagrams.path import Path
from machines.diagrams.sources import Sketch, SketchRow
from tests.e2e.bot_process import ROOT

pytestmark = pytest.mark.browser

BLOCK: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES: Final = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "docs").glob("*.md")}
BLOCKS: Final = [(name, block) for name, text in sorted(PAGES.items()) for block in BLOCK.findall(text)]
RESPONSE: Final = MACHINES["response"]
ROWS: Final = tuple((str(row.source), str(row.dest), row.fact.__name__) for row in RESPONSE.table)
ENDS: Final = {"root_start": START, "root_end": START}

UNDERSTOOD: Final = """async text => {
    await mermaid.parse(text);
    return (await mermaid.mermaidAPI.getDiagramFromText(text)).db.getRelations().map(edge => [edge.id1, edge.id2]);
}"""
DRAWN: Final = """async text => {
    document.body.innerHTML = (await mermaid.render("drawn", text)).svg;
    const words = [...document.querySelectorAll(".nodeLabel p, .edgeLabel p")];
    return {
        lines: words.flatMap(word => word.innerHTML.split(/<br *[/]?>/)),
        lit: [...document.querySelectorAll(".node.lit .nodeLabel p")].map(word => word.innerText),
        taken: document.querySelectorAll(".node.taken").length,
    };
}"""


@pytest.fixture(scope="module")
def library() -> str:
    file = os.environ.get("MERMAID_JS")
    if not file:
        pytest.skip("MERMAID_JS does not name Mermaid's file (dist/mermaid.min.js, from `npm pack mermaid`)")
    return FilePath(file).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
async def page(library: str, browser: Browser) -> AsyncIterator[Page]:
    """A blank page with Mermaid on it, and no way to any other host."""
    page = await browser.new_page(offline=True)
    await page.add_script_tag(content=library)
    yield page
    await page.close()


def mermaid(name: str, path: Path | None = None) -> str:
    """What `diagram NAME --format mermaid` prints."""
    return draw(MACHINES[name], Format.MERMAID, path).decode()


async def understood(page: Page, text: str) -> set[Edge]:
    """The edges that Mermaid's parser finds. Raises playwright's Error where it refuses the text."""
    return {(ENDS.get(a, a), ENDS.get(b, b)) for a, b in await page.evaluate(UNDERSTOOD, text)}


def paths() -> Iterator[Path]:
    """Before the first move, after each single row, and with every row taken twice."""
    yield Path()
    yield from (Path((taken,)) for taken in ROWS)
    yield Path((*ROWS, *ROWS))


@pytest.mark.parametrize("name", MACHINES)
async def test_mermaid_finds_every_edge_of_a_machine(page: Page, name: str) -> None:
    machine: StateMachine[Any, Any] = MACHINES[name]
    edges = {(str(row.source), str(row.dest)) for row in machine.table if row.source != row.dest}
    edges |= {(START, machine.initial)} - {(START, START)} | {(state, START) for state in machine.final}
    assert await understood(page, mermaid(name)) == edges


@pytest.mark.parametrize("name", MACHINES)
async def test_mermaid_draws_every_state_and_every_row(page: Page, name: str) -> None:
    machine: StateMachine[Any, Any] = MACHINES[name]
    drawn = await page.evaluate(DRAWN, mermaid(name))
    facts = Counter(re.split(r" [\[/] ?", line)[0] for line in drawn["lines"])
    assert facts == Counter([*machine.states, *(row.fact.__name__ for row in machine.table)])


async def test_mermaid_takes_a_response_s_path_at_every_move(page: Page) -> None:
    bare = await understood(page, mermaid("response"))
    for path in paths():
        assert await understood(page, mermaid("response", path)) == bare


async def test_mermaid_colours_a_path_and_shows_its_counts(page: Page) -> None:
    path = Path((*ROWS, *ROWS, (START, "Sending", "Started")))
    drawn = await page.evaluate(DRAWN, mermaid("response", path))
    assert drawn["lit"][0] == "Sending"
    assert drawn["taken"] == len(RESPONSE.states) - 1
    assert len([line for line in drawn["lines"] if line.startswith(("2× ", "3× "))]) == len(RESPONSE.table)


@pytest.mark.parametrize(
    "name",
    [
        *("State", "Note", "Class", "Style", "Scale", "Default", "Click", "Href", "AccTitle", "StateDiagram"),
        *(
            "end",
            "note",
            "class",
            "constructor",
            "__proto__",
            "on hold",
            "a:b",
            "a;b",
            "a-->b",
            "a, b",
            "1. one",
            "- x",
        ),
        *("<script>alert(1)</script>", '"q"', "`tick`", "*x*", "_x_", "# h", "#35;", "%%c", "{x}", "[x]", "(x)", "\\n"),
        *("<<fork>>", "&lt;b", "$$x$$", "日本語", "Zustände", "😀", "http://x.y", "x" * 100),
    ],
)
async def test_mermaid_shows_any_name_as_it_is_written(page: Page, name: str) -> None:
    rows = tuple(SketchRow(name, *edge, name, name) for edge in ((name, "Other"), ("Other", name), (name, name)))
    machine = Sketch("names", (name, "Other"), frozenset(), name, rows)
    text = draw(machine, Format.MERMAID).decode()
    assert len(await understood(page, text)) == 3
    lines = {unescape(line).replace("\u200b", "") for line in (await page.evaluate(DRAWN, text))["lines"]}
    assert lines == {name, "Other", f"{name} [{name}] / {name}"}


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[name for name, _ in BLOCKS])
async def test_mermaid_takes_every_block_of_our_pages(page: Page, block: str) -> None:
    assert await understood(page, block)


def test_no_block_of_our_pages_is_missed() -> None:
    assert len(BLOCKS) == sum(text.count("```mermaid") for text in PAGES.values()) >= len(MACHINES)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("stateDiagram-v2\n    Idle -->\n", "Parse error on line 2"),
        ("stateDiagram-v2\n    Idle --> Busy : Began\n    [*] --> : Began\n", "Parse error on line 3"),
        ("digraph response {}\n", "No diagram type detected"),
    ],
)
async def test_mermaid_refuses_what_is_wrong(page: Page, wrong: str, complaint: str) -> None:
    with pytest.raises(Error, match=complaint):
        await understood(page, wrong)
