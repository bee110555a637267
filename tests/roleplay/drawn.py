"""What Discord's clients draw of a text, written without the code that it judges: each character with its styles.

The rules are those of its parser (github.com/discord/SimpleAST, and what its clients were seen to do since), tried at
each place in this order.
"""

from __future__ import annotations

import re

Drawn = list[tuple[str, frozenset[str]]]

_SHRUG = "¯\\_(ツ)_/¯"
_ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
# Of these the longest is taken, of two equally long ones the first.
_EMPHASIS = (
    ("italic", re.compile(r"_((?:__|\\[\s\S]|[^\\_])+?)_(?!\w)")),
    ("italic", re.compile(r"\*(?=\S)((?:\\[\s\S]|\*\*|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)")),
    ("bold", re.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")),
    ("underlined", re.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")),
)
_OTHERS = (("struck", re.compile(r"~~([\s\S]+?)~~")), ("hidden", re.compile(r"\|\|([\s\S]+?)\|\|")))
_FENCE = re.compile(r"```(?:([A-Za-z0-9_+\-.#]+)\n)?\n*([\s\S]+?)\n*```")
_CODE = re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")
_BLOCKS = (
    ("quote", re.compile(r" *>>> ([\s\S]+)")),
    ("quote", re.compile(r"(?: *> [^\n]+\n?)+")),
    ("heading", re.compile(r"#{1,3} ([^\n]+)")),
    ("small", re.compile(r"-# ([^\n]+)")),
    ("", re.compile(r" *(?:[-*+]|\d+\.) ([^\n]+(?:\n  [^\n]+)*)")),
)
_QUOTED = re.compile(r"^ *> ", re.MULTILINE)


def drawn(text: str) -> Drawn:
    """Each drawn character that is no blank, with its styles."""
    return [(character, styles) for character, styles in _draw(text, frozenset(), True) if not character.isspace()]


def _draw(text: str, styles: frozenset[str], begins_line: bool) -> Drawn:
    found: Drawn = []
    place = 0
    while place < len(text):
        inner, end = _one(text, place, styles, begins_line)
        found += inner
        shown = text[place:end]
        begins_line = shown.endswith("\n") or (begins_line and not shown.strip())
        place = end
    return found


def _one(text: str, place: int, styles: frozenset[str], begins_line: bool) -> tuple[Drawn, int]:
    if text.startswith(_SHRUG, place):
        return [(each, styles) for each in _SHRUG], place + len(_SHRUG)
    if escaped := _ESCAPE.match(text, place):
        return [(escaped.group(1), styles)], escaped.end()
    if text[place] in "*_~|":
        found = [(match, style) for style, rule in _EMPHASIS if (match := rule.match(text, place))]
        found = sorted(found, key=lambda each: -each[0].end())
        found += [(match, style) for style, rule in _OTHERS if (match := rule.match(text, place))]
        for match, style in found:
            return _draw(match.group(1), styles | {style}, begins_line), match.end()
    if text[place] == "`":
        for style, rule in (("fence", _FENCE), ("code", _CODE)):
            if match := rule.match(text, place):
                kind = f"{style} {match.group(1)}" if style == "fence" else style
                return [(each, styles | {kind}) for each in match.group(2)], match.end()
    return (begins_line and _block(text, place, styles)) or ([(text[place], styles)], place + 1)


def _block(text: str, place: int, styles: frozenset[str]) -> tuple[Drawn, int] | None:
    for style, rule in _BLOCKS:
        found = rule.match(text, place)
        if found is None or (style == "quote" and "quote" in styles):
            continue
        inside = found.group(1) if rule.groups else _QUOTED.sub("", found.group())
        return _draw(inside, styles | ({style} - {""}), True), found.end()
    return None
