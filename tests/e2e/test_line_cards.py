"""*Follow a line*: a card's words match the state that it shows, whatever happens to the bot."""

import re
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from actors.observation import Recorded
from actors.observation.json_view import view
from actors.observation.response_view import ResponseView
from actors.playground import FaultPlan, PlaygroundServer
from machines.facts import (
    Cancelled,
    Fact,
    FoundInChannel,
    Generated,
    GenerationFailed,
    Held,
    NotInChannel,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    Sent,
    SentElsewhere,
    Started,
    WaitElapsed,
)
from machines.response import Limits, Response, advance

from .conftest import OpenPage, findings
from .fake_bot import FakeBot

pytestmark = pytest.mark.browser

DONE = "The line is in the channel and in the history."
FOUND = f"{DONE} Its answer was lost: the bot found the line in the channel."
FAILED = "The line failed, and is not in the history. A notice in the channel says why."


def ways(at: float) -> dict[str, list[Fact]]:
    """What may become of a line, by a name for each."""
    begun: list[Fact] = [Started(at), Generated(at, ("a",))]
    lost = SendUnconfirmed(at, "connection")
    return {
        "smooth": [*begun, Sent(at, 5, "a")],
        "written-late": [
            Started(at),
            GenerationFailed(at, "overloaded"),
            WaitElapsed(at),
            *begun[1:],
            Sent(at, 5, "a"),
        ],
        "held-model": [Started(at), Held(at, at + 60, "model_down", at - 9)],
        "held-discord": [*begun, Held(at, at + 60, "discord_down", at - 9)],
        "limited": [*begun, SendRefused(at, "rate_limit", 429, 1.0), WaitElapsed(at), Sent(at, 5, "a")],
        "blocked": [*begun, SendRefused(at, "blocked", 400), WaitElapsed(at), Generated(at, ("b",)), Sent(at, 5, "b")],
        "moved": [*begun, SentElsewhere(at, 7, 8), WaitElapsed(at), Sent(at, 5, "a")],
        "lost": [*begun, lost, FoundInChannel(at, 5, "a")],
        "sent-again": [*begun, lost, ReadBackFailed(at, "timeout"), NotInChannel(at), Sent(at, 5, "a")],
        "unknown": [*begun, lost, ReadBackImpossible(at)],
        "called-off": [*begun, lost, Cancelled(at, "end"), NotInChannel(at)],
    }


def views_of(name: str, facts: list[Fact], limits: Limits = Limits()) -> list[dict[str, Any]]:  # noqa: B008 - frozen
    """The views that the real inspector has of this way, move by move."""
    response, moves, views = Response(name, limits), [], []
    for fact in facts:
        move = advance(response, fact)
        moves.append((move.source, move.dest.value, fact))
        views.append(view(ResponseView.of(Recorded(name, "s1", "Maren", limits, tuple(moves)))))
    return views


NOTE_SAID = """() => {
    globalThis.said = new Set();
    const note = () => {
        for (const card of document.querySelectorAll(".line-card")) {
            const words = (selector) => card.querySelector(selector).textContent;
            const facts = [...card.querySelectorAll(".facts-list > div")].map((row) => row.textContent).join(" | ");
            said.add(JSON.stringify([card.dataset.id, words("summary .state"), words(".why"), facts]));
        }
    };
    new MutationObserver(note).observe(document.querySelector("#line-cards"), {
        subtree: true, childList: true, characterData: true,
    });
}"""


async def followed(page: Page) -> None:
    await page.locator("#tab-lines").click()
    await expect(page.locator("#inspector-tools")).to_be_visible()


async def test_a_card_never_says_of_one_state_what_belongs_to_another(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    await followed(page)
    await page.evaluate(NOTE_SAID)
    told = {name: views_of(name, facts) for name, facts in ways(time.time()).items()}
    for views in told.values():
        for each in views:
            bot.inspector.tell(each)
    for name, views in told.items():
        await expect(page.locator(f".line-card[data-id={name}] summary .state")).to_have_text(views[-1]["state"])
    said = await page.evaluate("() => [...said].map((row) => JSON.parse(row))")
    wrong = [row for row in said if not any(_fits(row, each) for each in told[row[0]])]
    assert wrong == []
    assert {row[1] for row in said} == {"Generating", "Sending", "Retrying", "Delivered", "Failed"}


def _fits(row: list[str], each: dict[str, Any]) -> bool:
    """Whether the card's state, words and facts are those of this view."""
    _, state, words, facts = row
    waits = f"{each['waits']}." if each["waits"] else ""
    tried = f"Try{each['attempt']} of {each['attempts_max']}"
    is_doubted = each["unconfirmed"] and not each["is_final"]
    return (
        state == each["state"]
        and words.startswith(waits)
        and facts.startswith(tried)
        and ("In doubt" in facts) == is_doubted
        and (each["last_error"] or "") in facts
    )


@pytest.mark.parametrize(
    ("way", "words", "note"),
    [
        ("smooth", DONE, ""),
        ("lost", FOUND, "after trouble"),
        ("sent-again", f"{DONE} It needed more than one attempt.", "after trouble"),
        ("limited", f"{DONE} It needed more than one attempt.", "after trouble"),
        ("unknown", "Whether the line is in the channel could not be confirmed. It is not in the history, and a", ""),
        ("called-off", "The line was cancelled, and is not in the history.", ""),
    ],
)
async def test_the_card_of_a_line_that_ended_says_whether_there_was_trouble(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage, way: str, words: str, note: str
) -> None:
    bot.inspector.tell(views_of(way, ways(time.time())[way])[-1])
    page = await open_page()
    await followed(page)
    card = page.locator(f".line-card[data-id={way}]")
    await expect(card.locator(".why")).to_contain_text(words)
    await expect(card.locator(".state-note")).to_have_text(note)
    await expect(card.get_by_text("Earlier error")).to_have_count(1 if note else 0)
    assert await findings(page) == []


async def test_a_card_of_a_killed_bot_says_that_it_is_offline_and_its_clock_stands_still(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    at = time.time()
    page = await open_page()
    await followed(page)
    for each in views_of("held-discord", ways(at)["held-discord"]):
        bot.inspector.tell(each)
    card = page.locator(".line-card")
    await expect(card.locator(".why")).to_have_text(
        re.compile(r"^Discord is not answering; .+ Continues in \d+\.\d s\.$")
    )
    await bot.kill()
    await expect(card.locator(".why")).to_have_text(
        "The bot is offline. This is the line's last known state; it continues when the bot is back."
    )
    await expect(card).to_have_class(re.compile(r"\bstale\b"))
    stood = await card.locator(".time").inner_text()
    await page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 450))")  # two of the page's ticks
    assert await card.locator(".time").inner_text() == stood
    await expect(page.locator("#no-lines")).to_be_hidden()
    await bot.start()
    await expect(card.locator(".why")).to_contain_text("Discord is not answering")
    await expect(card.locator(".state-note")).to_have_text("")


async def test_without_a_bot_no_card_promises_that_a_line_comes_if_something_is_written(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    await bot.kill()
    page = await open_page()
    await page.locator("#tab-lines").click()
    await expect(page.locator("#lines-down")).to_be_visible()
    await expect(page.locator("#no-lines")).to_be_hidden()


async def test_through_an_outage_of_discord_the_cards_go_on_as_the_bot_lives(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    at = time.time()
    page = await open_page()
    await followed(page)
    (begun, held) = (views_of("r1", ways(at)["held-model"])[index] for index in (0, 1))
    bot.inspector.tell(begun)
    await expect(page.locator(".line-card summary .state")).to_have_text("Generating")
    server.faults = FaultPlan.parse(["outage=1"])  # which cuts the gateway as well
    await expect(page.locator("#bot")).not_to_have_attribute("data-state", "online")
    bot.inspector.tell(held)
    await expect(page.locator(".line-card summary .state")).to_have_text("Retrying")
    await expect(page.locator(".line-card .why")).to_contain_text("The model is not available")


async def test_a_bot_that_connects_is_followed_at_once_though_its_page_was_open_before(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    server.gateway.refusing = True
    server.gateway.close_all()
    page = await open_page(alone=True)
    await page.clock.install()  # of the page that is opened next
    address, server.inspector_url = server.inspector_url, "http://127.0.0.1:9"
    await page.reload()
    await page.locator("#tab-lines").click()
    await expect(page.locator("#lines-down")).to_be_visible()
    await page.clock.pause_at(datetime.now() + timedelta(seconds=1))  # no try comes of itself
    server.inspector_url, server.gateway.refusing = address, False
    await expect(page.locator("#inspector-tools")).to_be_visible()


async def test_a_line_that_is_overdue_is_not_said_to_go_on_now(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    (*_, late) = views_of("late", ways(time.time() - 200)["held-discord"])
    (*_, silent) = views_of("silent", ways(time.time() - 200)["smooth"][:2])
    for each in (late, silent):
        bot.inspector.tell(each)
    page = await open_page()
    await followed(page)
    words = page.locator(".line-card[data-id=late] .why")
    await expect(words).to_have_text(re.compile(r"It was due 2 min \d+ s ago\.$"))
    words = page.locator(".line-card[data-id=silent] .why")
    await expect(words).to_have_text(re.compile(r"^Discord has not answered yet \(.+\)\. No result for 3 min"))


async def test_a_line_at_a_breakpoint_says_so_until_it_is_let_go(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    await followed(page)
    for each in views_of("r1", ways(time.time())["smooth"][:1]):
        bot.inspector.tell(each)
    words, note = page.locator(".line-card .why"), page.locator(".line-card .state-note")
    await expect(words).to_contain_text("The model is writing")
    until = time.time() + 600
    pause = {"breakpoint": "b1", "fact": "Generated", "from": "Generating", "to": "Sending", "since": 0, "until": until}
    bot.inspector.hold("r1", pause)
    await expect(words).to_contain_text("Stopped before Generating → Sending by breakpoint b1.")
    await expect(note).to_have_text("stopped")
    bot.inspector.hold("r1", None)
    await expect(words).to_contain_text("The model is writing")
    await expect(note).to_have_text("")
