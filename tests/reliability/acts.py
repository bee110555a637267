"""What the world does besides refusing requests, while a line is on its way: the acts of the fault table."""

from __future__ import annotations

from actors.playground import DISCORD, Voice
from machines.facts import Held, NotInChannel, ReadBackFailed, SendRefused, SendUnconfirmed
from machines.response import FINAL
from tests.reliability.stage import CHANNEL, ELSEWHERE, NAME, THREAD, Stage

LONG_S = 400.0
"""Of a 429: nobody waits as long as it asks for within the attempts of a line."""


async def refused_once(stage: Stage) -> None:
    await stage.server.refuse_connections()
    stage.say()
    await stage.until_fact(SendRefused)
    await stage.server.accept_connections()


async def refused_throughout(stage: Stage) -> None:
    await stage.server.refuse_connections()
    stage.say()
    await stage.until(lambda: any(moved.move.dest == "Failed" for moved in stage.moves))
    await stage.server.accept_connections()


async def lands_at_once(stage: Stage) -> None:
    """While a webhook's line is still waited for; an embed's nonce lets it be tried again without a wait."""
    stage.say()
    await stage.until_fact(NotInChannel if stage.voice == "embed" else SendUnconfirmed)
    stage.server.land()


async def lands_and_is_deleted(stage: Stage) -> None:
    before = len(stage.lines)
    stage.say()
    await stage.until_fact(SendUnconfirmed)
    stage.server.land()
    await stage.until(lambda: len(stage.lines) > before)
    stage.server.delete(stage.lines[-1].id)


async def seen_at_the_next_connection(stage: Stage) -> None:
    """The gateway says nothing of the line; a channel that can be read again shows it to the next catch-up."""
    stage.say()
    await stage.until(lambda: any(moved.move.dest in FINAL for moved in stage.moves))
    stage.server.dialect = DISCORD
    stage.server.gateway.invalidate()


async def much_is_said_behind_it(stage: Stage) -> None:
    """More than a page, before the line can be looked for."""
    stage.say()
    await stage.until_fact(ReadBackFailed)
    for number in range(125):
        stage.say(f"((aside {number}))")


async def lands_after_the_next(stage: Stage) -> None:
    stage.say()
    await stage.until(lambda: any(moved.move.dest in FINAL for moved in stage.moves))
    stage.server.land()


async def webhook_deleted(stage: Stage) -> None:
    for webhook in stage.server.webhooks(CHANNEL):
        stage.server.delete_webhook(webhook.id)
    stage.say()


def move_webhooks(stage: Stage, place: str, *, back_from: str | None = None, is_told: bool) -> None:
    for webhook in stage.server.webhooks(back_from or CHANNEL):
        stage.server.move_webhook(webhook.id, place, is_told=is_told)


async def webhook_moved(stage: Stage) -> None:
    """The gateway says nothing of it: as if the line in flight were faster."""
    move_webhooks(stage, ELSEWHERE, is_told=False)
    stage.say()


async def webhook_moved_as_announced(stage: Stage) -> None:
    move_webhooks(stage, ELSEWHERE, is_told=True)
    stage.say()


async def webhook_moved_and_back(stage: Stage) -> None:
    move_webhooks(stage, ELSEWHERE, is_told=True)
    move_webhooks(stage, CHANNEL, back_from=ELSEWHERE, is_told=True)
    stage.say()


async def silenced(stage: Stage) -> None:
    stage.server.permit("SEND_MESSAGES", allowed=False)
    stage.say()


async def name_refused(stage: Stage) -> None:
    stage.server.refuse_names(NAME)
    stage.say()


async def name_refused_without_a_word(stage: Stage) -> None:
    stage.server.refuse_names(NAME, are_named=False)
    stage.say()


async def name_refused_however_it_is_spelled(stage: Stage) -> None:
    stage.server.refuse_names("a", are_named=False)
    stage.say()


async def locked_at_once(stage: Stage) -> None:
    stage.say()
    stage.server.close_thread(THREAD)


async def muted_in_threads(stage: Stage) -> None:
    stage.server.permit("SEND_MESSAGES_IN_THREADS", allowed=False)
    stage.say()


async def muted_in_this_thread(stage: Stage) -> None:
    stage.server.permit("SEND_MESSAGES_IN_THREADS", allowed=False, channel=THREAD)
    stage.say()


async def removed_at_once(stage: Stage) -> None:
    before = len(stage.lines)
    stage.say()
    await stage.until(lambda: len(stage.lines) > before)
    stage.server.delete(stage.lines[-1].id)


async def closed_while_sending(stage: Stage) -> None:
    stage.server.hold.arm()
    stage.say()
    await stage.server.hold.wait_caught()
    stage.server.gateway.close_all()
    await stage.server.gateway.wait_alone()
    stage.server.hold.release()


async def asked_to_reconnect(stage: Stage) -> None:
    stage.server.gateway.ask_reconnect()
    await stage.server.gateway.wait_alone()
    stage.say()


async def invalidated(stage: Stage) -> None:
    stage.server.gateway.invalidate()
    stage.say()


async def invalidated_but_resumable(stage: Stage) -> None:
    stage.server.gateway.invalidate(resumable=True)
    stage.say()


async def refused_reconnect(stage: Stage) -> None:
    gateway = stage.server.gateway
    gateway.refusing = True
    gateway.close_all()
    await stage.until(lambda: gateway.refusals > 0)
    stage.say()
    gateway.refusing = False


async def malformed_dispatch(stage: Stage) -> None:
    stage.server.gateway.dispatch("MESSAGE_CREATE", {"id": "none", "content": 7})
    stage.server.gateway.dispatch("MESSAGE_UPDATE", {})
    stage.say()


async def waits_for_hours(stage: Stage) -> None:
    """The limit ends, however late. An embed is the bot's own message, as notices are: these wait with it."""
    stage.say()
    await stage.until_fact(Held)
    await stage.until(lambda: bool(stage.delays()) or stage.voice == "embed")
    stage.clock.leap(LONG_S)


async def passes_without_the_line(stage: Stage) -> None:
    """The next message comes when the limit has ended."""
    stage.say()
    await stage.until(lambda: any(moved.move.dest == "Failed" for moved in stage.moves))
    stage.clock.leap(LONG_S)


async def limited_in_a_thread(stage: Stage) -> None:
    """A line in a thread of the channel meets the 429; the channel's own line goes through the same webhook."""
    thread = stage.server.add_thread(CHANNEL, "cellar", "Robin").id
    stage.beside.add(thread)
    stage.server.say(thread, "Robin", f"!start {NAME}")
    await stage.until(lambda: len(stage.server.messages(thread)) == 2)
    stage.server.say(thread, "Robin", "Hello down there?")
    refused = [SendRefused, Held]
    await stage.until(lambda: any(type(moved.move.fact) in refused for moved in stage.trace.moves))
    stage.say()
    await stage.until_fact(Held)
    await stage.until(lambda: bool(stage.delays()))
    stage.clock.leap(LONG_S)
    await stage.until(lambda: any(message.voice is Voice.WEBHOOK for message in stage.server.messages(thread)))
