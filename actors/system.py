"""The actor system of one process: the actors wired to each other, over whatever world they are given.

    events ─► gateway ─► store ◄─ sessions ◄─ engine          outbox ◄─ store

Failure modes: the supervisor contains each actor and starts it again; what it names as fatal passes through.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from anyio.abc import TaskGroup

from actors.commands import Commands
from actors.gateway import Gateway
from actors.outbox import Outbox
from actors.ports import Engine
from actors.reaper import Reaper
from actors.roleplay.model import SessionId
from actors.session import Sessions
from actors.supervisor import Supervisor
from actors.world import World

LOOK_AHEAD_S: Final = 2.0
"""As far apart as an engine's sweeps may be: what falls due before the next one is taken up by this one."""


class ActorSystem:
    """All actors of a process. `gateway.offer` takes Discord's events once `start` has returned."""

    def __init__(self, world: World, *, engine: Engine, supervisor: Supervisor) -> None:
        self.world = world
        self._engine = engine
        self._supervisor = supervisor
        self._reaper = Reaper(world)
        self.sessions = Sessions(world, self._reaper)
        self.gateway = Gateway(
            world,
            engine=engine,
            reaper=self._reaper,
            commands=Commands(world),
            supervisor=supervisor,
            nudge=self.sessions.nudge,
        )

    async def start(self, group: TaskGroup, *, listening: TaskGroup | None = None) -> None:
        """Run the actors in `group` until it is cancelled; work begins when Discord was reached.

        The gateway runs in `listening`, where that is given: what people write then still enters the inbox while the
        others finish what they have on the wire.
        """
        await (listening or group).start(self.gateway.run)
        group.start_soon(self._work_once_reached, group)
        if self.world.breakers.watch is not None:  # at once: it says why Discord cannot be reached, if so
            watch = self.world.breakers.watch.run
            group.start_soon(self._supervisor.keep_running, "The watch of Discord's status page", watch)

    async def _work_once_reached(self, group: TaskGroup) -> None:
        # Before that every try would fail without having been on the wire, and still count as one.
        await self.gateway.reached.wait()
        keep = self._supervisor.keep_running
        group.start_soon(keep, "The engine", partial(self._engine.run, self._drain, self._pending))
        group.start_soon(keep, "The outbox", Outbox(self.world).run)
        group.start_soon(keep, "The typing indicator", partial(self.world.typing.run, self.world.channel))

    async def _drain(self, session_id: SessionId) -> None:
        await self._supervisor.contain("A session", partial(self.sessions.drain, session_id), session_id=session_id)

    async def _pending(self) -> Sequence[SessionId]:
        """What the sweep finds; a sweep that fails must not end the drains that run."""
        found: list[SessionId] = []

        async def look() -> None:
            found.extend(await self.world.store.pending(now=self.world.clock.now() + LOOK_AHEAD_S))

        await self._supervisor.contain("The sweep", look)
        await self._supervisor.contain("The reaper", self._reaper.judge_left)
        return found
