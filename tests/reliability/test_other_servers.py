"""The real bot on servers that speak Discord's protocol in a way of their own: over real sockets, with restarts."""

from __future__ import annotations

import anyio
import pytest

from actors.playground import COMPATIBLE, READS, Dialect
from machines.facts import FoundInChannel, SendUnconfirmed
from machines.response import FINAL
from tests.fakes.language_model import FakeModel
from tests.reliability.stage import CHANNEL, NAME, SETTLE_S, Stage, alive, performing, setting
from tests.reliability.test_faults import equal_to_the_channel

MEANWHILE = 125
GETS_MAX = 12
"""Of a restart with 125 messages between: the first read, the second one a little later, and that of the line in doubt,
each of two pages and the end; and one for what a try before left."""


def reads(stage: Stage) -> int:
    """Requests for a channel's messages that the server counted."""
    return sum(entry.method == "GET" and entry.path.endswith("/messages") for entry in stage.server.ledger)


async def leave_a_line_in_doubt(stage: Stage) -> None:
    """A process ends while a line of its stands in the channel and is not confirmed."""
    async with alive(stage.server, stage.store, stage.trace, "webhook"):
        await stage.open_scene()
        stage.begin()
        stage.server.next_lines("drop_after")
        stage.server.next_requests(READS, "http_503", "http_503")
        stage.say("What now?")
        await stage.until_fact(SendUnconfirmed)


@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
async def test_e2_a_restart_with_much_said_between_reads_each_page_once_and_finds_its_line(order: str) -> None:
    async with setting() as stage:
        stage.server.dialect = Dialect(order=order, echoes=False)
        await leave_a_line_in_doubt(stage)
        for number in range(MEANWHILE):
            stage.say(f"((aside {number}))")
        before = reads(stage)
        async with alive(stage.server, stage.store, stage.trace, "webhook"):
            await stage.until_over()
            await anyio.sleep(2 * SETTLE_S)  # the second read of the catch-up
            stage.say("Still there?")
            await stage.until(lambda: len(stage.lines) == 3)
            await stage.until_over()
        print(f"{order}: {reads(stage) - before} GETs")
        assert reads(stage) - before <= GETS_MAX
        assert (len(stage.lines), stage.notices, stage.trace.errors) == (3, [], [])
        await equal_to_the_channel(stage)


async def test_e2_e3_e6_a_scene_with_a_copy_in_a_thread_agrees_with_its_history_on_a_compatible_server() -> None:
    """Oldest first, nulls, bare answers, no deleting by webhooks in threads, strict bodies: all at once."""
    async with setting() as stage:
        stage.server.dialect = COMPATIBLE
        thread = stage.server.add_thread(CHANNEL, "A corner", "Robin")
        stage.place = thread.name
        async with alive(stage.server, stage.store, stage.trace, "webhook"):
            await stage.open_scene()
            stage.begin()
            stage.server.next_lines("late")  # lands when the next try has been confirmed
            stage.say("What now?")
            await stage.until(lambda: any(moved.move.dest in FINAL for moved in stage.moves))
            stage.server.land()
            await stage.until(lambda: _deleted_in(stage) == 1)
            await stage.until_over()
            stage.say("And then?")
            await stage.until(lambda: len(stage.lines) == 3)
            await stage.until_over()
        await equal_to_the_channel(stage)
        assert stage.notices == []
        assert not any("token" in noted.words for noted in stage.trace.errors)
        report(stage)


def _deleted_in(stage: Stage) -> int:
    shown = stage.server.messages(stage.place, with_deleted=True)
    return sum(message.deleted for message in shown)


def report(stage: Stage) -> None:
    """What the channel shows and what the moves were, for who runs it with `-s`."""
    for message in stage.server.messages(stage.place, with_deleted=True):
        print(("✗ " if message.deleted else "  ") + f"{message.author}: {message.content or message.description}")
    for moved in stage.moves:
        print(f"  {moved.context.name} {type(moved.move.fact).__name__} → {moved.move.dest}")


async def test_e5_a_late_landing_is_confirmed_when_the_gateway_shows_it() -> None:
    async with performing("webhook", settle_s=5.0) as stage:
        stage.server.next_lines("late")
        stage.say()
        await stage.until_fact(SendUnconfirmed)
        stage.server.land()
        await stage.until_over()
        assert stage.path == "SendUnconfirmed(connection) → Retrying, FoundInChannel → Delivered"
        doubt, found = (
            next(m.move.at for m in stage.moves if isinstance(m.move.fact, kind))
            for kind in (SendUnconfirmed, FoundInChannel)
        )
        print(f"confirmed {found - doubt:.3f} s after the doubt; without the copy 5.0 s")
        assert found - doubt < 2.5
        await equal_to_the_channel(stage)


async def test_j1_after_a_restart_the_next_turn_reads_what_was_said_while_nobody_listened() -> None:
    async with setting() as stage:
        slow = FakeModel(takes_s=60.0)
        async with alive(stage.server, stage.store, stage.trace, "webhook", model=slow):
            stage.say(f"!start {NAME}")
            stage.say("Who is there?")
            await stage.until(lambda: bool(slow.prompts))
        stage.say("It is me, Robin.")
        stage.server.next_requests(READS, "http_503")  # so that the first read takes a second
        stage.begin()
        quick = FakeModel(takes_s=0.0)
        async with alive(stage.server, stage.store, stage.trace, "webhook", model=quick):
            await stage.until(lambda: len(stage.lines) == 2)
        asked = ["\n".join(message.content for message in prompt.messages) for prompt in quick.prompts]
        assert [("It is me, Robin." in words) for words in asked] == [False, True]
