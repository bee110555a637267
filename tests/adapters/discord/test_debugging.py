"""`/debug` and Who & why: who may ask is answered, nobody else sees or learns anything, and delivery goes on."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import discord
import pytest

from actors.adapters.discord import DiscordAdapter, Endpoints
from actors.adapters.discord.debugging import ASKED_AT_ONCE_MAX, BUSY, CRASHED, STRANGER, WHO_AND_WHY, Debugging, Here
from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.interactions import DID_NOT_COME
from actors.adapters.discord.places import Places
from actors.adapters.picture import png
from actors.observation import AskedIn, Explained, Suggested
from actors.playground import PlaygroundServer
from actors.playground.events import Event
from actors.playground.interactions import EPHEMERAL, LOADING, Interaction, Kind, Whisper
from actors.ports import GatewayEvent, MissingAsked, Posted, ShardReady
from actors.roleplay.model import Outbound, OutboundKind, ReplyAddress, ResponseId
from tests.patience import PATIENCE_S

from .rest import Rest, logged_in
from .scripted import CHANNEL_ID, ScriptedDiscord, as_json
from .table import WebhookTable
from .test_gateway import Bot, running

GET_COMMANDS = "GET /applications/{application}/commands"
PUT_COMMANDS = "PUT /applications/{application}/commands"
PICTURE = png('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>')
ID = "000000000abc1"
TOLD = Explained("It waits.", PICTURE, "Path of Mira: start → Generating")


@dataclass
class Script:
    """A Debugger that keeps what it was asked, and answers the same to everything."""

    told: Explained = TOLD
    asked: list[object] = field(default_factory=list)
    places: list[AskedIn] = field(default_factory=list)
    goes_on: anyio.Event = field(default_factory=anyio.Event)
    tell: Callable[[], None] = lambda: None
    error: Exception | None = None

    async def about_response(self, asked_in: AskedIn, response_id: ResponseId | None) -> Explained:
        return await self._tell(("response", response_id), asked_in)

    async def about_session(self, asked_in: AskedIn) -> Explained:
        return await self._tell("session", asked_in)

    async def about_fleet(self) -> Explained:
        return await self._tell("fleet")

    async def about_message(self, asked_in: AskedIn, message_id: int, *, is_ours: bool) -> Explained:
        return await self._tell(("message", message_id, is_ours), asked_in)

    async def suggest(self, asked_in: AskedIn, begins: str) -> tuple[Suggested, ...]:
        self.asked.append(("suggest", begins))
        return (Suggested(ID, f"{ID} · Mira · Retrying"),)

    async def _tell(self, asked: object, *places: AskedIn) -> Explained:
        self.asked.append(asked)
        self.places += places
        self.tell()
        await self.goes_on.wait()
        if self.error is not None:
            raise self.error
        return self.told


class Heard:
    """What the playground shows of answers, in order."""

    def __init__(self) -> None:
        self.whispers: list[Whisper] = []
        self.interactions: list[Interaction] = []
        self._news = asyncio.Event()
        self.ring = self._news.set

    def hear(self, event: Event) -> None:
        if isinstance(event.subject, Whisper):
            self.whispers.append(event.subject)
        if isinstance(event.subject, Interaction):
            self.interactions.append(event.subject)
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        with anyio.fail_after(PATIENCE_S):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def answer(self, to: Interaction) -> Whisper:
        """The last form of what answers this interaction."""

        def said() -> list[Whisper]:
            mine = [each for each in self.whispers if each.interaction_id == to.id]
            return [each for each in mine if not each.message.flags & LOADING]

        await self.until(lambda: bool(said()))
        return said()[-1]


@pytest.fixture
def heard(playground: PlaygroundServer) -> Iterator[Heard]:
    heard = Heard()
    end = playground.discord.subscribe(heard.hear)
    yield heard
    end()


@pytest.fixture
def script(heard: Heard) -> Script:
    script = Script(tell=heard.ring)
    script.goes_on.set()
    return script


@asynccontextmanager
async def ready(server: PlaygroundServer, script: Script, *developers: str) -> AsyncIterator[Bot]:
    """A bot that may be asked, whose commands are registered."""
    events: asyncio.Queue[GatewayEvent] = asyncio.Queue()
    adapter = DiscordAdapter(
        token=server.token,
        webhooks=WebhookTable(),
        sink=events.put_nowait,
        now=server.discord.now,
        debugger=script,
        developers=[server.discord.find_user(name).id for name in developers],
        endpoints=Endpoints(server.api_url, server.gateway_url),
        guild_ready_timeout_s=0.05,
        identify_interval_s=0.0,
    )
    bot = Bot(adapter, events)
    async with running(bot):
        await bot.next(ShardReady)
        yield bot


@asynccontextmanager
async def asked(
    server: PlaygroundServer, script: Script, heard: Heard, line: str, *, by: str = "Robin", developers: str = ""
) -> AsyncIterator[Whisper]:
    """The answer to a typed command; the bot goes on as long as the block."""
    async with ready(server, script, *developers.split()):
        await heard.until(lambda: bool(server.discord.commands))
        yield await heard.answer(server.command("tavern", by, line))


def described(server: PlaygroundServer, whisper: Whisper) -> list[tuple[str, str | None]]:
    files = [server.discord.attachments[each] for each in whisper.message.attachment_ids]
    return [(file.content_type, file.description) for file in files]


def of_commands(server: PlaygroundServer) -> list[tuple[str, int | None]]:
    """(method, status) of every request about commands."""
    return [(each.method, each.status) for each in server.ledger.since() if each.path.endswith("/commands")]


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("/debug response", ("response", None)),
        (f"/debug response id:{ID}", ("response", ID)),
        ("/debug session", "session"),
        ("/debug fleet", "fleet"),
    ],
)
async def test_the_owner_is_answered_with_text_and_a_described_picture_that_nobody_else_sees(
    playground: PlaygroundServer, heard: Heard, script: Script, line: str, question: object
) -> None:
    async with asked(playground, script, heard, line) as whisper:
        assert script.asked == [question]
        assert (whisper.user_id, whisper.message.content) == (playground.discord.find_user("Robin").id, "It waits.")
        assert whisper.message.flags == EPHEMERAL
        assert described(playground, whisper) == [("image/png", "Path of Mira: start → Generating")]
        assert playground.messages("tavern") == []


async def test_who_and_why_asks_about_the_message_and_whether_it_is_ours(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    said = playground.say("tavern", "Sam", "Hello?")
    async with ready(playground, script) as bot:
        posted = await bot.adapter.voice.send(Outbound(OutboundKind.TEXT, said.channel_id, "", "A notice.", nonce="n1"))
        assert isinstance(posted, Posted)
        await heard.until(lambda: bool(playground.discord.commands))
        for message_id in (said.id, posted.message_id):
            await heard.answer(playground.choose(message_id, "Robin", WHO_AND_WHY))
    assert script.asked == [("message", said.id, False), ("message", posted.message_id, True)]


async def test_an_answer_without_a_picture_is_a_text_alone(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    script.told = Explained("There is none.")
    async with asked(playground, script, heard, "/debug session") as whisper:
        assert (whisper.message.content, whisper.message.attachment_ids) == ("There is none.", ())


async def test_a_question_is_acknowledged_before_it_is_looked_up(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    script.goes_on = anyio.Event()
    async with ready(playground, script):
        await heard.until(lambda: bool(playground.discord.commands))
        interaction = playground.command("tavern", "Robin", "/debug fleet")
        await heard.until(lambda: bool(script.asked))
        assert [each.message.flags for each in heard.whispers] == [EPHEMERAL | LOADING]
        script.goes_on.set()
        assert (await heard.answer(interaction)).message.content == "It waits."


async def test_ids_are_suggested_while_they_are_typed(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    async with ready(playground, script):
        await heard.until(lambda: bool(playground.discord.commands))
        playground.complete("tavern", "Robin", "/debug response id:000")
        await heard.until(lambda: any(each.answered_with is not None for each in heard.interactions))
    assert script.asked == [("suggest", "000")]
    assert heard.interactions[-1].choices == ({"name": f"{ID} · Mira · Retrying", "value": ID},)


async def test_beyond_a_few_questions_at_once_people_are_asked_to_come_back(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    script.goes_on = anyio.Event()
    async with ready(playground, script):
        await heard.until(lambda: bool(playground.discord.commands))
        first = [playground.command("tavern", "Robin", "/debug fleet") for _ in range(ASKED_AT_ONCE_MAX)]
        await heard.until(lambda: len(script.asked) == ASKED_AT_ONCE_MAX)
        one_more = await heard.answer(playground.command("tavern", "Robin", "/debug fleet"))
        assert one_more.message.content == BUSY
        script.goes_on.set()
        for interaction in first:
            assert (await heard.answer(interaction)).message.content == "It waits."


async def test_a_crash_is_told_without_its_words_and_logged_with_them(
    playground: PlaygroundServer, heard: Heard, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.error = RuntimeError("sk-secret at db.example")
    async with asked(playground, script, heard, "/debug fleet") as whisper:
        assert whisper.message.content == CRASHED
        assert whisper.message.attachment_ids == ()
    assert "sk-secret" in caplog.text


# ── who may ask ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_named_developer_is_answered(playground: PlaygroundServer, heard: Heard, script: Script) -> None:
    async with asked(playground, script, heard, "/debug fleet", by="Kim", developers="Sam Kim") as whisper:
        assert whisper.message.content == "It waits."


async def test_a_stranger_is_refused_politely_and_nothing_is_looked_up(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    said = playground.say("tavern", "Sam", "Hello?")
    async with asked(playground, script, heard, "/debug response", by="Kim", developers="Sam") as whisper:
        assert (whisper.message.content, whisper.message.flags) == (STRANGER, EPHEMERAL)
        assert whisper.message.attachment_ids == ()
        chosen = await heard.answer(playground.choose(said.id, "Kim", WHO_AND_WHY))
        assert chosen.message.content == STRANGER
        typed = playground.complete("tavern", "Kim", "/debug response id:0")
        await heard.until(lambda: any(each.id == typed.id and each.answered_with for each in heard.interactions))
        assert heard.interactions[-1].choices == ()
    assert script.asked == []


@pytest.mark.parametrize(("state", "may_ask"), [(1, False), (2, True)])
async def test_of_a_team_those_who_have_accepted_may_ask_and_the_team_itself_is_nobody(
    rest: Rest, state: int, may_ask: bool
) -> None:
    user = {"username": "U", "discriminator": "0", "avatar": None}
    member = {"user": user | {"id": "7"}, "membership_state": state, "permissions": ["*"], "role": "developer"}
    team = {"id": "5", "name": "T", "icon": None, "owner_user_id": "7", "members": [member]}
    known: Any = {"id": "12", "name": "E", "icon": None, "description": "", "verify_key": "", "bot_public": False}
    known |= {"bot_require_code_grant": False, "owner": user | {"id": "5"}, "team": team}
    rest.client._application = discord.AppInfo(rest.client._connection, known)
    ourselves = Ourselves()
    ourselves.learn(rest.client)
    assert ourselves.owner_ids == ({7} if may_ask else frozenset())


# ── where it is asked ───────────────────────────────────────────────────────────────────────────────


def channel_of(guild_id: int) -> dict[str, object]:
    return {"id": "99", "type": 0, "guild_id": str(guild_id), "name": "c", "position": 0, "permission_overwrites": []}


@pytest.mark.parametrize(("asked_from", "belongs_to", "included"), [(71, 71, True), (71, 72, False), (None, 71, False)])
async def test_only_channels_of_the_same_server_are_included_and_a_dm_is_alone(
    rest: Rest, scripted: ScriptedDiscord, asked_from: int | None, belongs_to: int, included: bool
) -> None:
    scripted.will(as_json(channel_of(belongs_to)))
    here = Here(CHANNEL_ID, asked_from, Places(rest.wire))
    assert await here.includes(CHANNEL_ID)
    assert await here.includes(99) is included


async def test_a_channel_that_cannot_be_looked_at_is_not_included(rest: Rest, scripted: ScriptedDiscord) -> None:
    scripted.will(as_json({"code": 50001, "message": "Missing Access"}, 403))
    assert not await Here(CHANNEL_ID, 71, Places(rest.wire)).includes(99)


async def test_a_thread_of_the_server_is_included_and_a_direct_conversation_is_not(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin")
    dm = playground.open_dm("Robin")
    async with asked(playground, script, heard, "/debug session"):
        [here] = script.places
        assert await here.includes(thread.id)
        assert not await here.includes(dm.id)


# ── registration ────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def registering(server: PlaygroundServer, script: Script) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Another process's registration, as READY calls it."""
    async with logged_in(server.api_url, token=server.token) as rest:
        places = Places(rest.wire)
        debugging = Debugging(rest.wire, places, rest.interactions, Ourselves(), debugger=script)
        yield partial(debugging.register, debugging.tree_for(rest.client))


async def test_commands_are_registered_once_and_not_again_where_discord_has_them(
    playground: PlaygroundServer, script: Script
) -> None:
    async with registering(playground, script) as register:
        await register()
        await register()  # at its next READY
    registered = {(each["name"], each["type"]) for each in playground.discord.commands}
    assert registered == {(WHO_AND_WHY, 3), (DID_NOT_COME, 3), ("debug", 1)}
    assert of_commands(playground) == [("GET", 200), ("PUT", 200)]
    async with registering(playground, script) as register:
        await register()
    assert of_commands(playground)[2:] == [("GET", 200)]


@pytest.mark.parametrize("change", ["description", "options", "contexts"])
async def test_commands_that_differ_are_all_replaced(playground: PlaygroundServer, script: Script, change: str) -> None:
    async with registering(playground, script) as register:
        await register()
    ours = [each["name"] for each in playground.discord.commands]
    [debug] = [each for each in playground.discord.commands if each["name"] == "debug"]
    debug[change] = {"description": "Old", "options": debug["options"][:2], "contexts": [0]}[change]
    async with registering(playground, script) as register:
        await register()
        assert of_commands(playground)[2:] == [("GET", 200), ("PUT", 200)]
    playground.discord.commands.append(debug | {"id": "5", "name": "gone"})
    async with registering(playground, script) as register:
        await register()
    assert [each["name"] for each in playground.discord.commands] == ours


@pytest.mark.parametrize("sort", [GET_COMMANDS, PUT_COMMANDS])
@pytest.mark.parametrize(
    ("fault", "words"),
    [("http_403_50001", "forbidden (50001)"), ("http_500", "http_500"), ("rate_limit", "rate_limit")],
)
async def test_a_refused_registration_is_one_line_in_the_log_and_is_tried_again_at_the_next_ready(
    playground: PlaygroundServer,
    heard: Heard,
    script: Script,
    caplog: pytest.LogCaptureFixture,
    sort: str,
    fault: str,
    words: str,
) -> None:
    caplog.set_level(logging.WARNING)
    playground.next_requests(sort, fault)
    refused = asyncio.Event()

    def note(record: logging.LogRecord) -> bool:
        refused.set()
        return True

    caplog.handler.addFilter(note)
    async with ready(playground, script) as bot:
        with anyio.fail_after(PATIENCE_S):
            await refused.wait()
        assert playground.discord.commands == []
        posted = await bot.adapter.voice.send(
            Outbound(OutboundKind.TEXT, playground.discord.find_channel("tavern").id, "", "It speaks.", nonce="n1")
        )
        assert isinstance(posted, Posted)
    assert [record.levelname for record in caplog.records if "registered" in record.message] == ["WARNING"]
    assert all(record.exc_info is None for record in caplog.records)
    async with ready(playground, script):
        await heard.until(lambda: bool(playground.discord.commands))


async def test_a_command_that_we_no_longer_have_is_told_to_be_so(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    async with ready(playground, script):
        await heard.until(lambda: bool(playground.discord.commands))
        data = {"id": "5", "name": "gone", "type": 1}
        discord = playground.discord
        used = discord.interact(discord.find_user("Robin"), discord.find_channel("tavern"), Kind.COMMAND, data)
        assert (await heard.answer(used)).message.content == CRASHED
    assert json.dumps(script.asked) == "[]"


# ── Did not come ────────────────────────────────────────────────────────────────────────────────────


async def test_m4_did_not_come_is_everybody_s_acknowledged_at_once_and_answered_from_the_outbox(
    playground: PlaygroundServer, heard: Heard, script: Script
) -> None:
    async with ready(playground, script) as bot:
        await heard.until(lambda: bool(playground.discord.commands))
        said = playground.say("tavern", "Kim", "Hello?").id
        chosen = playground.choose(said, "Sam", DID_NOT_COME)
        while not isinstance(asked := await bot.next_of_any(), MissingAsked):
            pass
        await heard.until(lambda: bool(heard.whispers))
        sam, tavern = playground.discord.find_user("Sam").id, playground.discord.find_channel("tavern").id
        assert asked == MissingAsked(chosen.id, chosen.token, tavern, sam, said)
        assert asked.token not in repr(asked)
        await bot.adapter.replies.answer(ReplyAddress(asked.token, 0.0), "It failed.")
        assert [each.message.content for each in heard.whispers] == ["", "It failed."]
        assert {each.message.flags & EPHEMERAL for each in heard.whispers} == {EPHEMERAL}
        callbacks = [each for each in playground.ledger.since() if each.path.endswith("/callback")]
        assert [each.status for each in callbacks] == [200], "the tree of commands says nothing besides"
        assert script.asked == []
