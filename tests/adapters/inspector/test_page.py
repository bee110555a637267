"""What the page is made of and what it asks for: its files, the fleet, the sessions, and what nobody may read."""

from __future__ import annotations

import json

import pytest

from actors.adapters.inspector.pages import FOLDER
from actors.adapters.store import SqlStore
from actors.observation import Budget, Dependencies
from actors.observation.fleet import RATE_WINDOW_S
from actors.observation.response_view import ASIDES_MAX
from actors.ports import BreakerMoved, ConnectionMoved, Context, GenerationEnded, MoveRefused
from machines.facts import SendUnconfirmed
from machines.response import Limits
from tests.adapters.inspector.stage import SECRET, Stage, serving
from tests.contracts.scene import CHANNEL, MIRA, NOW, Scene

TOKEN = "correct horse"


@pytest.mark.parametrize(("path", "prefix"), [("/", "./"), ("/responses/anything", "../")])
async def test_the_page_names_its_files_from_where_it_is(stage: Stage, path: str, prefix: str) -> None:
    status, body, headers = await stage.get(path)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert f'src="{prefix}page/main.js"' in body
    assert 'data-texts="no"' in body
    assert "script-src 'self'" in headers["Content-Security-Policy"]


async def test_every_file_of_the_page_is_served_and_asks_no_other_host(stage: Stage) -> None:
    names = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".html")
    assert "main.js" in names
    for name in names:
        status, body, _ = await stage.get(f"/page/{name}")
        assert status == 200
        assert "//" not in body.replace("http://www.w3.org/", "").replace("// ", "").replace("//\n", "")


@pytest.mark.parametrize("name", ["index.html", "login.html", "..%2Fgate.py", "nosuch.js", "..%2F..%2Flog.py"])
async def test_nothing_else_is_served_as_a_file(stage: Stage, name: str) -> None:
    assert (await stage.get(f"/page/{name}"))[0] == 404


# ── the fleet ───────────────────────────────────────────────────────────────────────────────────────


async def test_the_fleet_counts_states_edges_rates_and_stays(store: SqlStore, scene: Scene) -> None:
    now = [NOW]
    async with serving(store, scene, now=lambda: now[0]) as stage:
        line = await stage.line()
        await line.generate(at=NOW + 3)
        now[0] += RATE_WINDOW_S
        await line.tell(SendUnconfirmed(NOW + 5, "timeout"))
        fleet = await stage.json("/api/fleet")
    assert {each["state"]: each["count"] for each in fleet["states"] if each["count"]} == {"Retrying": 1}
    assert fleet["edges"] == {
        "[*]-Generating": {"count": 1, "last_minute": 0},
        "Generating-Sending": {"count": 1, "last_minute": 0},
        "Sending-Retrying": {"count": 1, "last_minute": 1},
    }
    assert fleet["mean_stay_s"] == {"[*]": 0.0, "Generating": 3.0, "Sending": 2.0}
    assert (fleet["since"], fleet["now"]) == (NOW, NOW + RATE_WINDOW_S)


async def test_breakers_are_told_at_once_and_to_those_who_come_later(stage: Stage) -> None:
    async with stage.events() as stream:
        await stream.event()
        stage.inspector.publish(BreakerMoved("discord", "Closed", "Open", NOW, NOW + 60))
        told = await stream.event()
    assert (told.name, told.data["dependency"]) == ("breaker", "discord")
    (shown,) = (await stage.json("/api/fleet"))["breakers"]
    assert shown == {"dependency": "discord", "from": "Closed", "state": "Open", "at": NOW, "until": NOW + 60}


async def test_connections_are_told_at_once_and_to_those_who_come_later(stage: Stage) -> None:
    async with stage.events() as stream:
        await stream.event()
        stage.inspector.publish(ConnectionMoved(1, "Connecting", "Ready", NOW))
        told = await stream.event()
    assert (told.name, told.data["shard"]) == ("connection", 1)
    shown = (await stage.json("/api/fleet"))["connections"]
    assert shown == [{"shard": 1, "from": "Connecting", "state": "Ready", "at": NOW}]


# ── beside the moves ────────────────────────────────────────────────────────────────────────────────


async def test_refused_moves_and_requests_to_the_model_stand_beside_the_moves(stage: Stage) -> None:
    line = await stage.line()
    context = Context(line.id, "s1", MIRA.name, Limits())
    stage.inspector.publish(GenerationEnded(context, 1, "large", 0.5, 900, 40, "ok"))
    await line.generate()
    stage.inspector.publish(MoveRefused(context, "Sending", "Generated", "no_row"))
    generation, refused = (await stage.json(f"/api/responses/{line.id}"))["asides"]
    assert [generation.pop("at") > 0, refused.pop("at") > 0] == [True, True]
    assert refused == {"after_seq": 2, "kind": "refused", "state": "Sending", "fact": "Generated", "reason": "no_row"}
    assert generation == {
        "after_seq": 1,
        "kind": "generation",
        "attempt": 1,
        "model": "large",
        "duration_s": 0.5,
        "prompt_tokens": 900,
        "completion_tokens": 40,
        "outcome": "ok",
    }
    for _ in range(2 * ASIDES_MAX):
        stage.inspector.publish(MoveRefused(context, "Sending", "Generated", "no_row"))
    assert len((await stage.json(f"/api/responses/{line.id}"))["asides"]) == ASIDES_MAX


# ── sessions ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_session_shows_its_mailbox_who_speaks_and_its_history_without_texts(stage: Stage) -> None:
    line = await stage.line()
    await line.generate()
    await line.deliver()
    waiting = await stage.line(2)
    await stage.scene.hear(13, SECRET)
    bodies = [(await stage.get("/api/sessions"))[1]]
    (shown,) = json.loads(bodies[0])["sessions"]
    assert shown.pop("opened_at") == NOW
    assert shown == {
        "session_id": stage.scene.claim.session_id,
        "channel_id": str(CHANNEL),
        "channel": None,
        "state": "Idle",
        "cast": ["Mira", "Tobin"],
        "history_length": 4,
        "waiting": 1,
        "on_its_way": waiting.id,
        "next_speakers": [],
    }
    bodies.append((await stage.get(f"/api/sessions/{stage.scene.claim.session_id}"))[1])
    lines = json.loads(bodies[1])["lines"]
    assert [(each["kind"], each["response_id"]) for each in lines] == [
        ("user", None),
        ("user", None),
        ("user", None),
        ("character", line.id),
    ]
    assert not any("smuggler" in body for body in bodies)
    assert await stage.json("/api/sessions/nosuch") == {"lines": []}


async def test_a_session_names_its_channel_where_discord_has_told_it(store: SqlStore, scene: Scene) -> None:
    names = {CHANNEL: "lighthouse"}
    async with serving(store, scene, channel_name=names.get) as stage:
        (shown,) = (await stage.json("/api/sessions"))["sessions"]
        assert (shown["channel_id"], shown["channel"]) == (str(CHANNEL), "lighthouse")


async def test_who_has_not_the_token_is_told_no_channels_name(store: SqlStore, scene: Scene) -> None:
    budgets = (Budget("discord", "send:1", channel="lighthouse"),)
    known = Dependencies(budgets=budgets)
    async with serving(
        store, scene, token=TOKEN, channel_name=lambda _: "lighthouse", dependencies=lambda: known
    ) as stage:
        for path in ("/api/sessions", "/api/dependencies"):
            status, body, _ = await stage.get(path)
            assert status == 401
            assert "lighthouse" not in body


# ── texts ───────────────────────────────────────────────────────────────────────────────────────────


async def test_texts_are_for_those_who_gave_the_token_and_asked(store: SqlStore, scene: Scene) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with serving(store, scene, token=TOKEN) as stage:
        line = await stage.line()
        await line.generate(parts=2)
        await line.deliver()
        path = f"/api/responses/{line.id}"
        assert "smuggler" not in (await stage.get(path, **bearer))[1]
        assert (await stage.get(f"{path}?text=1"))[0] == 401
        _, body, _ = await stage.get(f"{path}?text=1", **bearer)
        assert json.loads(body)["texts"] == {"written": [f"{SECRET} 0", f"{SECRET} 1"], "shown": [SECRET]}
        assert 'data-texts="yes"' in (await stage.get("/", **bearer))[1]


async def test_without_a_token_nobody_reads_texts(stage: Stage) -> None:
    line = await stage.line()
    await line.generate()
    status, body, _ = await stage.get(f"/api/responses/{line.id}?text=1")
    assert (status, "INSPECTOR_TOKEN" in body) == (403, True)
