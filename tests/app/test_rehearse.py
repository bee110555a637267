"""Rehearsals: both shipped scenes through the real client, under every fault, judged by what the server counted."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from actors.app import scenes
from actors.app.cli import app
from actors.app.rehearsal import Report, quickened, rehearse
from actors.app.rehearsal_waits import STEP_S_MAX
from actors.app.scenes import Scene, SceneError
from actors.app.settings import Settings, load
from actors.playground import FaultPlan
from machines.response import State
from tests.app.cards import v2_json

SPEED = 50.0
SHIPPED = ("logbook", "storm")
VOICES = ("webhook", "embed")
MOSTLY_LOST = ("drop_after=0.3", "http_500=0.3")
DELIVERED_MIN = 0.95


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings."""


def scene_of(
    *texts: str, cast: tuple[str, ...] = ("Maren", "Oriel"), turns: str = "everyone", user: str = "Kim"
) -> Scene:
    lines = [{"user": user, "text": text} for text in texts]
    return Scene.model_validate({"cast": cast, "turns": turns, "lines": lines})


def rehearsed(
    scene: Scene,
    *faults: str,
    seed: int = 1,
    voice: str = "webhook",
    folder: Path = Path(),
    settings: Settings | None = None,
    step_s_max: float = STEP_S_MAX,
) -> Report:
    plan = FaultPlan.parse(faults, seed=seed, speed=SPEED)
    quick = quickened(settings or load(), speed=SPEED, voice=voice)
    play = partial(rehearse, scene, folder, quick, plan, step_s_max=step_s_max)
    return anyio.run(partial(play, on_end=lambda: None, tell=lambda _: None))


def shipped(name: str) -> Scene:
    return scenes.read(scenes.find(name))


def delivered(report: Report) -> int:
    return sum(outcome.state == State.DELIVERED for outcome in report.outcomes)


def told(report: Report) -> int:
    return sum(outcome.state == State.FAILED and outcome.notice == "sent" for outcome in report.outcomes)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(
    ("name", "due"), [("logbook", {"Oriel": 3, "Maren": 3}), ("storm", {"Maren": 6, "Fitch": 6, "Oriel": 6})]
)
def test_without_faults_every_line_of_a_shipped_scene_arrives_at_its_first_try(
    name: str, due: dict[str, int], voice: str
) -> None:
    report = rehearsed(shipped(name), voice=voice)
    assert report.problems == ()
    assert report.wire_attempts == due
    assert delivered(report) == sum(due.values())
    assert [(each.name, each.text) for each in report.tries] == [
        (entry.name, entry.text) for entry in report.entries if entry.kind == "character"
    ]


@pytest.mark.parametrize("voice", VOICES)
def test_where_most_tries_fail_every_line_arrives_once_or_is_told(voice: str) -> None:
    report = rehearsed(shipped("logbook"), *MOSTLY_LOST, seed=3, voice=voice)
    assert report.problems == ()
    assert delivered(report) + told(report) == 6
    assert sum(outcome.retries for outcome in report.outcomes) >= 1
    assert len(report.tries) > 6


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_over_twenty_seeds_and_both_voices_nearly_every_line_arrives(name: str) -> None:
    arrived = due = 0
    for voice in VOICES:
        for seed in range(1, 21):
            report = rehearsed(shipped(name), *MOSTLY_LOST, seed=seed, voice=voice)
            case = f"{name}, seed {seed}, {voice}"
            assert report.problems == (), case
            assert delivered(report) + told(report) == len(report.outcomes), case
            assert sum(outcome.retries for outcome in report.outcomes) >= 1, case
            arrived += delivered(report)
            due += len(report.outcomes)
    assert arrived / due >= DELIVERED_MIN, f"{arrived} of {due}"


@pytest.mark.parametrize("voice", VOICES)
def test_where_every_try_fails_each_line_is_tried_three_times_and_told(voice: str) -> None:
    report = rehearsed(shipped("logbook"), "http_500=1.0", voice=voice)
    assert report.problems == ()
    assert {outcome.state for outcome in report.outcomes} == {State.FAILED}
    assert told(report) == len(report.outcomes) == 6
    tries = Counter(report.tries)
    assert len(tries) == 6  # an understudy never says the same twice, so each text is one response
    assert set(tries.values()) == {3}
    assert {outcome.wire_attempts for outcome in report.outcomes} == {3}
    assert {outcome.retries for outcome in report.outcomes} == {2}
    assert {entry.kind for entry in report.entries} == {"user"}
    assert len(report.entries) == 6


@pytest.mark.parametrize(
    ("fault", "voice"),
    [
        ("late=0.5", "webhook"),
        ("late=0.5", "embed"),
        ("drop_before=0.5", "embed"),
        ("rate_limit=0.5", "webhook"),
        ("slow=0.5", "embed"),
        ("stored_502=0.5", "webhook"),
        ("stored_502=0.5", "embed"),
        ("http_403=0.5", "webhook"),
    ],
)
def test_under_every_kind_of_fault_every_line_arrives_once_or_is_told(fault: str, voice: str) -> None:
    report = rehearsed(shipped("logbook"), fault, seed=4, voice=voice)
    assert report.problems == ()
    assert delivered(report) + told(report) == 6


def test_an_aside_is_no_part_of_the_play_and_nobody_waits_for_an_answer() -> None:
    report = rehearsed(scene_of("Hello?", "((back in a minute))", "Here again.", cast=("Maren",)))
    assert report.problems == ()
    assert len(report.outcomes) == 2
    assert [entry.text for entry in report.entries if entry.kind == "user"] == ["Hello?", "Here again."]


def test_a_user_of_the_bot_s_name_is_still_a_user() -> None:
    report = rehearsed(scene_of("Hello?", cast=("Maren",), user="Ensemble"))
    assert report.problems == ()
    assert [entry.kind for entry in report.entries] == ["user", "character"]


def test_settings_for_another_place_do_not_reach_a_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMAND_PREFIX", "")
    monkeypatch.setenv("SHARD_COUNT", "2")
    monkeypatch.setenv("SHARD_IDS", "1")
    monkeypatch.setenv("BREAKER_FAILURES", "1")
    monkeypatch.setenv("DISCORD_TOKEN", "of-the-real-bot")
    monkeypatch.setenv("DISCORD_API_URL", "http://127.0.0.1:9/api/v10")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.db")
    assert rehearsed(scene_of("Hello?"), settings=load()).problems == ()


def test_a_card_file_beside_the_script_can_play(tmp_path: Path) -> None:
    (tmp_path / "jack.json").write_text(v2_json('Jack "Red" Doe'), encoding="utf-8")
    report = rehearsed(scene_of("Ahoy!", cast=("jack.json", "Maren")), folder=tmp_path)
    assert report.problems == ()
    assert report.wire_attempts == {'Jack "Red" Doe': 1, "Maren": 1}


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("name", ["Re:Zero Emilia", "The Wandering Cartographer's Guild – A.", "x" * 80, "Clyde Here"])
def test_b38_a_character_plays_under_its_name_as_it_is_written(name: str, voice: str, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(v2_json(name), encoding="utf-8")
    report = rehearsed(scene_of("Ahoy!", cast=("card.json", "Maren")), voice=voice, folder=tmp_path)
    assert report.problems == ()
    assert report.wire_attempts == {name: 1, "Maren": 1}


def test_b28_what_is_odd_about_a_card_is_said_when_a_scene_brings_it(tmp_path: Path) -> None:
    (tmp_path / "ada.json").write_text('{"name": "Ada", "description": "d", "tags": "a, b"}', encoding="utf-8")
    (tmp_path / "scene.yaml").write_text("cast: [ada.json]\nlines: [{user: Kim, text: Hello.}]", encoding="utf-8")
    done = CliRunner().invoke(app, ["rehearse", str(tmp_path / "scene.yaml"), "--speed", str(SPEED)])
    assert done.exit_code == 0
    assert "ada.json: its 'tags' is text, not a list: split at its commas" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("cast", "words"),
    [
        (("Nobody",), "there is no character 'Nobody'"),
        (("Maren", "MAREN"), "names a character twice"),
        (("missing.png",), "missing.png: cannot be read"),
        (("broken.png",), "broken.png"),
    ],
)
def test_a_cast_that_cannot_play_is_refused(cast: tuple[str, ...], words: str, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(SceneError, match=re.escape(words)):
        rehearsed(scene_of("Hello?", cast=cast), folder=tmp_path)


def test_where_nothing_is_heard_it_gives_up_and_says_what_it_waited_for() -> None:
    report = rehearsed(scene_of("Hello?"), "outage=1", step_s_max=0.5)
    assert report.problems == (
        "lost: waited 0.5 s for the bot to be ready, and gave up",
        "lost: the scene did not open",
    )


class TestCommand:
    """`rehearse` in the terminal."""

    def test_it_prints_the_transcript_and_the_table_of_deliveries(self) -> None:
        done = CliRunner().invoke(app, ["rehearse", "logbook", "--speed", "50"])
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        assert lines[0].startswith("Speaking: the understudy")
        spoken = [line.split(":")[0] for line in lines[2:14]]
        assert " ".join(spoken) == "Kim Oriel Kim Maren Robin Oriel Kim Maren Robin Oriel Kim Maren"
        (total,) = [line for line in lines if line.startswith("│ All")]
        assert total.split() == ["│", "All", "│", "6", "│", "6", "│", "0", "│", "6", "│", "0", "│"]
        assert lines[-1].startswith("✓ every line arrived once")

    def test_piped_it_has_no_colours_no_progress_and_no_broken_lines(self) -> None:
        done = CliRunner().invoke(app, ["rehearse", "logbook", "--speed", "50"])
        assert "\x1b" not in done.output
        assert "Rehearsing" not in done.output
        assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]
        assert any(len(line) > 100 for line in done.stdout.splitlines())

    def test_told_failures_are_counted_and_are_no_failure_of_the_rehearsal(self) -> None:
        done = CliRunner().invoke(app, ["rehearse", "logbook", "--speed", "50", "--fault", "http_500=1.0"])
        assert done.exit_code == 0, done.output
        (total,) = [line for line in done.stdout.splitlines() if line.startswith("│ All")]
        assert [cell.strip() for cell in total.split("│")[1:-1]] == ["All", "6", "0", "6", "18", "12"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["nowhere"], "there is no scene 'nowhere'; shipped scenes: logbook, storm"),
            (["elsewhere/storm.yaml"], "there is no scene 'elsewhere/storm.yaml'"),
            (["broken.yaml"], "broken.yaml: is not YAML"),
            (["wrong.yaml"], "wrong.yaml: lines.0.text: "),
            (["nobody.yaml"], "there is no character 'Nobody'; use a card file, or one of: Fitch, Maren, Oriel"),
            (["logbook", "--fault", "gremlins=1"], "unknown fault 'gremlins'; known: "),
            (["logbook", "--fault", "late"], "fault 'late' needs a probability"),
            (["logbook", "--fault", "late=2"], "between 0 and 1"),
            (["logbook", "--fault", "late=0.6", "--fault", "slow=0.6"], "add up to 1.2"),
            (["logbook", "--fault", "outage=1"], "--fault outage=1: no request would ever succeed"),
            (["logbook", "--voice", "telegram"], "there is no voice 'telegram'; use webhook or embed"),
        ],
    )
    def test_wrong_use_is_one_clear_line(self, arguments: list[str], words: str) -> None:
        Path("broken.yaml").write_text("cast: [Maren\nlines: }", encoding="utf-8")
        Path("wrong.yaml").write_text("cast: [Maren]\nlines: [{user: Kim, text: ''}]", encoding="utf-8")
        Path("nobody.yaml").write_text("cast: [Nobody]\nlines: [{user: Kim, text: Hello}]", encoding="utf-8")
        done = CliRunner().invoke(app, ["rehearse", *arguments])
        assert done.exit_code == 2, done.output
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("ensemble: ")
        assert words in line

    @pytest.mark.parametrize("arguments", [["logbook", "--speed", "0"], ["logbook", "--seed", "one"], []])
    def test_options_out_of_bounds_are_wrong_use(self, arguments: list[str]) -> None:
        assert CliRunner().invoke(app, ["rehearse", *arguments]).exit_code == 2
