"""Chooses the understudy's line by what the cue is about, by what was not said yet, and by a seeded draw.

    an example whose cue fits ─► else, to a known topic, a short reply and a question ─► else a gesture and a question

Gestures and questions are the card's own first, then stock. The stock is dealt out among the cast, so that no two
characters share a text of it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.adapters.understudy import stock
from actors.adapters.understudy.scene import Example, Scene
from actors.adapters.understudy.stances import Kind, Stance, kind, stances, stems

FIT_MIN: Final = 0.5  # an example with a lower score answers another cue
_STANCE_WEIGHT: Final = 1.0
_URGENT: Final = frozenset({Stance.DANGER, Stance.INJURY})
_URGENT_WEIGHT: Final = 0.5  # whatever else a message speaks of, a danger in it comes first
_KIND_WEIGHT: Final = 0.55  # an example for any message of a kind fits, but less than one on the topic
_ANSWER_WEIGHT: Final = 0.35  # words of the answer count less than those of the example's cue
_DRAW_WEIGHT: Final = 0.1  # decides between answers of equal fit
_CUE_WORDS_MIN: Final = 3  # one word in common may be chance
_RECENT: Final = 5

_BEAT: Final = re.compile(r"\*[^*\n]+\*|[^*\n]+?(?:[.!?…]+[\"'”’)]*(?=\s|\*|\Z)|(?=\*|\n)|\Z)")
_SLOT: Final = re.compile(r"\{\w+\}")
# Questions that refer to the sentence before them make no sense alone.
_LEANING: Final = re.compile(
    r"(?:and|but|or|so|because|then|it|its|it's|that|those|these|he|she|they)\b", re.IGNORECASE
)
_QUESTION_WORDS_MIN: Final = 3
_QUESTION_CHARACTERS_MAX: Final = 90  # a longer one tells of something


@dataclass(frozen=True, slots=True)
class _Beat:
    """A question or a gesture of an example; `tier` is lower if it suits the cue better."""

    text: str
    tier: int


_TOPIC, _KIND, _OTHER = range(3)


@dataclass(frozen=True, slots=True)
class Chooser:
    """One choice: the scene, and the features that are compared."""

    scene: Scene
    key: str
    words: frozenset[str]
    stances: frozenset[Stance]
    kind: Kind
    rarity: dict[str, float]

    @classmethod
    def of(cls, scene: Scene, seed: str) -> Chooser:
        texts = [f"{example.cue} {example.answer}" for example in scene.examples]
        counts = Counter(word for text in texts for word in stems(text))
        rarity = {word: math.log((1 + len(texts)) / count) for word, count in counts.items()}
        cue = scene.cue.text
        key = f"{seed}\0{scene.name}\0{len(scene.own)}\0{cue}"
        return cls(scene, key, stems(cue) - scene.named, stances(cue), kind(cue), rarity)

    def answers(self) -> Iterator[str]:
        """Yield the card's whole answers that fit and were not given yet, best first."""
        scored = ((self._fit(example), example.answer) for example in self.scene.examples)
        fitting = [answer for fit, answer in sorted(scored, reverse=True) if fit >= FIT_MIN]
        yield from (answer for answer in fitting if not any(answer in line for line in self.scene.own))

    def compositions(self, *, dealt: bool = True) -> Iterator[str]:
        """Yield composed answers. With `dealt`, of the stock only the texts that are this character's alone."""
        questions = self._questions(dealt=dealt)
        replies, own = self._stock(*self._on_topic(stock.REPLIES), dealt=dealt), "\n".join(self.scene.own)
        yield from _joined([reply for reply in replies if reply not in own], questions)
        yield from _joined([*self._gestures(dealt=dealt), *self._openings(), ""], questions)

    # ── examples ────────────────────────────────────────────────────────────────────────────────────

    def _fit(self, example: Example) -> float:
        shown = _topics(example)
        shared = self.stances & shown
        stance = len(shared) / math.sqrt(len(self.stances) * len(shown)) if shared else 0.0
        urgent = _URGENT_WEIGHT * bool(shared & _URGENT)
        words = self._overlap(stems(example.cue)) + _ANSWER_WEIGHT * self._overlap(stems(example.answer))
        of_kind = _KIND_WEIGHT * (not self.stances and _is_for_any(example) and kind(example.cue) is self.kind)
        return _STANCE_WEIGHT * stance + urgent + words + of_kind + _DRAW_WEIGHT * self._draw(example.answer)

    def _overlap(self, words: Collection[str]) -> float:
        """The share of the cue's weight in words that `words` contains: 0 to 1, lower for a very short cue."""
        default = math.log(1 + len(self.scene.examples))
        whole = max(sum(self.rarity.get(word, default) for word in self.words), _CUE_WORDS_MIN * default)
        return sum(self.rarity.get(word, default) for word in self.words & set(words)) / whole if whole else 0.0

    def _tier(self, example: Example) -> int:
        if self.stances & _topics(example):
            return _TOPIC
        return _KIND if _is_for_any(example) and kind(example.cue) is self.kind else _OTHER

    # ── parts of a composition ──────────────────────────────────────────────────────────────────────

    def _questions(self, *, dealt: bool) -> list[str]:
        own = self._unsaid([beat for beat in self._beats() if _is_question(beat.text)])
        of_topic, of_kind, other = (
            [beat.text for beat in own if beat.tier == tier] for tier in (_TOPIC, _KIND, _OTHER)
        )
        topic = self._stock(*self._on_topic(stock.TOPIC_QUESTIONS), dealt=dealt)
        usual = [*self._stock(stock.KIND_QUESTIONS[self.kind], dealt=dealt), *self._stock(stock.QUESTIONS, dealt=dealt)]
        return [*of_topic, *topic, *of_kind, *usual, *other]

    def _gestures(self, *, dealt: bool) -> list[str]:
        own = self._unsaid([beat for beat in self._beats() if beat.text.startswith("*")])
        return [*(beat.text for beat in own), *self._stock(stock.GESTURES, dealt=dealt)]

    def _openings(self) -> list[str]:
        """The character's own openings, such as *Aye.*"""
        return self._drawn({o for example in self.scene.examples if (o := _opening(example.answer))})

    def _beats(self) -> list[_Beat]:
        """The sentences and gestures of the examples, each in its best tier."""
        best: dict[str, int] = {}
        for example in self.scene.examples:
            tier = self._tier(example)
            for text in map(str.strip, _BEAT.findall(example.answer)):
                best[text] = min(tier, best.get(text, tier))
        return [_Beat(text, tier) for text, tier in best.items()]

    def _unsaid(self, beats: Sequence[_Beat]) -> list[_Beat]:
        """The beats that were not said recently: first those never said, then by tier and draw."""
        recent, own = "\n".join(self.scene.own[-_RECENT:]), "\n".join(self.scene.own)
        fresh = [beat for beat in beats if beat.text not in recent]
        return sorted(fresh, key=lambda beat: (beat.text in own, beat.tier, self._draw(beat.text)))

    def _on_topic(self, texts: Mapping[Stance, Sequence[str]]) -> list[Sequence[str]]:
        return [texts[stance] for stance in Stance if stance in self.stances]

    def _stock(self, *groups: Sequence[str], dealt: bool) -> list[str]:
        """Draw the order of the texts, filled in; those said recently come last, and none quotes the message."""
        texts = [text for group in groups for text in (self._share(group) if dealt else group)]
        if dealt:
            texts = [text for text in texts if not self._was_heard(text)]
        filled = [self._filled(text) for text in texts if not self.words & stems(_SLOT.sub("", text))]
        recent = "\n".join(self.scene.own[-_RECENT:])
        return sorted(self._drawn(filled), key=lambda text: text in recent)

    def _share(self, texts: Sequence[str]) -> Sequence[str]:
        """This character's part of the stock: every n-th text, for a cast of n."""
        cast = self.scene.cast
        return texts[cast.index(self.scene.name) :: len(cast)]

    def _was_heard(self, text: str) -> bool:
        """Whether somebody else said this text of the stock: a change of the cast deals it anew."""
        words = max(_SLOT.split(text), key=len).strip("* ")
        return any(words in line.text for line in self.scene.heard)

    def _filled(self, text: str) -> str:
        pronouns, user = self.scene.pronouns, self.scene.cue.name or "friend"
        return text.format(name=self.scene.name, user=user, their=pronouns.possessive, themself=pronouns.reflexive)

    def _drawn(self, texts: Collection[str]) -> list[str]:
        return sorted(texts, key=self._draw)

    def _draw(self, text: str) -> float:
        """A number from 0 to 1 that depends only on seed, character, position in the scene, cue and text."""
        digest = hashlib.blake2b(f"{self.key}\0{text}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64


def _topics(example: Example) -> frozenset[Stance]:
    """What the example is about: its cue's topics; those of the answer if the card has no cue for it."""
    return stances(example.cue) if re.search(r"\w", example.cue) else stances(example.answer)


def _is_for_any(example: Example) -> bool:
    """Whether the cue is about nothing, such as *Wow.* or *\\*does something\\**: it stands for its whole kind."""
    is_about = stances(example.cue) or (stems(example.cue) and kind(example.cue) is not Kind.REACTION)
    return bool(re.search(r"\w", example.cue)) and not is_about


def _is_question(text: str) -> bool:
    is_short = len(text) <= _QUESTION_CHARACTERS_MAX and len(text.split()) >= _QUESTION_WORDS_MIN
    return is_short and text.endswith("?") and not _LEANING.match(text)


def _joined(leads: Sequence[str], questions: Sequence[str]) -> Iterator[str]:
    return (f"{lead} {question}".strip() for lead, question in _diagonal(leads, questions))


def _diagonal(first: Sequence[str], second: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every pair, those of two early members first."""
    for distance in range(len(first) + len(second) - 1):
        for index in range(max(0, distance - len(second) + 1), min(distance + 1, len(first))):
            yield first[index], second[distance - index]


def _opening(answer: str) -> str:
    """The answer's first sentence if it consists only of interjections; else empty."""
    first = _BEAT.match(answer)
    words = re.findall(r"\w+", first[0].lower()) if first else []
    is_opening = 0 < len(words) <= 3 and stock.INTERJECTIONS.issuperset(words)
    return first[0].strip() if first and is_opening else ""
