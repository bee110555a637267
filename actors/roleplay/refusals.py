"""Recognises texts in which a model declines, and tells them from a character's own refusal.

"I can't help with that request."          the assistant speaks
"I can't continue this conversation, Robin. Not here."          the character speaks
"I am an AI, captain."          the assistant, but for a card that says that its character is one
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_CANNOT: Final = r"(?:can(?:no|')t|can not|won't|will not|am unable to|am not able to|'m unable to|'m not able to)"
_SORRY: Final = r"(?:(?:i'm|i am|we're)(?: \w+)? sorry|sorry|i apologi[sz]e|apologies|unfortunately)[,.]? (?:but )?"
_DO: Final = (
    r"(?:fulfil|accommodate|complete|process|respond|continue|create|generate|write|produce|provide|engage|participate"
    r"|role-?play|assist|help)"
)
# What an assistant cannot do and what it calls it. "I'm sorry, but I can't leave the lamp" is a line.
_TASK: Final = (
    r"(?:(?:help|assist)(?: you)? with (?:that|this|your|the request)|assist\b|comply with"
    rf"|{_DO}[^.!?]{{0,60}}\b(?:request|content|role-?play|prompt|material|scenario)s?\b)"
)
# People end conversations as well; only an apology before it makes it an assistant's.
_TALK: Final = rf"{_DO}[^.!?,]{{0,60}}\b(?:conversation|discussion|chat)\b"
_REFUSAL: Final = re.compile(
    rf"[\s*_\"“(\[]*(?:(?:{_SORRY})?i ?{_CANNOT} {_TASK}|{_SORRY}i ?{_CANNOT} {_TALK})", re.IGNORECASE
)
_MODEL: Final = r"(?:a\.?i\.?|artificial intelligence|(?:ai |large )?language model|ai (?:assistant|model))"
_AS_AN_AI: Final = re.compile(rf"\b(?:as|i'm|i am)(?: just| only)? an? {_MODEL}(?!\w)", re.IGNORECASE)
_LANGUAGE_MODEL: Final = re.compile(
    r"\b(?:as|i'm|i am)(?: just| only)? an? (?:ai |large )?language model\b", re.IGNORECASE
)
_AI_DECLINES: Final = re.compile(
    rf"\b(?:as|i'm|i am)(?: just| only)? an? {_MODEL}\b[^.!?]{{0,80}}?\bi ?{_CANNOT} {_TASK}", re.IGNORECASE
)
_WITHIN: Final = 200  # characters: a refusal begins with it; later it may be a story's own machine

_MACHINE: Final = re.compile(
    r"\b(?:artificial(?:ly)?[ -]intelligen\w+|artificial (?:being|mind|person|life)|robots?|androids?"
    r"|automat(?:on|a|ons)|cyborgs?|synthetic (?:being|human|life|person|mind)|supercomputers?|mainframe|holograms?"
    r"|chat-?bots?|replicants?|(?:ship|station|onboard|central|main|house|city)(?:'s|’s)? ?computer"
    r"|computer (?:mind|program|system)|synths?"
    r"|machine (?:mind|intelligence)|virtual assistant)\b|人工知能|人工智能|인공지능|ロボット|机器人",
    re.IGNORECASE,
)
_ABBREVIATED: Final = re.compile(r"\b(?:AIs?|A\.I\.|KI|IA|ИИ)(?!\w)")  # "Ai" is a name, and "ki" a force
"""Words of a card for a character that may call itself an AI."""


def is_machine(texts: Iterable[str]) -> bool:
    """Whether a card's texts describe a character that may call itself an AI."""
    return any(_MACHINE.search(text) or _ABBREVIATED.search(text) for text in texts)


def is_refusal(text: str, *, of_machine: bool = False) -> bool:
    """Whether the model itself speaks in `text`, and not its character."""
    plain = text.replace("’", "'")
    if _REFUSAL.match(plain):
        return True
    begins = plain[:_WITHIN]
    if of_machine:
        return bool(_AI_DECLINES.search(begins) or _LANGUAGE_MODEL.search(begins))
    return bool(_AS_AN_AI.search(begins))
