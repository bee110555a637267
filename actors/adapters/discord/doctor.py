"""Whether Discord is set up for the bot: token, intent, permissions; each finding with its mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import anyio
import discord

from actors.adapters.discord.client import GatewayClient, GatewayLost, IdentifyTurns, IntentsMissing, WrongToken
from actors.adapters.discord.endpoints import DISCORD, Endpoints
from actors.adapters.discord.guard import Stopped
from actors.adapters.discord.inbound import Ourselves
from actors.ports import GatewayEvent, ShardReady

EXAMINE_TIMEOUT_S: Final = 30.0
NEEDED: Final = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "read_message_history": "Read Message History",
    "embed_links": "Embed Links",
}
WANTED: Final = {
    "manage_webhooks": "Manage Webhooks",  # without it, lines go as embeds
    "manage_messages": "Manage Messages",  # without it, lines of lost webhooks cannot be taken back
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `mend` is empty where there is nothing to do. `is_fine` allows for what is optional."""

    subject: str
    is_fine: bool
    words: str
    mend: str = ""


async def examine(
    token: str,
    *,
    endpoints: Endpoints = DISCORD,
    guild_ready_timeout_s: float = 2.0,
) -> tuple[Finding, ...]:
    """Connect once, look, and leave: token and intent first, then every text channel that is not in order."""
    endpoints.apply()
    ready = anyio.Event()

    def sink(event: GatewayEvent) -> None:
        if isinstance(event, ShardReady):
            ready.set()

    client = GatewayClient(
        shard_id=0,
        shard_count=1,
        sink=sink,
        ourselves=Ourselves(),
        on_login=lambda _: None,
        turns=IdentifyTurns(),
        asks_for_gateway=endpoints.asks_for_gateway,
        guild_ready_timeout_s=guild_ready_timeout_s,
    )
    findings: list[Finding] = []

    async def connect() -> None:
        findings.extend(await _connection(client, token))
        ready.set()

    with anyio.move_on_after(EXAMINE_TIMEOUT_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connect)
            await ready.wait()
            findings += [] if findings else _standing(client)
            tasks.cancel_scope.cancel()
    return tuple(findings) or (_unreachable("no answer"),)


async def _connection(client: GatewayClient, token: str) -> list[Finding]:
    """Why there is no connection: returns only when it has failed."""
    try:
        await client.run_once(token)
    except WrongToken as error:
        return [Finding("token", False, "refused", str(error))]
    except IntentsMissing as error:
        return [Finding("token", True, "valid"), Finding("intent", False, "missing", str(error))]
    except GatewayLost as error:
        return [_unreachable(str(error))]
    except (Stopped, discord.DiscordException, OSError) as error:
        return [_unreachable(type(error).__name__)]  # its words may be the server's
    return [_unreachable("the connection was closed")]


def _unreachable(words: str) -> Finding:
    return Finding("connection", False, words, "look at the network, DISCORD_API_URL and DISCORD_GATEWAY_URL")


def _standing(client: GatewayClient) -> list[Finding]:
    findings = [Finding("token", True, f"valid: {client.user}"), Finding("intent", True, "Message Content granted")]
    if not client.guilds:
        findings.append(Finding("servers", False, "the bot is in no server", f"invite it: {_invitation(client)}"))
    for guild in client.guilds:
        findings += [found for channel in guild.text_channels for found in _permissions(channel)]
    return findings


def _permissions(channel: discord.TextChannel) -> list[Finding]:
    held = channel.permissions_for(channel.guild.me)
    subject = f"#{channel.name} in {channel.guild.name}"
    lacking = [words for name, words in NEEDED.items() if not getattr(held, name)]
    unmet = [words for name, words in WANTED.items() if not getattr(held, name)]
    mend = "grant it to the bot's role, in the server's or the channel's settings"
    if lacking:
        return [Finding(subject, False, f"lacks {', '.join(lacking)}", mend)]
    if unmet:
        return [Finding(subject, True, f"lacks {', '.join(unmet)} (optional)", mend)]
    return [Finding(subject, True, "all permissions")]


def _invitation(client: discord.Client) -> str:
    names = (*NEEDED, *WANTED)
    permissions = discord.Permissions(**dict.fromkeys(names, True))
    return discord.utils.oauth_url(client.application_id or 0, permissions=permissions)
