"""The model's faults on the playground's page, beside Discord's."""

import pytest
from playwright.async_api import expect

from actors.playground import FaultPlan, ModelFaultPlan, PlaygroundServer

from .conftest import OpenPage, findings
from .fake_bot import FakeBot

pytestmark = pytest.mark.browser


async def test_the_models_faults_are_set_beside_discords_and_neither_changes_the_other(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    server.faults = FaultPlan.parse(["slow=0.25"], seed=4)
    page = await open_page()
    await page.locator("#tab-faults").click()
    await page.get_by_label("Empty answer", exact=True).fill("30")
    mark = page.locator("#storm-mark")
    await expect(mark).to_have_text("25 % + model")
    await expect(page.locator("#model-fault-sum")).to_have_text("Faults hit 30 % of all attempts.")
    await page.wait_for_function("() => document.querySelector('#model-fault-rows .fault.on')")
    assert server.model_faults == ModelFaultPlan((("empty", 0.3),), 4)
    assert server.faults.chances == (("slow", 0.25),)
    async with page.expect_response("**/_control/model_faults"):
        await page.get_by_role("button", name="Healthy").click()
    await expect(mark).to_have_text("25 %")
    assert (server.model_faults.chances, server.faults.chances) == ((), (("slow", 0.25),))
    assert await findings(page) == []


async def test_more_than_everything_is_not_sent(server: PlaygroundServer, bot: FakeBot, open_page: OpenPage) -> None:
    page = await open_page()
    await page.locator("#tab-faults").click()
    await page.get_by_label("Overloaded", exact=True).fill("80")
    await page.wait_for_function("() => document.querySelector('#model-fault-rows .fault.on')")
    await page.get_by_label("Filtered", exact=True).fill("40")
    await expect(page.locator("#model-fault-sum")).to_contain_text("At most 100 % is possible")
    assert server.model_faults.chances == (("http_503", 0.8),)


async def test_an_outage_of_discord_leaves_the_models_faults_as_they_are(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    server.model_faults = ModelFaultPlan.parse(["empty=0.5"], seed=2)
    page = await open_page()
    await page.locator("#tab-faults").click()
    await page.locator("#outage").click()
    await expect(page.locator("#storm-mark")).to_have_text("outage + model")
    await page.locator("#outage").click()
    await expect(page.locator("#storm-mark")).to_have_text("model")
    assert server.model_faults == ModelFaultPlan((("empty", 0.5),), 2)


async def test_of_a_bot_that_runs_elsewhere_no_fault_of_its_model_is_offered(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    page = await open_page()
    await page.locator("#tab-faults").click()
    await expect(page.locator("#no-model")).to_be_visible()
    await expect(page.locator("#model-tools")).to_be_hidden()
    assert await findings(page) == []
