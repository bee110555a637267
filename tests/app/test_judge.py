"""The judge of a rehearsal: each thing that can go wrong, doctored into a good scene, is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from actors.adapters.store import ResponseOutcome
from actors.app.rehearsal import judge
from actors.playground import ShownMessage, Voice
from actors.roleplay.model import Line
from machines.response import State


def shown(message_id: int, voice: Voice, author: str, text: str) -> ShownMessage:
    return ShownMessage(
        message_id, 1, voice, author, text, "", "", 0, 9 if voice is Voice.WEBHOOK else None, None, None, (), False,
        False, "2026-01-01T00:00:00Z",
    )  # fmt: skip


def line(*messages: tuple[int, str], by: str = "Robin", response: str | None = None) -> Line:
    return Line(by, messages, response)


def outcome(response: str, name: str, state: State = State.DELIVERED, notice: str | None = None) -> ResponseOutcome:
    return ResponseOutcome(response, name, state, wire_attempts=1, retries=0, notice=notice)


@dataclass(frozen=True)
class Played:
    """What a scene left behind: a question, Ada's line in two parts, Bo's line, and Cy's failure, which was told."""

    shown: tuple[ShownMessage, ...] = (
        shown(1, Voice.USER, "Robin", "!start Ada Bo Cy"),
        shown(2, Voice.BOT, "Ensemble", "🎭 The scene is open."),
        shown(3, Voice.USER, "Robin", "Hello?"),
        shown(4, Voice.USER, "Robin", "((one moment))"),
        shown(5, Voice.WEBHOOK, "Ada", "One half."),
        shown(6, Voice.WEBHOOK, "Ada", "The other half."),
        shown(7, Voice.WEBHOOK, "Bo", "Indeed."),
        shown(
            8, Voice.BOT, "Ensemble", "⚠️ Failed to send response from Cy. Please try again or use `!end` to restart."
        ),
    )
    lines: tuple[Line, ...] = (
        line((3, "Hello?")),
        line((5, "One half."), (6, "The other half."), by="Ada", response="a"),
        line((7, "Indeed."), by="Bo", response="b"),
    )
    outcomes: tuple[ResponseOutcome, ...] = (
        outcome("a", "Ada"),
        outcome("b", "Bo"),
        outcome("c", "Cy", State.FAILED, "sent"),
    )

    def problems(self) -> list[str]:
        return judge(list(self.shown), self.lines, self.outcomes, expected=3)

    def without(self, message_id: int) -> Played:
        return replace(self, shown=tuple(m for m in self.shown if m.id != message_id))

    def with_shown(self, *messages: ShownMessage) -> Played:
        return replace(self, shown=(*self.shown, *messages))


GOOD = Played()


def test_a_good_scene_has_no_problem() -> None:
    assert GOOD.problems() == []


def test_a_line_as_an_embed_counts_as_what_it_says() -> None:
    embed = replace(shown(7, Voice.BOT, "Ensemble", ""), title="💬 Bo", description="Indeed.", embeds=1)
    assert GOOD.without(7).with_shown(embed).problems() == []


@pytest.mark.parametrize(
    ("doctor", "problem"),
    [
        (lambda p: p.with_shown(shown(9, Voice.WEBHOOK, "Bo", "Indeed.")), "doubled: Bo: 'Indeed.'"),
        (lambda p: p.with_shown(shown(9, Voice.WEBHOOK, "Cy", "Late.")), "seen uncommitted: Cy: 'Late.'"),
        (lambda p: p.with_shown(shown(9, Voice.USER, "Sam", "Me too.")), "seen uncommitted: Sam: 'Me too.'"),
        (lambda p: p.without(7), "committed unseen: Bo: 'Indeed.'"),
        (lambda p: p.without(6), "committed unseen: Ada: 'The other half.'"),
        (lambda p: p.without(3), "committed unseen: Robin: 'Hello?'"),
        (
            lambda p: replace(p, outcomes=(p.outcomes[1], p.outcomes[0], p.outcomes[2])),
            "out of order: the history's order is not the order in which the characters spoke",
        ),
        (
            lambda p: replace(p, lines=(p.lines[1], p.lines[2], p.lines[0])),
            "out of order: the history's order is not the channel's",
        ),
        (lambda p: replace(p, outcomes=p.outcomes[1:]), "lost: 3 lines were due, 2 ended"),
        (
            lambda p: replace(p, outcomes=(*p.outcomes[:2], outcome("c", "Cy", State.RETRYING))),
            "lost: 3 lines were due, 2 ended",
        ),
        (
            lambda p: replace(p, outcomes=(*p.outcomes[:2], outcome("c", "Cy"))),
            "lost: 3 lines were delivered, the history has 2",
        ),
        (lambda p: p.without(8), "failed without notice: Cy failed 1 times, 0 notices are shown"),
        (
            lambda p: p.with_shown(replace(p.shown[-1], id=9)),
            "failed without notice: Cy failed 1 times, 2 notices are shown",
        ),
        (
            lambda p: replace(p, outcomes=(*p.outcomes[:2], outcome("c", "Cy", State.FAILED, "waiting"))),
            "failed without notice: Cy failed 1 times, 1 notices are shown",
        ),
        (
            lambda p: replace(p, outcomes=(p.outcomes[0], outcome("b", "Bo", State.FAILED, "sent"), p.outcomes[2])),
            "failed without notice: Bo failed 1 times, 0 notices are shown",
        ),
    ],
)
def test_what_went_wrong_is_named(doctor: Callable[[Played], Played], problem: str) -> None:
    assert problem in doctor(GOOD).problems()
