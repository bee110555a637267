"""A table whose row takes another fact's step does not pass mypy."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

HEAD = """
from machines.binding import Row
from machines.facts import Effect, SendRefused, Sent, Wait
from machines.response import RETRYING, SENDING, Response, may_try_again, parts_left, wait
from machines.session import Session, work_left

TABLE: tuple[Row[Response, Effect], ...] = (
    {row},
)
"""

ROOT = Path(__file__).resolve().parents[2]


def checked(tmp_path: Path, row: str, head: str = HEAD) -> str:
    """What mypy prints of a table with this row."""
    return printed(tmp_path, head.format(row=row))


def printed(tmp_path: Path, source: str) -> str:
    """What mypy prints of this source."""
    planted = tmp_path / "planted.py"
    planted.write_text(source, encoding="utf-8")
    words, _, _ = api.run(["--strict", "--config-file", str(ROOT / "setup.cfg"), str(planted)])
    return words


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


def test_a_step_that_gives_back_what_is_no_effect_of_the_machine_is_refused(tmp_path: Path) -> None:
    row = "Row(SendRefused, SENDING, RETRYING, do=(another,))"
    head = HEAD.replace("TABLE:", "def another(response: Response, fact: SendRefused) -> Wait:\n    ...\n\nTABLE:")
    assert 'to "Row" has incompatible type' in checked(tmp_path, row, head)


def test_an_effect_without_a_handler_is_refused(tmp_path: Path) -> None:
    """The one place that turns effects into writes, as it is but for one of its cases."""
    source = (ROOT / "actors" / "writes.py").read_text(encoding="utf-8")
    case = "            case ArmReaper():\n                arms_reaper = True\n"
    assert case in source
    assert 'Argument 1 to "assert_never" has incompatible type "ArmReaper"' in printed(
        tmp_path, source.replace(case, "")
    )
