"""What the playground's page says to newcomers: of a bot that runs elsewhere, of files, commands and mistakes."""

import pytest
from playwright.async_api import expect

from actors.playground import PlaygroundServer

from .conftest import OpenPage, findings
from .fake_bot import FakeBot

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_of_a_bot_that_runs_elsewhere_its_lines_are_not_promised_here(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    server.inspector_url = None
    page = await open_page()
    await expect(page.locator("#bot")).to_have_attribute("data-state", "online")
    panel = page.locator("#panel-lines")
    await expect(panel).to_contain_text("its own inspector, at the address that it logs")
    await expect(panel).not_to_contain_text("as soon as it is back", use_inner_text=True)
    await expect(panel).not_to_contain_text("No line yet", use_inner_text=True)
    await expect(page.locator("#shown")).to_be_visible()
    await expect(page.locator("#remembered")).to_be_hidden()
    assert await findings(page) == []
