"""Chooses the understudy's line by the topic of the cue, by what was not said yet, and by a seeded draw.

An answer fits if its example's cue shares a stance or rare words with the cue. If none fits, an answer is
composed: a gesture or a short reply, and the character's own sentence that is most similar to the cue.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from actors.adapters.understudy import stock
from actors.adapters.understudy.scene import Example, Scene
from actors.adapters.understudy.stances import Stance, content_words, stances, stem, stems

FIT_MIN: Final = 0.5  # an example with a lower score answers another cue
_STANCE_WEIGHT: Final = 1.0
_ANSWER_WEIGHT: Final = 0.35  # words of the answer count less than those of the example's cue
_USED_WEIGHT: Final = 2.0  # an answer already given is chosen only if no other fits
_DRAW_WEIGHT: Final = 0.1  # decides between answers of equal fit
_NEAR_MIN: Final = 0.15  # a sentence with a lower score is unrelated to the cue
_CUE_WORDS_MIN: Final = 3  # one word in common may be chance
_RECENT: Final = 5
WORD_CHARACTERS_MAX: Final = 24  # a longer one is a URL, or text without spaces

_BEAT: Final = re.compile(r"\*[^*\n]+\*|[^*\n]+?(?:[.!?…]+[\"'”’)]*(?=\s|\*|\Z)|(?=\*|\n)|\Z)")
_ARTICLE: Final = re.compile(r"\b(the|a|an|my|your|our|this|that|his|her|their)\s+\Z", re.IGNORECASE)
_SEEN_FROM_HERE: Final = {"my": "your", "your": "the", "a": "the", "an": "the"}
# Sentences that refer to the one before them make no sense alone.
_LEANING: Final = re.compile(
    r"(?:it|its|it's|he|she|they|they'll|they'd|that|that's|this|those|these|and|but|or|so|because|then"
    r"|second|third|first|see|two of|the (?:other|long|right)|never mind|take this|blow|put them|who will)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Beat:
    """A sentence or a gesture of an example."""

    text: str
    words: frozenset[str]
    stances: frozenset[Stance]

    @property
    def is_gesture(self) -> bool:
        return self.text.startswith("*")


@dataclass(frozen=True, slots=True)
class Chooser:
    """One choice: the scene, and the features that are compared."""

    scene: Scene
    key: str
    words: frozenset[str]
    stances: frozenset[Stance]
    rarity: dict[str, float]

    @classmethod
    def of(cls, scene: Scene, seed: str) -> Chooser:
        texts = [f"{example.cue} {example.answer}" for example in scene.examples]
        counts = Counter(word for text in texts for word in stems(text))
        rarity = {word: math.log((1 + len(texts)) / count) for word, count in counts.items()}
        cue = scene.cue.text
        key = f"{seed}\0{scene.name}\0{len(scene.own)}\0{cue}"
        return cls(scene, key, stems(cue) - scene.named, stances(cue), rarity)

    def answers(self) -> Iterator[str]:
        """Yield the card's whole answers that fit, best first; an answer already given scores lower."""
        scored = ((self._fit(example), example.answer) for example in self.scene.examples)
        for fit, answer in sorted(scored, reverse=True):
            if fit >= FIT_MIN:
                yield answer

    def compositions(self) -> Iterator[str]:
        """Yield composed answers, practically without end: each reply with each of the character's own sentences."""
        beats = self._beats()
        gestures = self._drawn([beat.text for beat in beats if beat.is_gesture]) or self._stock(stock.GESTURES)
        sentences = [beat for beat in beats if not beat.is_gesture]
        near = self._nearest(sentences)
        far = self._drawn([beat.text for beat in sentences if beat.text not in near])
        replies = self._replies()
        yield from (f"{reply} {sentence}" for reply, sentence in _diagonal(replies, near))
        yield from (f"{gesture} {reply}" for gesture, reply in _diagonal(gestures, replies))
        yield from (f"{reply} {sentence}" for reply, sentence in _diagonal(replies, far))

    def _fit(self, example: Example) -> float:
        shown = stances(example.cue) or stances(example.answer)
        shared = self.stances & shown
        stance = len(shared) / math.sqrt(len(self.stances) * len(shown)) if shared else 0.0
        words = self._overlap(stems(example.cue)) + _ANSWER_WEIGHT * self._overlap(stems(example.answer))
        used = _USED_WEIGHT * any(example.answer in line for line in self.scene.own)
        return _STANCE_WEIGHT * stance + words + _DRAW_WEIGHT * self._draw(example.answer) - used

    def _overlap(self, words: Collection[str]) -> float:
        """The share of the cue's weight in words that `words` contains: 0 to 1, lower for a very short cue."""
        default = math.log(1 + len(self.scene.examples))
        whole = max(sum(self.rarity.get(word, default) for word in self.words), _CUE_WORDS_MIN * default)
        return sum(self.rarity.get(word, default) for word in self.words & set(words)) / whole if whole else 0.0

    def _beats(self) -> list[_Beat]:
        """The sentences and gestures that make sense alone and were not said recently."""
        recent = "\n".join(self.scene.own[-_RECENT:])
        texts = (beat.strip() for example in self.scene.examples for beat in _BEAT.findall(example.answer))
        alone = dict.fromkeys(text for text in texts if _stands_alone(text) and text not in recent)
        return [_Beat(text, stems(text), stances(text)) for text in alone]

    def _nearest(self, sentences: Sequence[_Beat]) -> list[str]:
        def nearness(beat: _Beat) -> float:
            return self._overlap(beat.words) + 0.2 * len(beat.stances & self.stances)

        near = [(nearness(beat), self._draw(beat.text), beat.text) for beat in sentences]
        return [text for value, _, text in sorted(near, reverse=True) if value >= _NEAR_MIN]

    def _replies(self) -> list[str]:
        """Stock replies: first for the cue's stances, then for one of its words, then generic ones."""
        fitting = [reply for stance in Stance if stance in self.stances for reply in stock.REPLIES[stance]]
        word = self._word()
        echoes: Sequence[str] = stock.ECHOES if " " in word else stock.QUOTES if word else ()
        text = self.scene.cue.text.rstrip()
        usual = stock.UNKNOWN if text.endswith("?") else stock.SEEN if text.startswith("*") else ()
        return [*self._stock(fitting), *self._opened([*self._stock([*usual, *echoes]), *self._stock(stock.PAUSES)])]

    def _opened(self, replies: Sequence[str]) -> list[str]:
        """Put one of the character's own openings, such as *Aye.*, before every other reply."""
        openings = self._drawn({o for example in self.scene.examples if (o := _opening(example.answer))})
        if not openings:
            return list(replies)
        return [
            reply if index % 2 else f"{openings[index // 2 % len(openings)]} {reply}"
            for index, reply in enumerate(replies)
        ]

    def _stock(self, texts: Sequence[str]) -> list[str]:
        """Fill in `texts` and draw their order; texts that anybody said recently come last."""
        recent = "\n".join((*self.scene.own[-_RECENT:], *(line.text for line in self.scene.heard[-_RECENT:])))
        word, user = self._word(), self.scene.cue.name or "friend"
        traits = self._drawn(self.scene.traits) or [stock.TRAIT]
        filled = (text.format(name=self.scene.name, user=user, word=word, trait=traits[0]) for text in texts)
        return sorted(self._drawn([_capital(text) for text in filled]), key=lambda text: text in recent)

    def _word(self) -> str:
        """The word of the cue that is rarest in the card, with its article, else in quotes; may be empty."""
        text = self.scene.cue.text
        short = (word for word in content_words(text) if len(word) <= WORD_CHARACTERS_MAX)
        words = [word for word in short if stem(word) not in self.scene.named]
        default = math.log(2 + len(self.scene.examples))
        article = {word: _ARTICLE.search(text[: text.find(word)]) for word in words}
        rank = {word: (article[word] is not None, self.rarity.get(stem(word), default), len(word)) for word in words}
        word = max(words, key=rank.__getitem__, default="")
        found = article.get(word)
        if found is None:
            return f"“{word}”" if word else ""
        return f"{_SEEN_FROM_HERE.get(found[1].lower(), found[1].lower())} {word}"

    def _drawn(self, texts: Collection[str]) -> list[str]:
        return sorted(texts, key=self._draw)

    def _draw(self, text: str) -> float:
        """A number from 0 to 1 that depends only on seed, character, position in the scene, cue and text."""
        digest = hashlib.blake2b(f"{self.key}\0{text}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64


def _stands_alone(text: str) -> bool:
    return text.startswith("*") or (len(text.split()) >= 4 and not _LEANING.match(text))


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


def _capital(text: str) -> str:
    """Capitalise the first letter of `text`, also after a quotation mark."""
    return re.sub(r"\w", lambda letter: letter[0].upper(), text, count=1)
