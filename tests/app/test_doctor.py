"""`doctor`: what it says of names that are no settings, and of lines that it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.app.cli import app
from tests.app.processes import run_bot


@pytest.fixture(autouse=True)
def _bare(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine's settings, in an empty folder, and no status page."""
    monkeypatch.setenv("STATUS_URL", "")


def told() -> list[str]:
    return CliRunner().invoke(app, ["doctor"]).stdout.splitlines()


def test_a_misspelt_name_in_dotenv_is_named_with_the_setting_that_was_meant(bare: Path) -> None:
    (bare / ".env").write_text("SEND_ATEMPTS=4\nSEND_ATTEMPTS=4\nOF_ANOTHER_PROGRAM=1\n", encoding="utf-8")
    assert "✗ .env: names no setting: OF_ANOTHER_PROGRAM, SEND_ATEMPTS (meant: SEND_ATTEMPTS)" in told()


def test_in_the_environment_only_names_that_are_nearly_a_setting_are_told_and_fail_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GROQ_MODELS", "a")
    monkeypatch.setenv("OF_ANOTHER_PROGRAM", "1")
    assert "– environment: names no setting: GROQ_MODELS (meant: GROQ_MODEL)" in told()


def test_where_every_name_is_a_setting_nothing_is_said_of_names(bare: Path) -> None:
    (bare / ".env").write_text("SEND_ATTEMPTS=4\nOTEL_SERVICE_NAME=mine\n", encoding="utf-8")
    assert not [line for line in told() if "names no setting" in line]


def test_a_line_of_dotenv_that_cannot_be_read_is_told_once_with_its_file(bare: Path) -> None:
    (bare / ".env").write_text("# mine\nthis is (no setting\n", encoding="utf-8")
    done = run_bot(bare, "doctor", STATUS_URL="")
    assert done.stderr == ".env: line 2 cannot be read and is passed over: write it as NAME=value\n"
