"""Detects what a line is about and what it does, by keywords: a greeting, a danger, an action, a question …"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

KNOWN_TEXTS_MAX: Final = 4096  # the examples of some hundred cards, which recur in every turn


class Stance(StrEnum):
    """The topic of a line. A line often has none."""

    DANGER = "danger"
    INJURY = "injury"
    FIGHT = "fight"
    FAREWELL = "farewell"
    GREETING = "greeting"
    INTRODUCTION = "introduction"
    WELFARE = "welfare"
    THANKS = "thanks"
    APOLOGY = "apology"
    AFFECTION = "affection"
    FEAR = "fear"
    DISAGREEMENT = "disagreement"
    AGREEMENT = "agreement"
    DENIAL = "denial"
    ASSENT = "assent"
    LAUGHTER = "laughter"
    IDENTITY = "identity"
    COMPANY = "company"
    PAST = "past"
    PLACE = "place"
    SITUATION = "situation"
    ESCAPE = "escape"
    SECRET = "secret"
    COMFORT = "comfort"
    FOOD = "food"
    WEATHER = "weather"
    STORY = "story"
    PLAN = "plan"
    REASON = "reason"
    METHOD = "method"
    DOOR = "door"
    BOOK = "book"


class Kind(StrEnum):
    """What a line does, whatever it is about."""

    ACTION = "action"
    QUESTION = "question"
    REACTION = "reaction"
    REMARK = "remark"


_WORDS: Final = {
    Stance.DANGER: r"look out|watch out|careful|duck|run|help(?= us|!$)|fire!|on fire|burning|breaking"
    r"|attack(?:s|ed|ing)|behind (?:you|us)|falling|collaps\w*|drown\w*|sinking|flood\w*",
    Stance.INJURY: r"bleed\w*|blood|hurts?|wound\w*|injur\w*|dying|poison\w*|faint(?:s|ed)?|broke my"
    r"|i'?m sick|a doctor",
    Stance.FIGHT: r"sword|knife|dagger|gun|weapon|axe|fight|punch\w*|slaps?|kicks?|stab\w*|attacks?"
    r"|kill|threaten\w*",
    Stance.FAREWELL: r"good ?bye|bye|farewell|good ?night|(?:have|need|got) to go|must go|gotta go"
    r"|see (?:you|ya)|until tomorrow|i'?m leaving|brb|cya",
    Stance.GREETING: r"hello|hi|hey|hiya|heya|howdy|yo|sup|hullo|greetings"
    r"|good (?:morning|evening|afternoon|day)|any(?:one|body) (?:here|home|there)|waves",
    Stance.INTRODUCTION: r"my name(?:'s| is)|call me|(?:pleased|nice|good) to meet|introduce myself"
    r"|i'?m new",
    Stance.WELFARE: r"how are (?:you|things)|how(?:'s| is) (?:it going|everyone|life)|how do you feel"
    r"|did you sleep|you (?:all right|alright|okay|ok)",
    Stance.THANKS: r"thanks?|thx|ty|thank you|grateful|kind of you|appreciate",
    Stance.APOLOGY: r"sorry|apolog\w*|forgive|pardon|my bad|my fault|oops",
    Stance.AFFECTION: r"hugs?|kiss(?:es)?|love you|like you|beautiful|handsome|cute|marry",
    Stance.FEAR: r"afraid|scared|scary|frighten\w*|fear|terrif\w*|out there|in the dark|what was that"
    r"|noises?|hear (?:that|something)|(?:i'?m|so) nervous|creepy|ghosts?|monsters?",
    Stance.DISAGREEMENT: r"disagree|don'?t agree|bad idea|(?:you(?:'re| are)|that(?:'s| is)) wrong"
    r"|not true|don'?t (?:think|believe)|no way|nonsense",
    Stance.AGREEMENT: r"(?<!don't )agree|agreed|you(?:'re| are) right|good idea|great idea|exactly"
    r"|true enough",
    Stance.DENIAL: r"^no|^nope|^nah|^never|^not really",
    Stance.ASSENT: r"^(?:yes|yeah|yep|yup|aye|sure|okay|ok|kk?|fine|all ?right|of course|got it|understood)"
    r"|^i'?m (?:in|ready)",
    Stance.LAUGHTER: r"lol|lmao|rofl|haha\w*|hehe\w*|laughs?|laughing|giggles?|funny|hilarious",
    Stance.IDENTITY: r"who(?: the \w+)? are (?:you|y'all)|your names?|what do you do|yourself"
    r"|yourselves|what are you|what do you all do|are you (?:an?|the|real|human)|you (?:an? )?(?:ai|bot)",
    Stance.COMPANY: r"who else|any(?:one|body) else|each other|the others|your friends?"
    r"|who is (?:he|she|that)|you (?:two|three)|how many (?:of you|people)",
    Stance.PAST: r"how long have|how long (?:did|are)|how old|since when|been here|lived? here"
    r"|your (?:past|family|life|childhood)|where are you from|where do you come from|grow up",
    Stance.PLACE: r"where (?:am i|are we|is this)|what(?: is|'s) this(?: place)?|this place"
    r"|(?:look|looks|looking) (?:a?round|about)",
    Stance.SITUATION: r"going on|happening|happens|what(?:'s| has| just)? happened(?: here)?\W*$"
    r"|what'?s up|what'?s wrong|can (?:i|we) help|what n(?:ow|ext)|what (?:do|should|can|must) (?:i|we) do"
    r"|what to do|how do (?:i|we|you) (?:play|start|begin)|did i miss|how does this work|what is this about"
    r"|what do you want",
    Stance.ESCAPE: r"leave|get (?:out|away|off)|way out|escape|go home|island|boats?|ships?|causeway"
    r"|mainland|swim",
    Stance.SECRET: r"secrets?|hid(?:e|ing|den)|truth|confess|mystery|not telling|lying|liar|lies|lied"
    r"|trust|suspect\w*|suspicious|traitor|murder\w*|stole|thief",
    Stance.COMFORT: r"sits?|sit down|fireplace|stove|by the fire|blankets?|cold|freezing|soaked|wet"
    r"|warm|tired|exhausted|sleepy|sleep|rest|bed",
    Stance.FOOD: r"hungry|eats?|food|soup|stew|bread|tea|coffee|supper|dinner|breakfast|lunch|drinks?"
    r"|thirsty|cook\w*|biscuits?|starving|beer|ale|wine",
    Stance.WEATHER: r"weather|storms?|stormy|rain\w*|winds?|windy|clouds?|snow|fog|thunder|lightning"
    r"|sky",
    Stance.STORY: r"stor(?:y|ies)|jokes?|tales?|sing|songs?|remember when|once upon|riddle|bored"
    r"|entertain",
    Stance.PLAN: r"should (?:we|i)|we (?:should|could|must)|i say we|who(?:'s| is)? com(?:es|ing)|shall we"
    r"|do you think|plans?|let'?s"
    r"|have an idea|come with (?:me|us)|follow me|(?:i|we) (?:want|need) to|explore|search|wait for",
    Stance.REASON: r"^(?:but |and )?why(?= not|\W*$)|why so|how come",
    Stance.METHOD: r"how (?:does|do) (?:it|that|the \w+) work|repair\w*|mend|fix|broken|lamp|lantern"
    r"|machine|clockwork|gears?",
    Stance.DOOR: r"doors?|knock\w*|gate|hatch|who'?s there|shutters?",
    Stance.BOOK: r"books?|logs?|logbooks?|pages?|reads?|reading|archives?|diary|letters?|maps?|writing",
}
_PATTERNS: Final = {
    stance: re.compile(rf"\b(?:{words})(?:\b|(?<=!))", re.IGNORECASE) for stance, words in _WORDS.items()
}


_ACTED: Final = re.compile(r"\*[^*]+\*?|(?<!\w)_[^_]+_(?!\w)")


@lru_cache(KNOWN_TEXTS_MAX)
def stances(text: str) -> frozenset[Stance]:
    """Return every stance of the text; often none. Of an action with words, the words' if they have one."""
    return _stances(_ACTED.sub(" ", text)) or _stances(text)


def _stances(text: str) -> frozenset[Stance]:
    plain = text.replace("’", "'").lstrip("*_~ \"'“(").rstrip()
    return frozenset(stance for stance, pattern in _PATTERNS.items() if pattern.search(plain))


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

_REACTED: Final = re.compile(
    r"\W*(?:(?:wow|whoa|cool|nice|amazing|awesome|great|interesting|neat|o+h|omg|really|hm+|huh|i see|no kidding|well"
    r"|sweet|ok(?:ay)?|yes|yeah|yep|no|nope|sure|fine|true|damn|wtf|and|so|that'?s|very|pretty)\b\W*)+",
    re.IGNORECASE,
)
_REACTION_WORDS_MAX: Final = 3


@lru_cache(KNOWN_TEXTS_MAX)
def kind(text: str) -> Kind:
    """Return the kind of a line; of an action with words, that of the words."""
    said = _ACTED.sub(" ", text).strip()
    if said != text.strip() and not _WORD.search(said):
        return Kind.ACTION
    if _REACTED.fullmatch(said):
        return Kind.REACTION
    if said.rstrip("!*_ ").endswith("?"):
        return Kind.QUESTION
    is_short = len(_WORD.findall(said)) <= _REACTION_WORDS_MAX and not stems(said)
    return Kind.REACTION if is_short else Kind.REMARK


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
