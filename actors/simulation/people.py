"""The people of one channel: they open a scene, talk, change what they said, and end it.

They know nothing of faults: where nobody answers, they wait a while and go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from actors.roleplay.command_words import command_of
from actors.roleplay.history import is_aside, is_line
from actors.roleplay.model import TurnOrder
from actors.simulation.channels import Shown
from actors.simulation.discord import Discord
from actors.simulation.faults import PEOPLE, RETRIES, Faults
from actors.simulation.hearing import PREFIX
from actors.simulation.model import Speech

NAMES: Final = ("Robin", "Kim", "Ada (not the character)", "Łukasz")
STEP_S: Final = 1.5
PATIENCE_S: Final = 60.0
ASIDES: Final = ("((brb))", "\\not part of it", "!strat", "!status", "!history 3", "!cast")
GESTURES: Final = ("!!! Look out!", "\\o/", "((brb)) *walks in*")
"""What looks like a command or an aside, and is played."""
FLOOD: Final = 12
CHANGES_SHARE: Final = 0.35
"""Of the probability of a fault: how often somebody does something beside playing."""

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
"""Whose messages are changed; only the bot can edit its notices."""

RETRIES_SHARE: Final = 1.5
"""Of it as well: how often somebody wants a failed line again, after each turn that shows one."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a world's people play."""

    cast: tuple[str, ...]
    order: TurnOrder
    users: int
    turns_max: int


class People:
    """All who write in one channel after another; a new channel is opened where the old one is deleted."""

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
            self._say(self._speech.sentence())
            await anyio.sleep(STEP_S * self._random.random())
        if self._random.random() < 0.05:
            self._say(self._random.choice((*ASIDES, *GESTURES)))
        if change is not None and change in CHANGED:
            await anyio.sleep(4 * self._random.random())
            self._change(change)
        if change == "pauses":
            await self._pause()
        expected = 1 if self._habits.order is TurnOrder.LIST else len(self._habits.cast)
        await self._patiently(lambda: self._ours() >= before + expected)
        self._ask_again()

    async def _pause(self) -> None:
        """Somebody pauses the scene amid a turn, talks on, and lets it go on; or nobody does, until it ends."""
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
        """Somebody has seen that a line failed, now or a while ago."""
        failed = [shown for shown in self.channel.shown.values() if shown.buttons and shown.deleted_by is None]
        if not failed or self.channel.is_gone:
            return
        kind = self._faults.pick(f"people {self._number} ask again", RETRIES, share=RETRIES_SHARE)
        if kind == "asks_again":
            self._say("!retry")
        elif kind is not None:
            chosen = self._random.choice(failed[-3:])
            for user in range(2 if kind == "presses_twice" else 1):
                self._discord.press(self.channel, chosen, chosen.buttons[0], 500 + user)

    def _change(self, kind: str) -> None:
        """Somebody edits or deletes one of the last messages, of this scene or of the one before."""
        lately = list(self.channel.shown.values())[-LATELY:]
        candidates = [shown for shown in lately if shown.deleted_by is None and _whose(shown) == CHANGED[kind]]
        candidates = [shown for shown in candidates if command_of(shown.message.text, PREFIX) is None]
        if kind == "edits_line":  # nobody can change a line that we do not know of ourselves
            candidates = [shown for shown in candidates if self._is_committed(shown.message.id)]
        if not candidates:
            return
        chosen = self._random.choice(candidates)
        if kind.startswith("edits"):
            self._discord.edit(self.channel, chosen.message.id, self._edited(kind, chosen.message.text))
        else:
            self._discord.delete(self.channel, chosen.message.id, "people")

    def _edited(self, kind: str, text: str) -> str:
        said = self._speech.sentence(2)
        return {"edits_aside": said, "edits_into_aside": f"(({said}))"}.get(kind, f"{text} Edited {said}")

    def _say(self, text: str) -> None:
        user = self._random.randrange(self._habits.users)
        if not (self.channel.is_gone or self.channel.is_closed):
            self._discord.say(self.channel, 500 + user, NAMES[user], text)

    def _ours(self) -> int:
        return self.channel.ours


def _whose(shown: Shown) -> str:
    message = shown.message
    if is_line(message):
        return "line"
    if message.is_ours:
        return "notice"
    return "aside" if is_aside(message.text) else "people's"
