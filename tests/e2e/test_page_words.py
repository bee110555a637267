"""What the playground's page says to newcomers: of a bot that runs elsewhere, of files, commands and mistakes."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from actors.playground import FaultPlan, PlaygroundServer
from actors.roleplay import command_words

from .conftest import OpenPage, Seen, findings
from .fake_bot import FakeBot

pytestmark = pytest.mark.browser


COMMANDS = {f"!{name}" for name in command_words.COMMANDS}


async def test_of_a_bot_that_runs_elsewhere_its_lines_are_not_promised_here(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    server.inspector_url = None
    page = await open_page()
    await expect(page.locator("#bot")).to_have_attribute("data-state", "online")
    panel = page.locator("#panel-lines")
    await expect(panel).to_contain_text("Its own inspector shows its lines, at the address that it logs")
    await expect(panel).not_to_contain_text("when it is back", use_inner_text=True)
    await expect(panel).not_to_contain_text("No line yet", use_inner_text=True)
    await expect(page.locator("#shown")).to_be_visible()
    await expect(page.locator("#remembered")).to_be_hidden()
    assert await findings(page) == []


async def test_a_bang_lists_the_commands_that_are_messages(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    box, hints = page.locator("#text"), page.locator(".hint")
    await box.fill("!")
    await expect(hints).to_have_count(len(COMMANDS))
    assert {*await hints.locator("strong").all_inner_texts()} == COMMANDS  # read at once, and only typing changes it
    await box.fill("!st")
    await expect(hints).to_have_count(2)
    await hints.filter(has_text="!start").click()
    await expect(box).to_have_value("!start ")
    await box.fill("!start Maren")
    await expect(page.locator("#hints")).to_be_hidden()


async def test_a_command_that_there_is_not_is_told_to_be_a_line_before_it_is_said(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    box, hints = page.locator("#text"), page.locator("#hints")
    await box.fill("/bogus")
    await expect(hints).to_have_text(
        "The bot has no command of this name. As on Discord, this would be sent as a message."
    )
    await box.fill("Hello")
    await expect(hints).to_be_hidden()
    assert await findings(page) == []


async def test_a_card_that_is_refused_is_told_of_as_on_the_command_line_until_the_next_thing_succeeds(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage, seen: Seen, tmp_path: Path
) -> None:
    page = await open_page()
    (tmp_path / "a.png").write_bytes(b"no picture")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(60_000_000)
    await page.locator("#tab-cast").click()
    trouble, box = page.locator("#card-trouble"), page.locator("#card-file")
    await box.set_input_files(tmp_path / "a.png")
    await expect(trouble).to_have_text(re.compile(r"^a\.png is not a Tavern card: "))
    await box.set_input_files(tmp_path / "large.png")
    await expect(trouble).to_have_text(
        "large.png is not a Tavern card: it is larger than 32 MB. Export it again with a smaller picture."
    )
    await box.set_input_files([tmp_path / "a.png", tmp_path / "large.png"])
    await expect(trouble).to_have_text(re.compile(r"^a\.png is .+ large\.png is "))
    await page.get_by_role("button", name="Open the scene").click()
    await expect(trouble).to_have_text("")
    assert all("422" in words for words in seen.complaints)  # the browser's own words
    seen.complaints.clear()


async def test_b28_what_is_odd_about_a_card_is_said_where_it_is_added_until_the_next_thing(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage, tmp_path: Path
) -> None:
    page = await open_page()
    (tmp_path / "ada.json").write_text('{"name": "Ada <b>x</b>", "description": "A diver.", "tags": "a, b"}')
    (tmp_path / "bo.json").write_text('{"description": "A cook.", "nickname": 5}')
    await page.locator("#tab-cast").click()
    await page.locator("#card-file").set_input_files([tmp_path / "ada.json", tmp_path / "bo.json"])
    await expect(page.locator("#card-doubts li")).to_have_text(
        [
            "Ada <b>x</b>: its 'tags' is text, not a list: split at its commas",
            "bo: its 'nickname' is a number, not text: taken as it is written",
            "bo: it has no name: it is called 'bo', `character import --name NAME` gives it another one",
        ]
    )
    await expect(page.locator("#card-trouble")).to_have_text("")
    assert await findings(page) == []
    await page.get_by_role("button", name="Open the scene").click()
    await expect(page.locator("#card-doubts li")).to_have_count(0)


async def test_b38_a_scene_is_opened_with_names_that_hold_quotes_and_colons(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage, tmp_path: Path
) -> None:
    page = await open_page()
    (tmp_path / "red.json").write_text(json.dumps({"name": 'Jack "Red" Doe', "description": "A diver."}))
    (tmp_path / "re.json").write_text(json.dumps({"name": "Re:Zé", "description": "A cook."}))
    await page.locator("#tab-cast").click()
    await page.locator("#card-file").set_input_files([tmp_path / "red.json", tmp_path / "re.json"])
    await expect(page.locator(".card-item strong")).to_have_count(5)
    await page.get_by_role("button", name="Open the scene").click()
    await expect(page.locator("#messages .message").first).to_be_visible()
    assert server.messages("tavern")[0].content == '!start Fitch "Jack Red Doe" Maren Oriel "Re:Zé"'


async def test_a_notice_shows_code_without_its_backticks(server: PlaygroundServer, open_page: OpenPage) -> None:
    page = await open_page()
    await page.evaluate("async () => (await import('/page/shell.js')).toast('`do` is missing')")
    toast = page.locator(".toast")
    await expect(toast).to_have_text("do is missing")
    await expect(toast.locator("code")).to_have_text("do")
    assert await findings(page) == []


async def test_the_time_beside_a_grouped_message_does_not_touch_it(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    page = await open_page()
    for words in ("One", "Two"):
        server.say("tavern", "Robin", words)
    message = page.locator(".message.grouped")
    await message.hover()
    await expect(message.locator(".side-time")).to_be_visible()
    time_right, text_left = await message.evaluate(
        """(message) => {
            const [time, text] = [".side-time", ".text"].map((selector) => message.querySelector(selector));
            return [time.getBoundingClientRect().left + time.scrollWidth, text.getBoundingClientRect().left];
        }"""
    )
    assert time_right < text_left


async def test_in_a_new_world_no_two_have_the_same_colour(open_page: OpenPage) -> None:
    page = await open_page()
    names = ["Robin", "Sam", "Kim", "Maren", "Fitch", "Oriel", "Ensemble"]
    tones = await page.evaluate("async (names) => names.map((await import('/page/dom.js')).tone)", names)
    assert len(set(tones)) == len(names)


async def test_the_tools_of_a_message_are_one_stop_and_the_arrows_go_through_them(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    page = await open_page()
    for words in ("One", "Two"):
        server.say("tavern", "Robin", words)
    first, second = (page.locator(".tools").nth(number) for number in (0, 1))
    await second.wait_for(state="attached")
    await first.get_by_role("button", name="Add a reaction").focus()
    for key, name in {"ArrowRight": "Reply", "End": "Delete", "Home": "Add a reaction", "ArrowLeft": "Delete"}.items():
        await page.keyboard.press(key)
        await expect(first.get_by_role("button", name=name)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(second.get_by_role("button", name="Add a reaction")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(first.get_by_role("button", name="Delete")).to_be_focused()
    assert await findings(page) == []


NOTE_TOLD = """() => {
    globalThis.told = new Set();
    new MutationObserver(() => {
        for (const card of document.querySelectorAll(".line-card")) {
            const trouble = card.querySelector(".facts-list").textContent.includes("Last error");
            told.add(`${card.querySelector(".state").textContent}: ${trouble ? "trouble" : "none"}`);
        }
    }).observe(document.querySelector("#line-cards"), { subtree: true, childList: true, characterData: true });
}"""


async def test_a_card_that_catches_up_tells_of_no_trouble_before_its_move_is_shown(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    server.faults = FaultPlan(chances=(("drop_after", 1.0),))
    page = await open_page()
    await page.locator("#tab-lines").click()
    await expect(page.locator("#inspector")).to_be_visible()  # what is over before the page follows is not seen
    await page.evaluate(NOTE_TOLD)
    await page.locator("#text").fill("Anyone?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line-card.delivered")).to_have_count(2)
    told = await page.evaluate("() => [...told]")
    assert "Delivered: none" in told
    assert not {"Generating: trouble", "Sending: trouble"} & {*told}
