"""`/debug` and Who & why as people use them: the real bot, the real page.

The picture of docs/inspecting.md comes from here: `PICTURES=docs/pictures pytest -n 0 tests/e2e/test_debugging.py`.
"""

import os
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from actors.playground import PlaygroundServer

from .bot_process import environment, running
from .conftest import OpenPage, Seen, eventually, grave_findings

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("PICTURES")


async def write(page: Page, text: str) -> None:
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


async def choose(message: Locator, name: str) -> None:
    await message.hover()
    await message.get_by_role("button", name=name).click()


async def keep(page: Page, name: str) -> None:
    """A picture for the documentation, where one is asked for."""
    if PICTURES:
        await page.locator("#chat").screenshot(path=Path(PICTURES) / f"{name}.png")


async def test_a_stuck_line_is_asked_about_by_command_and_by_menu(
    server: PlaygroundServer, open_page: OpenPage, tmp_path: Path
) -> None:
    async with running(environment(server, tmp_path, BACKOFF_BASE_S="60", BREAKER_FAILURES="0")):
        page = await open_page()
        messages, whispers = page.locator("#messages .message"), page.locator("#messages .message.whisper")
        await write(page, "!start Maren Fitch --turns everyone")
        await expect(messages.filter(has_text="The scene is open")).to_have_count(1)
        server.next_lines(None, "http_503")
        await write(page, "Who is there?")
        await expect(page.locator("#messages .message.character")).to_have_count(1)

        await page.locator("#text").fill("/deb")
        await expect(page.locator(".hint")).to_have_count(3)
        await page.locator(".hint", has_text="/debug response").click()
        stuck = page.locator(".hint", has_text="Fitch")
        await expect(stuck).to_contain_text("Retrying")
        await stuck.click()
        await page.keyboard.press("Enter")
        answer = whispers.last
        await expect(answer).to_contain_text("Fitch · response")
        await expect(answer).to_contain_text(
            "Why it waits: Not confirmed: Discord's server failed (outage, 503); reading the channel back"
        )
        await expect(answer).to_contain_text("Written by understudy")
        picture = answer.locator(".picture img")
        described = "Path of Fitch: start → Generating → Sending → Retrying"
        await expect(picture).to_have_attribute("alt", described)
        size = "image => [image.naturalWidth, image.naturalHeight]"
        await eventually(lambda: picture.evaluate(size), [800, 600])
        await keep(page, "debug")

        await choose(page.locator("#messages .message.character").first, "Who & why")
        await expect(answer).to_contain_text("A line that a character spoke.")
        await expect(answer).to_contain_text("Delivered")
        await choose(messages.filter(has_text="Who is there?").first, "Who & why")
        await expect(answer).to_contain_text("This message started turn 1: 2 to speak, none still to begin.")
        for line, words in (("/debug session", "Responding"), ("/debug fleet", "Breakers: all closed")):
            await write(page, line)
            await expect(answer).to_contain_text(words)
        assert await grave_findings(page) == []

        await page.get_by_role("radio", name="Kim").check()
        await write(page, "/debug fleet")
        await expect(answer).to_contain_text("Only the owners of this bot may ask that")
        await expect(answer.locator(".picture")).to_have_count(0)
        assert [each.content for each in server.messages("tavern") if "debug" in each.content] == []


async def test_a_command_that_does_not_exist_is_said_and_stays_in_the_box(
    server: PlaygroundServer, open_page: OpenPage, seen: Seen
) -> None:
    debug = {"id": "1", "name": "debug", "type": 1, "description": "D", "options": []}
    debug["options"] = [{"type": 1, "name": "fleet", "description": "F"}]
    server.discord.register([debug])
    page = await open_page()
    await write(page, "/debug floot")
    await expect(page.locator(".toast")).to_contain_text("/debug is followed by one of: fleet.")
    await expect(page.locator("#text")).to_have_value("/debug floot")
    assert len(seen.complaints) == 1  # the browser's own, about the refusal
    seen.complaints.clear()
    await write(page, "/me waves")
    await expect(page.locator("#messages .message").filter(has_text="/me waves")).to_have_count(1)
