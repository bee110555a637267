"""What a channel is told: whose fault it was, in one clause, and what to do."""

import pytest

from actors.roleplay.notices import failure


@pytest.mark.parametrize("reason", ["connection", "timeout", "malformed"])
def test_once_the_line_is_written_the_model_is_not_blamed_for_discord(reason: str) -> None:
    assert "(model " in failure("Ada", reason, "!")
    assert failure("Ada", reason, "!", is_written=True).endswith("(Discord did not answer)")


def test_other_reasons_mean_the_same_before_and_after_writing() -> None:
    assert failure("Ada", "rate_limit", "!") == failure("Ada", "rate_limit", "!", is_written=True)
