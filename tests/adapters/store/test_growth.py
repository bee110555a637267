"""What a playing bot reads costs the same after much play as after little, counted in SQLite's own steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable

from actors.adapters.store import SqlStore
from actors.adapters.store.play.exchanges import RESPONSES_KEPT
from actors.ports import Exchange, Request
from actors.ports.work import NextMessages, SessionMove
from actors.roleplay.model import OutboxDraft, OutboxKind
from machines.facts import FoundInChannel, SendUnconfirmed, Sent
from machines.response import advance
from tests.contracts.scene import CHANNEL, NOW, Scene, a_session, an_answer, open_scene, said
from tests.fakes.store import MortalExecutor, mortal_store

TURNS_FEW, TURNS_MANY = 20, 160
GROWS = {"next_work": 4, "open_sessions": 16}
"""Steps for each turn of one session (they are counted), and for each line of it that was ever in doubt."""


async def play(scene: Scene, turns: range) -> None:
    """Turns of one line, each first in doubt; beside each a command's answer, and a scene that comes and goes."""
    for number in turns:
        message_id = 1000 + 10 * number
        await scene.hear(message_id)
        line = await (await scene.line()).start("A line of some length.")
        await line.keep_intent()
        await line.tell(SendUnconfirmed(NOW, "timeout"))
        await line.tell(FoundInChannel(NOW, message_id + 1, "A line of some length."))
        await answer(scene.store, f"answer:{number}", message_id + 2)
        other = await open_scene(scene.store, number=10_000 + number, channel_id=10_000 + number)
        await other.hear(message_id + 3)
        await other.take_turn(message_id + 3)
        await scene.store.move_session(other.claim.session_id, SessionMove("Ended", 2, NOW, "end"))


async def answer(store: SqlStore, key: str, message_id: int) -> None:
    await store.enqueue(OutboxDraft(key, OutboxKind.ANSWER, CHANNEL, "Well."), at=NOW)
    for row in await store.due_outbox(now=NOW, limit=10):
        for _ in range(2):
            await store.outbox_try(row.id, at=NOW)
        await store.outbox_done(row.id, message_id=message_id + row.id % 2, at=NOW, outcome="sent")


async def steps(executor: MortalExecutor, call: Callable[[], Awaitable[object]]) -> int:
    """SQLite's steps in one call, its statements prepared before."""
    connection = executor.engine.raw_connection().driver_connection
    assert isinstance(connection, sqlite3.Connection)
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.set_progress_handler(count, 1)
    try:
        await call()
    finally:
        connection.set_progress_handler(None, 1)
    return taken


async def costs(scene: Scene, executor: MortalExecutor, key: str, message_id: int) -> dict[str, int]:
    """The steps of everything that is asked while a bot plays."""
    store, session_id = scene.store, scene.claim.session_id
    draft = OutboxDraft(key, OutboxKind.ANSWER, CHANNEL, "Well.")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "pending": lambda: store.pending(now=NOW),
        "open_sessions": lambda: store.open_sessions(since=NOW, lookback=TURNS_FEW),
        "recent_history": lambda: store.recent_history(session_id, entries_max=20),
        "accept": lambda: store.accept(said(message_id), turns_max=12),
        "answered_lately": lambda: store.answered_lately(CHANNEL, 7, since=NOW - 60),
        "next_work": lambda: store.next_work(scene.claim),
        "enqueue": lambda: store.enqueue(draft, at=NOW),
        "due_outbox": lambda: store.due_outbox(now=NOW, limit=10),
        "next_outbox_due": store.next_outbox_due,
        "own_messages": lambda: store.own_messages(CHANNEL, after=message_id - 20),
        "watched_texts": lambda: store.watched_texts(CHANNEL, since=NOW),
        "session_in": lambda: store.session_in(CHANNEL),
        "books": lambda: store.books(session_id, CHANNEL),
        "lore_memory": lambda: store.lore_memory(session_id, until=message_id),
    }
    return {name: await steps(executor, call) for name, call in calls.items()}


async def test_nothing_that_a_playing_bot_asks_grows_with_what_was_played() -> None:
    store, executor = mortal_store()
    scene = await open_scene(store)
    await play(scene, range(TURNS_FEW))
    few = await costs(scene, executor, "few", 1000 + 10 * TURNS_FEW)
    assert isinstance(await store.next_work(scene.claim), NextMessages)
    await scene.take_turn(1000 + 10 * TURNS_FEW)
    line = await (await scene.line()).start("A line.")
    await line.tell(Sent(NOW, 1005 + 10 * TURNS_FEW, "A line."))
    await play(scene, range(TURNS_FEW + 1, TURNS_MANY))
    many = await costs(scene, executor, "many", 1000 + 10 * TURNS_MANY)

    bounds = {name: 1.2 * steps + 20 + GROWS.get(name, 0) * (TURNS_MANY - TURNS_FEW) for name, steps in few.items()}
    assert {name: many[name] for name in many if many[name] > bounds[name]} == {}
    await store.aclose()


async def test_ended_sessions_cost_the_sweep_nothing() -> None:
    store, executor = mortal_store()
    await open_scene(store)
    before = await steps(executor, lambda: store.pending(now=NOW))
    for number in range(200, 400):
        ended = a_session(number, channel_id=number)
        await store.open_session(ended, an_answer(f"s{number}", channel_id=number))
        await store.move_session(ended.id, SessionMove("Ended", 2, NOW, "end"))
    assert await steps(executor, lambda: store.pending(now=NOW)) == before
    await store.aclose()


async def test_keeping_an_exchange_costs_the_same_after_much_play_as_after_little() -> None:
    store, executor = mortal_store()
    scene = await open_scene(store)

    async def cost(message_id: int) -> int:
        """The steps of a move with its exchange."""
        await scene.hear(message_id)
        line = await (await scene.line()).start("A line.")
        move = advance(line.response, Sent(NOW, message_id + 1, "A line."))
        exchange = Exchange((Request("POST", "/webhooks/5/…", 0.1, 200),))
        writes = line.writes(move)
        return await steps(executor, lambda: store.record(scene.claim, line.response, move, writes, exchange=exchange))

    costs = [await cost(1000 + 10 * number) for number in range(TURNS_MANY)]
    few, many = max(costs[RESPONSES_KEPT + 1 : RESPONSES_KEPT + 5]), max(costs[-4:])
    assert many <= 1.2 * few + 20
    await store.aclose()
