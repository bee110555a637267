"""The bot's own messages, as discord.py sends, reads, edits and deletes them."""

import discord
import pytest

from actors.playground import PlaygroundServer, ShownMessage, Voice

from .client import Bot
from .wire_client import WireClient


def texts(shown: list[ShownMessage]) -> list[str]:
    return [message.content for message in shown]


async def test_a_persons_message_reaches_the_client_and_the_answer_reaches_the_channel(
    server: PlaygroundServer, bot: Bot
) -> None:
    said = server.say("tavern", "Robin", "Is anybody here?")
    message = await bot.seen("message")
    sent = await message.channel.send("Yes.")
    assert (message.id, message.content, message.author.name) == (said.id, "Is anybody here?", "Robin")
    answer = server.messages("tavern")[1]
    assert (answer.id, answer.voice, answer.author, answer.content) == (
        sent.id,
        Voice.BOT,
        "Ensemble",
        "Yes.",
    )


async def test_ids_rise_strictly_and_carry_the_time(server: PlaygroundServer) -> None:
    ids = [server.say("tavern", "Robin", str(number)).id for number in range(50)]
    assert ids == sorted(set(ids))
    assert abs(discord.utils.snowflake_time(ids[-1]) - discord.utils.utcnow()).total_seconds() < 60


async def test_an_embed_is_shown_with_its_title_and_text(server: PlaygroundServer, bot: Bot) -> None:
    embed = discord.Embed(title="💬 Mira", description="  Sit down.  ")
    sent = await bot.channel(server, "tavern").send(embed=embed)
    shown = server.messages("tavern")[0]
    assert (shown.title, shown.description, shown.embeds) == ("💬 Mira", "Sit down.", 1)
    assert sent.embeds[0].description == "Sit down."


async def test_the_client_hears_of_its_own_message(server: PlaygroundServer, bot: Bot) -> None:
    sent = await bot.channel(server, "tavern").send("Hello")
    assert (await bot.seen("message")).id == sent.id


async def test_the_bot_edits_its_message_and_everybody_hears_of_it(server: PlaygroundServer, bot: Bot) -> None:
    sent = await bot.channel(server, "tavern").send("Helo")
    edited = await sent.edit(content="Hello")
    _, heard = await bot.seen("message_edit")
    assert (edited.content, heard.content, heard.edited_at is not None) == ("Hello", "Hello", True)
    assert [(each.content, each.edited) for each in server.messages("tavern")] == [("Hello", True)]


async def test_the_bot_may_not_edit_what_others_said(server: PlaygroundServer, bot: Bot) -> None:
    said = server.say("tavern", "Robin", "Mine")
    message = await bot.channel(server, "tavern").fetch_message(said.id)
    with pytest.raises(discord.Forbidden) as refused:
        await message.edit(content="Yours")
    assert refused.value.code == 50005


async def test_a_deleted_message_is_gone_for_the_client_and_kept_for_the_judge(
    server: PlaygroundServer, bot: Bot
) -> None:
    channel = bot.channel(server, "tavern")
    sent = await channel.send("Oops")
    await sent.delete()
    assert (await bot.seen("raw_message_delete")).message_id == sent.id
    with pytest.raises(discord.NotFound) as missing:
        await channel.fetch_message(sent.id)
    assert missing.value.code == 10008
    assert server.messages("tavern") == []
    assert [(each.id, each.deleted) for each in server.messages("tavern", with_deleted=True)] == [(sent.id, True)]


async def test_a_moderators_purge_reaches_the_client_as_one_event(server: PlaygroundServer, bot: Bot) -> None:
    kept, *purged = [server.say("tavern", "Robin", text).id for text in ("Tea?", "Spam.", "More spam.")]
    async with WireClient(server) as wire:
        reply = await wire.control("DELETE", "messages", {"channel": "tavern", "messages": [str(i) for i in purged]})
        wrong = await wire.control("DELETE", "messages", {"channel": "tavern", "messages": "all"})
    assert (reply.status, wrong.status) == (204, 400)
    seen = await bot.seen("raw_bulk_message_delete")
    assert (seen.message_ids, seen.channel_id) == (set(purged), server.discord.find_channel("tavern").id)
    assert [each.id for each in server.messages("tavern")] == [kept]


async def test_a_persons_edit_and_deletion_reach_the_client(server: PlaygroundServer, bot: Bot) -> None:
    said = server.say("tavern", "Sam", "Tea?")
    await bot.seen("message")
    server.edit(said.id, "Coffee?")
    server.delete(said.id)
    assert (await bot.seen("raw_message_edit")).data["content"] == "Coffee?"
    assert (await bot.seen("raw_message_delete")).message_id == said.id


async def test_history_without_a_limit_reads_beyond_the_first_page(server: PlaygroundServer, bot: Bot) -> None:
    first = server.say("tavern", "Robin", "start")
    for number in range(101):
        server.say("tavern", "Robin", str(number))
    channel = bot.channel(server, "tavern")
    read = [message.content async for message in channel.history(limit=None, after=discord.Object(first.id))]
    assert read == [str(number) for number in range(101)]


async def test_a_page_is_newest_first_even_after_an_id(server: PlaygroundServer, bot: Bot) -> None:
    said = [server.say("tavern", "Robin", str(number)) for number in range(5)]
    page = await bot.http.logs_from(said[0].channel_id, 2, after=said[0].id)
    assert [row["content"] for row in page] == ["2", "1"]


async def test_pages_before_and_around_an_id(server: PlaygroundServer, bot: Bot) -> None:
    said = [server.say("tavern", "Robin", str(number)) for number in range(7)]
    channel_id = said[0].channel_id
    before = await bot.http.logs_from(channel_id, 2, before=said[3].id)
    around = await bot.http.logs_from(channel_id, 3, around=said[3].id)
    assert [row["content"] for row in before] == ["2", "1"]
    assert [row["content"] for row in around] == ["4", "3", "2"]


async def test_a_page_of_more_than_a_hundred_is_refused(server: PlaygroundServer, bot: Bot) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await bot.http.logs_from(bot.channel(server, "tavern").id, 101)
    assert (refused.value.status, refused.value.code) == (400, 50035)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"content": ""}, 50006),
        ({"content": "   \n"}, 50006),
        ({"embed": discord.Embed()}, 50006),
        ({"content": "x" * 2001}, 50035),
        ({"embed": discord.Embed(description="x" * 4097)}, 50035),
        ({"embed": discord.Embed(title="x" * 257)}, 50035),
        ({"embeds": [discord.Embed(description="x" * 3001)] * 2}, 50035),
    ],
)
async def test_an_empty_or_too_long_message_is_refused(
    server: PlaygroundServer, bot: Bot, fields: dict[str, object], code: int
) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await bot.channel(server, "tavern").send(**fields)  # type: ignore[call-overload]
    assert (refused.value.status, refused.value.code) == (400, code)
    assert server.messages("tavern") == []


async def test_the_longest_message_is_taken(server: PlaygroundServer, bot: Bot) -> None:
    await bot.channel(server, "tavern").send("x" * 2000, embed=discord.Embed(description="y" * 4096))
    assert len(server.messages("tavern")[0].description) == 4096


async def test_a_reply_names_the_message_it_answers(server: PlaygroundServer, bot: Bot) -> None:
    said = server.say("tavern", "Robin", "Who are you?")
    await (await bot.seen("message")).reply("A friend.")
    await bot.seen("message")
    read = await bot.channel(server, "tavern").fetch_message(server.messages("tavern")[1].id)
    assert read.reference is not None
    assert (read.reference.message_id, read.type) == (said.id, discord.MessageType.reply)


async def test_only_allowed_mentions_notify(server: PlaygroundServer, bot: Bot) -> None:
    robin = server.discord.find_user("Robin")
    channel = bot.channel(server, "tavern")
    quiet = await channel.send(f"<@{robin.id}>", allowed_mentions=discord.AllowedMentions.none())
    loud = await channel.send(f"<@{robin.id}>")
    assert ([user.id for user in quiet.mentions], [user.id for user in loud.mentions]) == ([], [robin.id])


async def test_reactions_come_and_go(server: PlaygroundServer, bot: Bot) -> None:
    said = server.say("tavern", "Robin", "Well?")
    message = await bot.seen("message")
    await message.add_reaction("👍")
    assert (await bot.seen("raw_reaction_add")).emoji.name == "👍"
    server.react(said.id, "Sam", "👎")
    assert (await bot.seen("raw_reaction_add")).user_id == server.discord.find_user("Sam").id
    assert bot.user is not None
    await message.remove_reaction("👍", bot.user)
    assert server.messages("tavern")[0].reactions == ("👎",)


async def test_an_attachment_is_kept_and_served(server: PlaygroundServer, bot: Bot) -> None:
    import io

    file = discord.File(io.BytesIO(b"a map"), filename="map.txt")
    sent = await bot.channel(server, "tavern").send("See:", file=file)
    assert await sent.attachments[0].read() == b"a map"


async def test_typing_is_shown(server: PlaygroundServer, bot: Bot) -> None:
    async with bot.channel(server, "tavern").typing():
        event = await bot.seen("raw_typing")
    assert event.user_id == server.discord.bot.id


async def test_a_direct_conversation_works_both_ways(server: PlaygroundServer, bot: Bot) -> None:
    dm = server.open_dm("Kim")
    server.say(dm.id, "Kim", "Psst")
    message = await bot.seen("message")
    await message.channel.send("Yes?")
    assert isinstance(message.channel, discord.DMChannel)
    assert texts(server.messages(dm.id)) == ["Psst", "Yes?"]


async def test_threads_are_made_alone_and_on_a_message(server: PlaygroundServer, bot: Bot) -> None:
    channel = bot.channel(server, "tavern")
    sent = await channel.send("Chapter one")
    on_message = await sent.create_thread(name="One")
    alone = await channel.create_thread(name="Two", type=discord.ChannelType.public_thread)
    await on_message.send("inside")
    assert (on_message.id, on_message.parent_id, alone.parent_id) == (sent.id, channel.id, channel.id)
    assert (texts(server.messages("One")), texts(server.messages("tavern"))) == (["inside"], ["Chapter one"])


async def test_a_persons_thread_reaches_the_client(server: PlaygroundServer, bot: Bot) -> None:
    thread = server.add_thread("tavern", "Aside", "Sam")
    assert (await bot.seen("thread_create")).id == thread.id


async def test_commands_are_taken_and_given_ids(server: PlaygroundServer, bot: Bot) -> None:
    tree = discord.app_commands.CommandTree(bot)

    @tree.command(description="Start a scene")
    async def start(interaction: discord.Interaction) -> None: ...

    synced = await tree.sync()
    assert ([each.name for each in synced], len(server.discord.commands)) == (["start"], 1)
