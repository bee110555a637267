"""The adapter's REST half with a client that is only logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal

from actors.adapters.discord.channel import DiscordChannel
from actors.adapters.discord.client import GatewayClient, IdentifyTurns
from actors.adapters.discord.endpoints import Endpoints
from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.interactions import Interactions
from actors.adapters.discord.places import Places
from actors.adapters.discord.voice import DiscordVoice
from actors.adapters.discord.wire import Wire
from tests.patience import PATIENCE_S

from .table import WebhookTable

TRY_TIMEOUT_S = 0.5
"""Long enough for a request to reach its server on a busy machine."""


@dataclass(frozen=True, slots=True)
class Rest:
    voice: DiscordVoice
    channel: DiscordChannel
    interactions: Interactions
    wire: Wire
    table: WebhookTable
    client: GatewayClient


@contextmanager
def hasty(rest: Rest) -> Iterator[None]:
    """A try that begins in here takes TRY_TIMEOUT_S at most."""
    rest.wire._try_timeout_s, patient_s = TRY_TIMEOUT_S, rest.wire._try_timeout_s
    yield
    rest.wire._try_timeout_s = patient_s


class Clock:
    """Wall time that stands still."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def now(self) -> float:
        return self.at


@asynccontextmanager
async def logged_in(
    api_url: str,
    *,
    token: str = "token",
    table: WebhookTable | None = None,
    now: Callable[[], float] | None = None,
    preference: Literal["webhook", "embed"] = "webhook",
) -> AsyncIterator[Rest]:
    """Log in at `api_url`; no gateway is needed for REST."""
    Endpoints(api_url).apply()
    wire = Wire(now=now or Clock().now, try_timeout_s=PATIENCE_S)
    kept = table or WebhookTable()
    ourselves, places, interactions = Ourselves(), Places(wire, kept), Interactions(wire)
    client = GatewayClient(
        shard_id=0,
        shard_count=1,
        sink=lambda event: None,
        ourselves=ourselves,
        interactions=interactions,
        on_login=wire.add,
        turns=IdentifyTurns(),
    )
    async with client:
        await client.login(token)
        voice = DiscordVoice(wire, places, kept, ourselves, preference=preference)
        yield Rest(voice, DiscordChannel(wire, places, kept, ourselves), interactions, wire, kept, client)
