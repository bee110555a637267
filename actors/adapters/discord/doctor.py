"""Checks the bot's setup at Discord: token, intent, permissions; each finding has a hint how to fix it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import anyio
import discord

from actors.adapters.discord.client import GatewayClient, GatewayLost, IdentifyTurns, IntentsMissing, WrongToken
from actors.adapters.discord.endpoints import DISCORD, Endpoints
from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.needs import NEEDED, WANTED, WORDS, in_words, invitation
from actors.adapters.discord.one_attempt import Stopped
from actors.adapters.discord.places import permissions_in
from actors.ports import GatewayEvent, ShardReady

EXAMINE_TIMEOUT_S: Final = 30.0
UNAVAILABLE: Final = "Discord reports it as unavailable at the moment"
ENDS: Final = "the scene ends at the bot's next start"
NO_SCENES: Final[Mapping[int, int | None]] = {}
GRANT: Final = "grant it to the bot's role, in the server's or the channel's settings"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result; `mend` is the hint, empty if there is nothing to do. A missing optional permission is fine."""

    subject: str
    is_fine: bool
    words: str
    mend: str = ""


async def examine(
    token: str,
    *,
    endpoints: Endpoints = DISCORD,
    scenes: Mapping[int, int | None] = NO_SCENES,
    guild_ready_timeout_s: float = 2.0,
) -> tuple[Finding, ...]:
    """Connect once and check token, intent, every text channel with its threads, and the places of open scenes.

    `scenes` maps the channel or thread of each scene to its server, if that is known.
    """
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
            if not findings:
                findings += _standing(client)
                findings += await _scenes(client, scenes)
            tasks.cancel_scope.cancel()
    return tuple(findings) or (_unreachable("no answer"),)


async def _connection(client: GatewayClient, token: str) -> list[Finding]:
    """Explain why the connection failed; returns only then."""
    try:
        await client.run_once(token)
    except WrongToken as error:
        return [Finding("token", False, "refused", str(error))]
    except IntentsMissing as error:
        return [Finding("token", True, "valid"), Finding("intent", False, "missing", str(error))]
    except GatewayLost as error:
        return [_unreachable(str(error))]
    except (Stopped, discord.DiscordException, OSError) as error:
        return [_unreachable(type(error).__name__)]  # its text may come from the server
    return [_unreachable("the connection was closed")]


def _unreachable(words: str) -> Finding:
    return Finding("connection", False, words, "check the network, DISCORD_API_URL and DISCORD_GATEWAY_URL")


def _standing(client: GatewayClient) -> list[Finding]:
    findings = [Finding("token", True, f"valid: {client.user}"), Finding("intent", True, "Message Content granted")]
    if not client.guilds:
        invite = f"invite it: {invitation(client.application_id or 0)}"
        findings.append(Finding("servers", False, "the bot is in no server", invite))
    for guild in client.guilds:
        if guild.unavailable:
            findings.append(Finding(f"server {guild.id}", True, UNAVAILABLE))
        findings += [found for channel in guild.text_channels for found in _permissions(channel)]
    return findings


def _permissions(channel: discord.TextChannel) -> list[Finding]:
    """List the permissions missing in a channel and its threads, which have the channel's permissions."""
    return [_judged(f"#{channel.name} in {channel.guild.name}", permissions_in(channel), (*NEEDED, *WANTED))]


def _judged(subject: str, held: discord.Permissions, wanted: Collection[str]) -> Finding:
    lacks = [name for name in wanted if not getattr(held, name)]
    needed = [name for name in lacks if name in NEEDED]
    if needed:
        return Finding(subject, False, f"lacks {in_words(needed)}", GRANT)
    if lacks:
        return Finding(subject, True, f"lacks {in_words(lacks)} (optional)", GRANT)
    return Finding(subject, True, "all permissions")


async def _scenes(client: discord.Client, scenes: Mapping[int, int | None]) -> list[Finding]:
    """Report each open scene that cannot continue, and the number of the others."""
    found = [await _scene(client, *scene) for scene in scenes.items()]
    troubled = [each for each in found if each.mend or not each.is_fine]
    fine = len(found) - len(troubled)
    return [*troubled, *([Finding("scenes", True, f"{fine} open ones can continue")] if fine else [])]


async def _scene(client: discord.Client, channel_id: int, guild_id: int | None) -> Finding:
    """Check whether the open scene in this channel or thread can continue."""
    subject = f"scene in {channel_id}"
    if guild_id is not None and client.get_guild(guild_id) is None:
        return Finding(subject, True, "the bot was removed from its server", ENDS)
    if guild_id is not None and getattr(client.get_guild(guild_id), "unavailable", False):
        return Finding(subject, True, UNAVAILABLE, "the scene continues automatically")
    try:
        channel = client.get_channel(channel_id) or await client.fetch_channel(channel_id)
    except discord.NotFound:
        return Finding(subject, True, "its channel is gone", ENDS)
    except discord.Forbidden:
        return Finding(subject, False, f"lacks {WORDS['view_channel']}", GRANT)
    except (Stopped, discord.DiscordException, OSError) as error:
        return Finding(subject, False, f"cannot be checked ({type(error).__name__})", "run the check again")
    match channel:
        case discord.Thread():
            return _thread(channel)
        case discord.abc.GuildChannel():
            return _judged(_name_of(channel), permissions_in(channel), _needed_in(is_thread=False))
        case _:
            return Finding(subject, True, "a direct conversation")


def _thread(thread: discord.Thread) -> Finding:
    subject = _name_of(thread)
    if thread.locked:
        return Finding(subject, True, "the thread is closed", "its scene continues when a moderator opens it")
    if thread.parent is None:
        return Finding(subject, False, "the bot cannot see the thread's channel", GRANT)
    return _judged(subject, permissions_in(thread.parent, in_thread=True), _needed_in(is_thread=True))


def _needed_in(*, is_thread: bool) -> tuple[str, ...]:
    """Leave out the send permission that has no effect here: each applies only to threads or only to channels."""
    unused = "send_messages" if is_thread else "send_messages_in_threads"
    return tuple(name for name in (*NEEDED, *WANTED) if name != unused)


def _name_of(channel: discord.abc.GuildChannel | discord.Thread) -> str:
    return f"scene in #{channel.name} in {channel.guild.name}"
