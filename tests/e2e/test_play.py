"""`play` as a newcomer meets it: the real bot in its own process, the real page, one line after the other.

The README's pictures come from here: `PICTURES=docs/pictures pytest -n 0 tests/e2e/test_play.py`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from actors.playground.script import READS
from tests.playground_place import PlaygroundPlace

from .conftest import WAIT_MS

ROOT = Path(__file__).parents[2]
START_S = 180.0

pytestmark = pytest.mark.browser


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[PlaygroundPlace]:
    """`bot.py play` on a fresh database; gives its address, and ends it as Ctrl-C would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "GROQ_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "bot.py"), "play", "--port", "0", "--no-open"),
        cwd=folder,
        env=environment | {"DATA_DIR": str(folder), "UNDERSTUDY_TYPING_S": "0"},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            while not (line := (await process.stdout.readline()).decode()).startswith("Playground: "):
                assert line, "play ended before it said where it is"
        yield PlaygroundPlace.of(line)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(START_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # its bot as well, which would keep our pipe open, and us waiting
            await process.wait()


async def lines_posted(place: PlaygroundPlace) -> list[dict[str, Any]]:
    """The tries to send a line, as the server counted them."""
    url = f"{place.base}_control/requests?only_lines=1"
    async with aiohttp.ClientSession(headers=place.headers) as http, http.get(url) as answer:
        found: list[dict[str, Any]] = await answer.json()
        return found


async def script(place: PlaygroundPlace, faults: list[str], requests: str) -> None:
    """What the next requests of a sort meet."""
    body = {"faults": faults, "requests": requests}
    url = f"{place.base}_control/script"
    async with aiohttp.ClientSession(headers=place.headers) as http, http.post(url, json=body) as answer:
        assert answer.status == 204


async def ask(page: Page, text: str) -> None:
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


async def picture(page: Page, name: str) -> None:
    """Take a picture for the documentation, where it was asked for."""
    folder = os.environ.get("PICTURES")
    if folder:
        await page.screenshot(path=ROOT / folder / f"{name}.png")


async def test_the_first_minute_a_lost_answer_and_a_bot_killed_in_the_middle_of_a_line(
    browser: Browser, tmp_path: Path
) -> None:
    complaints: list[str] = []
    foreign: list[str] = []
    async with playing(tmp_path) as place:
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((place.base, "data:", "blob:")) else foreign.append(asked.url),
        )
        await page.goto(place.page)
        spoken = page.locator("#messages .message.character")
        equal = page.locator("#tally[data-verdict=equal]")

        await expect(page.locator("#messages .message.bot")).to_contain_text("The scene is open")
        await page.locator("#suggestions button").first.click()
        await page.keyboard.press("Enter")
        await expect(spoken).to_have_count(3)
        await expect(spoken.locator(".name")).to_have_text(["Maren", "Fitch", "Oriel"])
        assert len(await lines_posted(place)) == 3
        await expect(page.locator("#open-models")).to_be_visible()
        await picture(page, "playground")

        await expect(
            page.locator("#inspector-tools")
        ).to_be_visible()  # what is over before the page follows is not seen
        await page.evaluate(
            """() => {
                globalThis.litStates = new Set();
                new MutationObserver(() => {
                    for (const each of document.querySelectorAll(".diagram .lit")) litStates.add(each.dataset.state);
                }).observe(document.querySelector("#line-cards"), { subtree: true, childList: true, attributes: true });
            }"""
        )
        await page.locator("#tab-faults").click()
        await page.locator("#fault-drop_after").fill("100")
        await expect(page.locator("#storm-mark")).to_have_text("100 %")
        await page.wait_for_function("() => document.querySelector('.fault.on')")
        await page.locator("#tab-lines").click()
        # Else a line is found within milliseconds, and no eye, nor a busy browser's next frame, sees it retrying.
        await script(place, ["http_503"] * 3, READS)
        await ask(page, "What is that noise on the stairs?")
        await expect(spoken).to_have_count(6)
        await page.wait_for_function("() => litStates.has('Retrying') && litStates.has('Delivered')")
        await expect(equal).to_be_visible()
        await expect(page.locator(".state-note", has_text="after trouble")).to_have_count(3)
        await page.emulate_media(color_scheme="dark")
        await picture(page, "playground-faults")

        await page.locator("#tab-faults").click()
        async with page.expect_response("**/_control/faults"):
            await page.get_by_role("button", name="Calm").click()
        await expect(page.locator("#storm-mark")).to_be_hidden()
        await page.locator("#kill-amid").click()
        await page.locator(".toast", has_text="Armed").wait_for()
        await ask(page, "Who has the key?")
        await expect(page.locator("#bot")).to_have_attribute("data-state", "offline")
        await expect(spoken).to_have_count(7)
        await page.locator("#revive").click()
        await expect(page.locator("#bot")).to_have_attribute("data-state", "online")
        await expect(spoken).to_have_count(9)
        await expect(equal).to_be_visible()
        await expect(spoken.locator(".name")).to_have_text(["Maren", "Fitch", "Oriel"] * 3)
        await page.close()
    assert (complaints, foreign) == ([], [])


async def test_from_the_playgrounds_page_a_line_stops_at_a_breakpoint_and_its_prompt_is_read(
    browser: Browser, tmp_path: Path
) -> None:
    async with playing(tmp_path) as place:
        page, inspector = [await browser.new_page(viewport={"width": 1280, "height": 900}) for _ in range(2)]
        for each in (page, inspector):
            each.set_default_timeout(WAIT_MS)
        await page.goto(place.page)
        await expect(page.locator("#messages .message.bot")).to_contain_text("The scene is open")
        await expect(page.locator("#inspector-tools")).to_be_visible()
        await inspector.goto(place.page)
        path = await page.locator("#breakpoints").get_attribute("href") or ""
        await inspector.goto(place.base + path.removeprefix("/"))
        await inspector.locator("#stop-edge").select_option("Generating-Sending")
        await inspector.locator("#stop-character").fill("Maren")
        await inspector.get_by_role("button", name="Set breakpoint").click()
        await expect(inspector.get_by_role("button", name="Remove")).to_be_visible()

        await ask(page, "Who has the lantern?")
        await expect(page.locator(".line-card .why").first).to_contain_text("Stopped before Generating → Sending")
        await page.locator(".line-card .replay").first.click()
        await page.locator(".pause-bar button", has_text="Let go").click()
        await expect(page.locator(".replay-head .state-mark")).to_have_text("Delivered")
        await page.reload()
        await page.get_by_role("button", name="Show what was said").click()
        await expect(page.get_by_text("Who has the lantern?").first).to_be_attached()
        for each in (page, inspector):
            await each.close()
