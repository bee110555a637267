"""Discord's own codes on every route that writes, reads or deletes: what each means, and whom it touches."""

from __future__ import annotations

import pytest

from actors.adapters.discord.outcomes import CHANNEL_TYPES, REFUSES_DIRECT
from actors.playground import PlaygroundServer
from actors.ports import ChannelOpened, Deleted, HeldBack, MessageSeen, Posted, Refused, ShardReady
from actors.roleplay.history import belongs, is_line, shows
from actors.roleplay.model import Button, Outbound, OutboundKind

from .rest import Rest
from .scripted import CHANNEL_ID, Answer, ScriptedDiscord, as_json
from .test_gateway import Bot, bot_for, running
from .test_outcomes import error, send
from .test_voice import channel_id, character, line, read, speak

CLOSED = [(400, 50083), (403, 50083), (400, 160005), (403, 160005)]
MEANINGS = {
    (404, 10003): ("channel_gone", True),
    (404, 10004): ("channel_gone", True),
    (404, 10008): ("removed", True),
    **dict.fromkeys(CLOSED, ("thread_closed", True)),
    (400, 30033): ("thread_full", True),
    (400, 40004): ("outage", False),
    (400, 40006): ("outage", False),
    (403, 40333): ("outage", False),
    **{(400, code): ("channel_type", True) for code in CHANNEL_TYPES},
    **{(403, code): ("direct_refused", True) for code in REFUSES_DIRECT},
    (400, 50006): ("message_refused", True),
}


@pytest.mark.parametrize("kind", OutboundKind)
@pytest.mark.parametrize(("status", "code"), MEANINGS)
async def test_b16_each_code_of_a_send_has_its_reason(
    rest: Rest, scripted: ScriptedDiscord, status: int, code: int, kind: OutboundKind
) -> None:
    scripted.will(error(status, code))
    refused = await send(rest, kind)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final, refused.code) == (*MEANINGS[status, code], code)
    assert not rest.voice._without_webhooks.has(rest.voice._places._known[CHANNEL_ID])


@pytest.mark.parametrize("kind", [OutboundKind.TEXT, OutboundKind.EMBED])  # a webhook's refusal is the webhook's
async def test_b16_a_page_of_the_edge_with_status_403_forbids_nothing(
    rest: Rest, scripted: ScriptedDiscord, kind: OutboundKind
) -> None:
    scripted.will(Answer(403, "<html>blocked</html>", {"Content-Type": "text/html"}))
    refused = await send(rest, kind)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("outage", False)


@pytest.mark.parametrize(("status", "code"), CLOSED)
async def test_b16_in_a_closed_thread_a_message_can_be_read_and_not_deleted(
    rest: Rest, scripted: ScriptedDiscord, status: int, code: int
) -> None:
    rest.table.places[CHANNEL_ID] = (1, 2)
    scripted.will(error(status, code), as_json([]), error(404, 10008))
    refused = await rest.channel.delete(CHANNEL_ID, 41, None)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("thread_closed", True)
    assert await rest.channel.messages(CHANNEL_ID, after=0) == ()


@pytest.mark.parametrize(
    ("status", "code"), [(400, 30007), (400, 30058), (400, 50024), (403, 50013), (403, 50001), (403, 60003)]
)
async def test_b16_where_no_webhook_can_be_made_lines_go_as_embeds(
    rest: Rest, scripted: ScriptedDiscord, status: int, code: int
) -> None:
    rest.table.places[CHANNEL_ID] = (None, 2)
    scripted.will(as_json([]), error(status, code))
    assert await rest.voice.prepare(CHANNEL_ID, character("Mira", None)) == (OutboundKind.EMBED, None)


@pytest.mark.parametrize(("archived", "locked"), [(True, True), (False, True)])
async def test_b16_a_closed_thread_touches_neither_its_sisters_nor_its_channel(
    local: Rest, playground: PlaygroundServer, archived: bool, locked: bool
) -> None:
    closed, sister = (playground.add_thread("tavern", name, "Robin").id for name in ("cellar", "attic"))
    tavern = channel_id(playground)
    for place in (closed, sister, tavern):
        await speak(local, place, "Mira", "Before.")
    (webhook,) = playground.webhooks("tavern")
    playground.close_thread("cellar", archived=archived, locked=locked)
    refused = await local.voice.send(line(closed, "Refused.", webhook_id=webhook.id))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("thread_closed", True)
    for place in (sister, tavern):
        assert await local.voice.prepare(place, character("Mira")) == (OutboundKind.WEBHOOK, webhook.id)
        await speak(local, place, "Mira", "After.")
    playground.open_thread("cellar")
    await speak(local, closed, "Mira", "Open again.")
    assert [seen.text for seen in await read(local, closed)] == ["Before.", "Open again."]


async def test_b16_a_thread_that_is_archived_alone_wakes_up_for_a_line(
    local: Rest, playground: PlaygroundServer
) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    playground.close_thread("cellar", archived=True, locked=False)
    assert isinstance(await speak(local, thread, "Mira", "Good morning."), Posted)


async def ready(bot: Bot) -> None:
    while not isinstance(await bot.next_of_any(), ShardReady):
        pass


async def test_b16_the_gateway_tells_of_a_thread_that_is_opened_and_not_of_one_that_is_closed(
    playground: PlaygroundServer,
) -> None:
    bot = bot_for(playground)
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    async with running(bot):
        await ready(bot)
        for archived, locked in ((True, True), (True, False), (False, True), (False, False)):
            playground.close_thread("cellar", archived=archived, locked=locked)
        assert await bot.next_of_any() == ChannelOpened(thread)
        playground.say("cellar", "Robin", "Hello?")
        assert isinstance(await bot.next_of_any(), MessageSeen)


# ── places that are lost, hidden or out of order ────────────────────────────────────────────────────


async def test_b25_what_a_server_that_removed_the_bot_refuses_is_gone(playground: PlaygroundServer) -> None:
    bot, tavern = bot_for(playground), channel_id(playground)
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    async with running(bot):
        await ready(bot)
        said = playground.say(thread, "Robin", "Hello?")
        for place in (tavern, thread):
            assert isinstance(await bot.adapter.channel.messages(place, after=0), tuple)
    playground.discord.remove_bot()
    async with running(bot):
        await ready(bot)
        for place in (tavern, thread):
            for outcome in (
                await bot.adapter.channel.messages(place, after=0),
                await bot.adapter.channel.delete(place, said.id, None),
                await bot.adapter.voice.prepare(place, character("Mira")),
                await bot.adapter.voice.send(Outbound(OutboundKind.TEXT, place, "", "It failed.", "n1")),
                await bot.adapter.voice.send(line(place, "Hello.")),
            ):
                assert isinstance(outcome, Refused)
                assert (outcome.reason, outcome.final) == ("channel_gone", True)
    playground.discord.invite_bot()
    async with running(bot):
        await ready(bot)
        assert isinstance(await bot.adapter.channel.messages(thread, after=0), tuple)


@pytest.mark.parametrize("code", [50001, 10003])
async def test_b25_while_its_server_is_unavailable_a_channel_is_neither_gone_nor_forbidden(
    playground: PlaygroundServer, code: int
) -> None:
    bot, tavern = bot_for(playground), channel_id(playground)
    async with running(bot):
        await ready(bot)
        assert await bot.adapter.channel.messages(tavern, after=0) == ()
        playground.discord.set_outage(True)
        playground.gateway.invalidate()
        await ready(bot)
        status = 403 if code == 50001 else 404
        playground.next_requests("GET /channels/{channel}/messages", f"http_{status}_{code}")
        refused = await bot.adapter.channel.messages(tavern, after=0)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final) == ("outage", False)


async def test_b25_a_hidden_channel_is_forbidden_and_says_by_which_permission(playground: PlaygroundServer) -> None:
    bot, tavern = bot_for(playground), channel_id(playground)
    playground.permit("VIEW_CHANNEL", False, channel="tavern")
    async with running(bot):
        await ready(bot)
        refused = await bot.adapter.channel.messages(tavern, after=0)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.needs) == ("forbidden", "View Channel")


async def test_b25_before_its_shard_is_ready_nobody_knows_that_the_bot_was_removed(
    playground: PlaygroundServer, rest: Rest, scripted: ScriptedDiscord
) -> None:
    rest.table.places[CHANNEL_ID] = (None, playground.discord.guild.id)
    scripted.will(error(403, 50001))
    refused = await rest.channel.messages(CHANNEL_ID, after=0)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.needs) == ("forbidden", "View Channel")


# ── a notice through a webhook ──────────────────────────────────────────────────────────────────────


async def test_b26_a_text_that_the_bot_may_not_write_goes_through_the_webhook_that_spoke(
    local: Rest, playground: PlaygroundServer
) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    await speak(local, thread, "Mira", "Hello.")
    playground.permit("SEND_MESSAGES_IN_THREADS", False, channel="cellar")
    notice = Outbound(OutboundKind.TEXT, thread, "", "It failed.", "n1")
    assert await local.voice.prepare_text(thread) == (OutboundKind.TEXT, None)
    refused = await local.voice.send(notice)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.final, refused.needs) == ("messages_forbidden", False, "Send Messages in Threads")
    (webhook,) = playground.webhooks("tavern")
    assert await local.voice.prepare_text(thread) == (OutboundKind.TEXT, webhook.id)
    for place in (channel_id(playground), playground.add_thread("tavern", "attic", "Robin").id):
        assert await local.voice.prepare_text(place) == (OutboundKind.TEXT, None)


async def test_b26_what_the_gateway_told_spares_the_first_refusal(playground: PlaygroundServer) -> None:
    bot = bot_for(playground)
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    playground.permit("SEND_MESSAGES_IN_THREADS", False)
    async with running(bot):
        await ready(bot)
        prepared = await bot.adapter.voice.prepare_text(thread)
    (shared,) = playground.webhooks("tavern")
    assert (prepared, shared.name) == ((OutboundKind.TEXT, shared.id), "Ensemble")


async def test_b26_a_notice_by_webhook_is_read_back_as_a_notice_and_is_no_line(
    local: Rest, playground: PlaygroundServer
) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    await speak(local, thread, "Mira", "It failed.")
    (webhook,) = playground.webhooks("tavern")
    button = Button("Retry", "retry:1")
    notice = Outbound(OutboundKind.TEXT, thread, "", "It failed.", "n1", webhook_id=webhook.id, buttons=(button,))
    sent = await local.voice.send(notice)
    assert isinstance(sent, Posted)
    assert sent.text == "It failed."
    line_seen, seen = await read(local, thread)
    assert (shows(seen, notice), is_line(seen), belongs(seen, "!")) == (True, False, False)
    assert (shows(line_seen, notice), is_line(line_seen)) == (False, True)
    assert (seen.name, seen.button_ids) == ("Ensemble", ("retry:1",))
    assert await local.channel.delete(thread, sent.message_id, webhook.id) == Deleted()


async def test_b26_where_neither_is_allowed_the_permission_is_named_and_the_text_is_refused(
    local: Rest, playground: PlaygroundServer
) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    for permission in ("SEND_MESSAGES_IN_THREADS", "MANAGE_WEBHOOKS"):
        playground.permit(permission, False)
    notice = Outbound(OutboundKind.TEXT, thread, "", "It failed.", "n1")
    outcomes = []
    for _ in range(2):
        prepared = await local.voice.prepare_text(thread)
        assert prepared == (OutboundKind.TEXT, None)
        outcomes.append(await local.voice.send(notice))
    first, second = outcomes
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert (first.reason, second.reason, second.final) == ("messages_forbidden", "forbidden", True)
    assert second.needs == "Send Messages in Threads"


async def test_b26_a_name_that_is_refused_for_notices_leaves_them_to_the_bot(
    local: Rest, playground: PlaygroundServer
) -> None:
    thread = playground.add_thread("tavern", "cellar", "Robin").id
    await speak(local, thread, "Mira", "Hello.")
    (webhook,) = playground.webhooks("tavern")
    playground.permit("SEND_MESSAGES_IN_THREADS", False, channel="cellar")
    await local.voice.send(Outbound(OutboundKind.TEXT, thread, "", "It failed.", "n1"))
    playground.refuse_names("e", are_named=False)
    notice = Outbound(OutboundKind.TEXT, thread, "", "It failed.", "n1", webhook_id=webhook.id)
    assert [type(await local.voice.send(notice)) for _ in range(2)] == [HeldBack, HeldBack]
    assert await local.voice.prepare_text(thread) == (OutboundKind.TEXT, None)
