"""The answers: what a view says, from memory and from the journal alike, and that no line's text is in any."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from actors.adapters.inspector import CannotServe, Inspector
from actors.adapters.store import SqlStore
from actors.observation import Recorded
from actors.observation.json_view import PATH_SHOWN_MAX, view, whole_view
from actors.observation.response_view import ResponseView
from actors.observation.response_views import LIVES_AT_START
from machines.diagrams.notations import MACHINES
from machines.facts import (
    Cancelled,
    Fact,
    FoundInChannel,
    Generated,
    GenerationFailed,
    Held,
    NotInChannel,
    ReadBackFailed,
    SendRefused,
    SendUnconfirmed,
    Sent,
    Started,
    WaitElapsed,
)
from machines.response import Limits, Response, advance
from tests.adapters.inspector.stage import SECRET, Stage, serving
from tests.contracts.scene import NOW, Scene, open_scene


async def in_doubt(stage: Stage) -> str:
    """A response of two parts whose first one is in doubt; its id."""
    line = await stage.line()
    await line.generate(parts=2)
    await line.tell(SendUnconfirmed(NOW + 2, "outage", 500))
    return line.id


async def test_a_view_says_where_it_is_why_it_waits_and_when_it_goes_on(stage: Stage) -> None:
    response_id = await in_doubt(stage)
    shown = await stage.json(f"/api/responses/{response_id}")
    assert shown.pop("path") == [
        _step(1, "Started", "[*]", "Generating", NOW, attempt=0, part=0)
        | _whole(0.0, {"parts": 0}, {"name": "Generate", "attempt": 1}),
        _step(2, "Generated", "Generating", "Sending", NOW + 1, attempt=1, part=0)
        | _whole(1.0, {"parts": 2, "next_speaker": None}, {"name": "Send", "part": 1, "attempt": 1}),
        _step(3, "SendUnconfirmed", "Sending", "Retrying", NOW + 2, attempt=1, part=1, reason="outage")
        | _whole(
            1.0,
            {"cause": "outage", "status": 500, "retry_after_s": 0.0, "has_nonce": False, "code": None, "words": ""},
            {"name": "ReadBack", "first_at": NOW + 2, "settled_at": NOW + 7},
        ),
    ]
    assert shown == {
        "id": response_id,
        "session": stage.scene.claim.session_id,
        "name": "Mira",
        "state": "Retrying",
        "part": 1,
        "parts": 2,
        "attempt": 1,
        "attempts_max": 3,
        "unconfirmed": True,
        "cancel_by": None,
        "started_at": NOW,
        "entered_at": NOW + 2,
        "due_at": NOW + 7,
        "deadline_at": NOW + 300,
        "deadline_s": 300.0,
        "late_s": 15.0,
        "silent_s": 90.0,
        "overdue_s": 305.0,
        "exchanges": [],
        "redacted": True,
        "asides": [],
        "waits": "Not confirmed: Discord's server failed (outage, 500); reading the channel back",
        "last_error": "Not confirmed: Discord's server failed (outage, 500)",
        "mend": "See https://discordstatus.com.",
        "is_final": False,
        "paused": None,
        "legal": [
            "Held",
            "ReadBackFailed",
            "ReadBackImpossible",
            "FoundInChannel",
            "SentElsewhere",
            "NotInChannel",
            "WaitElapsed",
            "Cancelled",
        ],
        "counts": {"[*]-Generating": 1, "Generating-Sending": 1, "Sending-Retrying": 1},
    }


def _step(seq: int, fact: str, source: str, dest: str, at: float, **rest: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"seq": seq, "fact": fact, "from": source, "to": dest, "at": at, "reason": None, "said": None, **rest}


def _whole(stayed_s: float, given: dict[str, Any], *effects: dict[str, Any]) -> dict[str, Any]:
    return {"stayed_s": stayed_s, "given": given, "effects": list(effects)}


async def test_after_a_restart_everything_is_there_again(stage: Stage, store: SqlStore, scene: Scene) -> None:
    response_id = await in_doubt(stage)
    before = await stage.json(f"/api/responses/{response_id}")
    async with serving(store, scene) as later:
        assert await later.json(f"/api/responses/{response_id}") == before
        listed = (await later.json("/api/responses"))["responses"]
        assert listed == (await stage.json("/api/responses"))["responses"]
        assert [shown["id"] for shown in listed] == [response_id]
        async with later.events() as stream:
            assert (await stream.event()).data["responses"] == listed


async def test_after_a_restart_what_is_on_its_way_is_there_however_much_was_said_since(
    stage: Stage, store: SqlStore, scene: Scene
) -> None:
    waiting = await in_doubt(stage)
    elsewhere = await open_scene(store, number=200, channel_id=501)
    for number in range(LIVES_AT_START):
        await elsewhere.hear(2000 + number)
        line = await (await elsewhere.line()).start("Aye.")
        await line.tell(Sent(NOW + 3, 3000 + number, "Aye."))
    async with serving(store, scene) as later, later.events() as stream:
        shown = (await stream.event()).data["responses"]
    assert [each["id"] for each in shown if not each["is_final"]] == [waiting]


async def test_what_is_not_in_memory_comes_from_the_journal(stage: Stage) -> None:
    response_id = await in_doubt(stage)
    before = await stage.json(f"/api/responses/{response_id}")
    stage.inspector._views._views.clear()
    assert await stage.json(f"/api/responses/{response_id}") == before


async def test_responses_are_listed_newest_first_by_state_session_and_number(stage: Stage) -> None:
    ids = []
    for number in (1, 2, 3):
        line = await stage.line(number)
        ids.append(line.id)
        await line.generate()
        if number < 3:
            await line.deliver(at=NOW + number + 1)

    async def listed(query: str) -> list[str]:
        return [shown["id"] for shown in (await stage.json(f"/api/responses{query}"))["responses"]]

    assert await listed("") == ids[::-1]
    assert await listed("?limit=2") == ids[:0:-1]
    assert await listed("?state=Delivered") == [ids[1], ids[0]]
    assert await listed(f"?session={stage.scene.claim.session_id}&state=Sending") == [ids[2]]
    assert await listed("?session=nosuchsession") == []


@pytest.mark.parametrize("query", ["?limit=many", "?limit=-1", "?state=Lost", "?limit=٣"])
async def test_a_wrong_question_is_answered_with_what_is_wrong(stage: Stage, query: str) -> None:
    status, body, _ = await stage.get(f"/api/responses{query}")
    assert status == 400
    assert body.startswith(("limit is", "There is no state"))


async def test_what_does_not_exist_is_a_404(stage: Stage) -> None:
    for path in ("/api/responses/nosuch", "/api/machines/nosuch.svg", "/api/machines/response.exe", "/nowhere"):
        assert (await stage.get(path))[0] == 404


async def test_no_text_of_a_line_is_in_any_answer(stage: Stage, store: SqlStore, scene: Scene) -> None:
    async with stage.events() as stream:
        await stream.event()
        line = await stage.line()
        await line.generate(parts=2)
        await line.deliver()
        await line.tell(SendUnconfirmed(NOW + 3, "timeout"), FoundInChannel(NOW + 4, 77, SECRET))
        moves = [await stream.event() for _ in range(5)]
        assert moves[-1].data["response"]["state"] == "Delivered"
    bodies = [stream.text]
    async with serving(store, scene) as later:
        for of in (stage, later):
            for path in ("/api/responses", f"/api/responses/{line.id}"):
                bodies.append((await of.get(path))[1])
            async with of.events() as again:
                while line.id not in again.text:
                    await again.event()
            bodies.append(again.text)
    assert all(line.id in body for body in bodies)
    assert not any("smuggler" in body for body in bodies)
    assert "smuggler" not in repr(stage.inspector._views._views)


async def test_every_machine_is_drawn_in_every_way(stage: Stage) -> None:
    told = (await stage.json("/api/machines"))["machines"]
    assert list(told) == list(MACHINES)
    for name, machine in MACHINES.items():
        assert [state["name"] for state in told[name]] == list(machine.states)
        assert {state["name"] for state in told[name] if state["is_final"]} == set(machine.final)
    assert [state["tone"] for state in told["response"]] == ["work", "work", "trouble", "good", "bad"]
    for name in MACHINES:
        status, drawn, headers = await stage.get(f"/api/machines/{name}.svg")
        assert (status, headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
        assert ElementTree.fromstring(drawn).get("data-machine") == name
        compact = ElementTree.fromstring((await stage.get(f"/api/machines/{name}.svg?size=compact"))[1])
        assert compact.get("viewBox") != ElementTree.fromstring(drawn).get("viewBox")
        assert (await stage.get(f"/api/machines/{name}.mmd"))[1].startswith("stateDiagram-v2")
        assert (await stage.get(f"/api/machines/{name}.txt"))[1].startswith(f"{name}: ")
        assert (await stage.get(f"/api/machines/{name}.dot"))[1].startswith(f'digraph "{name}" {{')


async def test_pictures_are_made_by_what_was_given_once_for_each_size(store: SqlStore, scene: Scene) -> None:
    drawn: list[str] = []

    def picture(svg: str) -> bytes:
        drawn.append(svg)
        return b"a picture"

    async with serving(store, scene, picture=picture) as stage:
        for query in ("", "?size=compact", ""):
            status, body, headers = await stage.get(f"/api/machines/response.png{query}")
            assert (status, body, headers["Content-Type"]) == (200, "a picture", "image/png")
    assert len(drawn) == 2
    assert not [svg for svg in drawn if "var(" in svg]  # what draws pictures knows no variables


async def test_without_a_picture_maker_there_are_none(stage: Stage) -> None:
    status, body, _ = await stage.get("/api/machines/response.png")
    assert (status, body) == (404, "There are no png diagrams here.\n")


async def test_it_is_healthy_at_once_and_ready_when_told(stage: Stage) -> None:
    assert [(await stage.get(path))[0] for path in ("/healthz", "/readyz")] == [200, 503]
    stage.inspector.set_ready()
    assert (await stage.get("/readyz"))[0] == 200


async def test_a_port_in_use_is_told_by_the_variables_name(stage: Stage, store: SqlStore) -> None:
    second = Inspector(f"127.0.0.1:{stage.inspector.port}", None, journal=store)
    with pytest.raises(CannotServe, match=rf"INSPECTOR_ADDRESS: 127\.0\.0\.1:{stage.inspector.port} is not available"):
        await second.run()


# ── views of paths that take long to play over sockets ──────────────────────────────────────────────


def line(*facts: Fact, limits: Limits = Limits()) -> ResponseView:  # noqa: B008 - frozen
    """What the journal tells of a response that went this way."""
    response, moves = Response("r1", limits), []
    for fact in facts:
        move = advance(response, fact)
        moves.append((move.source, move.dest.value, fact))
    return ResponseView.of(Recorded("r1", "s1", "Mira", limits, tuple(moves)))


SENDING = (Started(NOW), Generated(NOW, ("a",)))
WAITS: list[tuple[tuple[Fact, ...], str | None, float | None]] = [
    ((Started(NOW),), "The model is writing (try 1 of 3)", None),
    (
        (Started(NOW), GenerationFailed(NOW, "rate_limit", 9.0)),
        "Not written: rate limit reached (rate_limit); asking the model again",
        NOW + 9,
    ),
    (SENDING, "Discord has not answered yet (try 1 of 3)", None),
    ((*SENDING[:1], Generated(NOW, ("a", "b"))), "Discord has not answered yet (part 1 of 2, try 1 of 3)", None),
    (
        (*SENDING, SendRefused(NOW, "rate_limit", 429, 4.0)),
        "Not sent: Discord's rate limit is reached (rate_limit, 429); sending again",
        NOW + 4,
    ),
    (
        (*SENDING, SendUnconfirmed(NOW, "timeout")),
        "Not confirmed: Discord did not answer in time (timeout); reading the channel back",
        NOW + 5,
    ),
    (
        (*SENDING, SendUnconfirmed(NOW, "timeout"), ReadBackFailed(NOW + 1, "outage", 3.0)),
        "Channel not read: Discord's server failed (outage); reading the channel again",
        NOW + 4,
    ),
    (
        (*SENDING, SendUnconfirmed(NOW, "timeout"), Cancelled(NOW + 1, "end")),
        "Cancelled (end) while a send is in doubt; reading the channel back",
        NOW + 6,
    ),
    (
        (*SENDING, Held(NOW, NOW + 60)),
        "There is no connection yet; nothing was sent; sending again",
        NOW + 60,
    ),
    (
        (*SENDING, Held(NOW, NOW + 60, "rate_limit", NOW - 9)),
        "Discord's rate limit is reached; nothing was sent; sending again",
        NOW + 60,
    ),
    (
        (*SENDING, Held(NOW, NOW + 60, "rate_limit", NOW, 429)),
        "Discord's rate limit is reached; the answer was 429; sending again",
        NOW + 60,
    ),
    (
        (*SENDING, SendUnconfirmed(NOW, "timeout"), Held(NOW, NOW + 60, "discord_down", NOW - 9)),
        "Discord is not answering; nothing was sent; reading the channel back again",
        NOW + 60,
    ),
    (
        (Started(NOW), Held(NOW, NOW + 60, "model_down", NOW - 9)),
        "The model is not available; nothing was sent; asking the model again",
        NOW + 60,
    ),
    ((*SENDING, Sent(NOW, 5, "a")), None, None),
]


@pytest.mark.parametrize(("facts", "why", "due_at"), WAITS)
def test_it_says_why_it_waits_and_until_when(facts: tuple[Fact, ...], why: str | None, due_at: float | None) -> None:
    shown = view(line(*facts))
    assert (shown["waits"], shown["due_at"]) == (why, due_at)
    assert json.loads(json.dumps(shown)) == shown


def test_a_long_path_is_cut_in_lists_and_whole_on_its_own() -> None:
    loop = [fact for n in range(30) for fact in (SendRefused(NOW + n, "outage"), WaitElapsed(NOW + n))]
    long = line(*SENDING, *loop, limits=Limits(send_attempts=99, backoff_base_s=0.0))
    assert [len(view(long)["path"]), len(whole_view(long)["path"])] == [PATH_SHOWN_MAX, 62]
    assert view(long)["path"][-1]["seq"] == 62
    assert view(long)["counts"]["Sending-Retrying"] == 30


def test_a_move_that_todays_table_has_not_is_still_shown() -> None:
    moves = (("[*]", "Generating", Started(NOW)), ("Generating", "Delivered", NotInChannel(NOW + 1)))
    shown = view(ResponseView.of(Recorded("r1", "s1", "Mira", Limits(), moves)))
    assert (shown["state"], shown["is_final"], [step["to"] for step in shown["path"]]) == (
        "Delivered",
        True,
        ["Generating", "Delivered"],
    )


async def measured() -> bytes:
    return b"# TYPE lines counter\nlines_total 3\n"


async def test_metrics_are_served_as_prometheus_expects_them(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, metrics=measured) as stage:
        status, body, headers = await stage.get("/metrics")
    assert (status, body) == (200, (await measured()).decode())
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_where_nothing_is_measured_metrics_are_not_found(stage: Stage) -> None:
    status, body, _ = await stage.get("/metrics")
    assert (status, body) == (404, "There are no metrics here.\n")


async def test_metrics_are_behind_the_token(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, metrics=measured, token="of-the-inspector") as stage:
        assert (await stage.get("/metrics"))[0] == 401
        assert (await stage.get("/metrics", Authorization="Bearer of-the-inspector"))[0] == 200
