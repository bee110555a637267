"""Each class and id that the pages' CSS styles is named by a page, a script, or a drawing of a machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("actors/playground/page", "actors/adapters/inspector/page")
COMMENT = re.compile(r"/\*.*?\*/|\"\"\".*?\"\"\"|//[^\n]*", re.DOTALL)
LITERAL = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`")


def read(paths: list[Path]) -> str:
    return COMMENT.sub("", "\n".join(path.read_text(encoding="utf-8") for path in paths))


def styled(css: str) -> set[str]:
    selectors = re.findall(r"([^{}]+)\{", css)
    return {name for selector in selectors for name in re.findall(r"[.#](-?[a-zA-Z_][\w-]*)", selector)}


def unnamed(css: str, source: str) -> set[str]:
    words = {word for literal in LITERAL.findall(source) for word in re.findall(r"[\w-]+", literal.lower())}
    prefixes = tuple(re.findall(r"\b([a-z]+-)\$\{", source))  # `tone-${number}`
    return {name for name in styled(css) if name not in words and not name.startswith(prefixes)}


@pytest.mark.parametrize("page", PAGES)
def test_no_style_is_of_a_class_that_nothing_has(page: str) -> None:
    folder = ROOT / page
    source = read([*folder.glob("*.js"), *folder.glob("*.html"), *(ROOT / "machines").rglob("*.py")])
    assert unnamed(read([*folder.glob("*.css")]), source) == set()


def test_a_style_that_nothing_has_is_found() -> None:
    assert unnamed(
        ".tone-1, .gone:hover { top: 0 } #kept { left: 0 }", 'h("p", { id: "kept", class: `tone-${n}` })'
    ) == {"gone"}
