"""What every store promises about the count of errors, and about lines that are reported missing."""

from __future__ import annotations

from actors.adapters.store import SqlStore
from actors.adapters.store.play.error_counts import KEPT_S
from actors.ports.store import ReportedMissing
from actors.roleplay.missing_reports import Finding, MissingReport, SeenTurn
from actors.roleplay.model import OutboxDraft, OutboxKind
from machines.facts import Generated, SendRefused
from tests.contracts.scene import CHANNEL, MIRA, NOW, TOBIN, Scene, open_scene

MINUTE = int(NOW // 60)


async def counted(store: SqlStore, since: float) -> tuple[int, float | None]:
    found = await store.reliability(since=since)
    return found.errors, found.errors_from


async def test_m4_errors_add_up_by_the_minute_and_are_read_from_a_time_on(store: SqlStore) -> None:
    assert await counted(store, 0.0) == (0, None)
    await store.add_errors({}, at=NOW)
    assert await counted(store, 0.0) == (0, MINUTE * 60.0)
    await store.add_errors({MINUTE: 2, MINUTE + 1: 3}, at=NOW)
    await store.add_errors({MINUTE + 1: 4}, at=NOW)
    assert await counted(store, NOW) == (9, MINUTE * 60.0)
    assert (await counted(store, (MINUTE + 1) * 60.0))[0] == 7
    assert (await counted(store, (MINUTE + 2) * 60.0))[0] == 0


async def test_m4_errors_of_long_ago_are_forgotten(store: SqlStore) -> None:
    await store.add_errors({MINUTE: 2}, at=NOW)
    await store.add_errors({MINUTE + KEPT_S // 60 + 1: 5}, at=NOW + KEPT_S + 61)
    assert (await counted(store, 0.0))[0] == 5


async def report(
    scene: Scene, key: str, message_id: int | None = None, *, by: int = 7, channel_id: int = CHANNEL
) -> tuple[ReportedMissing | None, SeenTurn | None]:
    asked = MissingReport(by, channel_id, message_id, NOW + 50)
    seen = await scene.store.look_up_missing(asked)
    answer = OutboxDraft(key, OutboxKind.ANSWER, CHANNEL, f"about {seen and seen.message_id}")
    return await scene.store.report_missing(asked, seen, answer), seen


async def test_m4_a_report_is_written_with_its_answer_once(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Good evening.")
    await line.tell(SendRefused(NOW + 1, "too_long", 400, final=True))
    reported, seen = await report(scene, "a")
    assert reported == ReportedMissing(Finding.FAILED, True, scene.claim.session_id)
    assert seen is not None
    assert [(each.name, each.reason, each.is_written) for each in seen.answers] == [("Mira", "too_long", True)]
    answers = [row.draft.text for row in await scene.store.due_outbox(now=NOW + 99, limit=9) if row.draft.key == "a"]
    assert answers == ["about 10"]
    assert (await report(scene, "a"))[0] is None
    assert (await report(scene, "b"))[0] == ReportedMissing(Finding.FAILED, False, scene.claim.session_id)
    assert (await report(scene, "c", by=8))[0] == ReportedMissing(Finding.FAILED, True, scene.claim.session_id)
    assert (await scene.store.reliability(since=NOW)).missing == (("failed", 2),)
    assert (await scene.store.reliability(since=NOW + 51)).missing == ()


async def test_m4_a_turn_s_speakers_are_named_in_their_order_those_to_come_last(scene: Scene) -> None:
    await scene.hear(10)
    await scene.take_turn(10, MIRA, TOBIN)
    line = await (await scene.line()).start()
    await line.tell(Generated(NOW + 1, ("Hi",)))
    _, seen = await report(scene, "a", 10)
    assert seen is not None
    assert [each.name for each in seen.answers] == ["Mira"]
    assert seen.to_begin == ("Tobin",)
    assert seen.finding is Finding.WAITING


async def test_m4_another_channel_s_turn_is_nobody_s_business(store: SqlStore, scene: Scene) -> None:
    elsewhere = await open_scene(store, number=200, channel_id=CHANNEL + 1)
    await elsewhere.hear(10)
    await (await elsewhere.line()).start("Good evening.")
    for message_id in (None, 10):
        reported, seen = await report(scene, f"a{message_id}", message_id)
        assert reported == ReportedMissing(Finding.UNKNOWN, True, None)
        assert seen is None
    _, seen = await report(scene, "b", 10, channel_id=CHANNEL + 1)
    assert seen is not None
