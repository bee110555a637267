"""`simulate` prints its figures, refuses wrong use in one line, and names the command that runs a failure again."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from actors.app.cli import app
from actors.app.commands.simulate import command
from actors.simulation.faults import Cut
from actors.simulation.world import Order


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", "--workers", "1", *arguments])


def test_it_prints_the_seed_the_figures_and_that_nothing_broke() -> None:
    done = simulate("--responses", "20", "--seed", "3", "--faults", "0.3")
    assert done.exit_code == 0, done.output
    figures = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith(("Seed", "Crashes")))
    assert figures["Seed"] == "3"
    assert int(figures["Crashes"]) > 0
    assert "✓ every line arrived once or failed with a notice" in done.stdout


def test_the_command_of_a_failure_runs_the_same_again() -> None:
    least = Order(3, 0, 12, 0.3, Cut(frozenset({"crash", "outage"}), 400))
    words = command(least, 20).split()
    assert words[:3] == ["python", "bot.py", "simulate"]
    first, second = simulate(*words[3:]), simulate(*words[3:])
    assert first.exit_code == 0, first.output
    without_times = [line for line in first.stdout.splitlines() if not line.startswith("Time")]
    assert without_times == [line for line in second.stdout.splitlines() if not line.startswith("Time")]
    assert "Crashes            0" in without_times


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--responses", "0"], "--responses must be at least 1, not 0"),
        (["--faults", "1.5"], "--faults is a probability from 0 to 1, not 1.5"),
        (["--workers", "0"], "--workers must be at least 1, not 0"),
        (["--without", "rain"], "there is no kind of fault 'rain'"),
        (["--world", "7"], "there is no world 7: 1000 responses make worlds 0 to 1"),
        (["--world-responses", "0", "--world", "0"], "--world-responses must be at least 1, not 0"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(arguments: list[str], words: str) -> None:
    done = simulate(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
