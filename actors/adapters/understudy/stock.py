"""Holds stock texts for cues that no example of the card answers; they are short, to suit any character.

`{name}` is the character, `{user}` the person answered, `{word}` a word of the cue, `{trait}` a trait of the card.
"""

from __future__ import annotations

from typing import Final

from actors.adapters.understudy.stances import Stance

REPLIES: Final[dict[Stance, tuple[str, ...]]] = {
    Stance.DANGER: ("Down, all of you, now!", "Behind me, {user}, quickly.", "Stay close. Nobody moves alone."),
    Stance.FAREWELL: ("Go safely, {user}.", "Until the next time, then.", "Come back, and bring news."),
    Stance.GREETING: ("Well met, {user}.", "There you are, {user}.", "Come in, {user}, come in."),
    Stance.WELFARE: ("Well enough, {user}. And you?", "Better for being asked.", "I have had worse days."),
    Stance.THANKS: ("You are welcome, {user}.", "It was little enough.", "You would have done the same."),
    Stance.FEAR: ("Keep near me, {user}.", "I heard it too.", "Breathe. Then tell me where you saw it."),
    Stance.DISAGREEMENT: (
        "Then tell me your way, {user}.",
        "You may be right to doubt it.",
        "Say why, and I will listen.",
    ),
    Stance.AGREEMENT: ("Then we are of one mind, {user}.", "Good. That is settled.", "I hoped that you would say so."),
    Stance.IDENTITY: (
        "I am {name}. The rest takes longer.",
        "{name}, and glad of the company.",
        "They call me {name}.",
    ),
    Stance.SECRET: ("Some things keep better unsaid.", "Ask me again when it is late.", "You first, {user}."),
    Stance.FOOD: ("Let us see what there is, and share it.", "Sit, {user}. Nobody thinks well on nothing."),
    Stance.WEATHER: ("It has not made up its mind yet.", "I have seen such a sky before.", "Listen to it out there."),
    Stance.STORY: ("There is one that I have never told, {user}.", "That reminds me of another evening."),
    Stance.PLAN: ("One thing at a time, {user}.", "Let us look first, and choose then.", "What would you do, {user}?"),
    Stance.REASON: ("I have asked myself that, {user}.", "For reasons that were good at the time."),
    Stance.METHOD: (
        "Show me, and we shall find out.",
        "With patience, mostly.",
        "Hold the light, {user}, and I will look.",
    ),
}
ECHOES: Final = (
    "{word}, you say.",
    "{word}? Go on.",
    "{word}. I had not thought of that.",
    "I was thinking of {word}, too.",
    "Tell me more of {word}, {user}.",
    "Strange that you should speak of {word}.",
    "You and {word}, {user}.",
    "{word}, then. I shall remember it.",
    "Was it {word} that brought you here?",
    "There is more to {word} than people think.",
    "What about {word}, {user}?",
)
QUOTES: Final = ("{word}, you say.", "{word}? Go on.", "{word}. I had not thought of that.", "{word}? Say more.")
"""For a word without an article, which may not be a noun."""
UNKNOWN: Final = (
    "I could not tell you, {user}.",
    "If I knew, I would have said.",
    "Nobody has asked me that before.",
    "What makes you ask, {user}?",
    "What do you think, {user}?",
    "I have an answer, but you may not like it.",
    "Ask me again tomorrow.",
)
"""For a question that no example answers."""
SEEN: Final = (
    "I saw that, {user}.",
    "Careful with that, {user}.",
    "Tell me what you find.",
    "Gently, {user}.",
    "I would have done the same.",
    "Need a hand, {user}?",
)
"""For an action that no example answers."""
PAUSES: Final = (
    "I am listening, {user}.",
    "Go on, {user}.",
    "And then?",
    "Say that again, more slowly.",
    "I wonder about that.",
    "You surprise me, {user}.",
    "That is worth a thought.",
    "Is that so?",
)
GESTURES: Final = (
    "*{name} looks up.*",
    "*{name} tilts their head.*",
    "*{name} waits, {trait}.*",
    "*{name} takes a slow breath.*",
    "*{name} considers it, {trait}.*",
    "*{name} glances at {user}.*",
    "*A pause; {name} is {trait} about it.*",
    "*{name} leans a little closer.*",
    "*{name} almost smiles.*",
    "*{name} looks away for a moment.*",
)
INTERJECTIONS: Final = frozenset(
    """ah all aye excellent fine good ha hm hmm indeed maybe naturally oh perhaps quite right so splendid very well
""".split()  # noqa: SIM905 as in stances.py
)
"""An example's first sentence that consists of these can open any line, in the character's own style."""
TRAIT: Final = "thoughtful"  # for a card whose personality names none
