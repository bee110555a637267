"""The typing indicator: Discord shows that somebody writes, while anything is tried for a line.

    response ─► Sign.on, Sign.off ─► TypingIndicator.run ─► Channel.typing, every 8 s

It is an actor of its own, so that a request for it which hangs or crashes holds no line up.

Failure modes: a crash ends the signs until the supervisor starts it again, which then shows those that are still on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import anyio

from actors.ports import Channel
from actors.supervisor import concerning

EVERY_S: Final = 8.0
"""Discord shows "is typing" for about ten seconds (Discord's reference, "Trigger Typing Indicator")."""

SEND_LEAD_S: Final = 2.0
"""A send mostly takes less. Nobody can take a sign back: one that overtook the line would stay for ten seconds."""

LONG_WAIT_S: Final = 30.0
"""Longer waits are holds, of which the channel gets a notice; up to this a rate limit is waited out as a try."""


@dataclass(eq=False, slots=True)
class Showing:
    """One stretch of time in which a channel shows the sign, from `after_s` on."""

    channel_id: int
    after_s: float
    scope: anyio.CancelScope | None = None  # of the task that renews it


class TypingIndicator:
    """Renews what is shown. `run` does the work; `show` and `hide` never wait."""

    def __init__(self) -> None:
        self._shown: set[Showing] = set()
        self._added: list[Showing] = []
        self._rung = anyio.Event()

    def show(self, channel_id: int, *, after_s: float) -> Showing:
        showing = Showing(channel_id, after_s)
        self._shown.add(showing)
        self._added.append(showing)
        self._rung.set()
        return showing

    def hide(self, showing: Showing) -> None:
        """Renew it no longer; the last sign fades by itself."""
        self._shown.discard(showing)
        if showing.scope is not None:
            showing.scope.cancel()

    async def run(self, channel: Channel) -> None:
        """Renew for ever what is shown."""
        self._added = list(self._shown)
        async with anyio.create_task_group() as group:
            while True:
                self._rung = anyio.Event()
                added, self._added = self._added, []
                for showing in added:
                    if showing in self._shown:
                        group.start_soon(self._renew, channel, showing)
                await self._rung.wait()

    async def _renew(self, channel: Channel, showing: Showing) -> None:
        with anyio.CancelScope() as showing.scope, concerning(f"channel {showing.channel_id}"):
            if showing not in self._shown:
                return  # hidden before this task began
            await anyio.sleep(showing.after_s)
            while True:
                with anyio.move_on_after(EVERY_S):
                    await channel.typing(showing.channel_id)
                    await anyio.sleep_forever()


class Sign:
    """The indicator as one response sees it: on or off."""

    def __init__(self, indicator: TypingIndicator, channel_id: int) -> None:
        self._indicator = indicator
        self._channel_id = channel_id
        self._showing: Showing | None = None

    def on(self, *, after_s: float = 0.0) -> None:
        """Show it from `after_s` on, unless it is on."""
        if self._showing is None:
            self._showing = self._indicator.show(self._channel_id, after_s=after_s)

    def off(self) -> None:
        if self._showing is not None:
            self._indicator.hide(self._showing)
            self._showing = None
