"""Shows Discord's typing indicator while a response is generated or sent.

    response ─► Sign.on, Sign.off ─► TypingIndicator.run ─► Channel.typing, every 8 s

It is an actor of its own, so that a typing request which hangs or crashes delays no line.

Failure modes: after a crash no sign is shown until the supervisor restarts it; then the signs still on are shown again.
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
"""Delay of the sign during a send; most sends take less. A sign cannot be withdrawn: if it arrived after the line, it
would stay for ten seconds."""

LONG_WAIT_S: Final = 30.0
"""Longer waits are holds, announced by a notice; a shorter rate limit is waited out within the attempt."""


@dataclass(eq=False, slots=True)
class Showing:
    """One period in which a channel shows the sign; it starts after `after_s`."""

    channel_id: int
    after_s: float
    scope: anyio.CancelScope | None = None  # the scope of the task that renews the sign


class TypingIndicator:
    """Renews the signs that are on. `run` does the work; `show` and `hide` never wait."""

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
        """Stop renewing the sign; Discord removes it after about ten seconds."""
        self._shown.discard(showing)
        if showing.scope is not None:
            showing.scope.cancel()

    async def run(self, channel: Channel) -> None:
        """Renew the signs that are on, until cancelled."""
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
                return  # hidden before this task started
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
        """Show the sign after `after_s`, unless it is on already."""
        if self._showing is None:
            self._showing = self._indicator.show(self._channel_id, after_s=after_s)

    def off(self) -> None:
        if self._showing is not None:
            self._indicator.hide(self._showing)
            self._showing = None
