"""Figures of the docs are what a command printed, and the command still exists."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.figures import ROOT, SHOWN, Figures, every_block
from tests.patience import PATIENCE_S

BLOCKS = list(every_block())
PAGES = (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
OPTION = re.compile(r"--[a-z-]+")


def test_there_are_figures() -> None:
    assert BLOCKS


@pytest.mark.parametrize("figures", BLOCKS, ids=lambda each: each.command)
class TestEachBlock:
    def test_it_shows_its_own_command_and_the_machine(self, figures: Figures) -> None:
        shown = SHOWN.fullmatch(figures.shown)
        assert shown is not None, "run: python -m tests.figures"
        assert shown["command"] == figures.command

    def test_its_command_takes_these_options(self, figures: Figures) -> None:
        _, *words = figures.command.split()
        if words[0] == "-m":
            assert find_spec(words[1]) is not None
        asked = [*words[:2], "--help"]
        done = subprocess.run(
            [sys.executable, *asked],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env={"COLUMNS": "200"},
        )
        assert done.returncode == 0, done.stderr
        assert set(OPTION.findall(figures.command)) <= set(OPTION.findall(done.stdout))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_a_benchmark_only_where_its_output_stands(page: object) -> None:
    text = (ROOT / str(page)).read_text(encoding="utf-8")
    named = set(re.findall(r"python -m (tests\.bench_\w+)", text))
    shown = {each.command.split()[2] for each in BLOCKS if each.page == page}
    assert named <= shown
