"""Watches the waits of a rehearsal: reports a long one, and gives up after its limit.

step ─► … ─► STILL_S: report ─► … ─► limit: give up
  ▲                │
  └── next step ◄──┘
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

STEP_S_MAX: Final = 120.0
"""Limit of one step without a longer one of its own; without faults a step takes a second or two."""

STILL_S: Final = 10.0
"""After this long, print what the rehearsal waits for."""

LOOK_S: Final = 0.25


@dataclass(slots=True)
class Waiting:
    """The current step of a rehearsal. `given_up` names the step that took too long; empty if none did."""

    tell: Callable[[str], None]
    step_s_max: float = STEP_S_MAX
    given_up: str = ""
    _what: str = "the bot to be ready"
    _s_max: float = field(init=False)
    _since: float = field(init=False)
    _is_told: bool = False

    def __post_init__(self) -> None:
        self.step(self._what)

    def step(self, what: str, *, s_max: float = 0.0) -> None:
        """Begin to wait for `what`, for at most `step_s_max` seconds, or `s_max` if that is more."""
        self._what, self._s_max = what, max(s_max, self.step_s_max)
        self._since, self._is_told = anyio.current_time(), False

    async def until(self, over: anyio.Event) -> None:
        """Return when `over` is set, or a step takes too long."""
        while not over.is_set():
            waited_s = anyio.current_time() - self._since
            if waited_s >= self._s_max:
                self.given_up = f"waited {self._s_max:g} s for {self._what}, and gave up"
                return
            if waited_s >= STILL_S and not self._is_told:
                self._is_told = True
                self.tell(f"Still waiting for {self._what} …")
            with anyio.move_on_after(LOOK_S):
                await over.wait()
