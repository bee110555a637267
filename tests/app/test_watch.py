"""`watch`: the same facts from a running bot and from its database alone, and never the one for the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.adapters.inspector import recorded_view
from actors.adapters.store import open_store
from actors.app.cli import app
from actors.app.commands.replay import told
from actors.app.recordings import from_view
from actors.app.watch_sources import detail_of
from actors.ports import BreakerMoved, ConnectionMoved
from machines.facts import SendUnconfirmed
from tests.adapters.inspector.stage import SECRET
from tests.app.watched import LARGE, SMALL, WIDE, Bot, a_bot, play, viewing
from tests.contracts.scene import NOW

HEADS = ("Character", "State", "Try", "For", "Next try, and why it waits")


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


def row_of(screen: str, state: str) -> str:
    """The table's row of the one response in this state."""
    (row,) = [line for line in screen.splitlines() if re.match(rf" *[^ \w]  Mira +{state} ", line)]
    return row


class TestLive:
    @pytest.mark.parametrize("size", [SMALL, LARGE])
    async def test_the_fleet_and_every_response_stand_on_the_screen(
        self, tmp_path: Path, size: tuple[int, int]
    ) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
            async with bot.running(), viewing(tmp_path, size=size, inspector_address=bot.address) as viewer:
                screen = await viewer.sees("Live from", "Delivered 1  Failed 1", *HEADS)
        assert "Generating 0  Sending 0  Retrying 1  Delivered 1  Failed 1" in screen
        assert re.search(r"session +Idle \d  Responding \d  Paused 0  Ended 0", screen)
        assert re.search(r"✓ +Mira +Delivered +1/3 +took 2.5 s", screen)
        assert re.search(r"↻ +Mira +Retrying +1/3 +4.0 s +in 16.0 s: Not sent: Discord", screen)
        assert "sending again; next try in 16.0 s" in screen.replace("\n ", " ")
        assert SECRET not in screen
        assert max(map(len, screen.splitlines())) <= size[0]

    async def test_a_wide_screen_shows_the_last_trouble_beside_it(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
            async with bot.running(), viewing(tmp_path, size=LARGE, inspector_address=bot.address) as viewer:
                await viewer.sees("Live from", "Last error", "conversation too")
                screen = await viewer.until(lambda shown: "Session" not in shown)  # it takes all the room that there is
        assert "Not written: conversation too" in row_of(screen, "Failed")

    async def test_moves_are_seen_as_they_are_made(self, tmp_path: Path) -> None:
        async with (
            a_bot(tmp_path) as bot,
            bot.running() as stage,
            viewing(tmp_path, inspector_address=bot.address) as viewer,
        ):
            await viewer.sees("Live from", "There is no response yet")
            line = await stage.line()
            await viewer.sees("Generating  1/3")
            await line.generate(at=NOW + 29)
            assert "1.0 s" in row_of(await viewer.sees("Sending    "), "Sending")
            await line.deliver(at=NOW + 30)
            await viewer.sees("took 30.0 s")

    async def test_a_clock_goes_on_without_a_move(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot, bot.running() as stage:
            await stage.line()
            async with viewing(tmp_path, inspector_address=bot.address) as viewer:
                await viewer.sees("30.0 s")
                viewer.clock[0] += 12
                await viewer.sees("42.0 s")

    async def test_the_bots_clock_counts_and_not_ours(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path, now=NOW + 30) as bot, bot.running() as stage:
            await stage.line()
            async with viewing(tmp_path, now=NOW + 3600, inspector_address=bot.address) as viewer:
                assert "30.0 s" in row_of(await viewer.sees("Generating  1/3"), "Generating")

    async def test_stuck_ones_are_marked_counted_and_alone_with_one_key(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
            async with bot.running(), viewing(tmp_path, inspector_address=bot.address) as viewer:
                await viewer.sees("Live from", "Responses: 3", without="stuck")
                viewer.clock[0] = NOW + 26 + 20 + 16
                screen = await viewer.sees("▲", "1 stuck")
                assert re.search(r"Stuck: it was due 16.0 s ago", screen)
                await viewer.press("f")
                screen = await viewer.sees("Responses: 1 of 3, 1 stuck, only stuck")
                assert "Delivered   1/3" not in screen

    async def test_breakers_and_connections_are_told(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot, bot.running() as stage:
            stage.inspector.publish(BreakerMoved("discord", "Closed", "Open", NOW + 20, until=NOW + 42))
            stage.inspector.publish(ConnectionMoved(0, "Ready", "Resuming", NOW + 29))
            async with viewing(tmp_path, size=LARGE, inspector_address=bot.address) as viewer:
                screen = await viewer.sees("discord Open for 10.0 s, tries again in 12.0 s")
        assert "Closed 0  Open 1  HalfOpen 0" in screen
        assert "shard 0 Resuming for 1.0 s" in screen

    async def test_the_token_of_the_settings_opens_it(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
            bot.token = "a-token-of-this-bot"
            async with bot.running():
                async with viewing(
                    tmp_path, inspector_address=bot.address, inspector_token="a-token-of-this-bot"
                ) as viewer:
                    await viewer.sees("Live from", "Responses: 3")
                async with viewing(tmp_path, inspector_address=bot.address) as viewer:
                    await viewer.sees("From the database", "set INSPECTOR_TOKEN to the one that the bot has")


async def test_a_wide_view_of_a_busy_bot(tmp_path: Path) -> None:
    """The pictures of docs/inspecting.md: `PICTURES=docs/pictures pytest -n 0 tests/app/test_watch.py -k busy`."""
    at = NOW + 26 + 20 + 18
    async with a_bot(tmp_path, now=at) as bot:
        await play(bot)
        async with bot.running() as stage:
            stage.scene = await bot.elsewhere()
            await (await stage.line(4)).generate(at=NOW + 57)
            stage.inspector.publish(ConnectionMoved(0, "Connecting", "Ready", NOW + 1))
            stage.inspector.publish(BreakerMoved("discord", "Closed", "Open", NOW + 55, until=NOW + 115))
            async with viewing(tmp_path, size=WIDE, now=at, inspector_address=bot.address) as viewer:
                await viewer.sees("1 stuck", "Sending 1  Retrying 1", "Ready 1", "Open 1", without="Session")
                viewer.picture("watch")
                await viewer.press("f", "enter")
                await viewer.sees("▶ Retrying", "4. SendRefused")
                viewer.picture("watch-response")


class TestDatabaseAlone:
    async def test_what_has_not_ended_is_not_shown_as_alive(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            played = await play(bot)
        async with viewing(tmp_path, now=NOW + 9000) as viewer:
            screen = await viewer.sees("From the database", "Responses: 3")
            assert "INSPECTOR_ADDRESS is empty" in screen
            assert "Live" not in screen
            assert "○" in row_of(screen, "Retrying")
            assert "@ 15:07:06" in row_of(screen, "Retrying")
            assert "no bot answers" in row_of(screen, "Retrying")
            assert "stuck" not in screen
            assert screen.count("known only while a bot runs") == 2
            await viewer.press("enter")
            screen = await viewer.sees(f"response {played.waiting}", "○ Retrying", "no bot answers")
            assert "▶" not in screen

    async def test_it_writes_nothing(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
        database = tmp_path / "ensemble.db"
        before = database.read_bytes()
        async with viewing(tmp_path) as viewer:
            await viewer.sees("Responses: 3")
        assert database.read_bytes() == before
        assert "lock" not in " ".join(os.listdir(tmp_path))

    async def test_what_another_process_writes_is_read_again(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot, viewing(tmp_path) as viewer:
            await viewer.sees("From the database", "The database has no response.")
            await play(bot)
            await viewer.sees("Responses: 3")

    async def test_with_neither_it_says_what_to_do_and_goes_on_by_itself(self, tmp_path: Path) -> None:
        async with viewing(tmp_path) as viewer:
            await viewer.sees("there is no database at", "Start the bot with `python bot.py run`")
            async with open_store("sqlite:///ensemble.db", folder=tmp_path):
                await viewer.sees("From the database", "The database has no response.")


class TestComingAndGoing:
    async def test_a_bot_that_goes_away_is_said_and_its_responses_stand_still(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
            async with viewing(tmp_path, inspector_address=await _port_of(bot)) as viewer:
                async with bot.running():
                    await viewer.sees("Live from", "next try in 16.0 s")
                screen = await viewer.sees("From the database", f"no bot answers at http://{bot.address}/")
                assert "Live from" not in screen
                assert "no bot answers" in row_of(screen, "Retrying")
                assert "next try" not in screen

    async def test_a_bot_that_returns_is_live_again(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
            async with viewing(tmp_path, inspector_address=await _port_of(bot)) as viewer:
                await viewer.sees("From the database")
                async with bot.running() as stage:
                    await viewer.sees("Live from", "Retrying 1", without="no bot answers")
                    stage.scene = await bot.elsewhere()
                    await stage.line(4)
                    await viewer.sees("Responses: 4", "Generating 1")

    async def test_one_that_is_open_is_told_on_from_the_database_and_live_again(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            played = await play(bot)
            async with viewing(tmp_path, inspector_address=await _port_of(bot)) as viewer:
                async with bot.running():
                    await viewer.sees("Live from", "Responses: 3")
                    await viewer.press("enter")
                    await viewer.sees(f"response {played.waiting}", "▶ Retrying")
                await viewer.sees("From the database", "○ Retrying", "SendRefused")
                async with bot.running():
                    await viewer.sees("Live from", "▶ Retrying")


class TestOne:
    async def test_its_strip_and_its_path_are_those_of_replay(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            played = await play(bot)
            async with bot.running(), viewing(tmp_path, size=LARGE, inspector_address=bot.address) as viewer:
                await viewer.sees("Live from", "Responses: 3")
                await viewer.press("enter")
                screen = await viewer.sees("▶ Retrying", "SendRefused")
            recorded = await bot.store.recorded(played.waiting)
        assert recorded is not None
        whose, _, _, *moves, _, _ = told(from_view(recorded_view(recorded)))
        assert whose in screen
        assert "[*] ─  Generating  ─  Sending  ─  ▶ Retrying  ─  Delivered  ─  Failed" in screen
        for move in moves:
            assert all(cell in screen for cell in re.split(r"  +", move)), move
        assert (
            "Retrying for 4.0 s: Not sent: Discord's rate limit is reached (rate_limit, 429); sending again;" in screen
        )
        assert "May come next: Held, " in screen

    async def test_it_follows_the_moves_and_escape_leads_back(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot, bot.running() as stage:
            line = await stage.line()
            async with viewing(tmp_path, inspector_address=bot.address) as viewer:
                await viewer.sees("Generating  1/3")
                await viewer.press("enter")
                await viewer.sees("▶ Generating", "Started")
                await line.generate(at=NOW + 1)
                await line.tell(SendUnconfirmed(NOW + 2, "timeout"))
                await viewer.sees("▶ Retrying", "3. SendUnconfirmed: timeout (+1.000 s after the move before, try 1)")
                await viewer.press("up")
                await viewer.sees("2. Generated (+1.000 s after the move before, try 1)")
                await viewer.press("escape")
                await viewer.sees("Responses: 1")

    async def test_a_failed_one_says_why(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
        async with viewing(tmp_path) as viewer:
            await viewer.sees("Responses: 3")
            await viewer.press("down", "enter")
            await viewer.sees("▶ Failed", "Failed after 3.000 s: ", "It has ended", "What to do: Lower CONTEXT_TOKENS")


class TestKeys:
    async def test_a_search_narrows_the_table_and_escape_shows_all(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
        async with viewing(tmp_path) as viewer:
            await viewer.sees("Responses: 3")
            await viewer.press("slash", *"quick")
            await viewer.sees("Responses: 0 of 3, with “quick”", "No response matches. Press Esc to show all again.")
            await viewer.press("escape", "slash", *"RATE mira", "enter")
            await viewer.sees("Responses: 1 of 3", "Retrying", without="Delivered   1/3")
            await viewer.press("enter")
            await viewer.sees("SendRefused")

    async def test_the_state_key_goes_through_the_states(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
        async with viewing(tmp_path) as viewer:
            await viewer.sees("Responses: 3")
            for words in (
                "0 of 3, only stuck",
                "0 of 3, only Generating",
                "0 of 3, only Sending",
                "1 of 3, only Retrying",
            ):
                await viewer.press("f")
                await viewer.sees(words)
            await viewer.press("F", "F", "F", "F")
            await viewer.sees("Responses: 3", without="of 3")

    async def test_the_order_is_chosen_by_key_or_heading(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            await play(bot)
        async with viewing(tmp_path) as viewer:
            screen = await viewer.sees("Responses: 3")
            assert states(screen) == ["Retrying", "Failed", "Delivered"]
            await viewer.press("s")
            assert states(await viewer.sees("State ▲")) == ["Retrying", "Failed", "Delivered"]
            await viewer.press("r")
            assert states(await viewer.sees("State ▼")) == ["Delivered", "Failed", "Retrying"]
            await viewer.pilot.click("ResponseTable", offset=(5, 0))
            await viewer.sees("Character ▲")

    async def test_the_cursor_stays_with_its_response(self, tmp_path: Path) -> None:
        async with a_bot(tmp_path) as bot:
            played = await play(bot)
            async with bot.running() as stage, viewing(tmp_path, inspector_address=bot.address) as viewer:
                await viewer.sees("Live from", "Responses: 3")
                await viewer.press("down")
                await viewer.sees(f"response {played.failed}")
                stage.scene = await bot.elsewhere()
                await stage.line(4)
                await viewer.sees("Responses: 4", f"response {played.failed}")

    async def test_q_leaves(self, tmp_path: Path) -> None:
        async with viewing(tmp_path) as viewer:
            await viewer.press("q")
            assert viewer.app.return_code == 0


def states(screen: str) -> list[str]:
    """The states of the table's rows, from the top."""
    return re.findall(r"^ *[^ \w]  Mira +(\w+)", screen, re.MULTILINE)


async def _port_of(bot: Bot) -> str:
    """The address that it is going to serve on."""
    async with bot.running():
        return bot.address


def test_a_name_cannot_steer_the_terminal() -> None:
    move = {
        "seq": 1,
        "fact": "Started",
        "from": "[*]",
        "to": "Generating",
        "at": NOW,
        "attempt": 0,
        "part": 0,
        "reason": None,
    }
    numbers = {
        "part": 0,
        "parts": 0,
        "attempt": 1,
        "attempts_max": 3,
        "started_at": NOW,
        "entered_at": NOW,
        "deadline_s": 9,
    }
    words = {
        "id": "a",
        "session": "s",
        "name": "M\x1b[2Ji\nra",
        "state": "Generating",
        "waits": None,
        "last_error": None,
    }
    told = detail_of({**words, **numbers, "due_at": None, "is_final": False, "path": [move], "legal": ["Generated"]})
    assert told.seen.name == "M[2Ji ra"
    assert "\x1b" not in told.whose


def test_without_the_extra_it_names_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    done = CliRunner().invoke(app, ["watch"])
    assert done.exit_code == 1
    assert done.output == "ensemble: watch needs the extra `terminal`. In the clone: pip install -e '.[terminal]'\n"


def test_without_a_terminal_it_is_wrong_use_and_names_what_prints() -> None:
    done = CliRunner().invoke(app, ["watch"])
    assert done.exit_code == 2
    assert "watch needs a terminal; use `report`, `replay` or `transcript` to print" in done.output


def test_no_other_command_loads_textual() -> None:
    told = "import sys, actors.app.cli; print(sorted(name for name in sys.modules if name.startswith('textual')))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
