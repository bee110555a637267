"""The inspector's bar on phones, tablets and screens: nothing of it jumps, leaves the window or loses its name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from actors.adapters.store import open_store
from tests.adapters.inspector.stage import Stage, serving
from tests.contracts.scene import open_scene
from tests.e2e.conftest import OpenAt, Scheme, findings

pytestmark = pytest.mark.browser

MEASURED = """(words) => {
    document.querySelector("#link-words").textContent = words;
    const shown = [...document.querySelectorAll(".bar > *")].filter((each) => !each.classList.contains("unseen"));
    const boxes = shown.map((each) => each.getBoundingClientRect());
    const overlaps = boxes.some((one, index) => boxes.slice(index + 1).some((other) =>
        one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom));
    const isIn = boxes.every((box) => box.left >= 0 && box.right <= innerWidth);
    return [document.querySelector(".bar").offsetHeight, overlaps, isIn];
}"""


@pytest.fixture
async def stage(anyio_backend: str) -> AsyncIterator[Stage]:
    async with open_store("sqlite:///:memory:") as store, serving(store, await open_scene(store)) as stage:
        yield stage


@pytest.mark.parametrize(
    ("width", "scheme", "rows_px"), [(320, "light", 90), (360, "dark", 90), (720, "light", 90), (800, "dark", 52)]
)
async def test_the_bar_keeps_its_height_whatever_the_connection_is(
    stage: Stage, open_at: OpenAt, width: int, scheme: Scheme, rows_px: int
) -> None:
    page = await open_at(stage.url("/"), width, 600, scheme)
    await expect(page.locator("#link")).to_have_attribute("data-link", "live")
    measured = [await page.evaluate(MEASURED, words) for words in ("Live", "Connecting", "Lost")]
    assert [(overlaps, is_in) for _, overlaps, is_in in measured] == [(False, True)] * 3
    assert len({height for height, _, _ in measured}) == 1
    assert measured[0][0] <= rows_px
    await expect(page.get_by_role("link", name="Ensemble")).to_be_visible()
    assert await findings(page) == []
