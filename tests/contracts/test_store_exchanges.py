"""What went over the wire: kept with its move or not at all, of the newest responses, texts only where asked for."""

from __future__ import annotations

import pytest

from actors.adapters.store import SqlStore
from actors.adapters.store.play.exchanges import RESPONSES_KEPT
from actors.ports import Asked, AskedMessage, AskedTexts, Exchange, Fenced, LoreFired, LoreMissed, LoreRecord, Request
from machines.facts import Generated, SendRefused, Sent
from machines.response import advance
from tests.contracts.scene import NOW, Line, Scene, open_scene

ASKED = Asked(
    model="a-model",
    attempt=1,
    messages=(AskedMessage("system", "card", 7, is_shortened=True), AskedMessage("user", "history", 12)),
    tokens=40,
    lines=9,
    lines_kept=1,
    completion_tokens_max=700,
    outcome="ok",
    duration_s=1.25,
    prompt_tokens=38,
    completion_tokens=5,
    raw_characters=11,
    lore=LoreRecord(
        (LoreFired("Coast", "lamp", "before the character", "lamp", 3),),
        (LoreMissed("Coast", "storm", "no key was said"),),
        1,
        7,
        (("/(a+)+$/", "it took too long"),),
    ),
)
# Half a surrogate pair and a NUL: a model may write both, and no delivery may fail because of them.
TEXTS = AskedTexts(("Be Mira", "Robin: \ud83d\x00?"), raw="Mira: Héllo", cleaned="Héllo")
GENERATED = Exchange((Request("POST", "/v1/chat/completions", 1.2, 200, {"x-request-id": "r-1"}),), ASKED, TEXTS)
REFUSED = Exchange(
    (Request("POST", "/webhooks/5/…", 0.1, 429, {"retry-after": "2"}), Request("GET", "/users/@me", 5.0)),
)


async def tell(line: Line, fact: Generated | SendRefused | Sent, exchange: Exchange) -> None:
    move = advance(line.response, fact)
    await line.store.record(line.claim, line.response, move, line.writes(move), exchange=exchange)


async def a_line(scene: Scene, message_id: int) -> Line:
    await scene.hear(message_id)
    return await (await scene.line()).start()


async def test_an_exchange_is_read_as_it_was_kept_and_its_texts_only_where_asked_for(
    store: SqlStore, scene: Scene
) -> None:
    line = await a_line(scene, 10)
    await tell(line, Generated(NOW + 1, ("Héllo",)), GENERATED)
    await tell(line, SendRefused(NOW + 2, "rate_limit", 429, 2.0), REFUSED)
    plain = Exchange(GENERATED.requests, ASKED)
    assert await store.exchanges(line.response.id) == ((2, plain), (3, REFUSED))
    assert await store.exchanges(line.response.id, with_texts=True) == ((2, GENERATED), (3, REFUSED))
    assert await store.exchanges("nosuchresponse") == ()


async def test_a_move_that_is_refused_keeps_no_exchange(store: SqlStore, scene: Scene) -> None:
    line = await a_line(scene, 10)
    await store.claim(scene.claim.session_id)  # somebody else holds the session now
    with pytest.raises(Fenced):
        await tell(line, Generated(NOW + 1, ("Hello.",)), GENERATED)
    assert await store.exchanges(line.response.id) == ()


async def test_each_session_keeps_those_of_its_newest_responses(store: SqlStore, scene: Scene) -> None:
    other = await open_scene(store, number=50, channel_id=501)  # its ids come before those of `scene`
    elsewhere = await a_line(other, 9)
    await tell(elsewhere, Generated(NOW + 1, ("Hello.",)), GENERATED)
    ids = []
    for number in range(RESPONSES_KEPT + 3):
        line = await a_line(scene, 10 + 10 * number)
        await tell(line, Generated(NOW + 1, ("Hello.",)), GENERATED)
        await line.keep_intent()
        await tell(line, Sent(NOW + 2, 11 + 10 * number, "Hello."), REFUSED)
        ids.append(line.response.id)
    kept = [response_id for response_id in ids if await store.exchanges(response_id)]
    assert kept == ids[-RESPONSES_KEPT:]
    assert [seq for seq, _ in await store.exchanges(kept[0])] == [2, 3]
    assert [seq for seq, _ in await store.exchanges(elsewhere.response.id)] == [2]


async def test_a_retry_of_a_written_line_pushes_the_oldest_out_as_well(store: SqlStore, scene: Scene) -> None:
    """It asks no model: what it sends is all that it has to keep."""
    first = await a_line(scene, 10)
    await tell(first, Generated(NOW + 1, ("Hello.",)), GENERATED)
    await tell(first, Sent(NOW + 2, 11, "Hello."), REFUSED)
    for number in range(1, RESPONSES_KEPT + 1):
        await scene.hear(10 + 10 * number)
        line = await (await scene.line()).start("Hello again.")
        await tell(line, Sent(NOW + 3, 11 + 10 * number, "Hello again."), REFUSED)
    assert await store.exchanges(first.response.id) == ()
