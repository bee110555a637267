"""A person has one name: the server's, whether an event or a read says what the person wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import pytest

from actors.adapters.discord.nicknames import AGE_MAX_S, HOLD_S, NAMES_MAX, Nicknames
from actors.playground import PlaygroundServer
from actors.ports import MessageEdited, MessageSeen, ShardReady
from actors.roleplay.model import ChannelMessage
from tests.patience import PATIENCE_S

from .rest import Clock, Rest, hasty, logged_in
from .test_gateway import Bot, bot_for, running

MEMBER = "GET /guilds/{guild}/members/{user}"


def looks(server: PlaygroundServer) -> int:
    """How often somebody's name was asked for."""
    return sum("/members/" in entry.path for entry in server.ledger)


async def named_of(rest: Rest | Bot, server: PlaygroundServer, channel: str = "tavern") -> list[str]:
    """Who said what is read in the channel, as the history would have it."""
    port = rest.adapter.channel if isinstance(rest, Bot) else rest.channel
    read = await port.messages(server.discord.find_channel(channel).id, after=0)
    assert isinstance(read, tuple)
    return [(await port.named(message)).name for message in read]


@pytest.fixture
async def bot(playground: PlaygroundServer) -> AsyncIterator[Bot]:
    bot = bot_for(playground)
    async with running(bot):
        await bot.next(ShardReady)
        yield bot


@pytest.mark.parametrize(
    ("nick", "global_name", "shown"),
    [("Captain", "Bobbin", "Captain"), (None, "Bobbin", "Bobbin"), (None, None, "Robin"), ("Captain", None, "Captain")],
)
async def test_b17_a_person_has_the_same_name_by_the_gateway_and_read_back_over_rest(
    bot: Bot, playground: PlaygroundServer, nick: str | None, global_name: str | None, shown: str
) -> None:
    playground.name_member("Robin", nick, global_name=global_name)
    playground.say("tavern", "Robin", "Hello?")
    seen = await bot.next(MessageSeen)
    assert seen.message.name == shown
    assert seen.message.is_name_shown
    assert await named_of(bot, playground) == [shown]
    assert looks(playground) == 0, "the gateway has said it"


async def test_b17_who_was_never_heard_is_asked_for_once(local: Rest, playground: PlaygroundServer) -> None:
    playground.name_member("Robin", "Captain")
    playground.name_member("Sam", None, global_name="Samwise")
    for person in ("Robin", "Sam", "Robin", "Kim", "Sam", "Robin"):
        playground.say("tavern", person, "Hello?")
    for _ in range(2):
        assert await named_of(local, playground) == ["Captain", "Samwise", "Captain", "Kim", "Samwise", "Captain"]
    assert looks(playground) == 3


async def test_b17_a_nickname_that_changed_is_the_new_one_as_soon_as_anything_says_it(
    bot: Bot, playground: PlaygroundServer
) -> None:
    playground.name_member("Robin", "Captain")
    said = playground.say("tavern", "Robin", "Hello?")
    await bot.next(MessageSeen)
    playground.name_member("Robin", "Admiral")
    playground.edit(said.id, "Hello!")
    edited = await bot.next(MessageEdited)
    assert edited.message.name == "Admiral"
    assert await named_of(bot, playground) == ["Admiral"]
    playground.name_member("Robin", None)
    playground.say("tavern", "Robin", "And now?")
    await bot.next(MessageSeen)
    assert await named_of(bot, playground) == ["Robin", "Robin"]


async def test_b17_a_name_is_asked_for_again_when_it_is_old(playground: PlaygroundServer, clock: Clock) -> None:
    async with logged_in(playground.api_url, token=playground.token, now=clock.now) as rest:
        playground.name_member("Robin", "Captain")
        playground.say("tavern", "Robin", "Hello?")
        assert await named_of(rest, playground) == ["Captain"]
        playground.name_member("Robin", "Admiral")
        clock.at += AGE_MAX_S - 1
        assert await named_of(rest, playground) == ["Captain"]
        clock.at += 1
        assert await named_of(rest, playground) == ["Admiral"]


async def test_b17_who_has_left_has_the_name_of_the_account(local: Rest, playground: PlaygroundServer) -> None:
    playground.name_member("Robin", "Captain", global_name="Bobbin")
    for _ in range(3):
        playground.say("tavern", "Robin", "Goodbye.")
    playground.leave("Robin")
    assert await named_of(local, playground) == ["Bobbin"] * 3
    assert looks(playground) == 1
    playground.name_member("Sam", "The Bold")
    playground.say("tavern", "Sam", "Who was that?")
    assert (await named_of(local, playground))[-1] == "The Bold", "to have left is no failure"


async def test_b17_characters_notices_and_other_bots_are_never_asked_for(
    local: Rest, playground: PlaygroundServer
) -> None:
    tavern = playground.discord.find_channel("tavern")
    theirs = playground.discord.add_webhook(tavern, "Relay", None)
    async with local.client.http._HTTPClient__session.post(  # type: ignore[attr-defined] # somebody else's program
        f"{playground.api_url}/webhooks/{theirs.id}/{theirs.token}", json={"content": "Hello", "username": "Robin"}
    ) as answer:
        assert answer.status == 204
    await local.client.http.send_message(tavern.id, params=_params("A notice."))
    assert await named_of(local, playground) == ["Robin", "Ensemble"]
    assert looks(playground) == 0


def _params(content: str):  # type: ignore[no-untyped-def] # noqa: ANN202 - the library's own
    from discord.http import handle_message_parameters

    return handle_message_parameters(content)


async def test_b17_in_a_direct_conversation_there_is_no_nickname(bot: Bot, playground: PlaygroundServer) -> None:
    playground.name_member("Robin", "Captain", global_name="Bobbin")
    direct = playground.open_dm("Robin")
    playground.say(direct.id, "Robin", "Psst.")
    assert (await bot.next(MessageSeen)).message.name == "Bobbin"
    read = await bot.adapter.channel.messages(direct.id, after=0)
    assert isinstance(read, tuple)
    assert [(await bot.adapter.channel.named(message)).name for message in read] == ["Bobbin"]
    assert looks(playground) == 0


async def test_b17_in_a_thread_a_person_has_the_servers_name(local: Rest, playground: PlaygroundServer) -> None:
    playground.add_thread("tavern", "cellar", "Robin")
    playground.name_member("Robin", "Captain")
    playground.say("cellar", "Robin", "Down here.")
    assert await named_of(local, playground, "cellar") == ["Captain"]


async def test_b17_a_message_of_a_server_that_is_not_there_yet_is_heard_and_named(
    bot: Bot, playground: PlaygroundServer
) -> None:
    """Between READY and GUILD_CREATE."""
    playground.name_member("Robin", "Captain")
    playground.say("tavern", "Robin", "Early.")
    first = (await bot.next(MessageSeen)).message
    robin = {"id": str(first.author_id), "username": "Robin", "discriminator": "0", "avatar": None}
    early = {"id": "77", "channel_id": "8", "guild_id": "9", "type": 0, "content": "Hi", "author": robin}
    rest: dict[str, object] = {
        "timestamp": "2025-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "attachments": [],
        "embeds": [],
    }
    lists = {"mentions": [], "mention_roles": [], "mention_everyone": False, "pinned": False, "tts": False}
    member: dict[str, object] = {
        "nick": "Admiral",
        "roles": [],
        "joined_at": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }
    playground.gateway.dispatch("MESSAGE_CREATE", early | rest | lists | {"member": member})
    seen = (await bot.next(MessageSeen)).message
    assert (seen.id, seen.text, seen.name) == (77, "Hi", "Admiral")


async def test_b17_the_author_of_a_reply_has_it_as_well(bot: Bot, playground: PlaygroundServer) -> None:
    playground.name_member("Robin", "Captain")
    first = playground.say("tavern", "Sam", "Hello?")
    playground.say("tavern", "Robin", "Aye.", reply_to=first.id)
    assert [(await bot.next(MessageSeen)).message.name for _ in range(2)] == ["Sam", "Captain"]
    assert await named_of(bot, playground) == ["Sam", "Captain"]


@pytest.mark.parametrize("fault", ["http_500", "http_403_50001", "http_401", "rate_limit", "silence"])
async def test_b17_where_it_cannot_be_asked_for_the_accounts_name_does_and_nobody_waits_twice(
    playground: PlaygroundServer, clock: Clock, fault: str
) -> None:
    async with logged_in(playground.api_url, token=playground.token, now=clock.now) as rest:
        for person in ("Robin", "Sam", "Kim"):
            playground.name_member(person, f"Captain {person}")
            playground.say("tavern", person, "Hello?")
        playground.next_requests(MEMBER, fault)
        with hasty(rest):
            assert await named_of(rest, playground) == ["Robin", "Sam", "Kim"]
        assert looks(playground) == 1
        clock.at += HOLD_S + 1
        assert await named_of(rest, playground) == ["Captain Robin", "Captain Sam", "Captain Kim"]
        clock.at += AGE_MAX_S
        playground.next_requests(MEMBER, "http_500")
        assert (await named_of(rest, playground))[0] == "Captain Robin", "the last one known"


async def test_b17_names_that_no_database_takes_are_left_without_what_it_refuses(
    local: Rest, playground: PlaygroundServer
) -> None:
    playground.name_member("Robin", "Cap\0tain")
    playground.say("tavern", "Robin", "Hello?")
    assert await named_of(local, playground) == ["Captain"]


async def test_b17_names_are_bounded_and_the_oldest_is_forgotten(local: Rest, playground: PlaygroundServer) -> None:
    names = Nicknames(local.wire)
    for number in range(NAMES_MAX + 5):
        names._learn(1, number, "x")
    assert len(names._learnt) == NAMES_MAX
    assert (1, 4) not in names._learnt
    assert (1, 5) in names._learnt


async def test_b17_a_message_that_an_event_named_is_left_as_it_is(local: Rest, playground: PlaygroundServer) -> None:
    message = ChannelMessage(1, playground.discord.find_channel("tavern").id, 2, "Captain", "Hello?", 0.0)
    with anyio.fail_after(PATIENCE_S):
        assert await local.channel.named(message) is message
        unknown = replace(message, channel_id=1, is_name_shown=False)
        assert await local.channel.named(unknown) == unknown, "its channel is gone"
    assert looks(playground) == 0
