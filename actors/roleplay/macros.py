"""Fills the macros of character cards: `{{char}}`, `{{user}}`, `{{random:a,b}}`, `{{roll:2d6+1}}`, `{{time}}`, …

One pass from left to right, inner macros first. An inserted text is never read as a macro again, so that a participant
named `{{user}}` stays a name. Unknown macros are left out; an import names them.
Work is bounded: nesting, draws of one text, and what the macros of one prompt do together; what is left stays as text.
Sources: Character Card V3 specification, "Curly Braced Syntaxes"; SillyTavern's documentation of its macros.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from actors.roleplay.macro_values import MacroValues
from actors.roleplay.moments import moment

NESTING_MAX: Final = 8  # each level copies its inner text once; no card in use nests deeper than two
DRAWS_MAX: Final = 200  # of one text: {{roll:99d6}} draws 99 times
MARKS_MAX: Final = 10_000  # braces read for one prompt: 5,000 macros; cards in use have a hundred
DRAWN_MAX: Final = 1_000  # for one prompt
INSERTED_MAX: Final = 200_000  # characters that the macros of one prompt put in: twice the largest field
_TOKEN: Final = re.compile(r"\{\{|\}\}|<(?:user|char|bot)>", re.IGNORECASE)
_NAME: Final = re.compile(r"\s*([#/]?[a-z_][a-z0-9_.+-]*)\s*(?:(::?)|(?=\s|$))", re.IGNORECASE)
_OPENED: Final = re.compile(r"\{\{\s*([#/]?[a-z_][a-z0-9_.+-]*)\s*(?=[:\s}])", re.IGNORECASE)
_ROLL: Final = re.compile(r"(?:([0-9]{0,2})d)?([0-9]{1,6})\s*([+-]\s*[0-9]{1,6})?", re.IGNORECASE)
_COMMA: Final = re.compile(r"(?<!\\),")
_TRIM: Final = "\0"  # where {{trim}} stood, until the text is whole
_TRIMMED: Final = re.compile("(?<![\r\n])[\r\n]*+\0[\0\r\n]*")  # each run of line breaks is read once
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")

Macro = Callable[["_Filling", str], str]


@dataclass(slots=True)
class Bounds:
    """What the macros of one prompt may still do, in all its texts together."""

    marks: int = MARKS_MAX
    draws: int = DRAWN_MAX
    characters: int = INSERTED_MAX


@dataclass(slots=True)
class _Filling:
    """The filling of one text; counts what it draws, so that two equal rolls differ."""

    values: Callable[[], MacroValues]
    char: str
    user: str
    seed: int
    pick_seed: int
    originals: Iterator[str]
    variables: dict[str, str]
    bounds: Bounds
    drawn: int = field(default=0)

    def may_draw(self, times: int = 1) -> bool:
        return self.drawn + times <= DRAWS_MAX and times <= self.bounds.draws

    def draw(self, seed: int, argument: str, below: int) -> int:
        """Return a number from 0 to `below` - 1 that depends on the arguments and the place only; 0 after the last."""
        if not self.may_draw():
            return 0
        self.drawn += 1
        self.bounds.draws -= 1
        key = f"{seed}\0{self.drawn}\0{argument}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") % below

    def put(self, text: str) -> str:
        """Return a macro's text, cut to the room that is left."""
        self.bounds.characters -= len(text)
        return text if self.bounds.characters >= 0 else ""


def substitute(
    text: str,
    *,
    char: str,
    user: str,
    seed: int = 0,
    pick_seed: int = 0,
    original: str = "",
    values: Callable[[], MacroValues] = MacroValues,
    variables: dict[str, str] | None = None,
    bounds: Bounds | None = None,
) -> str:
    """Return `text` with its macros replaced; the same arguments always give the same text.

    `seed` decides `random` and `roll`; `pick_seed` decides `pick` (the session's, so that picks last).
    `original` replaces the first `{{original}}` only: a card full of them would grow without bound.
    `variables` are read and written by the macros of variables; `values` is asked only if a macro needs it. `bounds` is
    used up by the texts of one prompt; without it the text has the bounds of a whole prompt.
    """
    text = text.replace(_TRIM, "")
    if "{{" not in text and "<" not in text:  # most texts
        return text
    known = {} if variables is None else variables
    shared = Bounds() if bounds is None else bounds
    filling = _Filling(values, char, user, seed, pick_seed, iter((original,)), known, shared)
    levels: list[list[str]] = [[]]
    position = 0
    for token in islice(_TOKEN.finditer(text), shared.marks):
        shared.marks -= 1
        levels[-1].append(text[position : token.start()])
        position = token.end()
        _take(token.group(), levels, filling)
    levels[-1].append(text[position:])
    while len(levels) > 1:  # never closed: the braces were meant as text
        unclosed = levels.pop()
        levels[-1] += ["{{", *unclosed]
    return _TRIMMED.sub("", "".join(levels[0]))


def unknown_macros(text: str) -> tuple[str, ...]:
    """Return the names of the macros in `text` that `substitute` leaves out, each once."""
    names = (opened[1] for opened in _OPENED.finditer(text))
    return tuple(dict.fromkeys(name for name in names if _macro(name.lower()) is None))


def _take(token: str, levels: list[list[str]], filling: _Filling) -> None:
    if token == "{{" and len(levels) <= NESTING_MAX:
        levels.append([])
    elif token == "}}" and len(levels) > 1:
        inner = "".join(levels.pop())
        levels[-1].append(_expand(inner, filling))
    elif token.startswith("<"):
        levels[-1].append(filling.put(filling.user if token.lower() == "<user>" else filling.char))
    else:
        levels[-1].append(token)


def _expand(inner: str, filling: _Filling) -> str:
    if inner.lstrip().startswith("//"):
        return ""
    name = _NAME.match(inner)
    if name is None:  # braces of another kind: of code, of a drawing
        return "{{" + inner + "}}"
    macro = _macro(name[1].lower())
    return "" if macro is None else filling.put(macro(filling, inner[name.end(1) :]))


def _macro(name: str) -> Macro | None:
    if name.startswith("time_utc"):
        return lambda filling, rest: moment("time_utc", filling.values().at, hours=name.removeprefix("time_utc"))
    return _MACROS.get(name)


# ── what each stands for; `rest` is what stands behind the name, with its colons ────────────────────


def _argument(rest: str) -> str:
    """Return the one argument, after `:`, `::` or a space."""
    return rest.strip().removeprefix(":").removeprefix(":").strip()


def _pair(rest: str) -> tuple[str, str]:
    """The name of a variable, and its value."""
    name, _, value = _argument(rest).partition("::")
    return name.strip(), value.strip()


def _choice(seed_of: Callable[[_Filling], int]) -> Macro:
    def choice(filling: _Filling, rest: str) -> str:
        # SillyTavern also writes {{random::a::b}}, for choices with commas in them.
        colons, argument = rest.lstrip().startswith("::"), _argument(rest)
        found = argument.split("::") if colons else _COMMA.split(argument)
        choices = [choice.strip().replace("\\,", ",") for choice in found]
        return choices[filling.draw(seed_of(filling), argument, len(choices))]

    return choice


def _roll(filling: _Filling, rest: str) -> str:
    argument = _argument(rest)
    match = _ROLL.fullmatch(argument)
    times = int(match[1] or 1) if match else 0
    if match is None or int(match[2]) == 0 or not filling.may_draw(times):
        return ""
    rolled = sum(1 + filling.draw(filling.seed, argument, int(match[2])) for _ in range(times))
    return str(rolled + int((match[3] or "0").replace(" ", "")))


def _set(filling: _Filling, rest: str) -> str:
    name, value = _pair(rest)
    filling.variables[name] = value
    return ""


def _add(filling: _Filling, rest: str) -> str:
    """Add to a number, or append to a text."""
    name, value = _pair(rest)
    filling.variables[name] = _sum(filling.variables.get(name, ""), value)
    return ""


def _step(by: int) -> Macro:
    def step(filling: _Filling, rest: str) -> str:
        name = _argument(rest)
        filling.variables[name] = _sum(filling.variables.get(name, ""), str(by))
        return filling.variables[name]

    return step


def _sum(old: str, new: str) -> str:
    if _INTEGER.fullmatch(old or "0") and _INTEGER.fullmatch(new):
        return str(int(old or "0") + int(new))
    return (old + new)[:INSERTED_MAX]


def _value(name: str) -> Macro:
    return lambda filling, rest: str(getattr(filling.values(), name))


def _when(kind: str) -> Macro:
    return lambda filling, rest: moment(kind, filling.values().at)


def _all(filling: _Filling, rest: str) -> str:
    return ", ".join((filling.char, *filling.values().others))


_MACROS: Final[Mapping[str, Macro]] = {
    "char": lambda filling, rest: filling.char,
    "user": lambda filling, rest: filling.user,
    "persona": _value("persona"),
    "scenario": _value("scenario"),
    "description": _value("description"),
    "personality": _value("personality"),
    "mesexamples": _value("examples"),
    "charfirstmessage": _value("first_message"),
    "original": lambda filling, rest: next(filling.originals, ""),
    "random": _choice(lambda filling: filling.seed),
    "pick": _choice(lambda filling: filling.pick_seed),
    "roll": _roll,
    "comment": lambda filling, rest: "",
    "hidden_key": lambda filling, rest: "",
    "noop": lambda filling, rest: "",
    "reverse": lambda filling, rest: _argument(rest)[::-1],
    "newline": lambda filling, rest: "\n",
    "trim": lambda filling, rest: _TRIM,
    "time": _when("time"),
    "date": _when("date"),
    "weekday": _when("weekday"),
    "isotime": _when("isotime"),
    "isodate": _when("isodate"),
    "idle_duration": _value("idle"),
    "lastmessage": _value("last_message"),
    "lastusermessage": _value("last_user_message"),
    "lastcharmessage": _value("last_character_message"),
    "group": _all,
    "groupnotmuted": _all,
    "charifnotgroup": lambda filling, rest: _all(filling, rest) if filling.values().others else filling.char,
    "notchar": lambda filling, rest: ", ".join((*filling.values().others, filling.user)),
    "outlet": lambda filling, rest: filling.values().outlets.get(_argument(rest), ""),
    "getvar": lambda filling, rest: filling.variables.get(_argument(rest), ""),
    "setvar": _set,
    "addvar": _add,
    "incvar": _step(1),
    "decvar": _step(-1),
}
