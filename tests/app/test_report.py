"""`report`: its figures agree with the log and the metrics, its rows with their bars, and its exit codes with both."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner, Result

from actors.adapters.clock import SystemClock
from actors.adapters.log import LogTrace
from actors.adapters.store import Reliability, open_store
from actors.app.cli import app
from actors.app.commands.report import Accuracy, NotChecked, Row, checklist
from actors.ports import HeldBack, ModelFailed, Refused
from actors.roleplay.model import OutboxDraft, OutboxKind
from machines.facts import BLOCKED, Cancelled, Fact, Generated, GenerationFailed, SendRefused, Sent, WaitElapsed
from tests.contracts.scene import CHANNEL, open_scene
from tests.fakes.discord import Fault
from tests.fakes.play import playing
from tests.fakes.virtual_time import EPOCH, run_virtually

HTTP_500 = Refused("outage", status=500)
SINCE = 1_750_000_000.0
WELL = Reliability(
    ended=1000, delivered=1000, failed=0, attempts=1000, retries=0, to_tell=0, told=0, waiting=0, errors=0
)

NO_TOKEN = NotChecked("no token")


def row(found: Reliability, name: str, accuracy: Accuracy | NotChecked = NO_TOKEN) -> Row:
    (found_row,) = [each for each in checklist(found, accuracy, since=SINCE) if name in each.name]
    return found_row


class TestBars:
    @pytest.mark.parametrize(("failed", "holds"), [(0, True), (9, True), (10, False)])
    def test_more_than_99_in_100_messages_arrive(self, failed: int, holds: bool) -> None:
        found = row(replace(WELL, delivered=1000 - failed, failed=failed), "success rate")
        assert found.holds is holds
        assert found.figure == f"{100 - failed / 10:.2f} % ({1000 - failed} of 1000)"

    @pytest.mark.parametrize(("retries", "holds"), [(99, True), (100, False)])
    def test_less_than_one_retry_in_ten_messages(self, retries: int, holds: bool) -> None:
        found = row(replace(WELL, retries=retries, attempts=1000 + retries), "Retries")
        assert found.holds is holds
        assert found.figure.startswith(f"{retries / 1000:.3f} ({retries} retries, ")

    def test_every_failure_is_told(self) -> None:
        assert row(WELL, "announced").figure == "no response failed"
        assert row(replace(WELL, to_tell=3, told=3), "announced").holds is True
        found = row(replace(WELL, to_tell=3, told=2, waiting=1), "announced")
        assert found.holds is False
        assert found.figure == "66.67 % (2 of 3, 1 on the way)"

    def test_a_failure_of_before_that_still_waits_to_be_told_counts(self) -> None:
        found = row(replace(WELL, untold_before=1), "announced")
        assert (found.holds, found.figure) == (False, "no response failed; 1 older notice still on the way")
        found = row(replace(WELL, to_tell=2, told=2, untold_before=3), "announced")
        assert (found.holds, found.figure) == (False, "100.00 % (2 of 2); 3 older notices still on the way")

    def test_the_history_is_the_channel_s_where_an_audit_says_so(self) -> None:
        assert row(WELL, "History", Accuracy(50, 0)).holds is True
        assert row(WELL, "History", Accuracy(50, 1)).holds is False
        assert row(WELL, "History", Accuracy(50, 1)).figure == "98.00 % (1 of 50 differ)"
        blind = row(WELL, "History", Accuracy(50, 0, unread=1))
        assert (blind.holds, blind.figure) == (False, "100.00 % (0 of 50 differ, 1 session unread: see `audit`)")

    def test_what_cannot_be_measured_says_what_to_do_and_is_neither(self) -> None:
        history = row(WELL, "History")
        assert history.holds is None
        assert history.figure == "not checked: no token"

    @pytest.mark.parametrize(("errors", "holds"), [(119, True), (120, False)])
    def test_fewer_than_12_errors_in_100_messages(self, errors: int, holds: bool) -> None:
        assert row(replace(WELL, errors=errors), "❌").holds is holds

    def test_m4_errors_that_were_never_counted_are_not_called_none(self) -> None:
        found = row(replace(WELL, errors_from=None), "❌")
        assert (found.holds, found.figure) == (None, "not counted yet: counting begins at the bot's next start")

    def test_m4_errors_that_are_counted_for_a_part_of_the_time_say_since_when(self) -> None:
        found = row(replace(WELL, errors=3, errors_from=SINCE + 60), "❌")
        assert found.figure == "0.3 per 100 messages (3 in all, counted since 2025-06-15 15:07 UTC)"
        assert row(replace(WELL, errors=3, errors_from=SINCE), "❌").figure.endswith("(3 in all)")

    @pytest.mark.parametrize(("reports", "holds"), [(0, True), (9, True), (10, False)])
    def test_m4_fewer_than_one_line_in_100_is_reported_missing(self, reports: int, holds: bool) -> None:
        missing = (("failed", reports - 1), ("delivered", 1)) if reports else ()
        found = row(replace(WELL, missing=missing), "User reports")
        assert found.holds is holds
        if reports:
            figure = f"{reports / 10:.1f} per 100 messages ({reports} in all: {reports - 1} failed, 1 delivered)"
            assert found.figure == figure

    @pytest.mark.parametrize(("failed", "holds"), [(0, True), (50, True), (51, False)])
    def test_95_in_100_responses_end_in_a_line(self, failed: int, holds: bool) -> None:
        found = row(replace(WELL, delivered=1000 - failed, reasons=(("timeout", failed),)), "ended in a line")
        assert found.holds is holds

    def test_what_never_got_a_text_is_no_message_and_is_counted_with_its_reasons(self) -> None:
        reasons = (("model_missing", 30), ("unreachable", 2))
        found = replace(WELL, ended=40, delivered=8, failed=0, to_tell=32, told=32, reasons=reasons)
        assert row(found, "success rate").figure == "100.00 % (8 of 8)"
        assert row(found, "ended in a line").figure == ("20.00 % (8 of 40; 32 failed: 30 model_missing, 2 unreachable)")
        assert row(WELL, "ended in a line").figure == "100.00 % (1000 of 1000)"
        assert row(replace(WELL, delivered=0), "ended in a line").figure == "none, except cancelled ones"


SCRIPTS: dict[str, tuple[Sequence[Fault], Sequence[object]]] = {
    "arrives": ([], ["Hello."]),
    "refused once": ([HTTP_500], ["Hello."]),
    "lost once": (["lost"], ["Hello."]),
    "stored, then cut": (["stored_then_cut"], ["Hello."]),
    "never sent": ([HTTP_500] * 3, ["Hello."]),
    "held back": ([HeldBack(EPOCH + 30), HTTP_500], ["Hello."]),
    "never written": ([], [ModelFailed("overloaded"), ModelFailed("timeout"), ""]),
    "in parts": ([HTTP_500, HTTP_500], ["A word. " * 400]),
    "channel gone": ([Refused("channel_gone", 404, final=True)], ["Hello."]),
}


class TestFigures:
    @pytest.mark.parametrize("script", SCRIPTS)
    def test_they_are_those_of_the_log(self, script: str, caplog: pytest.LogCaptureFixture) -> None:
        faults, answers = SCRIPTS[script]
        caplog.set_level(logging.INFO, "ensemble")

        async def main() -> tuple[Reliability, LogTrace]:
            async with playing(faults=faults, answers=answers, cast=("Ada",)) as play:
                await play.start("Ada")
                play.say("Hello!")
                await play.quiet()
                log = LogTrace()
                for event in play.trace.events:
                    log.publish(event)
                return await play.store.reliability(since=EPOCH), log

        found, log = run_virtually("asyncio", main)
        assert (found.attempts, found.retries, found.failed) == (
            log.message_send_attempts,
            log.message_send_retries,
            log.message_send_failures,
        )
        said = [record.getMessage() for record in caplog.records]
        assert found.delivered == sum("✅" in line for line in said)
        assert sum(count for _, count in found.reasons) == found.ended - found.delivered

    def test_a_notice_counts_when_it_has_arrived(self) -> None:
        async def main() -> tuple[Reliability, Reliability]:
            async with playing(faults=[HTTP_500] * 3, cast=("Ada",)) as play:
                await play.start("Ada")
                play.discord.text_faults.append(HTTP_500)
                play.say("Hello!")
                await play.until(lambda: "Failed" in play.trace.states_of("Ada"))
                before = await play.store.reliability(since=EPOCH)
                await play.quiet()
                return before, await play.store.reliability(since=EPOCH)

        before, after = run_virtually("asyncio", main)
        assert (before.to_tell, before.told, before.waiting) == (1, 0, 1)
        assert (after.to_tell, after.told, after.waiting) == (1, 1, 0)

    def test_nobody_is_to_be_told_in_a_channel_that_is_gone(self) -> None:
        faults, answers = SCRIPTS["channel gone"]

        async def main() -> Reliability:
            async with playing(faults=faults, answers=answers, cast=("Ada",)) as play:
                await play.start("Ada")
                play.say("Hello!")
                await play.quiet()
                return await play.store.reliability(since=EPOCH)

        found = run_virtually("asyncio", main)
        assert (found.failed, found.to_tell) == (1, 0)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments])


async def _keep(*lives: Sequence[Fact], notice: str | None) -> None:
    """A database in this folder whose responses were told these facts."""
    async with open_store("sqlite:///ensemble.db") as store:
        scene = await open_scene(store)
        for number, facts in enumerate(lives):
            await scene.hear(11 + number)
            line = await (await scene.line()).start(at=facts[0].at)
            for fact in facts:
                drafts = [a_notice(line.response.id)] if notice and fact is facts[-1] else []
                await line.tell(fact, outbox=drafts)
                if isinstance(fact, Generated):
                    await line.keep_intent()
        now = SystemClock().now()
        for due in await store.due_outbox(now=now, limit=10):
            if notice == "sent" and due.draft.kind is OutboxKind.NOTICE:
                await store.outbox_try(due.id, at=now)
                await store.outbox_done(due.id, message_id=99, at=now, outcome="sent")


def a_notice(response_id: str) -> OutboxDraft:
    return OutboxDraft(
        key=f"notice:{response_id}", kind=OutboxKind.NOTICE, channel_id=CHANNEL, text="⚠️", response_id=response_id
    )


def keep(*lives: Sequence[Fact], notice: str | None = None) -> None:
    anyio.run(partial(_keep, *lives, notice=notice))


def delivered(at: float, message_id: int = 70) -> Sequence[Fact]:
    return Generated(at, ("Hi",)), Sent(at + 1, message_id, "Hi")


def lost(at: float) -> Sequence[Fact]:
    return Generated(at, ("Hi",)), SendRefused(at + 1, "forbidden", 403, final=True)


class TestCommand:
    @pytest.fixture(autouse=True)
    def _bare(self, bare: Path) -> None:
        """None of this machine's settings, in an empty folder."""

    @pytest.fixture
    def now(self) -> float:
        return SystemClock().now()

    def test_where_all_holds_it_ends_with_0(self, now: float) -> None:
        keep(delivered(now - 60))
        done = invoke()
        assert done.exit_code == 0, done.output
        title, *rows = done.stdout.splitlines()
        assert title == "The last 24h: 1 response ended"
        assert [line[0] for line in rows] == ["✓", "✓", "✓", "–", "–", "✓", "✓"]
        assert rows[0] == "✓ Message send success rate: 100.00 % (1 of 1); bar: > 99 %"

    @pytest.mark.parametrize(("notice", "told"), [("sent", "✓"), ("waiting", "✗"), (None, "✗")])
    def test_where_a_row_does_not_hold_it_says_which_and_ends_with_1(
        self, now: float, notice: str | None, told: str
    ) -> None:
        keep(lost(now - 60), notice=notice)
        done = invoke()
        assert done.exit_code == 1
        rows = done.stdout.splitlines()[1:]
        assert rows[0] == "✗ Message send success rate: 0.00 % (0 of 1); bar: > 99 %"
        assert rows[2].startswith(f"{told} Failures announced in the channel: ")

    def test_each_failure_has_the_reason_of_its_last_move_and_a_cancelled_one_is_none(self, now: float) -> None:
        unwritten = [(GenerationFailed(now - 60, "credentials", final=True),)] * 2
        late = GenerationFailed(now - 2000, "timeout"), WaitElapsed(now - 60)
        unwanted = (Cancelled(now - 60, "ended"),)
        keep(*unwritten, late, lost(now - 60), unwanted, delivered(now - 60), notice="sent")
        done = invoke()
        assert done.exit_code == 1
        assert done.stdout.splitlines()[-1] == (
            "✗ Responses that ended in a line: 20.00 % "
            "(1 of 5; 4 failed: 2 credentials, 1 Discord: forbidden, 1 deadline); bar: ≥ 95 %"
        )

    def test_b13_discord_s_reasons_bear_its_name_its_code_and_its_words(self, now: float) -> None:
        words = "Message blocked by harmful links filter"
        blocked = [SendRefused(now - 90 + 30 * n, BLOCKED, 400, final=True, code=240000, words=words) for n in range(2)]
        anew = WaitElapsed(now - 80), Generated(now - 70, ("Other.",))
        timeout = (GenerationFailed(now - 60, "timeout", final=True),)
        late = Generated(now - 80, ("Hi.",)), SendRefused(now - 60, "timeout", final=True)
        keep((Generated(now - 95, ("Hi.",)), blocked[0], *anew, blocked[1]), timeout, late, notice="sent")
        assert invoke().stdout.splitlines()[-1] == (
            f"✗ Responses that ended in a line: 0.00 % (0 of 3; 3 failed: 1 Discord: blocked (240000 {words}), "
            "1 Discord: timeout, 1 timeout); bar: ≥ 95 %"
        )

    def test_since_leaves_older_ones_out(self, now: float) -> None:
        keep(lost(now - 7200), delivered(now - 600))
        assert invoke("--since", "1h").exit_code == 0
        assert invoke("--since", "90m").stdout.startswith("The last 90m: 1 response ended")
        assert invoke("--since", "3h").exit_code == 1
        assert invoke("--since", "7d").stdout.startswith("The last 7d: 2 responses ended")
        short = invoke("--since", "90s")
        assert (short.exit_code, short.stdout) == (0, "No response has ended in the last 90s: nothing to report.\n")

    def test_a_notice_that_waits_is_reported_however_old_it_is(self, now: float) -> None:
        keep(lost(now - 7200), notice="waiting")
        done = invoke("--since", "1h")
        assert done.exit_code == 1
        assert "✗ Failures announced in the channel: no response failed; 1 older notice still on the way" in done.stdout

    def test_an_empty_database_says_so_and_ends_with_0(self) -> None:
        keep()
        done = invoke()
        assert (done.exit_code, done.stdout) == (0, "No response has ended in the last 24h: nothing to report.\n")

    def test_without_a_database_it_says_what_to_do_and_makes_none(self, bare: Path) -> None:
        done = invoke()
        assert done.exit_code == 1
        assert done.stderr.startswith("ensemble: there is no database at ensemble.db: start the bot once")
        assert list(bare.iterdir()) == []

    @pytest.mark.parametrize("since", ["", "24", "h", "-1h", "0h", "1.5h", "24H", "1w", "9999999d", "24h 7d", "²h"])
    def test_a_time_that_is_none_is_one_line_and_2(self, since: str) -> None:
        done = invoke(f"--since={since}")
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == f"ensemble: --since: write a time like 90s, 15m, 24h or 7d, not {since!r}\n"

    def test_it_reads_beside_a_running_bot_and_writes_nothing(self, now: float, bare: Path) -> None:
        keep(delivered(now - 60))
        before = (bare / "ensemble.db").read_bytes()
        invoke()
        assert (bare / "ensemble.db").read_bytes() == before

    def test_in_a_terminal_it_is_a_table(self, now: float, monkeypatch: pytest.MonkeyPatch) -> None:
        keep(delivered(now - 60))
        monkeypatch.setenv("FORCE_COLOR", "1")
        lines = invoke().stdout.splitlines()
        assert "Check" in lines[2]
        assert "Figure" in lines[2]
        assert lines[-1].startswith("└")
