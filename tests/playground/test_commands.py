"""Commands that people type and choose: what the bot is told of them, and how it may answer."""

from io import BytesIO
from typing import Any

import discord
import pytest
from discord import app_commands

from actors.playground import PlaygroundServer
from actors.playground.commands import data_of_line, data_of_menu
from actors.playground.events import Event
from actors.playground.interactions import Interaction
from actors.playground.limits import DESCRIPTION_MAX
from actors.playground.records import Json

from .client import Bot
from .wire_client import WireClient

TEXT = {"type": 3, "name": "id", "description": "I"}
DEBUG: Json = {
    "id": "1",
    "name": "debug",
    "type": 1,
    "options": [
        {"type": 1, "name": "fleet", "description": "F"},
        {"type": 1, "name": "response", "description": "R", "options": [TEXT, TEXT | {"name": "other"}]},
        {"type": 1, "name": "must", "description": "M", "options": [TEXT | {"required": True}]},
        {"type": 1, "name": "count", "description": "C", "options": [{"type": 4, "name": "n", "description": "N"}]},
    ],
}
WHO: Json = {"id": "2", "name": "Who & why", "type": 3}


def options_of(line: str, *, completes: bool = False) -> list[Json]:
    """The options of `/debug …`'s subcommand."""
    [inner] = data_of_line([DEBUG, WHO], line, completes=completes)["options"]
    options: list[Json] = inner["options"]
    return options


def value(name: str, given: str, **more: object) -> Json:
    return {"name": name, "type": 3, "value": given} | more


# ── reading a line ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("/debug fleet", []),
        ("/debug response", []),
        ("/debug response abc", [value("id", "abc")]),
        ("/debug response id:abc", [value("id", "abc")]),
        ("/debug response other:x abc", [value("other", "x"), value("id", "abc")]),
        ("/debug response a:b", [value("id", "a:b")]),
    ],
)
def test_a_line_becomes_what_the_bot_is_told(line: str, options: list[Json]) -> None:
    assert options_of(line) == options


def test_what_is_being_typed_is_marked() -> None:
    assert options_of("/debug response", completes=True) == [value("id", "", focused=True)]
    assert options_of("/debug response a other:b", completes=True)[-1] == value("other", "b", focused=True)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/nothing", "the bot has no command `nothing`"),
        ("/debug", "`/debug` is followed by one of: fleet, response, must, count"),
        ("/debug floot", "`/debug` is followed by one of"),
        ("/debug fleet now", "`/debug fleet` takes no more than 0 options"),
        ("/debug must", "`/debug must` needs: id"),
        ("/debug count 3", "`n` is not a text option"),
    ],
)
def test_a_line_that_fits_no_command_is_refused_with_what_would_fit(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        data_of_line([DEBUG, WHO], line)


def test_a_guilds_own_command_goes_before_the_global_one_and_a_menu_is_no_command() -> None:
    own = DEBUG | {"id": "3", "guild_id": "9"}
    assert data_of_line([DEBUG, own], "/debug fleet")["id"] == "3"
    assert data_of_menu([DEBUG, WHO], "Who & why", 7) == {"id": "2", "name": "Who & why", "type": 3, "target_id": "7"}
    with pytest.raises(ValueError, match="no command `debug`"):
        data_of_menu([DEBUG, WHO], "debug", 7)


# ── discord.py's own commands ───────────────────────────────────────────────────────────────────────


@pytest.fixture
async def tree(bot: Bot) -> app_commands.CommandTree[Bot]:
    """Discord.py's own, registered: `/say text`, which suggests, and a menu that quotes."""
    tree: app_commands.CommandTree[Bot] = app_commands.CommandTree(bot)

    @tree.command(description="Say it")
    async def say(interaction: discord.Interaction, text: str) -> None:
        where = interaction.guild_id and interaction.channel_id
        await interaction.response.send_message(f"{interaction.user.name} in {where}: {text}", ephemeral=True)

    @say.autocomplete("text")
    async def suggest(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{current}!", value=current)]

    @tree.context_menu(name="Quote")
    async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"{message.author.name}: {message.content}")

    await tree.sync()
    return tree


async def test_a_typed_command_reaches_its_callback_with_who_where_and_what(
    server: PlaygroundServer, bot: Bot, tree: app_commands.CommandTree[Bot]
) -> None:
    used = server.command("tavern", "Robin", "/say Hello")
    await bot.seen("app_command_completion")
    original = server.discord.desk.answered(used.token).original_id
    said = server.discord.desk.whisper(original).message.content
    assert said == f"Robin in {server.discord.find_channel('tavern').id}: Hello"


async def test_a_menu_hands_over_the_message(
    server: PlaygroundServer, bot: Bot, tree: app_commands.CommandTree[Bot]
) -> None:
    said = server.say("tavern", "Sam", "Hello?")
    server.choose(said.id, "Robin", "Quote")
    await bot.seen("app_command_completion")
    assert [shown.content for shown in server.messages("tavern")] == ["Hello?", "Sam: Hello?"]


async def test_suggestions_come_back_by_name_and_value(
    server: PlaygroundServer, bot: Bot, tree: app_commands.CommandTree[Bot], wire: WireClient
) -> None:
    answered: list[Interaction] = []

    def hear(event: Event) -> None:
        if isinstance(event.subject, Interaction) and event.subject.answered_with is not None:
            answered.append(event.subject)
            bot.dispatch("answered", event.subject)

    server.discord.subscribe(hear)
    body = {"channel": "tavern", "user": "Robin", "text": "/say Hel", "completes": True}
    asked = await wire.control("POST", "commands", body)
    await bot.seen("answered")
    assert [(str(each.id), each.choices) for each in answered] == [
        (asked.body["id"], ({"name": "Hel!", "value": "Hel"},))
    ]


async def test_the_page_uses_commands_and_menus_through_the_control_api(
    server: PlaygroundServer, wire: WireClient
) -> None:
    server.discord.register([DEBUG, WHO])
    said = server.say("tavern", "Sam", "Hello?")
    typed = await wire.control("POST", "commands", {"channel": "tavern", "user": "Robin", "text": "/debug fleet"})
    wrong = await wire.control("POST", "commands", {"channel": "tavern", "user": "Robin", "text": "/debug"})
    chosen = await wire.control("POST", "choices", {"message": str(said.id), "user": "Robin", "command": "Who & why"})
    assert [typed.status, chosen.status, wrong.status] == [201, 201, 400]
    assert wrong.body["message"].startswith("`/debug` is followed by one of")


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────


def path_of(server: PlaygroundServer, used: Interaction, *rest: str) -> str:
    return "/".join((f"/webhooks/{server.discord.bot.id}/{used.token}/messages/@original", *rest))


@pytest.mark.parametrize("kind", [6, 7, 8])
async def test_a_command_takes_only_the_answers_that_fit(server: PlaygroundServer, wire: WireClient, kind: int) -> None:
    server.discord.register([DEBUG])
    used = server.command("tavern", "Robin", "/debug fleet")
    refused = await wire.call("POST", f"/interactions/{used.id}/{used.token}/callback", {"type": kind, "data": {}})
    assert (refused.status, refused.body["code"]) == (400, 50035)


async def test_a_picture_comes_with_its_description_its_kind_and_its_size(server: PlaygroundServer, bot: Bot) -> None:
    picture = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (800).to_bytes(4, "big") + (600).to_bytes(4, "big")
    sent = await bot.channel(server, "tavern").send(file=_file(picture, "A way"))
    [shown] = sent.attachments
    assert (shown.description, shown.content_type, shown.width, shown.height) == ("A way", "image/png", 800, 600)
    edited = await sent.edit(attachments=[*sent.attachments, _file(b"text", None, "more.txt")])
    assert [(each.filename, each.description) for each in edited.attachments] == [
        ("way.png", "A way"),
        ("more.txt", None),
    ]
    assert (await edited.edit(content="Only words", attachments=[])).attachments == []


async def test_a_description_that_is_too_long_is_refused(server: PlaygroundServer, bot: Bot) -> None:
    with pytest.raises(discord.HTTPException, match="1024 or fewer"):
        await bot.channel(server, "tavern").send(file=_file(b"p", "x" * (DESCRIPTION_MAX + 1)))


def _file(content: bytes, description: str | None, name: str = "way.png") -> discord.File:
    options: dict[str, Any] = {"filename": name, "description": description}
    return discord.File(BytesIO(content), **options)
