"""Any journal, played again, tells the life that the actor's own response had: along random walks of facts."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from actors.observation import Recorded
from actors.observation.json_view import view, whole_view
from actors.observation.response_view import ResponseView
from machines.binding import IllegalMove
from machines.facts import FACTS, Fact, fact_record, revive
from machines.response import Limits, Response, advance

SECRET = "the smuggler's words"
STEPS_MAX = 40

TIMES = st.floats(0, 1e4, allow_nan=False)
TEXTS = st.lists(st.sampled_from([SECRET, f"{SECRET}!"]), min_size=1, max_size=3).map(tuple)
REASONS = st.sampled_from(["rate_limit", "restart", "cancelled", "deadline"])
FIELDS = {
    "at": TIMES,
    "until": TIMES,
    "since": TIMES,
    "retry_after_s": st.floats(0, 60),
    "texts": TEXTS,
    "text": st.just(SECRET),
    "reason": REASONS,
    "cause": REASONS,
    "by": REASONS,
    "model": st.just("large"),
}


def some(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    known = {name: FIELDS[name] for name in kind.__dataclass_fields__ if name in FIELDS}
    return st.builds(kind, **known)


WALKS = st.lists(st.sampled_from(sorted(FACTS)).flatmap(lambda name: some(FACTS[name])), max_size=STEPS_MAX)
LIMITS = st.builds(Limits, send_attempts=st.integers(1, 4), generate_attempts=st.integers(1, 4))


def walked(response: Response, facts: list[Fact]) -> tuple[tuple[str, str, Fact], ...]:
    """The journal of a response that was told `facts`; what the table refuses is no move."""
    moves = []
    for fact in facts:
        try:
            move = advance(response, fact)
        except IllegalMove:
            continue
        moves.append((move.source, move.dest.value, revive(move_name(fact), journalled(fact))))
    return tuple(moves)


def move_name(fact: Fact) -> str:
    return type(fact).__name__


def journalled(fact: Fact) -> dict[str, object]:
    """As it comes back from the database."""
    back: dict[str, object] = json.loads(json.dumps(fact_record(fact)))
    return back


@given(LIMITS, st.sampled_from([(), (SECRET, SECRET)]), WALKS)
def test_any_journal_replayed_through_a_fresh_machine_gives_the_same_states(
    limits: Limits, texts: tuple[str, ...], facts: list[Fact]
) -> None:
    response = Response("r1", limits)
    moves = walked(response, [revive("Started", {"at": 0.0, "texts": texts}), *facts])
    line = ResponseView.of(Recorded("r1", "s1", "Mira", limits, moves))
    assert [(step.source, step.dest) for step in line.path] == [(source, dest) for source, dest, _ in moves]
    blank = replace(response, texts=("",) * len(response.texts), shown=tuple((n, "") for n, _ in response.shown))
    assert line.response == blank
    assert sum(line.counts.values()) == len(moves)
    assert "smuggler" not in json.dumps([view(line), whole_view(line)])
