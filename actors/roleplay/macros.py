"""Curly-braced macros of character cards: `{{char}}`, `{{user}}`, `{{random:a,b}}`, `{{roll:d6}}`, …

One pass from left to right, inner macros first. What a macro put in is never read as a macro again,
so that a participant named `{{user}}` stays a name. Unknown macros stay as they are written.
Source: Character Card V3 specification, "Curly Braced Syntaxes".
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

NESTING_MAX = 8  # each level copies its inner text once; no card in use nests deeper than two
_TOKEN = re.compile(r"\{\{|\}\}|<(?:user|char|bot)>", re.IGNORECASE)
_ROLL = re.compile(r"(?:([0-9]{0,2})d)?([0-9]{1,6})", re.IGNORECASE)
_COMMA = re.compile(r"(?<!\\),")


@dataclass(slots=True)
class _Values:
    """What the macros of one text stand for; counts them, so that two equal rolls differ."""

    char: str
    user: str
    seed: int
    pick_seed: int
    originals: Iterator[str]
    drawn: int = field(default=0)

    def draw(self, seed: int, argument: str, below: int) -> int:
        """Return a number from 0 to `below` - 1 that depends on the arguments and the place only."""
        self.drawn += 1
        key = f"{seed}\0{self.drawn}\0{argument}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") % below


def substitute(
    text: str, *, char: str, user: str, seed: int = 0, pick_seed: int = 0, original: str = ""
) -> str:
    """Return `text` with its macros replaced; the same arguments always give the same text.

    `seed` decides `random` and `roll`; `pick_seed` decides `pick` (the session's, so that picks last).
    `original` replaces the first `{{original}}` only: a card full of them would grow without bound.
    """
    values = _Values(char, user, seed, pick_seed, iter((original,)))
    levels: list[list[str]] = [[]]
    position = 0
    for token in _TOKEN.finditer(text):
        levels[-1].append(text[position : token.start()])
        position = token.end()
        _take(token.group(), levels, values)
    levels[-1].append(text[position:])
    while len(levels) > 1:  # never closed: the braces were meant as text
        unclosed = levels.pop()
        levels[-1] += ["{{", *unclosed]
    return "".join(levels[0])


def _take(token: str, levels: list[list[str]], values: _Values) -> None:
    if token == "{{" and len(levels) <= NESTING_MAX:
        levels.append([])
    elif token == "}}" and len(levels) > 1:
        inner = "".join(levels.pop())
        levels[-1].append(_expand(inner, values))
    elif token.startswith("<"):
        levels[-1].append(values.user if token.lower() == "<user>" else values.char)
    else:
        levels[-1].append(token)


def _expand(inner: str, values: _Values) -> str:
    if inner.lstrip().startswith("//"):
        return ""
    name, _, argument = inner.partition(":")
    match name.strip().lower():
        case "char":
            return values.char
        case "user":
            return values.user
        case "original":
            return next(values.originals, "")
        case "comment" | "hidden_key":
            return ""
        case "reverse":
            return argument[::-1]
        case "random":
            return _choice(argument, values, values.seed)
        case "pick":
            return _choice(argument, values, values.pick_seed)
        case "roll":
            return _roll(argument, values)
        case _:
            return "{{" + inner + "}}"


def _choice(argument: str, values: _Values, seed: int) -> str:
    # SillyTavern also writes {{random::a::b}}, for choices with commas in them.
    found = argument[1:].split("::") if argument.startswith(":") else _COMMA.split(argument)
    choices = [choice.strip().replace("\\,", ",") for choice in found]
    return choices[values.draw(seed, argument, len(choices))]


def _roll(argument: str, values: _Values) -> str:
    match = _ROLL.fullmatch(argument.strip())
    if match is None or int(match[2]) == 0:
        return "{{roll:" + argument + "}}"
    dice = int(match[1] or 1)
    return str(sum(1 + values.draw(values.seed, argument, int(match[2])) for _ in range(dice)))
