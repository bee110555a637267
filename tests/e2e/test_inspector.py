"""The inspector's page over the real bot in its own process: what a developer does who looks for a line.

The pictures of docs/inspecting.md come from here: `PICTURES=docs/pictures pytest -n 0 tests/e2e/test_inspector.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, expect

from actors.adapters.inspector.inspector import SNAPSHOT_MAX
from actors.adapters.store import open_store
from actors.observation import BreakerView, Dependencies, ModelView
from actors.playground import Dialect, PlaygroundServer, Voice
from actors.playground.script import READS
from actors.ports import BreakerMoved
from machines.facts import Sent
from tests.adapters.inspector.stage import SECRET, serving
from tests.contracts.scene import NOW, Scene, open_scene
from tests.e2e.bot_process import Bot, character_lines, environment, running, until
from tests.e2e.conftest import OpenAt, Seen, eventually, findings, picture
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.browser

CHANNEL = "tavern"
CAST = ("Maren", "Fitch", "Oriel")
ANY_TAKEN = re.compile(r"\btaken\b")
A_CAUSE = re.compile(r"The cause: (Not confirmed|Channel not read): Discord's server failed")
ANY_LIT = re.compile(r"\blit\b")


@dataclass
class Run:
    """A bot that has said three lines well, one after a lost answer, and one that Discord keeps it from saying."""

    url: str
    server: PlaygroundServer


@pytest.fixture(scope="module")
async def run(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Run]:
    folder = tmp_path_factory.mktemp("bot")
    async with PlaygroundServer() as server, _bot_of(server, folder) as (_, url):
        server.dialect = Dialect(echoes=False)  # else the gateway's copy would confirm a line before it is read back
        await _open_scene(server)
        server.say(CHANNEL, "Robin", "Is anybody there?")
        await until(lambda: len(character_lines(server, CHANNEL)) == 3)
        server.next_lines("drop_after", "reset")
        server.say(CHANNEL, "Robin", "What was that?")
        await until(lambda: len(character_lines(server, CHANNEL)) == 6)
        server.next_lines("http_503")
        server.next_requests(READS, *["http_503"] * 20)
        server.say(CHANNEL, "Robin", "Who has the key?")
        await _until_begun(url, responses=7)
        server.say(CHANNEL, "Robin", "Nobody?")  # a turn has begun: this one waits for the next
        yield Run(url, server)


async def _until_begun(url: str, *, responses: int) -> None:
    """Wait until so many responses were begun."""
    async with aiohttp.ClientSession() as client, asyncio.timeout(PATIENCE_S):
        while True:
            async with client.get(f"{url}api/responses") as answer:
                if len((await answer.json())["responses"]) >= responses:
                    return
            await asyncio.sleep(0.1)


async def _open_scene(server: PlaygroundServer) -> None:
    server.say(CHANNEL, "Robin", f"!start {' '.join(CAST)} --turns everyone")
    await until(lambda: any(m.voice is Voice.BOT for m in server.messages(CHANNEL)))


@asynccontextmanager
async def _bot_of(server: PlaygroundServer, folder: Path) -> AsyncIterator[tuple[Bot, str]]:
    """A bot whose breaker opens soon and stays open, with its inspector's address.

    Its deadline is short, since what is beyond it is called stuck, and lets a slow machine try a line twice.
    """
    port = _free_port()
    settings = {"BREAKER_FAILURES": "1", "BREAKER_PAUSE_S": "600", "RESPONSE_DEADLINE_S": "8"}
    env = environment(server, folder, INSPECTOR_ADDRESS=f"127.0.0.1:{port}", **settings)
    async with running(env) as bot:
        yield bot, f"http://127.0.0.1:{port}/"


def _free_port() -> int:
    """A port below those that the system hands out (from 32768 on Linux), which another test could get first."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


async def test_a_stuck_response_is_followed_to_its_cause_with_one_click(run: Run, open_at: OpenAt) -> None:
    page = await open_at(run.url)
    stuck = page.locator("tbody tr.is-stuck")
    await expect(stuck).to_have_count(1)
    await expect(stuck).to_contain_text("Stuck. It has been on its way for")
    await expect(stuck).to_contain_text("Discord is not answering; nothing was sent")
    await expect(stuck).to_contain_text("next try in")
    await expect(page.locator("[data-edge='Sending-Retrying']")).to_have_class(ANY_TAKEN)
    await picture(page, "inspector")
    await stuck.get_by_role("link", name="Maren").click()
    await expect(page.locator(".cause")).to_have_text(A_CAUSE)
    await expect(page.locator(".moves .failure").first).to_contain_text("status 503")
    await expect(page.locator(".legal")).to_contain_text("May come next: Held")
    await expect(page.locator("[data-state=Retrying]")).to_have_class(ANY_LIT)


async def test_a_replay_is_stepped_with_keys_and_its_address_opens_the_same_move(run: Run, open_at: OpenAt) -> None:
    page = await open_at(run.url)
    await _open_one_that_was_found(page)
    lit, where = page.locator(".machine .lit"), page.locator("output")
    path = ["[*]", "Generating", "Sending", "Retrying", "Delivered"]
    await expect(where).to_have_text("4 of 4: FoundInChannel, Retrying → Delivered")
    await page.keyboard.press("Home")
    for state in path[1:]:
        await page.keyboard.press("ArrowRight")
        await expect(lit).to_have_attribute("data-state", state)
    await page.keyboard.press("ArrowLeft")
    await expect(where).to_have_text("3 of 4: SendUnconfirmed, Sending → Retrying")
    taken = "all => all.map(one => one.dataset.edge).sort()"
    edges = ["Generating-Sending", "Sending-Retrying", "[*]-Generating"]
    await eventually(lambda: page.locator(".edge.taken").evaluate_all(taken), edges)
    await expect(page.locator(".told .current.lost .words")).to_contain_text("SendUnconfirmed")
    await expect(page.locator(".moves [aria-current] .requests")).to_contain_text("no answer after")
    await expect(page.locator(".try > summary")).to_contain_text("answered after")
    await page.emulate_media(color_scheme="dark")
    await picture(page, "inspector-replay")
    address = page.url
    assert address.endswith("#move=3")
    again = await open_at(address)
    await expect(again.locator("output")).to_have_text("3 of 4: SendUnconfirmed, Sending → Retrying")
    await again.locator("#scrubber").focus()
    await again.keyboard.press("End")
    await expect(again.locator(".machine .lit")).to_have_attribute("data-state", "Delivered")


async def test_a_step_closes_nothing_that_was_opened_and_the_keys_keep_their_place(run: Run, open_at: OpenAt) -> None:
    page = await open_at(run.url)
    await _open_one_that_was_found(page)
    headers = page.locator(".moves .requests details").last
    await headers.locator("summary").click()
    for seq in ("3", "2"):
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator(".moves [aria-current] button")).to_be_focused()
        await expect(page.locator(".moves [aria-current] .seq")).to_have_text(seq)
    await expect(page.locator(".moves li.later")).to_have_count(2)
    await expect(headers).to_have_attribute("open", "")


async def test_a_file_of_one_bot_is_opened_at_another(run: Run, open_at: OpenAt, tmp_path: Path) -> None:
    page = await open_at(run.url)
    await _open_one_that_was_found(page)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Save as a file").click()
    file = tmp_path / "kept.json"
    await (await download.value).save_as(file)
    assert [move["to"] for move in json.loads(file.read_text())["path"]][-1] == "Delivered"
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store)) as other,
        await open_at(other.url("/")) as there,
    ):
        await there.locator("#file").set_input_files(file)
        await expect(there.locator(".replay .notice")).to_contain_text("From the file kept.json: nothing is live")
        await there.keyboard.press("Home")
        await there.keyboard.press("ArrowRight")
        await expect(there.locator(".machine .lit")).to_have_attribute("data-state", "Generating")
        await expect(there.locator(".told")).to_be_visible()


async def test_a_file_that_holds_something_else_is_refused_in_words_and_changes_nothing(
    run: Run, open_at: OpenAt, tmp_path: Path
) -> None:
    page = await open_at(run.url)
    await _open_one_that_was_found(page)
    kept = await (await page.request.get(run.url + "api/responses/" + page.url.split("/")[-1])).json()
    address, other = page.url, tmp_path / "other.json"
    for changed in (
        {"id": 1},
        {"started_at": "then"},
        {"path": [*kept["path"], {"fact": "Sent"}]},
        {"path": [{**move, "effects": [None]} for move in kept["path"]]},
        {"asides": 7},
        {"legal": None},
        {"exchanges": [{"seq": 1, "requests": [{}]}]},
    ):
        other.write_text(json.dumps(kept | changed))
        await page.locator("#file").set_input_files(other)
        await expect(page.locator("#trouble")).to_have_text(
            "other.json cannot be opened: It is not a file from “Save as a file”."
        )
        assert page.url == address
    await page.keyboard.press("Home")
    await expect(page.locator("output")).to_have_text("Before the first of 4 moves")


async def test_states_edges_words_and_sessions_choose_the_rows(run: Run, open_at: OpenAt) -> None:
    page = await open_at(run.url)
    rows = page.locator("tbody tr:not(.group)")
    await expect(rows).to_have_count(7)
    await page.locator("[data-state=Delivered]").first.click()
    await expect(rows).to_have_count(6)
    await page.locator("[data-state=Delivered]").first.press("Enter")
    await expect(rows).to_have_count(7)
    await page.locator("[data-edge='Retrying-Delivered']").press(" ")
    await expect(rows).to_have_count(1)
    await expect(page.get_by_role("button", name="Took Retrying → Delivered")).to_be_visible()
    await page.reload()
    await expect(rows).to_have_count(1)
    await page.get_by_role("button", name="Show all").click()
    await page.get_by_label("Search in responses").fill("oriel delivered")
    await expect(rows).to_have_count(2)
    await page.get_by_label("Search in responses").fill("nothing of the kind")
    await expect(page.locator("div.empty")).to_contain_text("No response matches.")
    await page.get_by_role("button", name="Show all").click()
    await page.get_by_role("button", name="Character").click()
    for row, name in ((rows.first, "Fitch"), (rows.last, "Oriel")):
        await expect(row.locator("a")).to_have_text(name)
    await page.get_by_label("By session").check()
    await expect(page.locator("tr.group")).to_have_count(1)


async def test_what_is_chosen_is_read_though_it_is_older_than_all_that_is_shown(open_at: OpenAt) -> None:
    async with open_store("sqlite:///:memory:") as store:
        old, new = await open_scene(store), await open_scene(store, number=200, channel_id=501)
        await _say(old, 3)
        await _say(new, SNAPSHOT_MAX)
        async with serving(store, old) as it, await open_at(it.url("/")) as page:
            total, older = page.locator(".sum"), page.locator(".ends button").last
            await expect(total).to_have_text("200 of 200")
            await older.click()
            await expect(total).to_have_text("203 of 203")
            await expect(older).to_have_text("There are no older ones")
            await page.locator("[data-state=Delivered]").first.press("Enter")
            await expect(older).to_be_enabled()
            await page.goto(it.url(f"/?session={old.claim.session_id}"))
            await expect(total).to_have_text("3 of 203")
            await expect(page.locator("tbody tr")).to_have_count(3)
            await page.get_by_role("button", name="Show all").click()
            await expect(older).to_be_enabled()


async def _say(scene: Scene, lines: int) -> None:
    for number in range(lines):
        message_id = scene.channel_id * 10_000 + number
        await scene.hear(message_id)
        line = await (await scene.line()).start("Aye.")
        await line.tell(Sent(NOW + 1, message_id + 5000, "Aye."))


async def test_sessions_and_machines_tell_who_waits_for_what(run: Run, open_at: OpenAt) -> None:
    page = await open_at(run.url)
    await page.get_by_role("link", name="Sessions").click()
    card = page.locator(".session-list > li")
    await expect(card).to_contain_text("1 message")
    place = card.get_by_text(f"#{CHANNEL}", exact=True)
    await expect(place).to_have_attribute("title", str(run.server.discord.find_channel(CHANNEL).id))
    await expect(card).to_contain_text("Fitch, then Oriel (the open turn)")
    await card.locator("summary").click()
    await expect(card.locator(".lines li")).to_have_count(10)
    await page.get_by_role("link", name="Machines").click()
    await expect(page.locator("[aria-label=Breaker] > p")).to_contain_text("discord is Open")
    await expect(page.locator("[aria-label=Breaker] [data-state=Open]")).to_have_class(ANY_LIT)
    await expect(page.locator("[aria-label=Connection] > p")).to_contain_text("shard 0 is Ready for")
    discord = page.locator("[aria-label=Breaker] tbody tr").filter(has_text="discord")
    await expect(discord).to_contain_text("2; more than 1 open it")
    await expect(page.locator("[aria-label=Connection] tbody tr")).to_contain_text("Ready")
    await expect(page.locator("[aria-label='Rate limits'] tbody tr").first).to_contain_text("unknown until it is used")
    await expect(page.locator("[aria-label='Rate limits'] tbody")).to_contain_text("webhook:")
    await expect(page.locator("[aria-label='Rate limits'] tbody")).to_contain_text(f"read #{CHANNEL}")
    await expect(page.locator("[aria-label=Session] [data-state=Responding]")).to_have_class(ANY_LIT)
    await page.get_by_role("link", name="Responses").click()
    await expect(page.locator("tbody tr")).to_have_count(7)


async def test_a_breaker_that_opens_is_told_by_words_table_and_diagram_without_a_tick(open_at: OpenAt) -> None:
    closed = BreakerView("discord", "Closed", 0, 5, None, 0.0)
    stand = [closed]
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store), dependencies=lambda: Dependencies(breakers=(*stand,))) as it,
        await open_at(it.url("/"), alone=True) as page,
    ):
        await page.clock.install()  # of the page that is opened next: no timer of it runs
        await page.goto(it.url("/?#machines"))
        row, state = (
            page.locator("[aria-label=Breaker] tbody tr"),
            page.locator("[aria-label=Breaker] [data-state=Open]"),
        )
        await expect(row).to_contain_text("Closed")  # first: the jump ends every question that is under way
        await page.clock.pause_at(time.time() + 3600)
        stand[0] = replace(closed, state="Open", failures=6, opened_at=time.time(), until=time.time() + 60)
        it.inspector.publish(BreakerMoved("discord", "Closed", "Open", time.time(), time.time() + 60))
        await expect(page.locator("[aria-label=Breaker] > p")).to_contain_text("discord is Open")
        await expect(row).to_contain_text("Open")
        await expect(state).to_have_class(ANY_LIT)


async def test_b09_what_is_known_of_each_model_stands_in_a_table_with_its_warning(open_at: OpenAt) -> None:
    models = (
        ModelView("small", "http://localhost:11434/v1", ("reads 2,050 tokens of a prompt",), "It reads 2,050 tokens."),
        ModelView("large", "https://api.groq.com/openai/v1"),
    )
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store), dependencies=lambda: Dependencies(models=models)) as it,
        await open_at(it.url("/?#machines"), alone=True) as page,
    ):
        small, large = (
            page.locator("[aria-label=Models] tbody tr").first,
            page.locator("[aria-label=Models] tbody tr").last,
        )
        await expect(small).to_contain_text("reads 2,050 tokens of a prompt")
        await expect(small.locator("strong.wrong")).to_have_text("It reads 2,050 tokens.")
        await expect(large).to_contain_text("nothing yet")
        await expect(page.locator("[aria-label='Rate limits']")).to_contain_text(
            "No server has reported its limits yet."
        )


async def test_the_playground_leads_to_it_and_serves_it_on_its_own_address(run: Run, open_at: OpenAt) -> None:
    run.server.inspector_url = run.url
    page = await open_at(run.server.page_url)
    await page.locator("#tab-lines").click()
    await page.locator("#inspector").click()
    await expect(page.locator("#link")).to_have_attribute("data-link", "live")
    await expect(page.locator("tbody tr")).to_have_count(7)
    await _open_one_that_was_found(page)
    await expect(page).to_have_url(re.compile(r"/inspector/responses/\w+$"))
    await expect(page.locator(".told")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
async def test_no_serious_finding_of_axe_and_nothing_wider_than_the_window(
    run: Run, open_at: OpenAt, width: int, scheme: str
) -> None:
    page = await open_at(run.url, width, 800, scheme)
    await expect(page.locator("tbody tr.is-stuck")).to_have_count(1)
    found = {"responses": await findings(page)}
    for view in ("sessions", "machines"):
        await page.goto(f"{run.url}#{view}")
        await page.locator(f"main[data-view={view}] :is(.session-list li, figure svg)").first.wait_for()
        found[view] = await findings(page)
    await page.goto(run.url)
    await _open_one_that_was_found(page)
    await page.keyboard.press("ArrowLeft")
    found["replay"] = await findings(page)
    assert found == {"responses": [], "sessions": [], "machines": [], "replay": []}


async def test_a_token_is_asked_for_once(open_at: OpenAt, seen: Seen) -> None:
    async with (
        open_store("sqlite:///:memory:") as store,
        serving(store, await open_scene(store), token="a b&c") as it,
        await open_at(it.url("/#sessions")) as page,
    ):
        assert await findings(page) == []
        await page.get_by_label("Token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        await page.get_by_label("Token").fill("a b&c")
        await page.keyboard.press("Enter")
        await expect(page.locator("#link")).to_have_attribute("data-link", "live")
        assert "a b" not in page.url
        await page.goto(it.url(f"/responses/{await it.recorded_line()}"))
        asked = page.locator("[aria-label='The model']")
        await expect(asked).to_contain_text("the newest 1 of 9 lines; the oldest 8 did not fit")
        await expect(asked).not_to_contain_text("smuggler")
        await page.get_by_role("button", name="Show what was said").click()
        await expect(asked).to_contain_text(f"Be Mira: {SECRET}")
        assert await findings(page) == []
    refused = [words for words in seen.complaints if "401" in words]
    assert len(refused) == len(seen.complaints) == 2  # the browser's own words for the two pages with the form
    seen.complaints.clear()


async def test_a_bot_that_comes_back_with_another_token_asks_for_it(open_at: OpenAt, seen: Seen) -> None:
    async with open_store("sqlite:///:memory:") as store:
        scene = await open_scene(store)
        async with serving(store, scene, token="the first") as it:
            page = await open_at(it.url("/"))
            await page.get_by_label("Token").fill("the first")
            await page.keyboard.press("Enter")
            await expect(page.locator("#link")).to_have_attribute("data-link", "live")
        async with serving(store, scene, token="the second", address=f"127.0.0.1:{it.inspector.port}"):
            await page.get_by_label("Token").fill("the second")
            await page.keyboard.press("Enter")
            await expect(page.locator("#link")).to_have_attribute("data-link", "live")
            await page.close()
    assert all("401" in words or "ERR_" in words for words in seen.complaints)  # the browser's own words
    seen.complaints.clear()


async def test_a_dead_bot_is_not_shown_alive(open_at: OpenAt, seen: Seen, tmp_path: Path) -> None:
    async with (
        PlaygroundServer() as server,
        _bot_of(server, tmp_path) as (bot, url),
        await open_at(url, alone=True) as page,
    ):
        await _open_scene(server)
        await page.clock.install()  # of the page that is opened next
        await page.goto(url)
        server.hold.arm()
        server.say(CHANNEL, "Robin", "Is anybody there?")
        stay = page.locator("tbody tr .cell-stay")
        await expect(stay).to_contain_text("s")
        await expect(stay).not_to_have_text(await stay.inner_text())  # it ticks
        await bot.kill()
        server.hold.release()
        await expect(page.locator("#lost")).to_contain_text("The bot does not answer. The page shows its state as of")
        await expect(page.locator("body")).to_have_class("stale")
        shown = await stay.inner_text()
        await page.clock.run_for(60_000)
        assert await stay.inner_text() == shown
    assert all("ERR_" in words for words in seen.complaints)
    seen.complaints.clear()


async def _open_one_that_was_found(page: Page) -> None:
    """The response whose answer was lost after Discord had stored the line."""
    await page.locator("[data-edge='Retrying-Delivered'].taken").press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.locator("tbody tr a").click()
    await expect(page.locator(".moves li[aria-current]")).to_be_visible()
    await expect(page.locator(".machine .lit")).to_have_count(1)
