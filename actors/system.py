"""The actor system of one process: creates the actors and connects them, over the given services.

    events ─► gateway ─► store ◄─ sessions ◄─ engine          outbox ◄─ store

Failure modes: the supervisor contains each actor's crashes and starts it again; its `fatal` exceptions pass through.
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
from actors.retention import Retention
from actors.roleplay.model import SessionId
from actors.services import Services
from actors.session import Sessions
from actors.supervisor import Supervisor

LOOK_AHEAD_S: Final = 2.0
"""The longest time between two sweeps of an engine: a sweep also finds the work that is due before the next one."""


class ActorSystem:
    """All actors of a process. `gateway.offer` takes Discord's events once `start` has returned."""

    def __init__(self, services: Services, *, engine: Engine, supervisor: Supervisor) -> None:
        self.services = services
        self._engine = engine
        self._supervisor = supervisor
        self._reaper = Reaper(services)
        self.sessions = Sessions(services, self._reaper, engine)
        self.gateway = Gateway(
            services,
            engine=engine,
            reaper=self._reaper,
            commands=Commands(services),
            supervisor=supervisor,
            nudge=self.sessions.nudge,
        )

    async def start(self, group: TaskGroup, *, listening: TaskGroup | None = None) -> None:
        """Run the actors in `group` until it is cancelled; work begins when Discord was reached.

        If `listening` is given, the gateway runs there: people's messages still enter the inbox while the other actors
        finish their sends in flight.
        """
        await (listening or group).start(self.gateway.run)
        group.start_soon(self._work_once_reached, group)
        if self.services.breakers.watch is not None:  # at once: it may say why Discord cannot be reached
            watch = self.services.breakers.watch.run
            group.start_soon(self._supervisor.keep_running, "The watch of Discord's status page", watch)

    async def _work_once_reached(self, group: TaskGroup) -> None:
        # Earlier, every attempt would fail unsent and still be counted.
        await self.gateway.reached.wait()
        keep = self._supervisor.keep_running
        group.start_soon(keep, "The engine", partial(self._engine.run, self._drain, self._pending))
        group.start_soon(keep, "The outbox", Outbox(self.services).run)
        group.start_soon(keep, "The retention", Retention(self.services).run)
        group.start_soon(keep, "The typing indicator", partial(self.services.typing.run, self.services.channel))

    async def _drain(self, session_id: SessionId) -> None:
        await self._supervisor.contain("A session", partial(self.sessions.drain, session_id), session_id=session_id)

    async def _pending(self) -> Sequence[SessionId]:
        """The sessions with work; a failed sweep must not end the running drains."""
        found: list[SessionId] = []

        async def look() -> None:
            found.extend(await self.services.store.pending(now=self.services.clock.now() + LOOK_AHEAD_S))

        await self._supervisor.contain("The sweep", look)
        await self._supervisor.contain("The reaper", self._reaper.judge_left)
        return found
