"""A 429 closes its bucket for everybody who uses it: over real sockets, by what reaches the server."""

from __future__ import annotations

from email.utils import formatdate
from itertools import pairwise

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.adapters.discord import Endpoints
from actors.adapters.discord.adapter import DiscordAdapter
from actors.adapters.discord.buckets import (
    BUCKETS_MAX,
    SPACING_OF_ALL_S,
    SPACING_S,
    Buckets,
    of_all_webhooks,
    of_webhook,
)
from actors.adapters.discord.client import GatewayLost
from actors.adapters.discord.limits import PAUSE_MAX_S, UNNAMED_WAIT_S, Limit, limit_of
from actors.adapters.discord.places import Place
from actors.ports import RATE_LIMIT, Deleted, HeldBack, Posted, Refused, SendOutcome
from actors.roleplay.model import Outbound, OutboundKind, ReplyAddress

from .rest import Clock, Rest
from .scripted import CHANNEL_ID, WEBHOOK_ID, Answer, ScriptedDiscord, as_json, message
from .table import WebhookTable

ONE, TWO = 51, 52
"""Two threads of CHANNEL_ID."""
ELSEWHERE, OTHER_WEBHOOK = 22, 32
"""Another channel; another character's webhook in CHANNEL_ID."""

VIA = {"Via": "1.1 edge"}
USER = VIA | {"X-RateLimit-Scope": "user"}
WAIT_S = 400.0
REPLY = ReplyAddress("a-token", 1_800_000_000.0)


def limited(wait_s: float = WAIT_S, headers: dict[str, str] | None = None, *, is_global: bool = False) -> Answer:
    body = {"message": "You are being rate limited.", "retry_after": wait_s, "global": is_global}
    return as_json(body, 429, USER if headers is None else headers)


def edge(wait_s: float = WAIT_S) -> Answer:
    return Answer(429, "error code: 1015", {"Content-Type": "text/html", "Retry-After": f"{wait_s:g}"})


class Stage:
    """One webhook in a channel with two threads, a second webhook there, and another channel."""

    def __init__(self, rest: Rest, scripted: ScriptedDiscord) -> None:
        self.rest, self._scripted = rest, scripted
        places = [Place(CHANNEL_ID), Place(ELSEWHERE), *(Place(thread, parent_id=CHANNEL_ID) for thread in (ONE, TWO))]
        rest.voice._places._known.update({place.channel_id: place for place in places})

    async def prepare(self) -> None:
        for number, webhook_id in enumerate((WEBHOOK_ID, OTHER_WEBHOOK)):
            await self.rest.table.keep_webhook(CHANNEL_ID, str(number), webhook_id, f"secret{number}")

    async def meets(self, answer: Answer, request: str = "line") -> Refused:
        """What a request comes to that this answers."""
        self._scripted.will(answer)
        outcome = await getattr(self, request)()
        assert isinstance(outcome, Refused)
        return outcome

    async def reaching(self) -> list[str]:
        """Which requests reach the server when everything is tried once."""
        came: list[str] = []
        for name in ("line", "line_elsewhere", "other_line", "take_down", "notice", "bot_take_down", "read", "reply"):
            answer = message(
                channel_id=str({"line": ONE}.get(name, TWO if name.startswith(("line", "other")) else CHANNEL_ID))
            )
            seen = self._scripted.will(as_json([]) if name == "read" else as_json(answer))
            await getattr(self, name)()
            came += [name] * bool(seen())
        return came

    async def line(self) -> SendOutcome:
        return await self._say(ONE, WEBHOOK_ID)

    async def line_elsewhere(self) -> SendOutcome:
        return await self._say(TWO, WEBHOOK_ID)

    async def other_line(self) -> SendOutcome:
        return await self._say(TWO, OTHER_WEBHOOK)

    async def notice(self) -> SendOutcome:
        return await self._say(CHANNEL_ID, None)

    async def reply(self) -> object:
        return await self.rest.interactions.answer(REPLY, "Done.")

    async def take_down(self) -> object:
        return await self.rest.channel.delete(TWO, 41, WEBHOOK_ID)

    async def bot_take_down(self) -> object:
        return await self.rest.channel.delete(CHANNEL_ID, 41, None)

    async def read(self) -> object:
        return await self.rest.channel.page(CHANNEL_ID, after=1)

    async def _say(self, channel_id: int, webhook_id: int | None) -> SendOutcome:
        kind = OutboundKind.TEXT if webhook_id is None else OutboundKind.WEBHOOK
        return await self.rest.voice.send(Outbound(kind, channel_id, "Mira", "Hello", "n", webhook_id=webhook_id))


@pytest.fixture
async def stage(rest: Rest, scripted: ScriptedDiscord) -> Stage:
    stage = Stage(rest, scripted)
    await stage.prepare()
    return stage


EVERY = ["line", "line_elsewhere", "other_line", "take_down", "notice", "bot_take_down", "read", "reply"]
WITHOUT_THE_WEBHOOK = ["other_line", "notice", "bot_take_down", "read", "reply"]
WITHOUT_WEBHOOKS = ["notice", "bot_take_down", "read", "reply"]


@pytest.mark.parametrize(
    ("answer", "request_", "open_"),
    [
        (limited(), "line", WITHOUT_THE_WEBHOOK),
        (limited(), "take_down", WITHOUT_THE_WEBHOOK),
        (limited(headers=VIA), "line", WITHOUT_THE_WEBHOOK),  # no scope is said: its own
        (limited(headers=VIA | {"X-RateLimit-Scope": "shared"}), "line", WITHOUT_WEBHOOKS),
        (limited(headers=VIA | {"X-RateLimit-Scope": "shared"}), "take_down", WITHOUT_WEBHOOKS),
        (limited(), "notice", [name for name in EVERY if name != "notice"]),
        (limited(), "bot_take_down", [name for name in EVERY if name != "bot_take_down"]),
        (limited(), "read", [name for name in EVERY if name != "read"]),
        (limited(headers=VIA | {"X-RateLimit-Scope": "global"}), "line", ["reply"]),
        (limited(headers=VIA | {"X-RateLimit-Global": "true"}), "read", ["reply"]),
        (limited(is_global=True), "notice", ["reply"]),
        (limited(headers=VIA | {"X-RateLimit-Global": "true"}), "reply", ["reply"]),
        (edge(), "line", []),
        (edge(), "reply", []),
        (as_json({"message": "You are being blocked", "code": 0}, 429, {"Retry-After": "400"}), "line", []),
        (Answer(429, "{", USER | {"Retry-After": "400"}, "half"), "line", WITHOUT_THE_WEBHOOK),
    ],
)
async def test_m1_a_429_holds_its_bucket_for_everyone_who_uses_it(
    stage: Stage, clock: Clock, answer: Answer, request_: str, open_: list[str]
) -> None:
    refused = await stage.meets(answer, request_)
    assert (refused.reason, refused.retry_after_s, refused.since) == ("rate_limit", WAIT_S, clock.at)
    assert await stage.reaching() == open_
    clock.at += WAIT_S - 0.001
    assert await stage.reaching() == open_
    clock.at += 0.002
    assert await stage.reaching() == EVERY


async def test_m1_who_is_held_knows_why_since_when_and_until_when(stage: Stage, clock: Clock) -> None:
    await stage.meets(limited())
    since, until = clock.at, clock.at + WAIT_S
    clock.at += 100
    held = await stage.line_elsewhere()
    assert held == HeldBack(until + SPACING_S, RATE_LIMIT, since)  # behind the line that met the 429


SAID: dict[str, tuple[dict[str, str], dict[str, object], float]] = {
    "both, the header longer": ({"Retry-After": "8"}, {"retry_after": 7.5}, 8.0),
    "both, the json longer": ({"Retry-After": "1"}, {"retry_after": 43.3}, 43.3),
    "the header alone": ({"Retry-After": "65"}, {}, 65.0),
    "the json alone": ({}, {"retry_after": 64.57}, 64.57),
    "the json as text": ({}, {"retry_after": "64.57"}, 64.57),
    "the reset alone": ({"X-RateLimit-Reset-After": "12.5"}, {}, 12.5),
    "the reset of an empty bucket": (
        {"Retry-After": "1", "X-RateLimit-Reset-After": "12.5", "X-RateLimit-Remaining": "0"},
        {"retry_after": 1.0},
        12.5,
    ),
    "the reset of a bucket with room": (
        {"Retry-After": "1", "X-RateLimit-Reset-After": "64.57", "X-RateLimit-Remaining": "9"},
        {"retry_after": 1.0},
        1.0,
    ),
    "a date": ({"Retry-After": formatdate(1_700_000_090, usegmt=True), "Date": formatdate(1_700_000_000)}, {}, 90.0),
    "a date that is past": (
        {"Retry-After": formatdate(1_600_000_000), "Date": formatdate(1_700_000_000)},
        {},
        UNNAMED_WAIT_S,
    ),
    "nothing": ({}, {}, UNNAMED_WAIT_S),
    "nothing usable": ({"Retry-After": "soon"}, {"retry_after": -3, "global": "no"}, UNNAMED_WAIT_S),
    "no number": ({"Retry-After": "nan"}, {"retry_after": None}, UNNAMED_WAIT_S),
    "for ever": ({"Retry-After": "inf"}, {"retry_after": 1.0}, PAUSE_MAX_S),
    "a week": ({}, {"retry_after": 604_800.0}, PAUSE_MAX_S),
}


@pytest.mark.parametrize("case", SAID)
async def test_m1_of_all_that_a_429_says_the_longest_wait_counts(stage: Stage, clock: Clock, case: str) -> None:
    headers, fields, wait_s = SAID[case]
    refused = await stage.meets(as_json(fields, 429, USER | headers))
    assert refused.retry_after_s == pytest.approx(wait_s)
    clock.at += wait_s - 0.001
    assert isinstance(await stage.line_elsewhere(), HeldBack)
    clock.at += 0.002
    assert "line_elsewhere" in await stage.reaching()


async def test_m1_routes_that_discord_calls_one_bucket_close_together_for_each_channel(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock, stage: Stage
) -> None:
    told = {"X-RateLimit-Bucket": "abcd1234", "X-RateLimit-Remaining": "4"}
    away = Outbound(OutboundKind.TEXT, ELSEWHERE, "", "Hello", "n")
    scripted.will(as_json(message(), 200, told), Answer(204, "", told))
    assert isinstance(await rest.voice.send(away), Posted)
    assert isinstance(await rest.channel.delete(ELSEWHERE, 41, None), Deleted)
    await stage.meets(limited(), "notice")
    assert await stage.reaching() == [name for name in EVERY if name not in ("notice", "bot_take_down")]
    came = scripted.will(as_json(message()), Answer(204))
    assert isinstance(await rest.voice.send(away), Posted)  # another channel's bucket is another one
    assert isinstance(await rest.channel.delete(ELSEWHERE, 41, None), Deleted)
    assert len(came()) == 2


async def test_m1_a_bucket_that_the_429_itself_names_is_learnt_from_it(
    rest: Rest, scripted: ScriptedDiscord, stage: Stage
) -> None:
    told = {"X-RateLimit-Bucket": "abcd1234"}
    scripted.will(Answer(204, "", told))
    await rest.channel.delete(ELSEWHERE, 41, None)
    await stage.meets(limited(headers=USER | told), "notice")
    came = scripted.will(Answer(204))
    assert isinstance(await rest.channel.delete(CHANNEL_ID, 41, None), HeldBack)
    assert came() == []


async def test_m1_an_answer_that_was_on_its_way_reopens_nothing(
    rest: Rest, clock: Clock, stage: Stage, scripted: ScriptedDiscord
) -> None:
    await stage.meets(limited())
    rest.wire._buckets.note_empty(of_webhook(WEBHOOK_ID), 2.0)  # it left before the 429 came
    clock.at += WAIT_S - 1
    assert isinstance(await stage.line_elsewhere(), HeldBack)


@pytest.mark.parametrize("answer", [limited(), edge(), limited(is_global=True)], ids=["own", "edge", "global"])
async def test_m1_typing_is_left_out_and_takes_nobody_s_place(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock, answer: Answer
) -> None:
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    came = scripted.will(answer)
    for _ in range(9):
        await rest.channel.typing(CHANNEL_ID)
    assert len(came()) == 1
    bucket = f"typing:{CHANNEL_ID}"
    held = rest.wire._buckets.held(bucket)
    assert held is not None
    assert held.until - clock.at - WAIT_S == pytest.approx(SPACING_S if answer == limited() else SPACING_OF_ALL_S)


async def test_m1_a_limit_holds_while_nobody_is_logged_in_as_well(rest: Rest, clock: Clock, stage: Stage) -> None:
    await stage.meets(edge())
    rest.wire.remove(rest.client)
    held = await stage.line_elsewhere()  # not "no connection yet", which would be tried again in seconds
    assert held == HeldBack(clock.at + WAIT_S + SPACING_OF_ALL_S, RATE_LIMIT, clock.at)


async def test_m1_what_is_held_is_seen_though_nothing_was_told_of_it(
    rest: Rest, scripted: ScriptedDiscord, clock: Clock, stage: Stage
) -> None:
    await stage.meets(limited(headers=VIA | {"X-RateLimit-Scope": "shared"}))
    shown = {each.name: each.held_until for each in rest.wire.budgets()}
    until = clock.at + WAIT_S
    assert shown == {"everything": None, of_webhook(WEBHOOK_ID): until, of_all_webhooks(CHANNEL_ID): until}
    await stage.meets(edge(), "read")
    assert rest.wire.budgets()[0].held_until == until


async def test_m1_a_login_that_met_a_429_is_not_tried_again_before_its_time(scripted: ScriptedDiscord) -> None:
    wait_s = 0.4
    for _ in range(2):
        scripted.logins.append(limited(wait_s))
    at: list[float] = []

    def now() -> float:
        return 1_700_000_000.0 + anyio.current_time()

    adapter = DiscordAdapter(
        token="token",
        webhooks=WebhookTable(),
        sink=lambda event: None,
        now=now,
        endpoints=Endpoints(scripted.api_url),
    )
    for _ in range(2):
        with pytest.raises(GatewayLost, match="HTTP 429"):
            await adapter.run()
        at.append(scripted.requests[-1].at)
    assert at[1] - at[0] >= wait_s


# ── the buckets alone ───────────────────────────────────────────────────────────────────────────────

WEBHOOK, CHANNEL = of_webhook(WEBHOOK_ID), of_all_webhooks(CHANNEL_ID)


@pytest.mark.parametrize(("scope", "step"), [("bucket", SPACING_S), ("everything", SPACING_OF_ALL_S)])
def test_m1_who_waits_is_let_go_in_the_order_of_asking_and_paced(scope: str, step: float) -> None:
    clock = Clock()
    buckets = Buckets(clock.now)
    buckets.close(WEBHOOK, None, Limit(WAIT_S, "everything" if scope == "everything" else "bucket"))
    until = clock.at + WAIT_S
    times = []
    for _ in range(50):
        held = buckets.held(WEBHOOK)
        assert held is not None
        times.append(held.until)
        clock.at += 1
    assert times[0] - until == pytest.approx(step)  # the request that met the 429 comes back first
    assert [later - sooner for sooner, later in pairwise(times)] == pytest.approx([step] * 49)


def test_m1_a_limit_that_grows_while_it_holds_is_the_same_closing_and_a_new_one_is_another() -> None:
    clock = Clock()
    buckets = Buckets(clock.now)
    began = clock.at
    assert buckets.close(WEBHOOK, None, Limit(10.0, "bucket")) == began
    clock.at += 5
    assert buckets.close(WEBHOOK, None, Limit(10.0, "bucket")) == began
    clock.at = began + 14.9
    assert buckets.held(WEBHOOK) is not None
    clock.at = began + 15
    assert buckets.held(WEBHOOK) is None
    assert buckets.close(WEBHOOK, None, Limit(1.0, "bucket")) == clock.at


def test_m1_no_more_closings_are_kept_than_hold() -> None:
    clock = Clock()
    buckets = Buckets(clock.now)
    for number in range(3 * BUCKETS_MAX):
        buckets.note_empty(f"send:{number}", 1.0)
        clock.at += 0.01
    assert len(buckets._closings) <= BUCKETS_MAX + 1
    assert len(buckets.closed()) == pytest.approx(100, abs=1)


texts = st.one_of(st.none(), st.text(max_size=12), st.floats().map(str), st.integers().map(str))
values = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=8), st.lists(st.integers()))
NAMES = ("Retry-After", "Date", "X-RateLimit-Reset-After", "X-RateLimit-Remaining", "X-RateLimit-Scope")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, texts)), st.dictionaries(st.text(max_size=3), values))
def test_m1_whatever_a_429_says_it_closes_something_for_a_day_at_most(
    headers: dict[str, str | None], fields: dict[str, object]
) -> None:
    limit = limit_of({name: told for name, told in headers.items() if told is not None}, fields)
    assert 0 < limit.wait_s <= PAUSE_MAX_S


@given(st.lists(st.tuples(st.sampled_from(["send:1", "send:2", "read:1"]), st.floats(0.01, 900), st.floats(0, 300))))
def test_m1_a_bucket_is_closed_until_the_longest_of_its_limits_and_no_other_is(
    limits: list[tuple[str, float, float]],
) -> None:
    clock = Clock()
    buckets, until = Buckets(clock.now), dict.fromkeys(("send:1", "send:2", "read:1"), 0.0)
    for name, wait_s, pause_s in limits:
        buckets.close(name, None, Limit(wait_s, "bucket"))
        until[name] = max(until[name], clock.at + wait_s)
        clock.at += pause_s
        assert {each: buckets.is_closed(each) for each in until} == {
            each: end > clock.at for each, end in until.items()
        }
