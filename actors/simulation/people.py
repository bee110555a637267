"""Simulates the people of one channel: they open a scene, talk, change their messages, and end the scene.

They do not know of faults: if they get no answer, they wait a while and continue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from actors.ports import PersonTyping
from actors.roleplay.command_words import command_of
from actors.roleplay.history import is_aside, is_line
from actors.roleplay.turns import TurnOrder, order_named, speakers_min
from actors.simulation.channels import Shown
from actors.simulation.discord import Discord
from actors.simulation.faults import PEOPLE, RETRIES, Faults
from actors.simulation.hearing import PREFIX
from actors.simulation.language_model import Speech

NAMES: Final = ("Robin", "Kim", "Ada (not the character)", "Łukasz")
STEP_S: Final = 1.5
PATIENCE_S: Final = 60.0
ASIDES: Final = ("((brb))", "\\not part of it", "!strat", "!status", "!history 3", "!cast")
GESTURES: Final = ("!!! Look out!", "\\o/", "((brb)) *walks in*")
"""Texts that look like a command or an aside, but belong to the play."""
FLOOD: Final = 12
CHANGES_SHARE: Final = 0.35
"""Share of a fault's probability: how often somebody does something besides playing."""

NAMES_SHARE: Final = 0.25
TYPES_SHARE: Final = 0.3
REPLIES_SHARE: Final = 0.15
"""How often a message names a character, is typed visibly, and replies to a line."""

LATELY: Final = 8
CHANGED: Final = {
    "edits": "people's",
    "deletes": "people's",
    "edits_line": "line",
    "edits_aside": "aside",
    "edits_into_aside": "people's",
    "deletes_line": "line",
    "deletes_notice": "notice",
}
"""The kind of message that each change selects; only the bot can edit its notices."""

RETRIES_SHARE: Final = 1.5
"""Share of a fault's probability: how often somebody requests a failed line again, after each turn that shows one."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a world's people play. Raises ValueError for habits that could never get an answer."""

    cast: tuple[str, ...]
    order: TurnOrder
    users: int
    turns_max: int

    def __post_init__(self) -> None:
        order_named(self.order)
        if not speakers_min(self.order, 1):
            raise ValueError(f"in the order `{self.order}` nobody answers by itself: a world would never end")
        if not self.cast or len(set(self.cast)) < len(self.cast):
            raise ValueError(f"a world needs a cast of different names, not {self.cast}")
        if not 1 <= self.users <= len(NAMES):
            raise ValueError(f"a world has 1 to {len(NAMES)} users, not {self.users}: NAMES holds no more")
        if self.turns_max < 1:
            raise ValueError(f"a scene has at least 1 turn, not {self.turns_max}")

    @property
    def speakers_min(self) -> int:
        """How many characters answer each turn at least."""
        return speakers_min(self.order, len(self.cast))


class People:
    """The writers of one channel at a time; they open a new channel if theirs is deleted."""

    def __init__(
        self,
        discord: Discord,
        faults: Faults,
        speech: Speech,
        habits: Habits,
        number: int,
        is_committed: Callable[[int], bool],
    ) -> None:
        self._discord = discord
        self._faults = faults
        self._speech = speech
        self._habits = habits
        self._number = number
        self._is_committed = is_committed
        self._random = faults.stream(f"people {number}")
        self._moves = 0
        self.channel = discord.open_channel(number * 1000)

    async def play(self) -> None:
        """Play scenes until cancelled."""
        await anyio.sleep(5 * self._random.random())
        while True:
            if self.channel.is_gone:
                self._moves += 1
                self.channel = self._discord.open_channel(self._number * 1000 + self._moves)
            await self._scene()

    async def _scene(self) -> None:
        self._say("!end")
        await anyio.sleep(STEP_S)
        answers = self._ours()
        self._say(f"!start {' '.join(self._habits.cast)} --turns {self._habits.order}")
        await self._patiently(lambda: self._ours() > answers)
        for _ in range(self._random.randint(1, self._habits.turns_max)):
            if self.channel.is_gone:
                return
            await self._turn()

    async def _turn(self) -> None:
        before = self._ours()
        change = self._faults.pick(f"people {self._number} do", PEOPLE, share=CHANGES_SHARE)
        for _ in range(FLOOD if change == "floods" else 1 + (self._random.random() < 0.15)):
            await self._type_and_say(self._addressed(self._speech.sentence()))
            await anyio.sleep(STEP_S * self._random.random())
        if self._random.random() < 0.05:
            self._say(self._random.choice((*ASIDES, *GESTURES)))
        if change is not None and change in CHANGED:
            await anyio.sleep(4 * self._random.random())
            self._change(change)
        if change == "pauses":
            await self._pause()
        expected = self._habits.speakers_min
        await self._patiently(lambda: self._ours() >= before + expected)
        self._ask_again()

    async def _pause(self) -> None:
        """Somebody pauses the scene during a turn, keeps talking, and resumes it, or leaves it paused until its end."""
        await anyio.sleep(4 * self._random.random())
        self._say("!pause")
        await anyio.sleep(10 * self._random.random())
        if self._random.random() < 0.5:
            self._say(self._speech.sentence())
        if self._random.random() < 0.9:
            self._say("!resume")

    async def _patiently(self, happened: Callable[[], bool]) -> None:
        with anyio.move_on_after(PATIENCE_S):
            while not (happened() or self.channel.is_gone):
                self.channel.bell.silence()
                await self.channel.bell.wait(PATIENCE_S)
        await anyio.sleep(STEP_S * self._random.random())  # reading it takes a moment

    def _ask_again(self) -> None:
        """Somebody sees a failed line, of now or of a while ago, and may request it again."""
        failed = [shown for shown in self.channel.shown.values() if shown.buttons and shown.deleted_by is None]
        if not failed or self.channel.is_gone:
            return
        kind = self._faults.pick(f"people {self._number} ask again", RETRIES, share=RETRIES_SHARE)
        if kind == "asks_again":
            self._say("!retry")
        elif kind is not None:
            chosen = self._random.choice(failed[-3:])
            for user in range(2 if kind == "presses_twice" else 1):
                self._discord.press_button(self.channel, chosen.message.id, chosen.buttons[0].custom_id, 500 + user)

    def _change(self, kind: str) -> None:
        """Somebody edits or deletes one of the last messages, of this scene or of the one before."""
        lately = list(self.channel.shown.values())[-LATELY:]
        candidates = [shown for shown in lately if shown.deleted_by is None and _whose(shown) == CHANGED[kind]]
        candidates = [shown for shown in candidates if command_of(shown.message.text, PREFIX) is None]
        if kind == "edits_line":  # people change only lines that the bot knows of
            candidates = [shown for shown in candidates if self._is_committed(shown.message.id)]
        if not candidates:
            return
        chosen = self._random.choice(candidates)
        if kind.startswith("edits"):
            self._discord.edit(self.channel, chosen.message.id, self._edited(kind, chosen.message.text))
        else:
            self._discord.remove(self.channel, chosen.message.id, "people")

    def _edited(self, kind: str, text: str) -> str:
        said = self._speech.sentence(2)
        return {"edits_aside": said, "edits_into_aside": f"(({said}))"}.get(kind, f"{text} Edited {said}")

    def _addressed(self, text: str) -> str:
        """Some messages name a character."""
        named = self._random.random() < NAMES_SHARE
        return f"{self._random.choice(self._habits.cast)}, {text}" if named else text

    async def _type_and_say(self, text: str) -> None:
        """Somebody types, maybe for a while, and writes, maybe as a reply to a line."""
        user = self._random.randrange(self._habits.users)
        if self._random.random() < TYPES_SHARE and not self.channel.is_gone:
            self._discord.tell(self.channel, PersonTyping(self.channel.id, 500 + user))
            await anyio.sleep(2 * STEP_S * self._random.random())
        lines = [shown.message.id for shown in list(self.channel.shown.values())[-LATELY:] if _whose(shown) == "line"]
        is_reply = bool(lines) and self._random.random() < REPLIES_SHARE
        self._say(text, user, self._random.choice(lines) if is_reply else None)

    def _say(self, text: str, user: int | None = None, replies_to: int | None = None) -> None:
        user = self._random.randrange(self._habits.users) if user is None else user
        if not (self.channel.is_gone or self.channel.is_closed):
            self._discord.say(self.channel, 500 + user, NAMES[user], text, replies_to=replies_to)

    def _ours(self) -> int:
        return self.channel.ours


def _whose(shown: Shown) -> str:
    message = shown.message
    if is_line(message):
        return "line"
    if message.is_ours:
        return "notice"
    return "aside" if is_aside(message.text) else "people's"
