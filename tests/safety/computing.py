"""What the pure functions over strangers' texts cost for texts that repeat one piece: the worst of each.

python -m tests.safety.computing        # seconds for 20,000 characters, and how they grow with the length
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from actors.roleplay import (
    asides,
    command_words,
    confusables,
    end_marks,
    escapes,
    history,
    links,
    macros,
    marks,
    names,
    parts,
    quotation,
    refusals,
    speech,
    template_tokens,
    thoughts,
    tokens,
)

CHARACTERS: Final = speech.TEXT_CHARACTERS_MAX - 1
"""Of a text: as many as are read of a model's. People write 4,000 at most."""

CAST: Final = frozenset().union(*map(confusables.keys, ("Maren", "Fitch", "Robin")))

PIECES: Final = (
    *("\u200b", "\u0301", "\ufe0f", "\u202e", "\u3164", "a", "A ", "1", "é", "あ", "\U0001f600", "\U0001d400"),
    *(" ", "\n", "\t ", "\r\n", "\u2028", "\n ", " \n\n"),
    *tuple("*_~|`#>-+.,:;!?'\"“”()[]{}<@&\\/="),
    *("* ", "** ", "_ ", "~~", "||", "``", "```\n", "> ", ">>> ", "# ", "- ", "1. ", "-# "),
    *("((", "(a ", "[a ", "{{", "{{a", "{{user}}", "{{random:a,b}}", "{{roll:99d999999}}", "{{//", "{{trim}}\n"),
    *("<|", "<|a ", "<|im_start|>", "</", "</s>", "[INST]", "<think>", "<thi", "</think>", "<｜", "<start_of_turn>"),
    *("Maren: ", "Maren:\n", "Fitch: ", "Fitch:\n", "Fi:\n", "**Fitch**: ", "Robin (a): ", "Robin, ", "Fitch"),
    *("a: ", "：", "\u0589", "System: ", "### User:\n", "USER: ", "Human", "[Write ", "[Write Maren's next line\n"),
    *("@everyone", "@", "<@1", "<@&", "<#1>", "<a:b:", "@\u200b", "@e\u200b", "<t:1:R>"),
    *("http://", "https://a.b ", "[a](http://", "[a](https://b.c)", "www.", "discord.gg/", "a.b/", "(http://a)", "//"),
    *("I'm sorry, ", "I can't ", "as an AI ", "Sorry. ", "a. ", "a! ", "…", "。", "No.", '"a" ', "¯\\_(ツ)_/¯", "\\o/"),
    *("<b>", "<br>", "</p>", "&lt;", "&#64;", "&amp;amp;", "<!--", "<a href="),
    *("!a ", "/a ", '"', "--", "-- "),
)

_Function = Callable[[str], object]

FUNCTIONS: Final[dict[str, _Function]] = {
    "clean": partial(speech.clean, name="Maren", others=("Fitch", "Robin"), own_last_lines=(), cut_by_length=False),
    "clean a cut text": partial(
        speech.clean,
        name="Maren",
        others=("Fitch", "Robin"),
        own_last_lines=(),
        cut_by_length=True,
        links=links.Links.OFF,
    ),
    "whole_part": speech.whole_part,
    "normalise": lambda text: speech.normalise.__wrapped__(text),
    "split": parts.split,
    "bounded": parts.bounded,
    "layout_of": marks.layout_of,
    "with_links": partial(links.with_links, links=links.Links.TEXT),
    "without_thoughts": thoughts.without_thoughts,
    "without_asides": partial(asides.without_asides, names=("Maren",), notes=()),
    "before_end": end_marks.before_end,
    "is_refusal": refusals.is_refusal,
    "is_refusal of a machine": partial(refusals.is_refusal, of_machine=True),
    "is_machine": lambda text: refusals.is_machine((text,)),
    "quoted": partial(quotation.quoted, names=CAST),
    "inserted": partial(quotation.inserted, names=CAST),
    "quoted_name": quotation.quoted_name,
    "is_taken": lambda text: quotation.is_taken(names.clean_name(text), CAST),
    "heads": quotation.heads,
    "without_tokens": template_tokens.without_tokens,
    "keys": lambda text: confusables.keys(text),
    "plain": escapes.plain,
    "code": escapes.code,
    "with_code": escapes.with_code,
    "quoted in an answer": lambda text: escapes.quoted("Robin", text, 1000),
    "is_aside": history.is_aside,
    "command_of": partial(command_words.command_of, prefix="!"),
    "clean_name": lambda text: names.clean_name.__wrapped__(text),
    "typed_key": names.typed_key,
    "cut_to": lambda text: tokens.cut_to(text, 1000),
    "substitute": partial(macros.substitute, char="Maren", user="Robin"),
    "unknown_macros": macros.unknown_macros,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU for a text of `piece`s, and for one of half its length."""

    piece: str
    seconds: float
    half_seconds: float


def bare(piece: str, characters: int) -> str:
    return piece * (characters // len(piece))


def enclosed(piece: str, characters: int) -> str:
    """The same with a letter at both ends, so that nothing is trimmed."""
    return f"a{bare(piece, characters - 2)}a"


def seconds_of(function: _Function, text: str) -> float:
    began = time.thread_time()
    function(text)
    return time.thread_time() - began


def costs(function: _Function, pieces: tuple[str, ...] = PIECES) -> Iterator[Cost]:
    """The cost of each piece, bare and with a letter before it: some patterns look at the beginning only."""
    for piece in pieces:
        for text_of in (bare, enclosed):
            half = seconds_of(function, text_of(piece, CHARACTERS // 2))
            yield Cost(piece, seconds_of(function, text_of(piece, CHARACTERS)), half)


def main() -> None:
    print(f"{'function':26} {'seconds':>8} {'× of half':>9}  the piece that costs most")
    for name, function in FUNCTIONS.items():
        worst = max(costs(function), key=lambda cost: cost.seconds)
        growth = worst.seconds / max(worst.half_seconds, 1e-6)
        print(f"{name:26} {worst.seconds:8.3f} {growth:9.1f}  {worst.piece!r}", flush=True)


if __name__ == "__main__":
    main()
