"""The Retry button as people use it: the real bot, the real page, mouse and keyboard."""

import time
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from actors.playground import FaultPlan, PlaygroundServer
from actors.playground.local_discord import Author, Draft

from .bot_process import environment, running, transcript
from .conftest import OpenPage, grave_findings
from .fake_bot import FakeBot

pytestmark = pytest.mark.browser


async def write(page: Page, text: str) -> None:
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


async def test_a_press_that_nobody_answers_in_time_is_said_to_have_failed(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    button = {"type": 2, "style": 2, "label": "Retry", "custom_id": "retry:1"}
    draft = Draft("It failed.", components=({"type": 1, "components": [button]},))
    server.discord.post(server.discord.find_channel("tavern"), Author(server.discord.bot.id, "Ensemble"), draft)
    page = await open_page(alone=True)
    await page.clock.install()
    await page.clock.pause_at(time.time() + 60)
    retry = page.get_by_role("button", name="Retry", exact=True)
    async with page.expect_response("**/_control/presses"):
        await retry.click()
    await expect(retry).to_have_attribute("aria-busy", "true")
    await page.clock.fast_forward(3000)
    await expect(page.locator(".toast")).to_have_count(0)
    await page.clock.fast_forward(1000)
    await expect(page.locator(".toast")).to_contain_text("This interaction failed")
    await expect(retry).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
async def test_a_line_that_failed_is_delivered_once_when_retry_is_pressed(
    server: PlaygroundServer, open_page: OpenPage, tmp_path: Path, by: str
) -> None:
    env = environment(server, tmp_path, SEND_ATTEMPTS="2")
    async with running(env):
        page = await open_page()
        messages, spoken = page.locator("#messages .message"), page.locator("#messages .message.character")
        await write(page, "!start Maren")
        await expect(messages.filter(has_text="The scene is open")).to_have_count(1)
        server.faults = FaultPlan.parse(["http_500=1"])
        await write(page, "Who is there?")
        retry = page.get_by_role("button", name="Retry", exact=True)
        await expect(retry).to_be_visible()
        await expect(spoken).to_have_count(0)
        tried = server.ledger.since(only_lines=True)
        [text] = {entry.line.text for entry in tried if entry.line is not None}

        server.faults = FaultPlan()
        if by == "mouse":
            await retry.click()
        else:
            await retry.focus()
            await page.keyboard.press("Enter")
        whisper = page.locator("#messages .message.whisper")
        await expect(whisper).to_contain_text("Maren's line is on its way again")
        await expect(whisper).to_contain_text("Only you can see this")
        await expect(spoken).to_have_count(1)
        assert len(tried) == 2
        assert len(server.ledger.since(only_lines=True)) == 3
        assert await grave_findings(page) == []

        await retry.click()
        await expect(whisper.last).to_contain_text("is in the channel")
        await whisper.last.get_by_role("button", name="Dismiss").click()
        await expect(whisper).to_have_count(1)
        lines = [shown.content for shown in server.messages("tavern") if shown.webhook_id is not None]
    assert lines == [text]
    told = await transcript(env, str(server.discord.find_channel("tavern").id))
    assert [entry["text"] for entry in told] == ["Who is there?", text]
