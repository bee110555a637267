"""The inspector asked from another process: what keeps it from answering is one line that says what to do."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from aiohttp import web

from actors.adapters.inspector import InspectorClient, InspectorGone
from actors.adapters.store import SqlStore
from tests.adapters.inspector.stage import SECRET, Stage, serving
from tests.contracts.scene import Scene
from tests.patience import PATIENCE_S

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SOON_S = 0.5  # long enough for what is answered at all, on a busy machine
TOKEN = "tok-of-the-bot"


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that answers everything so."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def address_of(stage: Stage) -> str:
    return f"127.0.0.1:{stage.inspector.port}"


async def test_it_is_told_everything_and_then_each_move(stage: Stage) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    async with InspectorClient(address_of(stage)) as client, anyio.create_task_group() as group:
        group.start_soon(client.follow, lambda event, told: heard.append((event, told)))
        await _until(lambda: len(heard) == 1)
        line = await stage.line()
        await line.generate()
        await _until(lambda: len(heard) == 3)
        whole = await client.response(line.id)
        fleet, sessions = await client.fleet(), await client.sessions()
        group.cancel_scope.cancel()
    assert [event for event, _ in heard] == ["snapshot", "move", "move"]
    assert heard[-1][1]["response"]["state"] == "Sending"
    assert whole is not None
    assert [move["fact"] for move in whole["path"]] == ["Started", "Generated"]
    assert {each["state"]: each["count"] for each in fleet["states"]}["Sending"] == 1
    assert len(sessions["sessions"]) == 1
    assert SECRET not in repr(heard)


async def test_a_response_that_is_not_there_is_none(stage: Stage) -> None:
    async with InspectorClient(address_of(stage)) as client:
        assert await client.response("../fleet?x=") is None


async def test_it_shows_the_token_and_without_it_names_the_setting(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, token=TOKEN) as stage:
        async with InspectorClient(address_of(stage), TOKEN) as client:
            assert (await client.fleet())["breakers"] == []
        async with InspectorClient(address_of(stage), "another") as client:
            with pytest.raises(InspectorGone, match="set INSPECTOR_TOKEN to the one that the bot has") as gone:
                await client.fleet()
    assert "another" not in str(gone.value)


async def test_a_bot_that_ends_ends_the_stream(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene) as stage:
        client = InspectorClient(address_of(stage))

        async def follow() -> None:
            with pytest.raises(InspectorGone, match="has ended its stream"):
                await client.follow(lambda event, told: began.set())

        began = anyio.Event()
        async with client, anyio.create_task_group() as group:
            group.start_soon(follow)
            with anyio.fail_after(PATIENCE_S):
                await began.wait()
            stage.inspector._feed.cut_off_all()


async def test_where_nobody_listens_no_bot_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    async with InspectorClient(address) as client:
        with pytest.raises(InspectorGone, match=f"no bot answers at http://{address}/"):
            await client.fleet()


async def test_a_process_that_hangs_is_found_out_though_its_stream_stays_open() -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        if request.path == "/events":
            await response.prepare(request)
            await response.write(b'event: snapshot\ndata: {"responses":[]}\n\n')
        await anyio.sleep_forever()
        return response

    heard: list[str] = []
    async with answering(hang) as address, InspectorClient(address, answer_s=SOON_S, silence_s=SOON_S) as client:
        with pytest.raises(InspectorGone, match="stopped answering"):
            await client.follow(lambda event, told: heard.append(event))
    assert heard == ["snapshot"]


async def test_a_quiet_stream_of_a_process_that_lives_is_believed() -> None:
    asked: list[str] = []

    async def quiet(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if request.path == "/healthz" and asked.count("/healthz") < 3:
            return web.Response(text="ok\n")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await anyio.sleep_forever()
        return response

    async with (
        answering(quiet) as address,
        InspectorClient(address, answer_s=PATIENCE_S, silence_s=0.02) as client,
        anyio.create_task_group() as group,
    ):
        group.start_soon(client.follow, lambda event, told: None)
        await _until(lambda: asked.count("/healthz") >= 2)
        group.cancel_scope.cancel()
    assert asked[:3] == ["/events", "/healthz", "/healthz"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: web.Response(text="<html>"), "is not an inspector"),
        (lambda: web.Response(text="[1]"), "is not an inspector"),
        (lambda: web.Response(status=404), "is not an inspector"),
        (lambda: web.Response(status=403), "set INSPECTOR_ADDRESS to the address that the bot has"),
        (lambda: web.Response(status=500, text="secret words"), "answers with the status 500"),
        (lambda: web.Response(status=302, headers={"Location": "/elsewhere"}), "answers with the status 302"),
    ],
)
async def test_another_server_at_that_address_is_told_apart(answer: Callable[[], web.Response], words: str) -> None:
    async def wrong(request: web.Request) -> web.StreamResponse:
        return answer()

    async with answering(wrong) as address, InspectorClient(address) as client:
        with pytest.raises(InspectorGone, match=words) as gone:
            await client.fleet()
        assert "secret" not in str(gone.value)
        with pytest.raises(InspectorGone):
            await client.follow(lambda event, told: None)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("0.0.0.0:8420", "http://127.0.0.1:8420/"),
        ("[::1]:8420", "http://[::1]:8420/"),
        ("bot.lan:80", "http://bot.lan:80/"),
    ],
)
def test_what_serves_everywhere_is_asked_here(address: str, url: str) -> None:
    assert InspectorClient(address).url == url


async def _until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - a server's counters signal nothing
            await anyio.sleep(0.005)
