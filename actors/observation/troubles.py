"""Finds out why a breaker is open from the failures of other lines: a held line made no request itself."""

from __future__ import annotations

from actors.observation.reasons import Failure, says_down
from actors.observation.response_view import FAILURES, ResponseView, Step
from machines.facts import GenerationFailed, Held


class Troubles:
    """The newest failure of each dependency that may have opened its breaker, from any line."""

    def __init__(self) -> None:
        self._newest: dict[str, Failure] = {}  # by the cause of Held

    def took(self, step: Step) -> None:
        """Remember the move's failure if it may have opened a breaker."""
        fact = step.given
        if isinstance(fact, FAILURES) and says_down(fact):
            self._newest["model_down" if isinstance(fact, GenerationFailed) else "discord_down"] = fact

    def behind(self, line: ResponseView) -> Failure | None:
        """The failure for which the line is held; None if it is not held, or no line of this process met a failure."""
        fact = line.last_fact
        return self._newest.get(fact.cause) if isinstance(fact, Held) else None
