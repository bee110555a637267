"""Servers that refuse what goes by a webhook's token: in each way, with and without Discord's codes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from discord.http import Route

from actors.playground import Dialect, PlaygroundServer
from actors.ports import Deleted, Posted, Refused, Unconfirmed
from actors.roleplay.model import Character, Outbound, OutboundKind

from .rest import Rest
from .scripted import CHANNEL_ID, WEBHOOK_ID, Answer, Request, ScriptedDiscord, as_json, message

MIRA = Character("mira", "Mira", "{}")
HTML = {"Content-Type": "text/html"}


def of_webhook(text: str = "Hello", channel: int = CHANNEL_ID, webhook_id: int = WEBHOOK_ID) -> Outbound:
    return Outbound(OutboundKind.WEBHOOK, channel, "Mira", text, "0000000000001.1", webhook_id=webhook_id)


def wire_of(came: Callable[[], list[Request]]) -> list[str]:
    return [f"{request.method} {request.path.removeprefix('/api/v10')}" for request in came()]


REFUSALS = {
    "401": as_json({"message": "401: Unauthorized", "code": 0}, 401),
    "401 page": Answer(401, "<html>", HTML),
    "401 another code": as_json({"message": "No", "code": 40001}, 401),
    "401 50027": as_json({"message": "Invalid Webhook Token", "code": 50027}, 401),
    "403": as_json({"message": "403: Forbidden", "code": 0}, 403),
    "403 page": Answer(403, "<html>", HTML),
    "403 50013": as_json({"message": "Missing Permissions", "code": 50013}, 403),
    "404": as_json({"message": "404: Not Found", "code": 0}, 404),
    "404 page": Answer(404, "<html>", HTML),
    "404 10015": as_json({"message": "Unknown Webhook", "code": 10015}, 404),
    "405": Answer(405),
}
each_refusal = pytest.mark.parametrize("refusal", REFUSALS.values(), ids=list(REFUSALS))


@each_refusal
async def test_e3_a_refused_webhook_never_speaks_of_the_bots_token_and_is_not_the_lines_end(
    known: Rest, scripted: ScriptedDiscord, refusal: Answer
) -> None:
    scripted.will(refusal)
    outcome = await known.voice.send(of_webhook())
    assert isinstance(outcome, Refused | Unconfirmed)
    if isinstance(outcome, Refused):
        assert (outcome.reason, outcome.final) in {("webhook_gone", False), ("webhooks_forbidden", False)}


@each_refusal
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("end", ["", "/messages/41"])
async def test_e3_on_every_route_of_a_webhooks_token_a_refusal_is_the_webhooks(
    known: Rest, scripted: ScriptedDiscord, method: str, end: str, refusal: Answer
) -> None:
    scripted.will(refusal)
    route = Route(method, f"/webhooks/{WEBHOOK_ID}/secret{end}")
    outcome = await known.wire.attempt("webhook", lambda client: client.http.request(route))
    if refusal.status == 405:
        assert isinstance(outcome, Unconfirmed)
    else:
        assert isinstance(outcome, Refused)
        assert outcome.reason == ("forbidden" if refusal.status == 403 else "webhook_gone")


@pytest.mark.parametrize("path", [f"/webhooks/{WEBHOOK_ID}", f"/channels/{CHANNEL_ID}/webhooks"])
async def test_e3_on_a_route_of_the_bots_token_a_401_is_the_bots(
    known: Rest, scripted: ScriptedDiscord, path: str
) -> None:
    scripted.will(REFUSALS["401"])
    outcome = await known.wire.attempt("webhooks", lambda client: client.http.request(Route("GET", path)))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "unauthorized"


@each_refusal
async def test_e3_a_refused_deletion_by_the_webhook_falls_back_to_the_bots_own(
    known: Rest, scripted: ScriptedDiscord, refusal: Answer
) -> None:
    came = scripted.will(refusal, Answer(204))
    assert await known.channel.delete(CHANNEL_ID, 41, WEBHOOK_ID) == Deleted()
    assert wire_of(came) == [
        f"DELETE /webhooks/{WEBHOOK_ID}/secret/messages/41",
        f"DELETE /channels/{CHANNEL_ID}/messages/41",
    ]


@pytest.mark.parametrize("code", [10008, 10003])
async def test_e3_a_message_that_discord_does_not_know_is_deleted_and_only_its_webhook_is_asked_for(
    known: Rest, scripted: ScriptedDiscord, code: int
) -> None:
    came = scripted.will(as_json({"message": "Unknown", "code": code}, 404))
    assert await known.channel.delete(CHANNEL_ID, 41, WEBHOOK_ID) == Deleted()
    # The second one asks where the webhook is: one that was moved does not know what it left behind.
    assert [request.method for request in came()] == ["DELETE", "GET"]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (as_json([]), "asked for 40"),
        (as_json([message(id="43"), message(id="42")]), Deleted()),
        (as_json([message(id="42"), message(id="41")]), "not_found"),
        (as_json({"message": "Forbidden", "code": 0}, 403), "not_found"),
        (Answer(502, "<html>", HTML), "not_found"),
    ],
)
async def test_e3_a_404_without_a_code_means_deleted_only_where_the_channel_shows_it(
    known: Rest, scripted: ScriptedDiscord, page: Answer, expected: object
) -> None:
    nothing = Answer(404, "<html>", HTML)
    came = scripted.will(nothing, nothing, page, nothing)
    outcome = await known.channel.delete(CHANNEL_ID, 41, WEBHOOK_ID)
    if expected == "asked for 40":
        assert outcome == Deleted()
        assert wire_of(came)[-1] == f"GET /channels/{CHANNEL_ID}/messages/40"
    elif isinstance(expected, Deleted):
        assert outcome == expected
    else:
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.final) == (expected, False)


@pytest.mark.parametrize(
    "answer",
    [as_json({"message": "Slow down", "retry_after": 3.0, "global": False}, 429), Answer(503), Answer(how="cut")],
    ids=["429", "503", "cut"],
)
async def test_e3_a_deletion_that_was_not_answered_is_not_made_in_another_way(
    known: Rest, scripted: ScriptedDiscord, answer: Answer
) -> None:
    # aiohttp itself repeats a DELETE on a connection that turns out closed.
    came = scripted.will(answer, answer)
    outcome = await known.channel.delete(CHANNEL_ID, 41, WEBHOOK_ID)
    assert isinstance(outcome, Refused | Unconfirmed)
    assert set(wire_of(came)) == {f"DELETE /webhooks/{WEBHOOK_ID}/secret/messages/41"}


@pytest.mark.parametrize("status", [401, 404])
async def test_e3_a_webhook_that_is_refused_twice_gives_way_to_embeds_and_has_its_chance_later(
    local: Rest, playground: PlaygroundServer, status: int
) -> None:
    playground.dialect = Dialect(webhook_status=status)
    tavern = playground.discord.find_channel("tavern").id
    spoken: list[tuple[OutboundKind, str]] = []
    for _ in range(3):
        prepared = await local.voice.prepare(tavern, MIRA)
        assert isinstance(prepared, tuple)
        kind, webhook_id = prepared
        outcome = await local.voice.send(Outbound(kind, tavern, "Mira", "Hello", "n.1", webhook_id=webhook_id))
        spoken.append((kind, outcome.reason if isinstance(outcome, Refused) else type(outcome).__name__))
    assert spoken == [(OutboundKind.WEBHOOK, "webhook_gone")] * 2 + [(OutboundKind.EMBED, "Posted")]
    assert len(playground.webhooks("tavern")) == 1
    playground.dialect = Dialect()
    local.voice._without_webhooks._refused.clear()  # as when its time is over
    prepared = await local.voice.prepare(tavern, MIRA)
    assert isinstance(prepared, tuple)
    assert prepared[0] is OutboundKind.WEBHOOK


async def test_e3_a_copy_in_a_thread_goes_where_a_webhook_may_not_delete_there(
    local: Rest, playground: PlaygroundServer
) -> None:
    playground.dialect = Dialect(deletes_in_threads=False)
    thread = playground.add_thread("tavern", "A corner", "Robin")
    prepared = await local.voice.prepare(thread.id, MIRA)
    assert isinstance(prepared, tuple)
    sent = await local.voice.send(of_webhook(channel=thread.id, webhook_id=prepared[1] or 0))
    assert isinstance(sent, Posted)
    assert await local.channel.delete(thread.id, sent.message_id, prepared[1]) == Deleted()
    assert playground.messages("A corner") == []


async def test_e3_a_401_on_a_route_of_the_bots_own_is_said_of_its_token(known: Rest, scripted: ScriptedDiscord) -> None:
    scripted.will(REFUSALS["401"], REFUSALS["401"])
    deleted = await known.channel.delete(CHANNEL_ID, 41, None)
    listed = await known.voice.prepare(CHANNEL_ID, Character("bo", "Bo", "{}"))
    for outcome in (deleted, listed):
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.final) == ("unauthorized", True)
