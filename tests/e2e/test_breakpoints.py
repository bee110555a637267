"""Breakpoints on the page, over the real bot in its own process: set from the diagram, stepped, let go, removed.

The picture of docs/inspecting.md comes from here: `PICTURES=docs/pictures pytest -n 0 tests/e2e/test_breakpoints.py`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Page, expect

from actors.adapters.store import open_store
from actors.playground import PlaygroundServer, Voice
from tests.adapters.inspector.stage import serving
from tests.contracts.scene import open_scene
from tests.e2e.bot_process import character_lines, environment, running, until
from tests.e2e.conftest import OpenAt, Seen, findings, picture

pytestmark = pytest.mark.browser

CHANNEL = "tavern"
TOKEN = "correct-horse-battery"
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
HELD = re.compile(r"\bheld\b")
STOPPED = re.compile(r"\bbreakpoint\b")


@dataclass
class Run:
    """A bot with a token and an open session, in which nothing has been said yet."""

    url: str
    server: PlaygroundServer


@pytest.fixture
async def run(anyio_backend: str, tmp_path: Path) -> AsyncIterator[Run]:
    async with PlaygroundServer() as server:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        # So short a deadline marks a response as stuck after a second, unless it is known to be held.
        settings = {"INSPECTOR_ADDRESS": address, "INSPECTOR_TOKEN": TOKEN, "RESPONSE_DEADLINE_S": "1"}
        env = environment(server, tmp_path, **settings)
        async with running(env):
            server.say(CHANNEL, "Robin", "!start Maren Fitch --turns everyone")
            await until(lambda: any(m.voice is Voice.BOT for m in server.messages(CHANNEL)))
            yield Run(f"http://{address}/", server)


async def let_in(page: Page, seen: Seen) -> None:
    await page.get_by_label("Token").fill(TOKEN)
    await page.keyboard.press("Enter")
    await expect(page.locator("#link")).to_have_attribute("data-link", "live")
    assert all("401" in words for words in seen.complaints)  # the browser's own words for the page with the form
    seen.complaints.clear()


async def set_from_the_diagram(page: Page, edge: str, character: str) -> None:
    """Without a mouse."""
    await page.locator(f"[data-edge='{edge}'][role=button]").press("Enter")
    pick = page.get_by_role("button", name="Stop before")
    await expect(pick).to_have_text(f"Stop before {edge.replace('-', ' → ')} …")
    await pick.press("Enter")
    await expect(page.get_by_label("Character")).to_be_focused()
    await expect(page.locator("#stop-edge")).to_have_value(edge)
    await page.keyboard.type(character)
    await page.keyboard.press("Enter")
    await expect(page.locator(".stops > li")).to_contain_text(f"{character}, before {edge.replace('-', ' → ')}")


async def test_a_line_is_held_seen_as_held_stepped_and_let_go_without_a_mouse(
    run: Run, open_at: OpenAt, seen: Seen
) -> None:
    page = await open_at(run.url)
    await let_in(page, seen)
    panel = page.get_by_role("region", name="Breakpoints")
    await expect(panel.locator("summary")).to_have_text("Breakpoints none set")
    await set_from_the_diagram(page, "Generating-Sending", "maren")
    await page.get_by_role("button", name="Show all").press("Enter")
    await expect(page.locator("[data-edge='Generating-Sending']")).to_have_class(STOPPED)
    run.server.say(CHANNEL, "Robin", "Who has the key?")

    waiting = panel.locator(".waiting > li")
    await expect(waiting).to_contain_text("waits before Generating → Sending (Generated) for")
    await expect(panel.locator("summary")).to_have_text("Breakpoints 1 set, 1 response waits")
    row = page.locator("tbody tr")
    await expect(row).to_contain_text("Stopped before Generating → Sending by breakpoint b1 for")
    await expect(page.locator("[data-edge='Generating-Sending']")).to_have_class(HELD)
    await expect(row).to_contain_text(re.compile(r"b1 for (?:[2-9]|\d\d)\.\d s|b1 for \d+ min"))
    await expect(page.locator("tr.is-stuck")).to_have_count(0)
    await expect(page.locator("[data-state='Generating']")).to_have_attribute("aria-label", "Generating: 1 now")
    assert character_lines(run.server, CHANNEL) == []
    await page.set_viewport_size({"width": 1440, "height": 1180})
    await page.evaluate("() => scrollTo(0, 0)")
    await picture(page, "inspector-breakpoints")

    await waiting.get_by_role("button", name="Step").press("Enter")
    await expect(waiting).to_contain_text("waits before Sending → Delivered (Sent) for")
    assert [line.author for line in character_lines(run.server, CHANNEL)] == ["Maren"]
    await waiting.get_by_role("button", name="Let").press("Enter")
    await until(lambda: len(character_lines(run.server, CHANNEL)) == 2)
    await expect(panel.locator("summary")).to_have_text("Breakpoints 1 set, 0 responses wait")
    await panel.get_by_role("button", name="Remove").press("Enter")
    await expect(panel.locator(".stops > li")).to_have_count(0)
    await expect(page.locator("[data-edge='Generating-Sending']")).not_to_have_class(STOPPED)


async def test_the_page_of_a_held_response_says_so_and_lets_it_go(run: Run, open_at: OpenAt, seen: Seen) -> None:
    page = await open_at(run.url)
    await let_in(page, seen)
    await set_from_the_diagram(page, "Sending-Delivered", "Maren")
    run.server.say(CHANNEL, "Robin", "Who has the key?")
    await page.locator(".waiting a").click()
    notice = page.locator(".pause-bar")
    await expect(notice).to_contain_text(
        "Sent has arrived. Breakpoint b1 stopped the response before Sending → Delivered."
    )
    await expect(page.locator("[data-edge='Sending-Delivered']")).to_have_class(HELD)
    assert await findings(page) == []
    await notice.get_by_role("button", name="Continue").press("Enter")
    await expect(page.locator(".machine .lit")).to_have_attribute("data-state", "Delivered")
    await expect(notice).to_be_hidden()
    await expect(page.locator("[data-edge='Sending-Delivered']")).not_to_have_class(HELD)


async def test_what_cannot_be_set_is_said_on_the_page(open_at: OpenAt, seen: Seen) -> None:
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store), token=TOKEN) as it,
        await open_at(it.url("/")) as page,
    ):
        await let_in(page, seen)
        await page.locator(".breakpoints summary").press("Enter")
        about = page.locator(".breakpoints details > p").first
        await expect(about).to_contain_text("Choose an edge, here or in the diagram")
        await page.get_by_role("button", name="Set breakpoint").press("Enter")
        await expect(page.locator(".breakpoints [role=alert]")).to_contain_text("Name a character, a session, or both")
    assert all("400" in words for words in seen.complaints)
    seen.complaints.clear()


async def test_without_a_token_the_page_says_how_to_turn_them_on(open_at: OpenAt) -> None:
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store)) as it,
        await open_at(it.url("/")) as page,
    ):
        await expect(page.locator(".breakpoints summary")).to_have_text("Breakpoints off")
        await page.locator(".breakpoints summary").press("Enter")
        await expect(page.locator(".breakpoints")).to_contain_text("set INSPECTOR_TOKEN where the bot runs")
        await expect(page.locator(".breakpoints form")).to_be_hidden()
        await page.locator("[data-edge='Sending-Delivered'][role=button]").press("Enter")
        await expect(page.get_by_role("button", name="Stop before")).to_be_hidden()
        assert await findings(page) == []


async def test_no_serious_finding_of_axe_while_a_line_is_held_light_or_dark_however_wide_the_window(
    run: Run, open_at: OpenAt, seen: Seen
) -> None:
    page = await open_at(run.url)
    await let_in(page, seen)
    await set_from_the_diagram(page, "Sending-Delivered", "Maren")
    run.server.say(CHANNEL, "Robin", "Who has the key?")
    await expect(page.locator(".waiting > li")).to_have_count(1)
    found = {}
    for width, size in ((1440, "wide"), (360, "compact")):
        await page.set_viewport_size({"width": width, "height": 800})
        await page.locator(f"svg.{size} .held").wait_for()
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            found[size, scheme] = await findings(page)
    assert found == {key: [] for key in found}
