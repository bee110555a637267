"""Decides who may do what: one table of acts and rights, for commands and for buttons.

    act ─► its right ─► the person: everyone · takes part · opener · Manage Messages · operator ─► may, or who may

*Takes part*: wrote a line in this scene, or opened it. A proxied line (a persona's webhook) is no command and presses
no button, so it carries no rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from actors.roleplay.model import Button, SessionId

END_QUESTION_S: Final = 600.0
"""How long the button under the question of a `!end` can be used."""


class Right(StrEnum):
    EVERYONE = "everyone"
    PARTICIPANTS = "participants"  # and whoever has OPENER
    OPENER = "opener"  # or a moderator
    OPERATORS = "operators"


RIGHTS: Final[dict[str, Right]] = {
    "start": Right.EVERYONE,
    "end": Right.OPENER,
    "pause": Right.OPENER,
    "resume": Right.OPENER,
    "turns": Right.OPENER,
    "lore": Right.OPENER,
    "narrate": Right.OPENER,
    "say": Right.PARTICIPANTS,
    "cast": Right.EVERYONE,
    "status": Right.EVERYONE,
    "help": Right.EVERYONE,
    "history": Right.EVERYONE,
    "list": Right.EVERYONE,
    "retry": Right.EVERYONE,
    "missing": Right.EVERYONE,
    "debug": Right.OPERATORS,
}
"""The right that each act needs, by the word of its command. A button has the right of its command."""

WHO: Final = {
    Right.EVERYONE: "Everybody",
    Right.PARTICIPANTS: "Only who wrote or opened this scene, or a moderator (Manage Messages),",
    Right.OPENER: "Only who opened the scene or a moderator (Manage Messages)",
    Right.OPERATORS: "Only the owners of this bot and the developers named in the setting `DEVELOPERS`",
}


@dataclass(frozen=True, slots=True)
class Person:
    """What is known about a person in one scene. `moderates`: has *Manage Messages* in its channel."""

    is_opener: bool = False
    takes_part: bool = False
    moderates: bool = False
    is_operator: bool = False


def may(act: str, person: Person) -> bool:
    """Whether the person may do it. Raises KeyError for an act that is not in the table."""
    return has(RIGHTS[act], person)


def has(right: Right, person: Person) -> bool:
    """Whether the person has this right."""
    match right:
        case Right.EVERYONE:
            return True
        case Right.PARTICIPANTS:
            return person.takes_part or has(Right.OPENER, person)
        case Right.OPENER:
            return person.is_opener or person.moderates
        case Right.OPERATORS:
            return person.is_operator
        case _:
            assert_never(right)


def refusal(act: str) -> str:
    """Return who may do it, for the answer to somebody who may not."""
    return f"🔒 {WHO[RIGHTS[act]]} can do this."


# ── the question of a `!end` ────────────────────────────────────────────────────────────────────────

END: Final = "end:"
"""The prefix of an End button's custom id; the scene and the time until which it works follow."""


def end_question() -> str:
    """Return the answer to a `!end` of somebody who may not end the scene; a button stands under it."""
    return (
        f"🔒 {WHO[Right.OPENER]} can end the scene. Whoever may presses the button; it works for "
        f"{END_QUESTION_S / 60:.0f} minutes."
    )


def end_button(session_id: SessionId, asked_at: float) -> Button:
    return Button("End the scene", f"{END}{session_id}:{asked_at + END_QUESTION_S:.0f}")


def scene_to_end(custom_id: str) -> tuple[SessionId, float] | None:
    """Return the scene of an End button, and until when it may be used; None for another button."""
    session_id, _, until = custom_id.removeprefix(END).partition(":")
    is_ours = custom_id.startswith(END) and session_id and until.isdecimal()
    return (session_id, float(until)) if is_ours else None
