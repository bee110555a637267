"""What went over the wire, as it is shown: there after a restart, and without a text for those who may not read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actors.adapters.inspector import Patience
from actors.adapters.store import SqlStore
from actors.observation import BreakerView, Budget, Dependencies, ModelView, ShardView
from machines.facts import SendUnconfirmed
from machines.response import Limits, State
from tests.adapters.inspector.stage import SECRET, Stage, serving
from tests.contracts.scene import NOW, Scene

TOKEN = "of-the-inspector"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def test_requests_and_what_was_asked_are_shown_without_a_text_even_after_a_restart(
    stage: Stage, store: SqlStore, scene: Scene
) -> None:
    path = f"/api/responses/{await stage.recorded_line()}"
    async with serving(store, scene) as later:
        for of in (stage, later):
            shown = await of.json(path)
            [exchange] = shown["exchanges"]
            assert exchange["seq"] == 2
            assert exchange["requests"] == [
                {
                    "method": "POST",
                    "route": "/v1/chat/completions",
                    "duration_s": 1.5,
                    "status": 200,
                    "headers": {"x-request-id": "r-1"},
                }
            ]
            assert exchange["asked"]["messages"][0] == {
                "role": "system",
                "purpose": "card",
                "characters": 9,
                "is_shortened": True,
            }
            assert (exchange["asked"]["lines"], exchange["asked"]["lines_kept"]) == (9, 1)
            assert shown["redacted"] is True
            assert "texts" not in exchange
            assert "smuggler" not in json.dumps(shown)
        status, body, _ = await later.get(f"{path}?text=1")
        assert (status, "smuggler" in body) == (403, False)


async def test_whoever_has_the_token_is_shown_the_texts_when_they_are_asked_for(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, token=TOKEN) as stage:
        path = f"/api/responses/{await stage.recorded_line()}"
        plain = (await stage.get(path, **BEARER))[1]
        whole: dict[str, Any] = json.loads((await stage.get(f"{path}?text=1", **BEARER))[1])
        refused = (await stage.get(f"{path}?text=1"))[0]
    assert refused == 401
    assert (json.loads(plain)["redacted"], "smuggler" in plain) == (True, False)
    assert whole["redacted"] is False
    assert whole["exchanges"][0]["texts"] == {
        "messages": ["Be Mira: " + SECRET, SECRET],
        "raw": f"Mira: {SECRET}",
        "cleaned": SECRET,
    }


async def test_what_it_depends_on_is_told_as_it_stands_at_that_moment(store: SqlStore, scene: Scene) -> None:
    seen = [BreakerView("discord", "Closed", 1, 5), BreakerView("discord", "Open", 6, 5, NOW, NOW + 60)]

    def dependencies() -> Dependencies:
        shard, budget = ShardView(0, 0.04, NOW - 3, 1, 2, 3), Budget("m", "tokens", NOW, 9)
        return Dependencies((seen.pop(0),), (shard,), (budget,), (ModelView("m", "http://s/v1", ("refuses stop",)),))

    async with serving(store, scene, dependencies=dependencies, now=lambda: NOW) as stage:
        first, second = [await stage.json("/api/dependencies") for _ in range(2)]
    assert [first["breakers"][0]["failures"], second["breakers"][0]["until"]] == [1, NOW + 60]
    assert first["now"] == NOW
    assert first["shards"] == [
        {"shard_id": 0, "latency_s": 0.04, "acked_at": NOW - 3, "sessions": 1, "resumes": 2, "losses": 3}
    ]
    assert first["budgets"][0]["limit"] == 9
    assert first["models"] == [{"model": "m", "server": "http://s/v1", "known": ["refuses stop"], "warning": ""}]


async def test_raised_timeouts_make_it_more_patient(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, patience=Patience(120.0, 400.0)) as stage:
        line = await stage.line()
        [listed] = (await stage.json("/api/responses"))["responses"]
        assert (listed["late_s"], listed["silent_s"], listed["overdue_s"]) == (120.0, 430.0, 305.0)
        async with stage.events() as stream:
            await stream.event()
            await line.generate()
            moved = (await stream.event()).data["response"]
            assert (moved["state"], moved["silent_s"]) == ("Sending", 510.0)
            await line.tell(SendUnconfirmed(NOW + 2, "timeout"))
            assert (await stream.event()).data["response"]["late_s"] == 120.0


@pytest.mark.parametrize(
    ("patience", "late_s", "generating_s", "sending_s"),
    [
        (Patience(), 15.0, 90.0, 90.0),
        (Patience(send_timeout_s=1.0), 15.0, 90.0, 34.0),
        (Patience(send_timeout_s=300.0), 300.0, 90.0, 1230.0),
        (Patience(generate_timeout_s=600.0), 15.0, 630.0, 90.0),
    ],
)
def test_patience_is_longer_than_any_try_may_take(
    patience: Patience, late_s: float, generating_s: float, sending_s: float
) -> None:
    assert patience.late_s == late_s
    assert patience.silent_s(State.GENERATING) == generating_s > patience.generate_timeout_s
    assert patience.silent_s(State.SENDING) == sending_s > patience.send_timeout_s
    assert patience.overdue_s(Limits(deadline_s=300, settle_s=200)) == 500
