"""F3: no page of another site makes the inspector read, and no loop of requests slows the bot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actors.adapters.store import SqlStore, memory_store
from tests.adapters.inspector.stage import serving
from tests.contracts.scene import open_scene
from tests.safety.inspector_place import Clock, inspecting

API = "/api/responses?limit=500"
PLAYGROUND = "http://127.0.0.1:8400"


def fetched(site: str, mode: str = "no-cors", dest: str = "empty", **more: str) -> dict[str, str]:
    """The headers of a browser (https://www.w3.org/TR/fetch-metadata/)."""
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest} | more


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
@pytest.mark.parametrize(("mode", "dest"), [("no-cors", "empty"), ("no-cors", "image"), ("navigate", "iframe")])
async def test_f3_another_sites_page_loads_nothing(site: str, mode: str, dest: str) -> None:
    async with inspecting() as stage:
        for path in (API, "/events", "/", "/metrics", "/page/main.js"):
            assert (await stage.get(path, **fetched(site, mode, dest)))[0] == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_f3_its_own_page_and_an_address_that_was_typed_are_answered(site: str) -> None:
    async with inspecting() as stage:
        assert (await stage.get(API, **fetched(site)))[0] == 200


async def test_f3_a_link_on_another_sites_page_may_be_followed() -> None:
    async with inspecting() as stage:
        assert (await stage.get("/", **fetched("cross-site", "navigate", "document")))[0] == 200


async def test_f3_the_playgrounds_page_reads_and_embeds_it() -> None:
    async with inspecting(origins=(PLAYGROUND,)) as stage:
        assert (await stage.get(API, **fetched("same-site", "cors", Origin=PLAYGROUND)))[0] == 200
        assert (await stage.get("/", **fetched("same-site", "navigate", "iframe")))[0] == 200
        assert (await stage.get(API, **fetched("same-site")))[0] == 403


class Counting(SqlStore):
    """A store whose lists are counted, and how many are read at once."""

    reads = 0
    at_once = 0
    at_once_max = 0

    async def recently_recorded(self, **asked: Any) -> Any:  # noqa: ANN401 - as the store's
        self.reads += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(0)  # another request may be taken up here
        found = await super().recently_recorded(**asked)
        self.at_once -= 1
        return found


async def test_f3_who_asks_the_same_within_a_second_gets_the_same_answer_and_reads_are_one_at_a_time() -> None:
    clock, plain = Clock(), memory_store()
    store = Counting(plain._executor)
    async with serving(store, await open_scene(store), now=clock) as stage:
        begun = store.reads  # of the start
        answers = await asyncio.gather(*(stage.get(API) for _ in range(30)))
        assert {status for status, _, _ in answers} == {200}
        assert store.reads - begun == 1
        await asyncio.gather(*(stage.get(f"/api/responses?limit={n}") for n in range(1, 11)))
        assert store.reads - begun == 11
        assert store.at_once_max == 1
        clock.at += 1.1
        await stage.get(API)
        assert store.reads - begun == 12
    await store.aclose()
