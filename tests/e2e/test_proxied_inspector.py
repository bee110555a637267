"""The inspector's page in a browser, through a reverse proxy that has it under a prefix."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from actors.adapters.inspector import parse_public_url
from actors.adapters.store import open_store
from tests.adapters.inspector.stage import serving
from tests.contracts.scene import open_scene
from tests.e2e.conftest import OpenAt, Seen
from tests.e2e.test_inspector import _free_port
from tests.fakes.reverse_proxy import CADDY, NGINX, TRAEFIK, Manner, reverse_proxy

pytestmark = pytest.mark.browser

PREFIX = "/tools/ensemble"
TOKEN = "correct horse"


@pytest.mark.parametrize("manner", [NGINX, CADDY, TRAEFIK], ids=["nginx", "caddy", "traefik"])
async def test_b52_who_opens_it_under_a_prefix_logs_in_and_sees_lines_move(
    manner: Manner, open_at: OpenAt, seen: Seen
) -> None:
    port = _free_port()
    url = f"http://localhost:{port}{PREFIX}/"
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store), token=TOKEN, public=parse_public_url(url)) as stage,
        reverse_proxy(stage.inspector.port, PREFIX, manner, port=port),
    ):
        line = await stage.line()
        async with await open_at(f"{url}responses/{line.id}") as page:
            await page.get_by_label("Token").fill(TOKEN)
            await page.get_by_role("button").click()
            await expect(page.locator("output")).to_contain_text("1 of 1")
            await line.generate()
            await expect(page.locator("output")).to_contain_text("2 of 2")
            await page.get_by_role("link", name="Responses").click()
            await expect(page.locator("tbody").get_by_role("link", name="Mira")).to_be_visible()
            await page.get_by_role("link", name="Machines").click()
            await expect(page).to_have_url(f"{url}#machines")
            await expect(page.locator("#link-words")).to_have_text("Live")
    seen.complaints[:] = [words for words in seen.complaints if "401" not in words]  # the form's own status
