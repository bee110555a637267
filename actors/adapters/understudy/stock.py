"""Holds stock texts for cues that no example of the card answers; they are short, to suit any character.

`{name}` is the character and `{user}` the person answered; `{their}` and `{themself}` are the character's pronouns.
No text repeats a word of the message.
"""

from __future__ import annotations

from typing import Final

from actors.adapters.understudy.stances import Kind, Stance

REPLIES: Final[dict[Stance, tuple[str, ...]]] = {
    Stance.DANGER: ("Down, all of you, now!", "Behind me, {user}, quickly.", "Stay close. Nobody moves alone."),
    Stance.INJURY: ("Hold still, {user}.", "Let me see it.", "Sit, before you drop."),
    Stance.FIGHT: ("Not in here, {user}.", "Think twice before you do that.", "I would rather talk."),
    Stance.FAREWELL: ("Go safely, {user}.", "Until the next time, then.", "Come back, and bring news."),
    Stance.GREETING: ("Well met, {user}.", "There you are, {user}.", "Come in, {user}, come in."),
    Stance.INTRODUCTION: ("Then be welcome here.", "I shall remember it.", "Good to know whom I speak to."),
    Stance.WELFARE: ("Well enough, {user}.", "Better for being asked.", "I have had worse days."),
    Stance.THANKS: ("You are welcome, {user}.", "It was little enough.", "You would have done the same."),
    Stance.APOLOGY: ("No harm done, {user}.", "It is forgotten already.", "We all stumble."),
    Stance.AFFECTION: ("You are bold, {user}.", "I am not used to that.", "That was kindly meant, I think."),
    Stance.FEAR: ("Keep near me, {user}.", "I heard it too.", "Breathe, and stay where I can see you."),
    Stance.DISAGREEMENT: ("Then we differ, {user}.", "You may be right to doubt it.", "I have been mistaken before."),
    Stance.AGREEMENT: ("Then we are of one mind, {user}.", "Good. That is settled.", "I hoped that you would say so."),
    Stance.DENIAL: ("As you wish, {user}.", "I will not press you.", "That was quick."),
    Stance.ASSENT: ("Good, {user}.", "Then it is settled.", "I am glad to hear it."),
    Stance.LAUGHTER: ("I am glad somebody enjoys it.", "It was not meant to be.", "You are easily pleased, {user}."),
    Stance.IDENTITY: ("I am {name}.", "{name}, and glad of the company.", "They call me {name}."),
    Stance.COMPANY: ("Only those whom you see.", "Fewer than there were.", "Enough to fill the room."),
    Stance.PAST: ("Longer than I meant to, {user}.", "Long enough to know better.", "That is behind me now."),
    Stance.PLACE: ("You are with us; that is a beginning.", "Look about you, {user}.", "It is quieter than it seems."),
    Stance.SITUATION: ("Now it is up to you, {user}.", "Nobody has decided yet.", "Everything waits for a first step."),
    Stance.ESCAPE: ("Not yet, I fear.", "There is always some way, {user}.", "Stay a little longer."),
    Stance.SECRET: ("Some things keep better unsaid.", "Ask me again when it is late.", "You first, {user}."),
    Stance.COMFORT: ("Make yourself at home, {user}.", "There is room beside me.", "You have earned it."),
    Stance.FOOD: ("Let us see what there is, and share it.", "Sit, {user}.", "Nobody thinks well on nothing."),
    Stance.WEATHER: ("It has not made up its mind yet.", "I have seen such a day before.", "Listen to it."),
    Stance.STORY: ("There is one that I never told, {user}.", "That brings back another evening.", "Not the long one."),
    Stance.PLAN: ("One thing at a time, {user}.", "Let us look first, and choose then.", "I have heard worse."),
    Stance.REASON: ("I have asked myself that, {user}.", "For causes that seemed good.", "Nobody ever told me."),
    Stance.METHOD: ("Show me, and we shall find out.", "With patience, mostly.", "Bring it nearer, {user}."),
    Stance.DOOR: ("Slowly, {user}.", "I am right behind you.", "Let us see who comes."),
    Stance.BOOK: ("Not everything is written down.", "I have only looked at the beginning.", "Careful with old ink."),
}
"""A short answer to a topic; a question follows it."""

TOPIC_QUESTIONS: Final[dict[Stance, tuple[str, ...]]] = {
    Stance.DANGER: ("Is everybody with us?", "Which way is clear?", "Did it see you?"),
    Stance.INJURY: ("Where is it worst?", "Can you stand?", "Who did this?"),
    Stance.FIGHT: ("What do you want to prove?", "Who put that into your hands?", "Is it worth it?"),
    Stance.FAREWELL: ("When do we meet again?", "Who walks with you?", "Have you got all you came with?"),
    Stance.GREETING: ("What brings you here?", "Have you come far?", "Who sent you to us?"),
    Stance.INTRODUCTION: ("And what brings you here?", "Who gave you that one?", "What do your friends call you?"),
    Stance.WELFARE: ("And you?", "What about you?", "Do I look so bad?"),
    Stance.THANKS: ("Is there anything else?", "Will you do the same for me?", "What more can I do?"),
    Stance.APOLOGY: ("What was it for?", "Will you do it again?", "Are we friends again?"),
    Stance.AFFECTION: ("What did I do for that?", "Do you say so to everybody?", "Are you always like this?"),
    Stance.FEAR: ("Where did it come from?", "Did you see it too?", "How near is it?"),
    Stance.DISAGREEMENT: ("What would you do instead?", "What have I missed?", "Who says so?"),
    Stance.AGREEMENT: ("Shall we shake hands on it?", "Will you tell the others?", "Where do we start?"),
    Stance.DENIAL: ("What would you rather?", "What stops you?", "Is that your last word?"),
    Stance.ASSENT: ("Shall we begin?", "What comes first?", "Are you ready?"),
    Stance.LAUGHTER: ("Do you know a better one?", "Was it so good?", "Who else heard it?"),
    Stance.IDENTITY: ("And who asks?", "Who are you, {user}?", "Whom did you expect?"),
    Stance.COMPANY: ("Whom do you miss?", "Do you know them?", "Did you come alone?"),
    Stance.PAST: ("And your own road?", "How about you, {user}?", "Do I look as if I had a choice?"),
    Stance.PLACE: ("How did you find us?", "Did you lose your way?", "What did you expect?"),
    Stance.SITUATION: ("Where would you begin?", "What do you want to do, {user}?", "Shall we begin with you?"),
    Stance.ESCAPE: ("What waits for you elsewhere?", "Who would come with you?", "Are you in such a hurry?"),
    Stance.SECRET: ("Who has been talking?", "Can you keep it to yourself?", "What have you heard?"),
    Stance.COMFORT: ("Is that better?", "What else do you need?", "Was it a long day?"),
    Stance.FOOD: ("When did you last have any?", "Will you share it with me?", "Who prepares it?"),
    Stance.WEATHER: ("Did you come through it?", "How long can it last?", "Are you dressed for it?"),
    Stance.STORY: ("Do you want the long one?", "Are you sitting well?", "Will you tell one after me?"),
    Stance.PLAN: ("Who goes first?", "What would you do, {user}?", "What if it fails?"),
    Stance.REASON: ("What would you have done?", "Does it matter now?", "What do you suppose?"),
    Stance.METHOD: ("Have you got the tools?", "Who touched it last?", "What did you try?"),
    Stance.DOOR: ("Do we let them in?", "Are we expecting somebody?", "Did you see a face?"),
    Stance.BOOK: ("What are you looking for?", "Who wrote it, do you think?", "Shall I begin at the end?"),
}
"""A question that suits only this topic."""

KIND_QUESTIONS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.ACTION: (
        "What are you doing there?",
        "Need a hand?",
        "Is that wise?",
        "What did you find?",
        "Shall I come along?",
        "Have you done that before?",
        "Who taught you that?",
        "And what comes of it?",
        "Are you certain of that?",
    ),
    Kind.QUESTION: (
        "What makes you ask?",
        "What would you say yourself?",
        "Does it matter so much?",
        "Who wants to know?",
        "Why do you ask me?",
        "What have the others told you?",
        "Would you believe me?",
        "What if I do not know?",
        "What do you hope to hear?",
    ),
    Kind.REACTION: (
        "And what do you make of it?",
        "What is on your mind?",
        "Is that all?",
        "Shall we go on?",
        "What next?",
        "Is that a good sign?",
        "What are you thinking?",
        "Do you mean that?",
        "Where does that leave us?",
    ),
    Kind.REMARK: (
        "How do you know?",
        "And what then?",
        "What do you want to do about it?",
        "Who else knows?",
        "Since when?",
        "Are you sure?",
        "Why tell me?",
        "What follows from that?",
        "Did you see it yourself?",
    ),
}
"""A question that suits what the message does."""

QUESTIONS: Final = (
    "What do you think, {user}?",
    "What would you do?",
    "Where do we begin?",
    "What are we waiting for?",
    "Whom can we ask?",
    "What do you need from me?",
    "Will you stay a while?",
    "What have we missed?",
    "What is your part in this?",
    "Do you trust me, {user}?",
    "Where would you look first?",
    "What worries you most?",
)
"""A question that suits anything."""

GESTURES: Final = (
    "*{name} looks up.*",
    "*{name} tilts {their} head.*",
    "*{name} takes a slow breath.*",
    "*{name} glances at {user}.*",
    "*{name} folds {their} hands.*",
    "*{name} leans a little closer.*",
    "*{name} almost smiles.*",
    "*{name} looks away for a moment.*",
    "*{name} rubs {their} chin.*",
    "*{name} raises {their} eyebrows.*",
    "*{name} nods to {themself}.*",
    "*{name} lowers {their} voice.*",
    "*{name} shifts {their} weight.*",
    "*{name} turns {their} head.*",
    "*{name} pauses.*",
)
INTERJECTIONS: Final = frozenset({"ah", "aye", "ha", "hm", "hmm", "indeed", "oh", "perhaps", "quite", "so", "well"})
"""An example's first sentence that consists of these can open any line, in the character's own style."""
LAST: Final = "What now?"
"""The line if every other one was said a moment ago: somebody always answers."""
