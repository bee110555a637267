"""What the bot needs of Discord: one table, which everybody reads; and what a refusal says is missing."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from actors.adapters.discord import Endpoints, Finding, examine
from actors.adapters.discord.needs import NEEDED, NEEDS, WANTED, WORDS, Act, intents, invitation, lacking, needed_for
from actors.playground import PlaygroundServer
from actors.playground.dispatch import IN_DM, IN_GUILD, Intent
from actors.playground.permissions import BOT, Permission
from actors.ports import Refused, ShardReady
from actors.roleplay.model import Outbound, OutboundKind

from .rest import Rest
from .test_gateway import bot_for, running
from .test_gateway_start import until
from .test_voice import channel_id, character, line

README = Path(__file__).parents[3] / "README.md"
HEARD = ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE")


# ── the table ───────────────────────────────────────────────────────────────────────────────────────


def test_b26_the_playground_knows_every_permission_of_the_table_by_the_same_bit() -> None:
    for name in (*NEEDED, *WANTED):
        assert discord.Permissions(**{name: True}).value == Permission[name.upper()]
        assert Permission[name.upper()] in BOT
    assert (*NEEDED, *WANTED) == tuple(WORDS)


def test_b26_the_intents_of_the_table_are_those_of_the_connection_and_enough_for_what_is_heard() -> None:
    asked = Intent(intents().value)
    assert intents().value == sum(discord.Intents(**{name: True}).value for need in NEEDS for name in need.intents)
    assert all(IN_GUILD[event] in asked and IN_DM[event] in asked for event in HEARD)
    assert IN_GUILD["WEBHOOKS_UPDATE"] in asked
    assert Intent.GUILDS in asked
    assert Intent.MESSAGE_CONTENT in asked


def test_b26_the_invitation_and_the_readme_ask_for_every_permission_of_the_table() -> None:
    asked = discord.Permissions(**dict.fromkeys((*NEEDED, *WANTED), True)).value
    assert f"permissions={asked}" in invitation(1)
    words = " ".join(README.read_text(encoding="utf-8").split())
    assert [word for word in WORDS.values() if word.replace("View Channel", "View Channels") not in words] == []


@pytest.mark.parametrize(
    ("act", "in_thread", "last"),
    [
        (Act.READ, False, "read_message_history"),
        (Act.WRITE, False, "send_messages"),
        (Act.WRITE, True, "send_messages_in_threads"),
        (Act.EMBED, True, "embed_links"),
        (Act.DELETE, True, "manage_messages"),
        (Act.MAKE_WEBHOOK, False, "manage_webhooks"),
    ],
)
def test_b26_where_no_cache_knows_better_the_act_and_the_code_say_what_lacks(
    act: Act, in_thread: bool, last: str
) -> None:
    assert needed_for(act, in_thread=in_thread)[-1] == last
    assert lacking(act, None, 50013, in_thread=in_thread).endswith(WORDS[last])
    assert lacking(act, None, 50001, in_thread=in_thread) == "View Channel"
    held = discord.Permissions(**dict.fromkeys(needed_for(act, in_thread=in_thread), True))
    held.update(**{last: False})
    assert lacking(act, held, 50013, in_thread=in_thread) == WORDS[last]
    assert "two-factor" in lacking(act, held, 60003, in_thread=in_thread)


def test_b26_in_a_thread_send_messages_is_not_what_lacks() -> None:
    held = discord.Permissions(view_channel=True, send_messages=True, embed_links=True)
    assert lacking(Act.EMBED, held, 50013, in_thread=True) == "Send Messages in Threads"


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────


async def needs_of(rest: Rest, playground: PlaygroundServer, act: Act, place: int) -> str:
    """What a refusal of `act` there says that the bot lacks."""
    match act:
        case Act.READ:
            outcome: object = await rest.channel.messages(place, after=0)
        case Act.WRITE:
            outcome = await rest.voice.send(Outbound(OutboundKind.TEXT, place, "", "It failed.", "n1"))
        case Act.EMBED:
            outcome = await rest.voice.send(line(place, "Hello."))
        case _:
            said = playground.say(place, "Robin", "Mine.")
            outcome = await rest.channel.delete(place, said.id, None)
    assert isinstance(outcome, Refused)
    assert outcome.needs in outcome.words
    return outcome.needs


@pytest.mark.parametrize("place", ["tavern", "cellar"])
@pytest.mark.parametrize(
    ("act", "permission"),
    [
        (Act.READ, "VIEW_CHANNEL"),
        (Act.WRITE, None),
        (Act.WRITE, "VIEW_CHANNEL"),
        (Act.EMBED, None),
        (Act.EMBED, "EMBED_LINKS"),
        (Act.DELETE, "MANAGE_MESSAGES"),
    ],
)
async def test_b26_a_refusal_names_the_permission_that_lacks_in_this_place(
    local: Rest, playground: PlaygroundServer, act: Act, permission: str | None, place: str
) -> None:
    playground.add_thread("tavern", "cellar", "Robin")
    taken = permission or ("SEND_MESSAGES_IN_THREADS" if place == "cellar" else "SEND_MESSAGES")
    playground.permit(taken, False, channel="tavern")
    needs = await needs_of(local, playground, act, channel_id(playground, place))
    if act is Act.EMBED:  # no cache knows it here, and Discord's code is the same for both
        write = "Send Messages in Threads" if place == "cellar" else "Send Messages"
        assert needs == f"{write}, Embed Links"
    else:
        assert needs == WORDS[taken.lower()]


async def test_b26_what_the_gateway_told_names_the_permission_where_the_code_cannot(
    playground: PlaygroundServer,
) -> None:
    bot = bot_for(playground)
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    async with running(bot):
        await bot.next(ShardReady)
        playground.permit("SEND_MESSAGES_IN_THREADS", False)
        places = bot.adapter._places
        place = await places.met(thread)
        assert place is not None
        await until(lambda: places.may(Act.WRITE, place) is False)
        refused = await bot.adapter.voice.send(line(thread, "Hello."))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.needs) == ("forbidden", "Send Messages in Threads")


# ── the doctor ──────────────────────────────────────────────────────────────────────────────────────


async def looked(playground: PlaygroundServer, **scenes: int | None) -> dict[str, Finding]:
    endpoints = Endpoints(playground.api_url, playground.gateway_url)
    found = await examine(
        playground.token,
        endpoints=endpoints,
        scenes={int(name.removeprefix("c")): guild_id for name, guild_id in scenes.items()},
        guild_ready_timeout_s=0.05,
    )
    return {each.subject: each for each in found}


async def test_b26_the_doctor_names_the_permission_that_a_channels_threads_lack(playground: PlaygroundServer) -> None:
    playground.permit("SEND_MESSAGES_IN_THREADS", False, channel="tavern")
    found = (await looked(playground))["#tavern in Playground"]
    assert (found.is_fine, found.words) == (False, "lacks Send Messages in Threads")
    assert found.mend


async def test_b26_the_doctor_looks_where_scenes_are_open(playground: PlaygroundServer) -> None:
    guild, tavern = playground.discord.guild.id, channel_id(playground)
    fine, closed, gone = (playground.add_thread("station", name, "Robin") for name in ("platform", "tunnel", "x"))
    muted = playground.add_thread("tavern", "cellar", "Robin")
    playground.permit("SEND_MESSAGES_IN_THREADS", False, channel="tavern")
    playground.close_thread("tunnel")
    playground.delete_channel("x")
    places = {f"c{each.id}": guild for each in (fine, muted, closed, gone)}
    found = await looked(playground, **places, **{f"c{tavern}": guild, "c77": 78})
    assert {subject: (each.is_fine, each.words) for subject, each in found.items() if "scene" in subject} == {
        "scene in #cellar in Playground": (False, "lacks Send Messages in Threads"),
        "scene in #tunnel in Playground": (True, "the thread is closed"),
        f"scene in {gone.id}": (True, "its channel is gone"),
        "scene in 77": (True, "the bot was removed from its server"),
        "scenes": (True, "2 open ones can continue"),
    }


async def test_b25_the_doctor_says_that_a_scenes_server_is_unavailable(playground: PlaygroundServer) -> None:
    guild = playground.discord.guild.id
    playground.discord.set_outage(True)
    found = await looked(playground, **{f"c{channel_id(playground)}": guild})
    assert found[f"server {guild}"].is_fine
    assert found[f"scene in {channel_id(playground)}"].words == found[f"server {guild}"].words


async def test_b26_the_fallback_to_embeds_names_the_permission_in_the_log(
    local: Rest, playground: PlaygroundServer, caplog: pytest.LogCaptureFixture
) -> None:
    playground.permit("MANAGE_WEBHOOKS", False)
    tavern = channel_id(playground)
    for _ in range(2):
        assert await local.voice.prepare(tavern, character("Mira")) == (OutboundKind.EMBED, None)
    said = [record.getMessage() for record in caplog.records if "embeds" in record.getMessage()]
    assert said == [f"lines in channel {tavern} go as embeds: give the bot the permission Manage Webhooks"]
