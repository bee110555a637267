"""A table whose row takes another fact's step does not pass mypy."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

HEAD = """
from machines.binding import Row
from machines.facts import SendRefused, Sent
from machines.response import RETRYING, SENDING, Response, may_try_again, parts_left, wait
from machines.session import Session, work_left

TABLE: tuple[Row[Response], ...] = (
    {row},
)
"""

ROOT = Path(__file__).resolve().parents[2]


def checked(tmp_path: Path, row: str) -> str:
    """What mypy prints of a table with this row."""
    planted = tmp_path / "planted.py"
    planted.write_text(HEAD.format(row=row), encoding="utf-8")
    printed, _, _ = api.run(["--strict", "--config-file", str(ROOT / "setup.cfg"), str(planted)])
    return printed


@pytest.mark.parametrize(
    "row",
    [
        "Row(Sent, SENDING, RETRYING, do=(wait,))",
        "Row(Sent, SENDING, RETRYING, when=(may_try_again,))",
        "Row(Sent, SENDING, RETRYING, unless=(work_left,))",
        "Row(SendRefused, SENDING, RETRYING, do=(wait, work_left))",
    ],
)
def test_a_row_with_a_step_or_guard_of_another_fact_or_subject_is_refused(tmp_path: Path, row: str) -> None:
    assert 'to "Row" has incompatible type' in checked(tmp_path, row)


def test_a_row_whose_steps_and_guards_take_its_fact_passes(tmp_path: Path) -> None:
    row = "Row(SendRefused, SENDING, RETRYING, when=(may_try_again,), unless=(parts_left,), do=(wait,))"
    assert "Success" in checked(tmp_path, row)
