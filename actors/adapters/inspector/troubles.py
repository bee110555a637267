"""Why a breaker is open, as far as lines tell it: a line that is held has asked nobody, and knows nothing itself."""

from __future__ import annotations

from actors.adapters.inspector.life import FAILURES, Life, Step
from actors.adapters.inspector.reasons import Failure, says_down
from machines.facts import GenerationFailed, Held


class Troubles:
    """The newest failure of each dependency that may have opened its breaker, whosever line met it."""

    def __init__(self) -> None:
        self._newest: dict[str, Failure] = {}  # by the cause of Held

    def took(self, step: Step) -> None:
        """Remember what this move tells of a dependency."""
        fact = step.given
        if isinstance(fact, FAILURES) and says_down(fact):
            self._newest["model_down" if isinstance(fact, GenerationFailed) else "discord_down"] = fact

    def behind(self, life: Life) -> Failure | None:
        """What holds it back; None where nothing does, or no line of this process has met it."""
        fact = life.last_fact
        return self._newest.get(fact.cause) if isinstance(fact, Held) else None
