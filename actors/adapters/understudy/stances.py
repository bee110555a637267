"""Detects the topic of a line by keywords: a greeting, a danger, a question about food …"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

KNOWN_TEXTS_MAX: Final = 4096  # the examples of some hundred cards, which recur in every turn


class Stance(StrEnum):
    DANGER = "danger"
    FAREWELL = "farewell"
    GREETING = "greeting"
    WELFARE = "welfare"
    THANKS = "thanks"
    FEAR = "fear"
    DISAGREEMENT = "disagreement"
    AGREEMENT = "agreement"
    IDENTITY = "identity"
    SECRET = "secret"
    FOOD = "food"
    WEATHER = "weather"
    STORY = "story"
    PLAN = "plan"
    REASON = "reason"
    METHOD = "method"


_WORDS: Final = {
    Stance.DANGER: r"look out|watch out|careful|duck|run|help(?= me| us|!)|fire|breaking|attack\w*|behind you|falling",
    Stance.FAREWELL: r"good ?bye|bye|farewell|good ?night|(?:have|need|got) to go|must go|see you|until tomorrow",
    Stance.GREETING: r"hello|hi|hey|greetings|good (?:morning|evening|afternoon|day)|any(?:one|body) (?:here|home)",
    Stance.WELFARE: r"how are (?:you|things)|how(?:'s| is) (?:it going|everyone)|did you sleep|feeling",
    Stance.THANKS: r"thanks?|thank you|grateful|kind of you|appreciate",
    Stance.FEAR: r"afraid|scared|frighten\w*|fear|terrif\w*|out there|in the dark|what was that|noise|nervous",
    Stance.DISAGREEMENT: r"disagree|don'?t agree|bad idea|wrong|not true|don'?t (?:think|believe)|no way|^no",
    Stance.AGREEMENT: r"agree|agreed|you(?:'re| are) right|good idea|exactly|of course|yes|yeah|sure|okay|ok|fine",
    Stance.IDENTITY: r"who are you|your names?|what do you do|yourself|what are you",
    Stance.SECRET: r"secrets?|hid(?:e|ing|den)|truth|confess|mystery|not telling",
    Stance.FOOD: r"hungry|eat|food|soup|stew|bread|tea|supper|dinner|breakfast|drink|thirsty|cook\w*|biscuits?",
    Stance.WEATHER: r"weather|storms?|rain\w*|winds?|windy|clouds?|snow|fog|thunder|sky",
    Stance.STORY: r"stor(?:y|ies)|jokes?|funny|tale|laugh|sing|song|remember when|once upon",
    Stance.PLAN: r"should (?:we|i)|we should|shall we|(?:do|can) we do|do you think|plan|what n(?:ow|ext)|wait|let'?s",
    Stance.REASON: r"why",
    Stance.METHOD: r"how (?:does|do|did|can)|works?|repair|mend|fix|broken|lamp|machine|light",
}
_PATTERNS: Final = {stance: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for stance, words in _WORDS.items()}


@lru_cache(KNOWN_TEXTS_MAX)
def stances(text: str) -> frozenset[Stance]:
    """Return every stance of the text; often none."""
    return frozenset(stance for stance, pattern in _PATTERNS.items() if pattern.search(text.replace("’", "'")))


_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_COMMON: Final = """
    a about after again all also am an and any anyone are as at be been before but by can come could did do does
    don't down else even every everybody everyone for from get give go going got had has have he her here him his how
    i i'm if in into is isn't it it's its just know let like look make may me mean more much must my never no nor not
    nothing now of off on once one only or other our out over own really same say see she should so some something
    still such take tell than that that's the their them then there there's these they thing things think this those
    to too up us very want was we well went were what what's when where which while who why will with without would
    yes yet you your happen happened kind lot moment people question second somebody someone something three today
    tonight two under way whose
""".split()  # noqa: SIM905 a hundred quoted words would be harder to read


def content_words(text: str) -> tuple[str, ...]:
    """Return the words that are not common words, as written, in order."""
    return tuple(
        word for word in _WORD.findall(text.replace("’", "'")) if "'" not in word and word.lower() not in _COMMON
    )


def stem(word: str) -> str:
    """Return a crude stem: *storms* and *stormy*, *waited* and *waiting* have the same."""
    plain = word.lower().removesuffix("'s")
    for ending in ("ing", "ies", "ed", "es", "y", "s", "e"):
        if plain.endswith(ending) and len(plain) - len(ending) >= 3:
            return plain.removesuffix(ending)
    return plain


@lru_cache(KNOWN_TEXTS_MAX)
def stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(text))
