"""Breakpoints over real sockets: who may set them, what is refused and how, and what is told of what they hold."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup

from actors.adapters.inspector import inspector
from actors.adapters.inspector.breakpoints import (
    BREAKPOINTS_MAX,
    EDGES,
    REMEMBERED_MAX,
    STOP_MAX_S,
    STOPPED_MAX,
    Breakpoints,
    CannotSet,
)
from actors.adapters.inspector.login import COOKIE
from actors.adapters.store import SqlStore
from actors.ports import Context
from machines.facts import Fact, Generated, SendUnconfirmed, Sent, Started
from machines.response import Limits, Response, advance
from tests.adapters.inspector.stage import Stage, TracedLine, serving
from tests.contracts.scene import MIRA, NOW, Scene

TOKEN = "correct horse"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PLAYGROUND = "http://127.0.0.1:8400"
PATH = "/api/breakpoints"
MIRAS = {"character": "mira", "edge": "Sending-Delivered"}


@pytest.fixture
async def guarded(store: SqlStore, scene: Scene) -> AsyncIterator[Stage]:
    async with serving(store, scene, token=TOKEN, origins=(PLAYGROUND,), now=lambda: NOW + 5) as stage:
        yield stage


@dataclass
class Caller:
    """Somebody who sends requests with `headers`."""

    stage: Stage
    headers: dict[str, str]

    async def ask(self, method: str, path: str = PATH, *, json: object = None, **options: Any) -> tuple[int, str]:  # noqa: ANN401
        if method == "POST" and "data" not in options:
            options["json"] = {} if json is None else json
        headers = self.headers | options.pop("headers", {})
        url = self.stage.url(path)
        async with self.stage.client.request(method, url, headers=headers, **options) as answer:
            return answer.status, await answer.text()

    async def set(self, **wanted: object) -> dict[str, Any]:
        status, body = await self.ask("POST", json=wanted)
        assert status == 201, body
        return dict(json.loads(body))

    async def told(self) -> dict[str, Any]:
        status, body = await self.ask("GET")
        assert status == 200, body
        return dict(json.loads(body))


@pytest.fixture
def caller(guarded: Stage) -> Caller:
    return Caller(guarded, BEARER)


def stops_of(stage: Stage) -> Breakpoints:
    assert stage.inspector.breakpoints is not None
    return stage.inspector.breakpoints


async def hold(stage: Stage, line: TracedLine | Response, fact: Fact, group: TaskGroup) -> None:
    """Let `line` come to `fact`, before whose move it is held; what its actor does."""
    response = line if isinstance(line, Response) else line.line.response
    context = Context(response.id, stage.scene.claim.session_id, MIRA.name, Limits())
    pause = stops_of(stage).before(context, response, fact)
    assert pause is not None
    group.start_soon(pause.wait)
    await anyio.wait_all_tasks_blocked()


# ── who may ─────────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_token_configured_there_are_none_and_the_answer_says_how_to_have_them(stage: Stage) -> None:
    caller = Caller(stage, {})
    assert stage.inspector.breakpoints is None
    told = await caller.told()
    assert (told["is_on"], told["breakpoints"]) == (False, [])
    assert "set INSPECTOR_TOKEN" in told["why"]
    tries = [("POST", PATH), ("DELETE", f"{PATH}/b1"), ("POST", f"{PATH}/b1/step"), ("POST", f"{PATH}/b1/release")]
    for method, path in tries:
        status, words = await caller.ask(method, path, json=MIRAS)
        assert (status, "set INSPECTOR_TOKEN" in words) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Cookie": f"{COOKIE}_8420={TOKEN}"},
        {"Accept": "text/html", "Authorization": f"Basic {TOKEN}"},
    ],
)
async def test_without_the_valid_token_nothing_is_set_or_let_go(guarded: Stage, headers: dict[str, str]) -> None:
    stranger, owner = Caller(guarded, headers), Caller(guarded, BEARER)
    kept = (await owner.set(**MIRAS))["id"]
    assert (await stranger.ask("POST", json={"character": "Mira"}))[0] == 401
    assert (await stranger.ask("DELETE", f"{PATH}/{kept}"))[0] == 401
    for verb in ("step", "release"):
        assert (await stranger.ask("POST", f"{PATH}/{kept}/{verb}"))[0] == 401
    assert (await stranger.ask("GET"))[0] == 401
    assert [each["id"] for each in (await owner.told())["breakpoints"]] == [kept]


async def test_the_cookie_of_the_form_is_a_token_as_well(guarded: Stage) -> None:
    async with guarded.client.post(guarded.url("/"), data={"token": TOKEN}, allow_redirects=False) as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert (await Caller(guarded, {"Cookie": cookie}).set(**MIRAS))["id"] == "b1"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", PLAYGROUND])
async def test_a_page_of_another_origin_changes_nothing_even_one_that_may_read(guarded: Stage, origin: str) -> None:
    theirs = Caller(guarded, BEARER | {"Origin": origin})
    assert (await theirs.ask("POST", json=MIRAS))[0] == 403
    assert (await theirs.ask("DELETE", f"{PATH}/b1"))[0] == 403
    assert (await Caller(guarded, BEARER).told())["breakpoints"] == []


async def test_its_own_page_may_change_them(guarded: Stage) -> None:
    own = Caller(guarded, BEARER | {"Origin": f"http://127.0.0.1:{guarded.inspector.port}"})
    await own.set(**MIRAS)
    assert (await own.ask("DELETE", f"{PATH}/b1"))[0] == 200


async def test_a_foreign_name_for_this_machine_changes_nothing(caller: Caller) -> None:
    assert (await caller.ask("POST", json=MIRAS, headers={"Host": "evil.example"}))[0] == 403
    assert (await caller.told())["breakpoints"] == []


async def test_a_form_is_never_more_than_a_try_to_log_in(guarded: Stage, caller: Caller) -> None:
    for data in ({"character": "Mira"}, json.dumps(MIRAS)):
        status, words = await caller.ask("POST", data=data)
        assert (status, words.partition(".")[0]) == (401, "That is not the token")
    assert (await caller.told())["breakpoints"] == []


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Name a character, a session, or both"),
        ({"edge": "Sending-Delivered"}, "Name a character, a session, or both"),
        ({"character": "Mira", "edge": "Sending-Generating"}, "There is no such edge"),
        ({"character": "Mira", "edge": "[*]-Generating"}, "There is no such edge"),
        ({"character": "Mira", "colour": "red"}, "it may have: character, edge, session"),
        ({"character": 7}, "Each value is a text"),
        ({"character": "  "}, "Each value is a text"),
        ({"session": "x" * 101}, "Each value is a text"),
        (["Mira"], "The body is a JSON object"),
        ("Mira", "The body is a JSON object"),
    ],
)
async def test_a_body_that_asks_for_nothing_that_there_is_is_refused_in_words(
    caller: Caller, body: object, words: str
) -> None:
    status, said = await caller.ask("POST", json=body)
    assert (status, words in said) == (400, True), said
    assert (await caller.told())["breakpoints"] == []


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe", b"[" * 5000, b""])
async def test_a_body_that_is_no_json_is_refused(caller: Caller, data: bytes) -> None:
    answered = await caller.ask("POST", data=data, headers={"Content-Type": "application/json"})
    assert answered == (400, "The body is not JSON.\n")


async def test_a_body_that_is_too_large_is_refused(caller: Caller) -> None:
    assert (await caller.ask("POST", json={"character": "x" * 20_000}))[0] == 413


async def test_what_is_not_there_cannot_be_stepped_let_go_or_removed(caller: Caller) -> None:
    await caller.set(**MIRAS)
    for method, path in (("POST", "b2/step"), ("POST", "b2/release"), ("DELETE", "b2")):
        assert (await caller.ask(method, f"{PATH}/{path}"))[0] == 404
    for verb in ("step", "release"):
        assert await caller.ask("POST", f"{PATH}/b1/{verb}") == (409, "Nothing waits there any more.\n")


async def test_the_same_breakpoint_is_not_set_twice_and_no_more_than_its_maximum(caller: Caller) -> None:
    await caller.set(character="Mira", edge="Sending-Delivered")
    assert await caller.ask("POST", json=MIRAS) == (409, "This breakpoint already exists.\n")
    for number in range(1, BREAKPOINTS_MAX):
        await caller.set(session=f"s{number}")
    status, words = await caller.ask("POST", json={"session": "one more"})
    assert (status, str(BREAKPOINTS_MAX) in words) == (409, True)


# ── what is told ────────────────────────────────────────────────────────────────────────────────────


async def test_what_waits_is_told_with_its_edge_its_time_and_its_breakpoint(guarded: Stage, caller: Caller) -> None:
    line = await guarded.line()
    await line.generate()
    stop = await caller.set(character="mira", session=line.line.claim.session_id, edge="Sending-Delivered")
    assert stop == {
        "id": "b1",
        "character": "mira",
        "session": line.line.claim.session_id,
        "edge": "Sending-Delivered",
        "set_at": NOW + 5,
        "paused": [],
    }
    pause = {
        "breakpoint": "b1",
        "fact": "Sent",
        "from": "Sending",
        "to": "Delivered",
        "since": NOW + 5,
        "until": NOW + 5 + STOP_MAX_S,
    }
    async with anyio.create_task_group() as group:
        await hold(guarded, line, Sent(NOW + 4, 1, "no word of it"), group)
        told = await caller.told()
        assert told["breakpoints"] == [
            stop | {"paused": [{"response": line.id, "name": "Mira", "session": stop["session"], **pause}]}
        ]
        assert (told["edges"], told["pause_max_s"]) == (list(EDGES), STOP_MAX_S)
        for path in ("/api/responses", f"/api/responses/{line.id}"):
            _, body, _ = await guarded.get(path, **BEARER)
            found = json.loads(body)
            assert found.get("responses", [found])[0]["paused"] == pause
            assert "no word of it" not in body
        assert await caller.ask("DELETE", f"{PATH}/b1") == (200, '{"let_go":1}\n')
    assert (await caller.told())["breakpoints"] == []


async def test_one_of_two_that_wait_is_let_go_and_then_all(guarded: Stage, caller: Caller) -> None:
    await caller.set(character="Mira")
    first, second = Response("r1", Limits()), Response("r2", Limits())
    async with anyio.create_task_group() as group:
        for line in (first, second):
            advance(line, Started(NOW))
            await hold(guarded, line, Generated(NOW + 1, ("x",)), group)
        assert await caller.ask("POST", f"{PATH}/b1/release", json={"response": first.id}) == (200, '{"let_go":1}\n')
        (stop,) = (await caller.told())["breakpoints"]
        assert [each["response"] for each in stop["paused"]] == [second.id]
        assert (await caller.ask("POST", f"{PATH}/b1/release", json={"response": first.id}))[0] == 409
        assert await caller.ask("POST", f"{PATH}/b1/step", json={}) == (200, '{"let_go":1}\n')


async def test_the_stream_says_when_a_response_is_held_and_when_it_goes_on(
    guarded: Stage, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspector, "SHARED_MAX", -1)  # a snapshot of its own for each viewer
    line = await guarded.line()
    await caller.set(character="Mira", edge="Generating-Sending")
    async with guarded.events(None, **BEARER) as stream, anyio.create_task_group() as group:
        assert (await stream.event()).data["responses"][0]["paused"] is None
        await hold(guarded, line, Generated(NOW + 1, ("x",)), group)
        held = await stream.event()
        assert (held.name, held.data["response"]) == ("paused", line.id)
        assert (held.data["paused"]["from"], held.data["paused"]["to"]) == ("Generating", "Sending")
        async with guarded.events(None, **BEARER) as later:
            assert (await later.event()).data["responses"][0]["paused"] == held.data["paused"]
        await caller.ask("POST", f"{PATH}/b1/release")
        assert (await stream.event()).data["paused"] is None


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────


def asked(stops: Breakpoints, number: int) -> bool:
    """Whether response `number`, which has its text, is held; it begins to wait if it is."""
    response = Response(f"r{number}", Limits())
    advance(response, Started(NOW))
    pause = stops.before(Context(response.id, "s", "Mira", Limits()), response, Generated(NOW, ("x",)))
    if pause is not None:
        stops.begin(pause)
    return pause is not None


async def test_beyond_the_maximum_of_held_responses_further_ones_pass() -> None:
    stops = Breakpoints(None, now=lambda: NOW)
    stops.add("Mira", None, None)
    assert [asked(stops, number) for number in range(STOPPED_MAX + 1)] == [True] * STOPPED_MAX + [False]


async def test_what_is_remembered_of_responses_is_bounded() -> None:
    stops = Breakpoints(None, now=lambda: NOW)
    found = stops.add("Mira", None, None)
    for number in range(REMEMBERED_MAX + 20):
        assert asked(stops, number)
        stops.let_go(stops.stopped_by(found))
    assert len(stops._first_stopped) == REMEMBERED_MAX


async def test_a_response_that_is_not_wanted_any_more_and_a_fact_that_is_refused_are_not_held() -> None:
    stops = Breakpoints(None, now=lambda: NOW)
    stops.add("Mira", None, None)
    context, response = Context("r", "s", "Mira", Limits()), Response("r", Limits())
    advance(response, Started(NOW, ("x",)))
    assert stops.before(context, response, Generated(NOW, ("x",))) is None
    before = repr(response)
    assert stops.before(context, response, SendUnconfirmed(NOW, "timeout")) is not None
    assert repr(response) == before
    response.cancel_by = "ended"
    assert stops.before(context, response, Sent(NOW, 1, "x")) is None


async def test_a_number_is_not_used_twice() -> None:
    stops = Breakpoints(None, now=lambda: NOW)
    stops.remove(stops.add("Mira", None, None))
    assert stops.add("Mira", None, None).id == "b2"
    with pytest.raises(CannotSet):
        stops.add("MIRA", None, None)
