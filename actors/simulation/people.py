"""The people of one channel: they open a scene, talk, change what they said, and end it.

They know nothing of faults: where nobody answers, they wait a while and go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from actors.roleplay.model import TurnOrder
from actors.simulation.discord import Discord, Shown
from actors.simulation.faults import PEOPLE, Faults
from actors.simulation.model import Speech

NAMES: Final = ("Robin", "Kim", "Ada (not the character)", "Łukasz")
STEP_S: Final = 1.5
PATIENCE_S: Final = 60.0
ASIDES: Final = ("((brb))", "\\not part of it", "!unknown", "!status", "!history 3", "!cast")
FLOOD: Final = 12
CHANGES_SHARE: Final = 0.35
"""Of the probability of a fault: how often somebody does something beside playing."""


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
        self._began = 0  # the message that opened the scene: nobody rewrites older ones
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
        self._began = self.channel.newest_id
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
            self._say(self._random.choice(ASIDES))
        if change is not None:
            await anyio.sleep(4 * self._random.random())
            self._change(change)
        expected = 1 if self._habits.order is TurnOrder.LIST else len(self._habits.cast)
        await self._patiently(lambda: self._ours() >= before + expected)

    async def _patiently(self, happened: Callable[[], bool]) -> None:
        for _ in range(int(PATIENCE_S / STEP_S)):
            await anyio.sleep(STEP_S)
            if happened() or self.channel.is_gone:
                return

    def _change(self, kind: str) -> None:
        """Somebody edits or deletes one of the last lines."""
        is_line = kind.endswith("_line")
        scene = [shown for shown in self.channel.shown.values() if shown.message.id > self._began]
        lately = [shown for shown in scene[-6:] if _is_line(shown) is is_line]
        lately = [shown for shown in lately if is_line or not shown.message.is_ours]
        candidates = [shown for shown in lately if shown.deleted_by is None and not shown.message.text.startswith("!")]
        if kind == "edits_line":  # nobody can change a line that we do not know of ourselves
            candidates = [shown for shown in candidates if self._is_committed(shown.message.id)]
        if not candidates:
            return
        chosen = self._random.choice(candidates)
        if kind.startswith("edits"):
            self._discord.edit(
                self.channel, chosen.message.id, f"{chosen.message.text} Edited {self._speech.sentence(2)}"
            )
        else:
            self._discord.delete(self.channel, chosen.message.id, "people")

    def _say(self, text: str) -> None:
        user = self._random.randrange(self._habits.users)
        if not self.channel.is_gone:
            self._discord.say(self.channel, 500 + user, NAMES[user], text)

    def _ours(self) -> int:
        return self.channel.ours


def _is_line(shown: Shown) -> bool:
    return shown.message.webhook_id is not None or shown.message.is_embed
