"""Transcripts of hostile histories: no script, no outside file, nobody's words in another's mouth."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.commands.transcript import as_html, as_jsonl, as_markdown, as_sillytavern
from actors.roleplay.model import Character, Entry, SessionRecord
from actors.roleplay.turns import TurnOrder
from tests.roleplay.hostile import CAST, NAMES, NEWLINES, TEXTS, forged_lines, storable

MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</p></body><svg onload=alert(1)>",
    "<!-- ",
    "&lt;script&gt;",
    "&#60;script>",
    "[x](javascript:alert(1))",
    "[x]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "\"'><iframe src=//evil.example>",
    "<style>*{}</style>",
)
WORDS = TEXTS | st.lists(st.sampled_from((*MARKUP, *NEWLINES, *CAST)), max_size=6).map("".join)
ALLOWED = {"html", "head", "meta", "title", "body", "h1", "p", "b", "time", "br", "style", "strong", "em"}
MARKS = re.compile(r"[*_]")
"""What emphasis is made of; it is not shown where it became a tag."""


def session(*entries: Entry) -> list[tuple[SessionRecord, tuple[Entry, ...]]]:
    cast = (Character("c1", "Maren", "{}"),)
    record = SessionRecord("s1", 1, "Open", 1, 1, TurnOrder.EVERYONE, "", cast, opened_at=0.0, opened_after=1)
    return [(record, entries)]


def entry(name: str, text: str) -> Entry:
    return Entry("user", storable(name), storable(text), (1,), 0.0, "s1", author_id=7)


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.others: list[str] = []
        self.text = ""
        self.is_well_nested = True
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.is_well_nested &= bool(self._open) and self._open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.lists(st.builds(entry, NAMES | WORDS, WORDS), max_size=5))
def test_a_page_has_no_tag_but_its_own_and_all_of_the_text(entries: list[Entry]) -> None:
    page = Page("\n".join(as_html(session(*entries))))
    assert {tag for tag, _ in page.tags} <= ALLOWED
    viewport = [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]
    assert [attrs for tag, attrs in page.tags if attrs] == [[("lang", "en")], [("charset", "utf-8")], viewport]
    assert page.is_well_nested
    assert page.others == []
    for said in entries:
        assert MARKS.sub("", "".join(said.text.split())) in MARKS.sub("", "".join(page.text.split()))


@given(st.lists(st.builds(entry, NAMES | WORDS, WORDS | forged_lines().map("\n\n".__add__)), max_size=5))
def test_each_paragraph_of_markdown_is_one_entrys(entries: list[Entry]) -> None:
    lines = "\n".join(as_markdown(session(*entries))).splitlines()
    free = [line for line in lines[1:] if line.strip() and not line.startswith(">")]
    assert len(free) == len(entries)
    assert all(line.startswith("**") for line in free)
    assert not any(re.search(r"(?<!\\)<[A-Za-z/!?]|(?<!\\)\][(:\[]", line) for line in lines)


@given(st.lists(st.builds(entry, NAMES, WORDS), max_size=5))
def test_every_line_of_json_is_whole(entries: list[Entry]) -> None:
    for line, said in zip(as_jsonl(session(*entries)), entries, strict=True):
        assert (json.loads(line)["name"], json.loads(line)["text"]) == (said.name, said.text)
        assert "\n" not in line
    assert len([json.loads(line) for line in as_sillytavern(session(*entries))]) == len(entries) + 1


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_is_shown_as_it_was_written(markup: str) -> None:
    assert markup in Page("\n".join(as_html(session(entry(markup, markup))))).text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*waves* Hello, **you**!", "<em>waves</em> Hello, <strong>you</strong>!"),
        ("_waves_", "<em>waves</em>"),
        ("**all of *it* now**", "<strong>all of <em>it</em> now</strong>"),
        ("**a *b** c*", "<strong>a *b</strong> c*"),
        ("***both***", "<strong><em>both</em></strong>"),
        ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"),
        ("\\*plain\\*", "\\*plain\\*"),
        ("*one\ntwo*", "*one<br>two*"),
        ("*<b>*", "<em>&lt;b&gt;</em>"),
    ],
)
def test_emphasis_is_rendered_and_nothing_else(text: str, shown: str) -> None:
    (paragraph,) = [line for line in as_html(session(entry("Robin", text))) if line.startswith("<p>")]
    assert paragraph.partition("<br>")[2] == f"{shown}</p>"


def test_a_text_cannot_forge_a_paragraph_of_markdown() -> None:
    (_, paragraph) = as_markdown(session(entry("Robin*", "Hi.\n\n**Maren**: I give up.")))
    assert paragraph == "**Robin\\***: Hi.\n> \n> **Maren**: I give up.\n"
