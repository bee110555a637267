"""What is told of each request, and what Discord says about its limits: over real sockets, without any token."""

from __future__ import annotations

import anyio
import pytest

from actors.adapters.discord.budgets import BUDGETS_MAX, Budgets
from actors.adapters.discord.places import Place
from actors.adapters.discord.routes import route_of
from actors.observation import Budget
from actors.ports import Request, listening
from actors.roleplay.model import Outbound, OutboundKind

from .rest import TRY_TIMEOUT_S, Clock, Rest, hasty
from .scripted import CHANNEL_ID, WEBHOOK_ID, Answer, ScriptedDiscord, as_json, message

TOKEN = "a-token-that-nobody-may-see"
LINE = Outbound(OutboundKind.WEBHOOK, CHANNEL_ID, "Mira", "Hello", "0000000000001.1", webhook_id=WEBHOOK_ID)
BUCKET = f"webhook:{WEBHOOK_ID}"
CLOCK_S = 0.001
"""The loop may wake by so much before its time, and far less: it counts in ticks of its clock."""


def limits(left: int, reset_after_s: float = 2.0) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset-After": str(reset_after_s),
        "X-RateLimit-Bucket": "abc",
        "Via": "1.1 edge",
        "Set-Cookie": "secret=1",
    }


async def spoken(rest: Rest, scripted: ScriptedDiscord, *answers: Answer) -> list[Request]:
    """The requests that are told of when a line is sent for each answer."""
    await rest.table.keep_webhook(CHANNEL_ID, "mira", WEBHOOK_ID, TOKEN)
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    scripted.will(*answers)
    with listening() as requests:
        for _ in answers:
            await rest.voice.send(LINE)
    return requests


async def test_a_request_is_told_with_its_status_and_the_headers_that_matter(
    rest: Rest, scripted: ScriptedDiscord
) -> None:
    limited = as_json({"message": "Slow down", "retry_after": 1.5}, 429, limits(0) | {"Retry-After": "2"})
    began = anyio.current_time()
    [told] = await spoken(rest, scripted, limited)
    assert (told.method, told.status) == ("POST", 429)
    assert told.route == f"/api/v10/webhooks/{WEBHOOK_ID}/…"
    assert told.headers == {
        "retry-after": "2",
        "via": "1.1 edge",
        "content-type": "application/json",
        "x-ratelimit-limit": "5",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset-after": "2.0",
        "x-ratelimit-bucket": "abc",
    }
    assert 0 < told.duration_s <= anyio.current_time() - began
    assert TOKEN not in repr(told)


@pytest.mark.parametrize("how", ["cut", "never"])
async def test_a_request_without_an_answer_has_no_status(rest: Rest, scripted: ScriptedDiscord, how: str) -> None:
    began = anyio.current_time()
    with hasty(rest):
        [told] = await spoken(rest, scripted, Answer(how=how))  # type: ignore[arg-type]
    assert (told.status, told.headers) == (None, {})
    assert 0 < told.duration_s <= anyio.current_time() - began


async def test_a_request_without_an_answer_lasts_until_its_time_is_up(rest: Rest, scripted: ScriptedDiscord) -> None:
    began = anyio.current_time()
    with hasty(rest):
        [told] = await spoken(rest, scripted, Answer(how="never"))
    waited_s = scripted.requests[-1].at - began  # a try's time runs before its request goes out, by little or by much
    assert told.duration_s > TRY_TIMEOUT_S - waited_s - CLOCK_S


async def test_nothing_is_told_of_what_stayed_here(rest: Rest, scripted: ScriptedDiscord) -> None:
    told = await spoken(rest, scripted, as_json(message(), 200, limits(0, 60.0)), Answer())
    assert [each.status for each in told] == [200]  # the second line waits for the bucket


async def test_a_budget_is_what_discord_said_last(rest: Rest, scripted: ScriptedDiscord, clock: Clock) -> None:
    await spoken(rest, scripted, as_json(message(), 200, limits(4)))
    clock.at += 1
    await spoken(rest, scripted, as_json(message(), 200, limits(3)))
    everything, bucket = rest.wire.budgets()
    assert everything == Budget("discord", "everything")
    assert bucket == Budget("discord", BUCKET, clock.at, limit=5, left=3, resets_at=clock.at + 2)


async def test_what_is_used_up_says_how_long_it_is_held(rest: Rest, scripted: ScriptedDiscord, clock: Clock) -> None:
    await spoken(rest, scripted, as_json(message(), 200, limits(0, 7.5)))
    assert [each.held_until for each in rest.wire.budgets()] == [None, clock.at + 7.5]
    clock.at += 8
    assert [each.held_until for each in rest.wire.budgets()] == [None, None]
    await spoken(rest, scripted, as_json({"message": "All of you", "retry_after": 30, "global": True}, 429))
    everything = rest.wire.budgets()[0]
    assert (everything.left, everything.held_until) == (0, clock.at + 30)


def test_the_budget_that_was_told_of_longest_ago_is_forgotten_first() -> None:
    budgets = Budgets(Clock().now)
    for number in range(BUDGETS_MAX):
        budgets.learn(f"send:{number}", {"x-ratelimit-remaining": "1"})
    budgets.learn("send:0", {"x-ratelimit-remaining": "0"})
    budgets.learn("send:new", {"x-ratelimit-remaining": "2"})
    names = [each.name for each in budgets.view(lambda bucket: None, None)]
    assert names[:4] == ["everything", "send:new", "send:0", f"send:{BUDGETS_MAX - 1}"]
    assert len(names) == BUDGETS_MAX + 1
    assert "send:1" not in names


@pytest.mark.parametrize("said", ["", "many", "-1", "nan", "inf", "1e999"])
def test_what_is_no_number_teaches_nothing(said: str) -> None:
    budgets = Budgets(Clock().now)
    budgets.learn("send:1", {"x-ratelimit-remaining": said})
    assert len(budgets.view(lambda bucket: None, None)) == 1


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v10/channels/21/messages/41", "/api/v10/channels/21/messages/41"),
        (f"/api/v10/webhooks/31/{TOKEN}/messages/@original", "/api/v10/webhooks/31/…/messages/@original"),
        (f"/api/v10/interactions/5/{TOKEN}/callback", "/api/v10/interactions/5/…/callback"),
        (f"/proxy-{TOKEN}/api/v10/users/@me", "/…/api/v10/users/@me"),
    ],
)
def test_a_route_is_a_path_without_tokens(path: str, shown: str) -> None:
    assert route_of(path) == shown
