"""Each answer of a server, for each kind of message: one request on the wire, and the right outcome."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import anyio
import anyio.lowlevel
import pytest
from discord.http import Route

from actors.adapters.discord.buckets import SPACING_OF_ALL_S
from actors.adapters.discord.places import Place
from actors.adapters.discord.wire import NOT_CONNECTED_WAIT_MAX_S, NOT_CONNECTED_WAIT_S
from actors.ports import RATE_LIMIT, HeldBack, Posted, Refused, Unconfirmed
from actors.roleplay.model import Character, Outbound, OutboundKind
from tests.patience import PATIENCE_S

from .rest import Clock, Rest, hasty, logged_in
from .scripted import APPLICATION_ID, CHANNEL_ID, WEBHOOK_ID, Answer, Request, ScriptedDiscord, as_json, message

pytestmark = pytest.mark.usefixtures("sleepless")

VIA = {"Via": "1.1 edge"}
PAGE = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
LIMITED = {"message": "You are being rate limited.", "retry_after": 7.5, "global": False}


def error(status: int, code: int = 0, words: str = "No") -> Answer:
    return as_json({"code": code, "message": words}, status)


def form_error(words: str) -> Answer:
    errors = {"content": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": words}]}}
    return as_json({"code": 50035, "message": "Invalid Form Body", "errors": errors}, 400)


REFUSED: dict[str, tuple[Answer, Refused]] = {
    "400": (error(400, 50006), Refused("message_refused", 400, final=True)),
    "400 too long": (form_error("Must be 2000 or fewer in length."), Refused("too_long", 400, final=True)),
    "401": (error(401), Refused("unauthorized", 401, final=True)),
    "404 channel": (error(404, 10003), Refused("channel_gone", 404, final=True)),
    "404 message": (error(404, 10008), Refused("removed", 404, final=True)),
    "404 page": (Answer(404, "<html>", PAGE), Refused("not_found", 404)),
    "413": (Answer(413, "<html>", PAGE), Refused("too_long", 413, final=True)),
    "429": (as_json(LIMITED, 429, VIA), Refused("rate_limit", 429, 7.5)),
    "429 without via": (as_json(LIMITED, 429), Refused("rate_limit", 429, 7.5)),
    "429 header": (as_json(LIMITED, 429, VIA | {"Retry-After": "9"}), Refused("rate_limit", 429, 9.0)),
    "429 half": (
        Answer(429, "{", JSON | VIA | {"Retry-After": "3"}, "half"),
        Refused("rate_limit", 429, 3.0),
    ),
}
REFUSED_OF_A_WEBHOOK: dict[str, Refused] = {
    "401": Refused("webhook_gone", 401),
    "404 page": Refused("webhook_gone", 404),
}
UNCONFIRMED: dict[str, tuple[Answer, Unconfirmed]] = {
    **{
        str(status): (Answer(status, "<html>", PAGE), Unconfirmed("outage", status))
        for status in (500, 502, 503, 504, 520, 524)
    },
    "503 asks for a wait": (Answer(503, "", PAGE | {"Retry-After": "4"}), Unconfirmed("outage", 503, 4.0)),
    "502 half": (Answer(502, "<html>", PAGE, "half"), Unconfirmed("outage", 502)),
    "cut": (Answer(how="cut"), Unconfirmed("connection")),
    "silence": (Answer(how="never"), Unconfirmed("timeout")),
    "200 half": (Answer(200, '{"id"', JSON, "half"), Unconfirmed("connection")),
    "200 no json": (Answer(200, '{"id": "4', JSON), Unconfirmed("malformed")),
    "200 a page": (Answer(200, "<html>", PAGE), Unconfirmed("malformed")),
    "200 half a message": (as_json({"id": "41"}), Unconfirmed("malformed")),
    "204": (Answer(204), Unconfirmed("empty_answer", 204)),
    "200 empty": (Answer(200), Unconfirmed("empty_answer", 200)),
    "418": (error(418), Unconfirmed("malformed", 418)),
}


def outbound(kind: OutboundKind) -> Outbound:
    webhook_id = WEBHOOK_ID if kind is OutboundKind.WEBHOOK else None
    return Outbound(kind, CHANNEL_ID, "Mira", "Hello", "0000000000001.1", webhook_id=webhook_id)


async def send(rest: Rest, kind: OutboundKind) -> object:
    """Send once; with the webhook known, and the channel met before."""
    await rest.table.keep_webhook(CHANNEL_ID, "mira", WEBHOOK_ID, "secret")
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    return await rest.voice.send(outbound(kind))


async def until_one(came: Callable[[], Sequence[Request]]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not came():
            await anyio.lowlevel.checkpoint()


def posts(came: Callable[[], Sequence[Request]]) -> list[str]:
    return [request.path.removeprefix("/api/v10") for request in came() if request.method == "POST"]


PATHS = {
    OutboundKind.TEXT: f"/channels/{CHANNEL_ID}/messages",
    OutboundKind.EMBED: f"/channels/{CHANNEL_ID}/messages",
    OutboundKind.WEBHOOK: f"/webhooks/{WEBHOOK_ID}/secret",
}


@pytest.mark.parametrize("kind", OutboundKind)
@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_not_stored_for_certain_is_refused_after_one_request(
    rest: Rest, scripted: ScriptedDiscord, kind: OutboundKind, case: str
) -> None:
    answer, expected = REFUSED[case]
    if kind is OutboundKind.WEBHOOK:
        expected = REFUSED_OF_A_WEBHOOK.get(case, expected)
    came = scripted.will(answer)
    outcome = await send(rest, kind)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.status, outcome.retry_after_s, outcome.final) == (
        expected.reason,
        expected.status,
        expected.retry_after_s,
        expected.final,
    )
    assert posts(came) == [PATHS[kind]]


@pytest.mark.parametrize("kind", OutboundKind)
@pytest.mark.parametrize("code", [20009, 200000, 200001, 240000])
@pytest.mark.parametrize("status", [400, 403])
async def test_b13_n1_a_blocked_text_is_blocked_whatever_the_status_and_keeps_discord_s_words(
    rest: Rest, scripted: ScriptedDiscord, kind: OutboundKind, code: int, status: int
) -> None:
    scripted.will(error(status, code, f"Blocked, said /webhooks/{WEBHOOK_ID}/{'s3cret' * 10}"))
    outcome = await send(rest, kind)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.status, outcome.final, outcome.code) == ("blocked", status, True, code)
    assert outcome.words == "Blocked, said /webhooks/…"


@pytest.mark.parametrize("kind", OutboundKind)
@pytest.mark.parametrize("case", UNCONFIRMED)
async def test_what_may_be_stored_is_unconfirmed_after_one_request(
    rest: Rest, scripted: ScriptedDiscord, kind: OutboundKind, case: str
) -> None:
    answer, expected = UNCONFIRMED[case]
    came = scripted.will(answer)
    with hasty(rest) if case == "silence" else nullcontext():
        outcome = await send(rest, kind)
    assert isinstance(outcome, Unconfirmed)
    assert (outcome.cause, outcome.status, outcome.retry_after_s) == (
        expected.cause,
        expected.status,
        expected.retry_after_s,
    )
    assert posts(came) == [PATHS[kind]]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(OutboundKind.TEXT, ("messages_forbidden", False)), (OutboundKind.EMBED, ("forbidden", True))],
)
async def test_a_forbidden_message_of_the_bot_is_final_unless_a_webhook_may_say_it(
    rest: Rest, scripted: ScriptedDiscord, kind: OutboundKind, expected: tuple[str, bool]
) -> None:
    came = scripted.will(error(403, 50013))
    outcome = await send(rest, kind)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.final) == expected
    assert posts(came) == [PATHS[kind]]


async def test_a_forbidden_webhook_is_not_final_and_not_tried_again(rest: Rest, scripted: ScriptedDiscord) -> None:
    came = scripted.will(error(403, 50013))
    outcomes = [await send(rest, OutboundKind.WEBHOOK) for _ in range(2)]
    assert [(each.reason, each.final) for each in outcomes if isinstance(each, Refused)] == [
        ("webhooks_forbidden", False),
        ("webhooks_forbidden", False),
    ]
    assert len(came()) == 1


@pytest.mark.parametrize("answer", [error(404, 10015), error(401, 50027)], ids=["gone", "token"])
async def test_a_lost_webhook_is_forgotten_and_may_be_tried_again(
    rest: Rest, scripted: ScriptedDiscord, answer: Answer
) -> None:
    scripted.will(answer)
    outcome = await send(rest, OutboundKind.WEBHOOK)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.final) == ("webhook_gone", False)
    assert await rest.table.webhook(CHANNEL_ID, "mira") is None
    assert await rest.table.known_webhooks(CHANNEL_ID) == {WEBHOOK_ID}


@pytest.mark.parametrize(
    "answer",
    [
        as_json(LIMITED | {"global": True}, 429, VIA),
        as_json(LIMITED, 429, VIA | {"X-RateLimit-Global": "true"}),
        Answer(429, "<html>banned</html>", PAGE | {"Retry-After": "7.5"}),
    ],
    ids=["json", "header", "edge"],
)
async def test_a_global_pause_holds_every_call_back_before_the_wire(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock, answer: Answer
) -> None:
    came = scripted.will(answer, as_json(message()))
    refused = await send(rest, OutboundKind.TEXT)
    assert isinstance(refused, Refused)
    assert refused.retry_after_s == 7.5
    until, since = clock.at + 7.5, clock.at
    assert refused.since == since
    await rest.channel.typing(CHANNEL_ID)
    calls = [
        await send(rest, OutboundKind.WEBHOOK),
        await rest.channel.messages(CHANNEL_ID, after=0),
        await rest.channel.delete(CHANNEL_ID, 41, None),
    ]
    held = [each for each in calls if isinstance(each, HeldBack)]
    assert [(each.cause, each.since) for each in held] == [(RATE_LIMIT, since)] * 3
    assert [each.until for each in held] == pytest.approx([until + SPACING_OF_ALL_S * n for n in (1, 2, 3)], abs=1e-5)
    assert len(came()) == 1
    clock.at = until
    assert await send(rest, OutboundKind.TEXT) == Posted(41, "Hello")


@pytest.mark.parametrize("kind", OutboundKind)
async def test_an_emptied_bucket_holds_the_next_call_back_and_delays_no_answer(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock, kind: OutboundKind
) -> None:
    emptied = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "4.5"}
    came = scripted.will(as_json(message(), headers=emptied), as_json(message()))
    assert isinstance(await send(rest, kind), Posted)
    assert await send(rest, kind) == HeldBack(clock.at + 4.5, RATE_LIMIT, clock.at)
    assert len(came()) == 1
    clock.at += 4.5
    assert isinstance(await send(rest, kind), Posted)


@pytest.mark.parametrize("kind", OutboundKind)
async def test_a_connection_that_was_never_made_is_refused(
    scripted: ScriptedDiscord, kind: OutboundKind, free_tcp_port: int
) -> None:
    async with logged_in(scripted.api_url) as rest:
        await rest.table.keep_webhook(CHANNEL_ID, "mira", WEBHOOK_ID, "secret")
        Route.BASE = f"http://127.0.0.1:{free_tcp_port}/api/v10"
        outcome = await send(rest, kind)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.status, outcome.final) == ("connection", None, False)


@pytest.mark.parametrize("kind", OutboundKind)
async def test_without_a_client_everything_is_held_back_for_a_moment(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock, kind: OutboundKind
) -> None:
    came = scripted.will(as_json(message()))
    rest.wire.remove(rest.client)
    assert await send(rest, kind) == HeldBack(clock.at + NOT_CONNECTED_WAIT_S)
    assert came() == []


async def test_the_longer_there_is_no_client_the_less_often_is_tried_until_one_is_there(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock
) -> None:
    scripted.will(as_json(message()))

    async def wait_s() -> float:
        outcome = await send(rest, OutboundKind.EMBED)
        assert isinstance(outcome, HeldBack)
        return outcome.until - clock.at

    rest.wire.remove(rest.client)
    waits: list[float] = []
    for _ in range(60):
        waits.append(await wait_s())
        clock.at += waits[-1]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (NOT_CONNECTED_WAIT_S, NOT_CONNECTED_WAIT_MAX_S)
    assert sum(waits[:20]) > 120  # each of them is a move in the journal of each line
    rest.wire.add(rest.client)
    assert isinstance(await send(rest, OutboundKind.EMBED), Posted)
    rest.wire.remove(rest.client)
    assert await wait_s() == NOT_CONNECTED_WAIT_S


async def test_a_client_that_closes_under_a_waiting_send_holds_it_back(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock
) -> None:
    came = scripted.will(Answer(how="never"))
    outcomes: list[object] = []

    async def speak() -> None:
        outcomes.append(await send(rest, OutboundKind.WEBHOOK))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speak)
        tasks.start_soon(speak)  # waits for the first: they share the webhook
        await until_one(came)
        await rest.client.close()
    first, second = outcomes
    assert isinstance(first, Unconfirmed)
    assert second == HeldBack(clock.at + NOT_CONNECTED_WAIT_S)
    assert len(came()) == 1


async def test_another_client_takes_over_from_one_that_closes(rest: Rest, scripted: ScriptedDiscord) -> None:
    scripted.will(as_json(message()))
    async with logged_in(scripted.api_url) as other:
        rest.wire.add(other.client)
        await rest.client.close()
        assert await send(rest, OutboundKind.TEXT) == Posted(41, "Hello")


async def test_a_channel_full_of_others_webhooks_is_not_asked_for_one_more(
    rest: Rest, scripted: ScriptedDiscord
) -> None:
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    others = [{"id": str(number), "type": 1, "name": "Mira", "application_id": "98"} for number in range(15)]
    came = scripted.will(as_json(others))
    prepared = await rest.voice.prepare(CHANNEL_ID, Character("1", "Mira", "{}"))
    assert prepared == (OutboundKind.EMBED, None)
    assert [request.method for request in came()] == ["GET"]


async def test_a_cancelled_send_is_cancelled_and_the_next_one_goes_out(rest: Rest, scripted: ScriptedDiscord) -> None:
    came = scripted.will(Answer(how="never"), as_json(message()))

    async def speak() -> None:
        await send(rest, OutboundKind.TEXT)
        pytest.fail("it was answered")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speak)
        await until_one(came)
        tasks.cancel_scope.cancel()
    assert await send(rest, OutboundKind.TEXT) == Posted(41, "Hello")
    assert len(came()) == 2


@pytest.mark.parametrize("kind", OutboundKind)
async def test_a_try_that_ran_out_of_time_does_not_block_the_next(
    rest: Rest, scripted: ScriptedDiscord, kind: OutboundKind
) -> None:
    scripted.will(Answer(how="never"), as_json(message()))
    with hasty(rest):
        assert isinstance(await send(rest, kind), Unconfirmed)
    assert await send(rest, kind) == Posted(41, "Hello")


async def test_a_mistake_of_ours_before_the_wire_is_no_outcome(rest: Rest, scripted: ScriptedDiscord) -> None:
    def mistaken(client: object) -> None:
        raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        await rest.wire.attempt("send", mistaken)  # type: ignore[arg-type]


async def test_a_second_request_within_one_try_stays_off_the_wire(rest: Rest, scripted: ScriptedDiscord) -> None:
    came = scripted.will(as_json(message()), as_json(message()))
    channel = rest.client.get_partial_messageable(CHANNEL_ID)

    async def twice(client: object) -> None:
        await channel.send("one")
        await channel.send("two")

    outcome = await rest.wire.attempt("send", twice)
    assert isinstance(outcome, Unconfirmed)
    assert [request.body["content"] for request in came()] == ["one"]


@pytest.mark.parametrize(
    ("fields", "is_ours"),
    [
        ({"webhook_id": "99"}, False),
        ({"webhook_id": "99", "application_id": "98"}, False),
        ({"webhook_id": "99", "application_id": str(APPLICATION_ID)}, True),
        ({"webhook_id": str(WEBHOOK_ID)}, True),
        ({}, True),
        ({"author": {"id": "5", "username": "Robin", "discriminator": "0", "avatar": None}}, False),
    ],
)
async def test_only_our_bot_and_our_webhooks_are_ours(
    rest: Rest, scripted: ScriptedDiscord, fields: dict[str, object], is_ours: bool
) -> None:
    await rest.table.keep_webhook(CHANNEL_ID, "mira", WEBHOOK_ID, "secret")
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    scripted.will(as_json([message(**fields)]))
    messages = await rest.channel.messages(CHANNEL_ID, after=0)
    assert isinstance(messages, tuple)
    assert [each.is_ours for each in messages] == [is_ours]


async def test_what_discord_itself_announces_is_nobodys_message(rest: Rest, scripted: ScriptedDiscord) -> None:
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    scripted.will(as_json([message(id="43", type=19), message(id="42", type=6)]))
    messages = await rest.channel.messages(CHANNEL_ID, after=0)
    assert isinstance(messages, tuple)
    assert [each.id for each in messages] == [43]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_reads_deletes_and_typing_are_one_request_too(rest: Rest, scripted: ScriptedDiscord, status: int) -> None:
    answer = as_json(LIMITED, status, VIA)
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    came = scripted.will(answer, answer, answer)
    read = await rest.channel.messages(CHANNEL_ID, after=0)
    deleted = await rest.channel.delete(CHANNEL_ID, 41, None)
    await rest.channel.typing(CHANNEL_ID)
    expected = Refused if status == 429 else Unconfirmed
    assert (type(read), type(deleted)) == (expected, expected)
    assert [request.method for request in came()] == ["GET", "DELETE", "POST"]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_login_does_not_wait_for_an_outage_to_pass(scripted: ScriptedDiscord, status: int) -> None:
    scripted.logins.append(as_json(LIMITED, status, VIA))
    with pytest.raises(Exception, match=f"HTTP {status}"):
        async with logged_in(scripted.api_url):
            pass
    assert len(scripted.requests) == 1
