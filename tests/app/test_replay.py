"""`replay` and `diagram --response`: one response's recorded path, from the journal or from a file."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from functools import partial
from itertools import takewhile
from pathlib import Path
from xml.etree import ElementTree

import anyio
import pytest
from typer.testing import CliRunner, Result

from actors.adapters.inspector import recorded_view
from actors.adapters.store import open_store
from actors.app.cli import app
from actors.app.commands.replay import after_key, frame
from actors.app.recordings import Recording, from_file
from machines.binding import START
from machines.facts import (
    BLOCKED,
    Fact,
    Generated,
    GenerationFailed,
    NotInChannel,
    SendRefused,
    SendUnconfirmed,
    Sent,
    WaitElapsed,
)
from machines.response import MACHINE
from tests.app.processes import BOT, environment
from tests.contracts.scene import NOW, open_scene
from tests.patience import PATIENCE_S

SECRET = "what was said"
FACTS: tuple[Fact, ...] = (
    Generated(NOW + 2.12, (SECRET, SECRET)),
    Sent(NOW + 3, 70, SECRET),
    SendRefused(NOW + 4, "rate_limit", 429, retry_after_s=2.0),
    WaitElapsed(NOW + 6),
    SendUnconfirmed(NOW + 7, "timeout"),
)
SAID: tuple[Fact, ...] = (Generated(NOW + 3, ("Hi",)), Sent(NOW + 4, 70, "Hi"))
LINES = [
    "#  time             after  move                   fact             try  part    why",
    "1  15:06:40.000  +0.000 s  [*] ─► Generating      Started",
    "2  15:06:42.120  +2.120 s  Generating ─► Sending  Generated          1",
    "3  15:06:43.000  +0.880 s  Sending ─► Sending     Sent               1  1 of 2",
    "4  15:06:44.000  +1.000 s  Sending ─► Retrying    SendRefused        1  2 of 2  rate_limit",
    "5  15:06:46.000  +2.000 s  Retrying ─► Sending    WaitElapsed        1  2 of 2",
    "6  15:06:47.000  +1.000 s  Sending ─► Retrying    SendUnconfirmed    2  2 of 2  timeout",
]


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


async def _keep(facts: tuple[Fact, ...], lines: int) -> list[str]:
    async with open_store("sqlite:///ensemble.db") as store:
        scene = await open_scene(store)
        ids = []
        for number in range(lines):
            await scene.hear(11 + number)
            line = await (await scene.line()).start(at=NOW)
            for fact in facts:
                await line.tell(fact)
                if line.response.texts:
                    await line.keep_intent()
            ids.append(line.response.id)
        (Path() / "saved.json").write_text(json.dumps(await _view(ids[0])), encoding="utf-8")
        return ids


async def _view(response_id: str) -> object:
    async with open_store("sqlite:///ensemble.db", read_only=True) as store:
        recorded = await store.recorded(response_id)
        assert recorded is not None
        return recorded_view(recorded)


def keep(facts: tuple[Fact, ...] = FACTS, lines: int = 1) -> list[str]:
    """A database in this folder whose responses were told these facts, and the first's view in saved.json."""
    return anyio.run(partial(_keep, facts, lines))


def saved() -> Recording:
    return from_file(Path("saved.json"))


class TestReplay:
    def test_each_move_is_a_line_with_its_time_try_part_and_reason(self) -> None:
        (response_id,) = keep()
        done = invoke("replay", response_id)
        assert done.exit_code == 0, done.output
        whose, _, *moves = done.stdout.splitlines()
        assert re.fullmatch(rf"Mira: response {response_id} of session \w+, 2025-06-15 15:06:40 UTC", whose)
        assert moves[: len(LINES)] == LINES
        assert moves[len(LINES) :] == [
            "",
            "Retrying since 15:06:47.000: Not confirmed: Discord did not answer in time (timeout); "
            "reading the channel back; continues at 15:06:52.000. "
            "What to do: If this goes on, check the connection; `doctor` names what fails.",
        ]
        assert SECRET not in done.stdout

    def test_what_has_ended_says_how_and_after_how_long(self) -> None:
        (delivered,) = keep((Generated(NOW + 1, ("Hi",)), Sent(NOW + 2.5, 70, "Hi")))
        assert invoke("replay", delivered).stdout.splitlines()[-1] == "Delivered after 2.500 s"

    def test_what_has_failed_says_why_and_what_to_do(self) -> None:
        (failed,) = keep((Generated(NOW + 1, ("Hi",)), SendRefused(NOW + 2, "forbidden", 403, final=True)))
        assert invoke("replay", failed).stdout.splitlines()[-1] == (
            "Failed after 2.000 s: Not sent: missing permission in this channel (forbidden, 403). "
            "What to do: Allow the bot to view the channel and to send messages there; `doctor` names what is missing."
        )

    def test_what_came_right_by_itself_needs_no_mending(self) -> None:
        (delivered,) = keep((GenerationFailed(NOW + 1, "timeout"), WaitElapsed(NOW + 2), *SAID))
        assert invoke("replay", delivered).stdout.splitlines()[-1] == "Delivered after 4.000 s"

    def test_a_saved_answer_of_the_inspector_is_told_alike_without_a_database(self, bare: Path) -> None:
        (response_id,) = keep()
        told = invoke("replay", response_id).stdout
        (bare / "ensemble.db").unlink()
        assert invoke("replay", "saved.json").stdout == told

    def test_a_beginning_is_enough_where_it_is_one_response_s(self) -> None:
        one, two = keep((GenerationFailed(NOW + 1, "credentials", final=True),), lines=2)
        shared = "".join(a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=True)))
        assert invoke("replay", one[: len(shared) + 1]).stdout.startswith(f"Mira: response {one} ")
        done = invoke("replay", shared)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == (f"ensemble: {shared!r} begins several ids: {one}, {two}, …; give more of the id\n")

    @pytest.mark.parametrize("wanted", ["nosuch", "%", "_", ""])
    def test_an_unknown_id_is_one_line_and_1(self, wanted: str) -> None:
        if wanted:
            keep()
        done = invoke("replay", wanted or "nosuch")
        assert (done.exit_code, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        expected = f"there is no response {wanted!r} in" if wanted else "there is no database at"
        assert line.startswith(f"ensemble: {expected} ")

    def test_it_writes_nothing(self, bare: Path) -> None:
        (response_id,) = keep()
        before = (bare / "ensemble.db").read_bytes()
        invoke("replay", response_id)
        assert (bare / "ensemble.db").read_bytes() == before


class TestFiles:
    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"null", b"\xff", b'{"id": "1"}', b"[" * 100_000],
        ids=["empty", "cut", "list", "null", "no text", "too little", "deep"],
    )
    def test_a_file_that_holds_no_response_is_one_line_and_1(self, content: bytes, bare: Path) -> None:
        (bare / "broken.json").write_bytes(content)
        done = invoke("replay", "broken.json")
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == (
            "ensemble: broken.json is not a response: save the inspector's answer at /api/responses/ID\n"
        )

    @pytest.mark.parametrize(
        "change", [{"path": []}, {"due_at": 1e300}, {"due_at": "NaN"}, {"name": 7}, {"parts": None}]
    )
    def test_a_field_that_is_wrong_is_refused(self, change: dict[str, object], bare: Path) -> None:
        keep()
        view = json.loads((bare / "saved.json").read_text(encoding="utf-8"))
        (bare / "saved.json").write_text(json.dumps(view | change), encoding="utf-8")
        assert invoke("replay", "saved.json").exit_code == 1

    def test_a_file_cannot_steer_the_terminal(self, bare: Path) -> None:
        keep()
        view = json.loads((bare / "saved.json").read_text(encoding="utf-8"))
        view |= {"name": "\x1b[2J", "waits": "\x1b]0;owned\x07"}
        view["path"][0] |= {"reason": "\x1b[31m", "to": "\x1b[2J"}
        (bare / "saved.json").write_text(json.dumps(view), encoding="utf-8")
        done = invoke("replay", "saved.json")
        assert done.exit_code == 0
        assert "\x1b" not in done.stdout + "".join(frame(saved(), 1))

    def test_a_missing_or_huge_file_is_one_line(self, bare: Path) -> None:
        assert "No such file" in invoke("replay", "missing.json").stderr
        (bare / "huge.json").write_bytes(b" " * 10_000_001)
        assert (
            invoke("replay", "huge.json").stderr == "ensemble: huge.json is larger than 10 MB: it is not a response\n"
        )

    def test_b13_discord_s_code_and_words_stand_beside_its_reason(self) -> None:
        words = "Message was blocked by automatic moderation"
        refused = SendRefused(NOW + 4, BLOCKED, 400, final=True, code=200000, words=words)
        (response_id,) = keep((Generated(NOW + 2, (SECRET,)), refused))
        lines = invoke("replay", response_id).stdout.splitlines()
        assert lines[-3].endswith(f"  blocked (200000: {words})")
        assert f"Discord said: 200000: {words}; asking the model for another text" in lines[-1]
        assert (saved().path[-1].reason, saved().path[-1].said) == (BLOCKED, f"200000: {words}")


class TestStep:
    def test_every_frame_marks_the_state_after_its_move_and_fits_24_lines(self) -> None:
        keep((*FACTS, NotInChannel(NOW + 20)))
        recording = saved()
        for move in recording.path:
            lines = frame(recording, move.seq)
            assert [line for line in lines if line.startswith("▶")] == [f"▶ {move.dest}"]
            assert lines[2].startswith(f"{move.seq}  ")
            assert len(lines) <= 23

    @pytest.mark.parametrize(
        ("key", "seq", "then"),
        [
            ("\r", 1, 2),
            ("\x1b[C", 2, 3),
            (" ", 3, None),
            ("\x1b[D", 2, 1),
            ("\x1b[D", 1, 1),
            ("x", 2, 2),
            ("q", 1, None),
        ],
    )
    def test_keys_go_on_back_and_away(self, key: str, seq: int, then: int | None) -> None:
        assert after_key(key, seq, 3) == then

    def test_without_a_terminal_it_is_wrong_use(self) -> None:
        done = invoke("replay", "any", "--step")
        assert (done.exit_code, done.stderr) == (
            2,
            "ensemble: --step needs a terminal; without it the whole path is printed\n",
        )

    def test_in_a_terminal_keys_lead_through_the_path(self) -> None:
        (response_id,) = keep((Generated(NOW + 1, ("Hi",)), Sent(NOW + 2, 70, "Hi")))
        with Terminal("replay", response_id, "--step") as terminal:
            terminal.wait_for("▶ Generating")
            terminal.press("\r")
            terminal.wait_for("▶ Sending")
            terminal.press("\x1b[D")
            terminal.wait_for("▶ Generating")
            terminal.press("\x1b[C")
            terminal.wait_for("▶ Sending")
            terminal.press("\x1b[C")
            terminal.wait_for("▶ Delivered")
            terminal.press("\r")
            assert terminal.exit_code() == 0


class Terminal:
    """The program in a terminal of its own; killed at the end."""

    def __init__(self, *arguments: str) -> None:
        self.fd, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, str(BOT), *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(TERM="xterm", COLUMNS="100", LINES="24"),
            start_new_session=True,
        )
        os.close(theirs)
        self.unread = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        os.close(self.fd)

    def wait_for(self, words: str) -> None:
        while words not in self.unread:
            ready, _, _ = select.select([self.fd], [], [])
            assert ready, f"no {words!r} in {self.unread!r}"
            self.unread += os.read(self.fd, 65_536).decode(errors="replace")
        self.unread = self.unread.split(words, 1)[1]

    def press(self, key: str) -> None:
        """Once the program reads keys: what is typed before is thrown away."""
        deadline = time.monotonic() + PATIENCE_S
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            assert time.monotonic() < deadline, "it does not read keys"
            select.select([], [], [], 0.01)
        os.write(self.fd, key.encode())

    def exit_code(self) -> int:
        return self.process.wait(PATIENCE_S)


class TestDiagram:
    def test_the_path_is_drawn_in_every_format(self) -> None:
        (response_id,) = keep()
        drawn = {
            kind: invoke("diagram", "--response", response_id, "--format", kind).stdout
            for kind in ("text", "mermaid", "dot", "svg")
        }
        assert "▶ Retrying\n" in drawn["text"]
        assert "    class Retrying lit\n" in drawn["mermaid"]
        assert "1× SendRefused" in drawn["dot"]
        root = ElementTree.fromstring(drawn["svg"])
        taken = {e.get("data-edge") for e in root.iter() if e.get("class") == "edge taken"}
        assert taken == {
            f"{START}-Generating",
            "Generating-Sending",
            "Sending-Sending",
            "Sending-Retrying",
            "Retrying-Sending",
        }
        (lit,) = [e.get("data-state") for e in root.iter() if "lit" in e.get("class", "").split()]
        assert lit == "Retrying"

    def test_a_picture_has_it_too(self, bare: Path) -> None:
        keep()
        assert invoke("diagram", "-o", "bare.png").exit_code == 0
        assert invoke("diagram", "--response", "saved.json", "-o", "path.png").exit_code == 0
        bare_png, path_png = (bare / "bare.png").read_bytes(), (bare / "path.png").read_bytes()
        assert path_png.startswith(b"\x89PNG")
        assert path_png != bare_png

    def test_only_responses_have_recorded_paths(self) -> None:
        keep()
        done = invoke("diagram", "session", "--response", "saved.json")
        assert done.exit_code == 2
        assert done.stderr == f"ensemble: --response: only the machine {MACHINE.name} has recorded paths\n"

    def test_an_unknown_response_is_one_line_and_1(self) -> None:
        keep()
        done = invoke("diagram", "--response", "nosuch")
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith("ensemble: there is no response 'nosuch' in ")


def test_the_words_of_a_model_server_stand_beside_the_reason() -> None:
    said = GenerationFailed(NOW + 1, "broken_answer", 0.0, True, "m", 400, "tool_use_failed", "Tool choice is none")
    [response_id] = keep((said,))
    [move] = [line for line in invoke("replay", response_id).stdout.splitlines() if "GenerationFailed" in line]
    assert move.endswith("broken_answer (tool_use_failed: Tool choice is none)")
