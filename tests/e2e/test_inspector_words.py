"""What the inspector's page says of a trouble, and does with addresses, files and keys: over an inspector alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from actors.adapters.inspector.inspector import SNAPSHOT_MAX
from actors.adapters.store import open_store
from actors.observation import BreakerView, Dependencies
from actors.ports import BreakerMoved
from machines.facts import Generated, GenerationFailed, Held
from tests.adapters.inspector.stage import SECRET, Stage, serving
from tests.contracts.scene import NOW, Scene, open_scene
from tests.contracts.test_store_exchanges import GENERATED, tell
from tests.e2e.conftest import OpenAt, Seen, findings

pytestmark = pytest.mark.browser

REFUSED = GenerationFailed(NOW + 1, "credentials", final=True, model="some/model")


@pytest.fixture
async def stage(anyio_backend: str) -> AsyncIterator[Stage]:
    async with open_store("sqlite:///:memory:") as store, serving(store, await open_scene(store)) as stage:
        yield stage


async def test_a_failure_is_told_with_what_to_do_in_the_table_and_on_its_own_page(
    stage: Stage, open_at: OpenAt
) -> None:
    line = await stage.line()
    await line.tell(REFUSED)
    page = await open_at(stage.url("/"))
    told = page.locator("tbody .cell-error span")
    await expect(told).to_have_text(
        [
            "Not written by some/model: model not set up (credentials)",
            "The server refused the key: check GROQ_API_KEY; doctor tests it.",
        ]
    )
    await page.get_by_role("link", name="Mira").click()
    await expect(page.locator(".cause")).to_have_text(
        "The cause: Not written by some/model: model not set up (credentials)."
    )
    await expect(page.locator(".replay-head .mend")).to_have_text(
        "The server refused the key: check GROQ_API_KEY; doctor tests it."
    )
    await expect(page.locator(".replay-head .mend code")).to_have_text("doctor")


async def test_a_held_line_says_what_another_line_met_and_which_model(stage: Stage, open_at: OpenAt) -> None:
    await (await stage.line(1)).tell(GenerationFailed(NOW + 1, "overloaded", final=True, model="some/model"))
    held = await stage.line(2)
    await held.tell(Held(NOW + 2, NOW + 60, "model_down", NOW + 1))
    page = await open_at(stage.url(f"/responses/{held.id}"))
    await expect(page.locator(".cause")).to_have_text(
        "The cause: From another line: Not written by some/model: model overloaded (overloaded)."
    )
    await page.goto(stage.url("/"))
    await expect(page.locator(f"[data-id='{held.id}'] .cell-error")).to_contain_text("some/model")


async def test_a_breaker_whose_tries_failed_is_open_since_it_opened_in_words_and_table(open_at: OpenAt) -> None:
    now = time.time()
    stand = Dependencies(breakers=(BreakerView("discord", "Open", 9, 5, now - 200, now + 3600),))
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store), now=lambda: now, dependencies=lambda: stand) as it,
    ):
        it.inspector.publish(BreakerMoved("discord", "HalfOpen", "Open", now - 20, now + 3600))
        async with await open_at(it.url("/#machines")) as page:
            breaker = page.locator("[aria-label=Breaker]")
            await expect(breaker.locator("> p")).to_have_text("discord is Open, opened 3 min 20 s ago.")
            await expect(breaker.locator("tbody tr")).to_contain_text("3 min 20 s ago")


async def test_a_fact_is_told_whole_where_there_is_room_beside_its_arrow(stage: Stage, open_at: OpenAt) -> None:
    line = await stage.line()
    await line.tell(GenerationFailed(NOW + 1, "rate_limit", 2.0, model="openai/gpt-oss-120b"))
    page = await open_at(stage.url(f"/responses/{line.id}"))
    await expect(page.locator(".told-row.bad .words")).to_have_text(
        re.compile("^GenerationFailed: reason rate_limit · retry after 2.0 s · model openai/gpt-oss-120b")
    )
    sides = await page.evaluate(
        """() => [".told", ".told-row.bad .words"].flatMap((selector) => {
            const { left, right } = document.querySelector(selector).getBoundingClientRect();
            return [left, right];
        })"""
    )
    left, right, words_left, words_right = sides
    assert left < words_left < words_right < right


async def test_a_further_move_takes_nothing_away_from_who_reads_an_earlier_one(stage: Stage, open_at: OpenAt) -> None:
    line = await stage.line()
    page = await open_at(stage.url(f"/responses/{line.id}"))
    moves = page.locator(".moves li")
    await moves.filter(has_text="Started").evaluate("item => { item.isKept = true; }")
    await moves.first.locator("button").focus()
    await line.generate()
    await expect(moves.filter(has_text="Generated")).to_have_attribute("aria-current", "step")
    await expect(moves.filter(has_text="Generated").locator("button")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await line.deliver()
    await expect(moves).to_have_count(3)
    await expect(page.locator(".told-row[data-seq='3']").first).to_be_visible()
    await expect(moves.first.locator("button")).to_be_focused()
    assert await moves.first.evaluate("item => item.isKept") is True


async def test_older_ones_are_offered_only_where_there_are_some(open_at: OpenAt) -> None:
    async with open_store("sqlite:///:memory:") as store:
        scene = await open_scene(store)
        await _fail(scene, range(SNAPSHOT_MAX))
        async with serving(store, scene) as it, await open_at(it.url("/")) as page:
            await expect(page.locator(".sum")).to_have_text(f"{SNAPSHOT_MAX} of {SNAPSHOT_MAX}")
            await expect(page.locator("[data-state=Failed] .now-count").first).to_be_visible()
            await expect(page.get_by_role("button", name="Read older ones")).to_be_hidden()
        await _fail(scene, range(SNAPSHOT_MAX, SNAPSHOT_MAX + 1))
        async with serving(store, scene) as it, await open_at(it.url("/")) as page:
            await page.get_by_role("button", name="Read older ones").click()
            await expect(page.locator(".sum")).to_have_text(f"{SNAPSHOT_MAX + 1} of {SNAPSHOT_MAX + 1}")


async def _fail(scene: Scene, numbers: range) -> None:
    for number in numbers:
        await scene.hear(5000 + number)
        await (await (await scene.line()).start()).tell(REFUSED)


async def test_what_the_page_holds_is_saved_while_the_bot_is_lost(open_at: OpenAt, seen: Seen, tmp_path: Path) -> None:
    async with open_store("sqlite:///:memory:") as store:
        async with serving(store, await open_scene(store), token="a token") as it:
            page = await open_at(it.url(f"/responses/{await it.recorded_line()}"))
            await page.get_by_label("Token").fill("a token")
            await page.keyboard.press("Enter")
            await page.get_by_role("button", name="Show what was said").click()
            await expect(page.locator("[aria-label='The model']")).to_contain_text(SECRET)
        await expect(page.locator("#lost")).to_be_visible()
        plain = await _saved(page, "Save as a file", tmp_path)
        assert SECRET not in plain
        assert (json.loads(plain)["redacted"], len(json.loads(plain)["path"])) == (True, 1)
        assert SECRET in await _saved(page, "Save with texts", tmp_path)
        (tmp_path / "kept.json").write_text(plain)
        await page.locator("#file").set_input_files(tmp_path / "kept.json")
        await expect(page.locator(".replay .notice")).to_contain_text("From the file kept.json")
        await page.close()
    assert all("401" in words or "ERR_" in words for words in seen.complaints)  # the browser's own words
    seen.complaints.clear()


async def _saved(page: Page, name: str, folder: Path) -> str:
    async with page.expect_download() as download:
        await page.get_by_role("link", name=name).click()
    await (await download.value).save_as(folder / "saved")
    return (folder / "saved").read_text()


async def test_an_address_that_no_browser_writes_names_no_response(stage: Stage, open_at: OpenAt, seen: Seen) -> None:
    page = await open_at(stage.url("/responses/%E0%A4%A"))
    await expect(page.locator("#trouble")).to_have_text("Response %E0%A4%A cannot be shown: There is no such response.")
    assert all("404" in words for words in seen.complaints)  # the browser's own words
    seen.complaints.clear()


async def test_the_keyboard_comes_to_the_responses_without_all_of_the_diagram(stage: Stage, open_at: OpenAt) -> None:
    await (await stage.line()).tell(REFUSED)
    page = await open_at(stage.url("/?state=Failed"))
    await expect(page.locator("[data-state=Failed][role=button]").first).to_be_visible()
    for _ in range(2):
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the responses")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Search in responses")).to_be_focused()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.goto(stage.url("/#machines"))
    await expect(page.locator("#skip-rows")).to_be_hidden()


async def test_the_lore_of_a_prompt_is_told_by_what_it_fired_and_why_it_did_not(stage: Stage, open_at: OpenAt) -> None:
    line = (await stage.line()).line
    await tell(line, Generated(NOW + 1, ("Aye.",)), GENERATED)
    async with await open_at(stage.url(f"/responses/{line.response.id}")) as page:
        asked = page.locator("[aria-label='The model']")
        lore = asked.locator(".lore")
        await expect(lore.locator("summary")).to_have_text("Lore: 1 of 8 entries fired")
        await lore.locator("summary").click()
        rows = lore.get_by_role("listitem")
        await expect(rows.nth(0)).to_have_text("lamp · Coast · before the character, by lamp, 3 tokens")
        await expect(rows.nth(1)).to_have_text("storm · Coast · no key was said")
        await expect(rows.nth(2)).to_have_text("and 6 more")
        await expect(rows.nth(3)).to_have_text("/(a+)+$/ · it took too long")
        assert await findings(page) == []
