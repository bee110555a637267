"""Changes a world from outside: outages, lost connections, revoked permissions, full disks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import anyio

from actors.simulation.channels import ChannelState
from actors.simulation.faults import WEATHER, Faults
from actors.simulation.faulty_discord import FaultyDiscord
from actors.simulation.virtual_time import call_at

EVERY_S: Final = 20.0
"""The mean time between two changes at a fault rate of 100 %."""

OUTAGE_S_MAX: Final = 90.0
GAP_S_MAX: Final = 20.0
REVOKED_S_MAX: Final = 120.0
DISK_FULL_S_MAX: Final = 25.0


class Weather:
    """Changes one world's surroundings until cancelled. `stop` ends the process as SIGTERM does."""

    def __init__(
        self,
        discord: FaultyDiscord,
        faults: Faults,
        now: Callable[[], float],
        stop: Callable[[], None],
        chance: float,
        *,
        has_webhooks: bool,
    ) -> None:
        self._has_webhooks = has_webhooks
        self._discord = discord
        self._faults = faults
        self._now = now
        self._stop = stop
        self._interval_s = EVERY_S / chance if chance else 0.0
        self._random = faults.stream("weather time")

    async def run(self) -> None:
        while self._interval_s:
            await anyio.sleep(self._random.expovariate(1 / self._interval_s))
            self._faults.points += 1
            self._change(self._faults.drawn("weather", WEATHER))

    def clear(self) -> None:
        """Ends every change that is not permanent: outages, a full disk, revoked permissions, closed threads."""
        self._discord.out_until = self._discord.writing_out_until = 0.0
        self._faults.is_disk_full = False
        for channel in self._discord.channels.values():
            channel.may_send = not channel.is_muted
            channel.may_read = channel.may_use_webhooks = True
            self._discord.close_thread(channel, is_closed=False)

    def _change(self, kind: str | None) -> None:
        channel = self._any_channel()
        share = self._random.random()
        if channel is None:
            return  # the only channel was deleted, and its people have not opened the next one yet
        match kind:
            case "outage":
                self._discord.out_until = self._now() + 2 + OUTAGE_S_MAX * share
            case "writing_out":
                self._discord.writing_out_until = self._now() + 2 + OUTAGE_S_MAX * share
            case "gateway_lost" | "gateway_resumed":
                self._discord.lose_gateway(0.5 + GAP_S_MAX * share, resumes=kind == "gateway_resumed")
            case "webhooks_revoked" | "sending_revoked" | "reading_revoked":
                self._revoke(channel, kind, REVOKED_S_MAX * share)
            case "webhook_moved":
                self._discord.move_any_webhook(self._random)
            case "thread_muted" if self._has_webhooks:  # without webhooks no character could speak there
                self._discord.mute(channel)
            case "thread_closed":
                self._discord.close_thread(channel, is_closed=True)
                call_at(
                    self._now() + REVOKED_S_MAX * share, partial(self._discord.close_thread, channel, is_closed=False)
                )
            case "channel_deleted":
                self._discord.delete_channel(channel)
            case "disk_full_for_a_while":
                self._faults.is_disk_full = True
                call_at(self._now() + 1 + DISK_FULL_S_MAX * share, self._empty_disk)
            case "stopped":
                self._stop()
            case _:
                return

    def _any_channel(self) -> ChannelState | None:
        open_channels = [channel for channel in self._discord.channels.values() if not channel.is_gone]
        return self._random.choice(open_channels) if open_channels else None

    def _revoke(self, channel: ChannelState, kind: str, for_s: float) -> None:
        permission = {"webhooks_revoked": "may_use_webhooks", "sending_revoked": "may_send"}.get(kind, "may_read")
        if permission == "may_send" and channel.is_muted:
            return
        setattr(channel, permission, False)
        call_at(self._now() + for_s, partial(self._give_back, channel, permission))

    def _give_back(self, channel: ChannelState, permission: str) -> None:
        setattr(channel, permission, permission != "may_send" or not channel.is_muted)

    def _empty_disk(self) -> None:
        self._faults.is_disk_full = False
