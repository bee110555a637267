"""What every store promises about texts that Discord blocked, and about lines of webhooks that were moved."""

from __future__ import annotations

from actors.adapters.store import SqlStore
from actors.observation.journal import LineMessage
from actors.ports.work import NextRedelivery, ResponseRecord
from actors.roleplay.model import OutboundKind, OutboxDraft, OutboxKind, nonce_of
from machines.facts import BLOCKED, Generated, SendRefused, SendUnconfirmed, Sent, SentElsewhere, WaitElapsed
from machines.response import Limits
from tests.contracts.scene import CHANNEL, NOW, Line, Scene, an_answer, open_scene

ELSEWHERE = CHANNEL + 1
W = 77


async def refused_as_blocked(scene: Scene, *, shown: int = 21) -> Line:
    """A line of two parts, the second of which was blocked; the first stands as message `shown`."""
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.keep_intent()
    await line.tell(Sent(NOW + 1, shown, "One."))
    await line.keep_intent()
    await line.tell(SendRefused(NOW + 2, BLOCKED, 400, final=True, code=200000, words="Blocked."))
    return line


async def written_anew(scene: Scene) -> Line:
    line = await refused_as_blocked(scene)
    await line.tell(WaitElapsed(NOW + 3))
    await line.tell(Generated(NOW + 4, ("Three.",)))
    return line


# ── texts that Discord blocked ──────────────────────────────────────────────────────────────────────


async def test_b13_a_response_without_its_blocked_text_is_read_back_as_it_was_left(scene: Scene) -> None:
    line = await refused_as_blocked(scene)
    left = await scene.store.next_work(scene.claim)
    assert isinstance(left, ResponseRecord)
    assert left.response == line.response
    assert (left.response.texts, left.response.shown, left.outbound) == ((), (), None)
    assert left.reasons == ((BLOCKED, ""),)


async def test_b13_the_next_text_is_read_back_alone_and_has_nonces_of_its_own(scene: Scene) -> None:
    line = await written_anew(scene)
    kept = await line.keep_intent()
    left = await scene.store.next_work(scene.claim)
    assert isinstance(left, ResponseRecord)
    assert left.response == line.response
    assert left.outbound == kept
    assert kept.nonce == nonce_of(line.response.id, 3)


async def test_b13_parts_of_a_blocked_text_are_watched_with_the_line_that_took_their_place(scene: Scene) -> None:
    line = await written_anew(scene)
    await line.keep_intent()
    watched = await scene.store.watched(CHANNEL, since=NOW - 1)
    assert [one.outbound.text for one in watched] == ["One.", "Two.", "Three."]


async def test_b13_what_was_shown_of_a_blocked_text_is_no_line_that_people_can_change(scene: Scene) -> None:
    line = await written_anew(scene)
    await line.keep_intent()
    await line.tell(Sent(NOW + 5, 22, "Three."))
    known = await scene.store.known_messages(CHANNEL, after=10)
    assert [each.message_id for each in known] == [22]
    assert await scene.store.amend(CHANNEL, 21, text=None, at=NOW + 6) is None
    assert [entry.text for entry in await scene.store.history(scene.claim.session_id)] == ["Hello?", "Three."]


async def test_b13_a_part_is_named_by_its_place_in_its_own_text(scene: Scene) -> None:
    line = await written_anew(scene)
    await line.keep_intent()
    await line.tell(Sent(NOW + 5, 22, "Three."))
    assert await scene.store.known_as(CHANNEL, 22) == LineMessage(line.response.id, 1, 1)
    assert await scene.store.known_as(CHANNEL, 21) == LineMessage(line.response.id, 1, 2)


async def test_b13_a_retry_has_the_last_text(scene: Scene) -> None:
    line = await written_anew(scene)
    await line.keep_intent()
    notice = OutboxDraft(f"notice:{line.response.id}", OutboxKind.NOTICE, CHANNEL, "It failed.")
    await line.tell(SendRefused(NOW + 5, BLOCKED, 400, final=True), outbox=[notice])
    asked = await scene.store.look_up_redelivery(line.response.id, channel_id=CHANNEL)
    await scene.store.request_redelivery(asked, an_answer("retry"), at=NOW + 6)
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, NextRedelivery)
    assert work.texts == ("Three.",)


# ── webhooks that were moved ────────────────────────────────────────────────────────────────────────


async def test_b15_a_forgotten_webhook_has_a_token_for_what_it_posted_and_a_home(store: SqlStore) -> None:
    await store.keep_webhook(CHANNEL, "mira", W, "secret")
    await store.forget_webhook(W)
    assert await store.webhook_token(W) is None
    assert await store.webhook_token(W, with_forgotten=True) == "secret"
    assert await store.webhook_home(W) == CHANNEL
    assert await store.webhook_home(W + 1) is None


async def test_b15_a_message_elsewhere_may_be_any_watched_part_of_its_webhook_s_channel(scene: Scene) -> None:
    await scene.store.keep_webhook(CHANNEL, "mira", W, "secret")
    await scene.hear(10)
    line = await (await scene.line()).start("One.")
    await line.keep_intent(kind=OutboundKind.WEBHOOK, webhook_id=W)
    await line.tell(SendUnconfirmed(NOW + 1, "timeout"))
    [part] = await scene.store.watched_elsewhere(ELSEWHERE, W, since=NOW)
    assert (part.outbound.text, part.is_final) == ("One.", False)
    assert await scene.store.watched_elsewhere(CHANNEL, W, since=NOW) == ()
    assert await scene.store.watched_elsewhere(ELSEWHERE, W + 1, since=NOW) == ()


async def test_b15_a_part_that_went_elsewhere_is_no_message_of_the_line(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line(limits=Limits())).start("One.")
    await line.keep_intent(kind=OutboundKind.WEBHOOK, webhook_id=W)
    takedown = OutboxDraft(
        "takedown:21", OutboxKind.TAKEDOWN, ELSEWHERE, message_id=21, webhook_id=W, response_id=line.response.id
    )
    await line.tell(SentElsewhere(NOW + 1, ELSEWHERE, 21), outbox=[takedown])
    assert await scene.store.own_messages(CHANNEL, after=0) == frozenset()
    assert await scene.store.own_messages(ELSEWHERE, after=0) == {21}
    rows = await scene.store.due_outbox(now=NOW + 9, limit=9)
    assert [row.draft for row in rows if row.draft.kind is OutboxKind.TAKEDOWN] == [takedown]


async def test_b15_no_response_takes_down_what_another_one_was_found_in(scene: Scene) -> None:
    other = await open_scene(scene.store, number=200, channel_id=ELSEWHERE)
    await other.hear(10)
    theirs = await (await other.line()).start("Yes.")
    await theirs.keep_intent()
    await theirs.tell(Sent(NOW + 1, 21, "Yes."))
    await scene.hear(11)
    line = await (await scene.line()).start("Yes.")
    await line.keep_intent(kind=OutboundKind.WEBHOOK, webhook_id=W)
    takedown = OutboxDraft("takedown:21", OutboxKind.TAKEDOWN, ELSEWHERE, message_id=21, response_id=line.response.id)
    await line.tell(SentElsewhere(NOW + 2, ELSEWHERE, 21), outbox=[takedown])
    rows = await scene.store.due_outbox(now=NOW + 9, limit=9)
    assert OutboxKind.TAKEDOWN not in {row.draft.kind for row in rows}
