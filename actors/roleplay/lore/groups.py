"""Inclusion groups: of the entries of a group that would fire in a pass, one does.

one of the group fired in a pass before ─► none     sticky ones ─► they     scoring ─► those with the most keys
override ─► the one with the highest order          else ─► a draw by weight
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actors.roleplay.lore.candidates import Candidate, Chosen
from actors.roleplay.lore.draws import draw

Score = Callable[[Candidate], int]
"""How many of an entry's keys are there."""


def losers(chosen: Sequence[Chosen], taken: frozenset[str], *, seed: str, score: Score) -> dict[Candidate, str]:
    """Return the candidates that a group keeps from firing, each with the group; `taken` are groups that fired."""
    lost: dict[Candidate, str] = {}
    groups = dict.fromkeys(group for each in chosen for group in each.candidate.entry.groups)
    for group in groups:
        members = [each.candidate for each in chosen if group in each.candidate.entry.groups]
        standing = [each for each in members if each not in lost]
        winners = _winners(group, standing, taken, seed=seed, score=score)
        lost |= {each: group for each in standing if each not in winners}
    return lost


def _winners(
    group: str, members: list[Candidate], taken: frozenset[str], *, seed: str, score: Score
) -> Sequence[Candidate]:
    sticky = [each for each in members if each.is_sticky]
    if sticky:
        return sticky
    if group in taken:
        return ()
    best = _best(members, score)
    if len(best) <= 1:
        return best
    overriding = [each for each in best if each.entry.is_override]
    if overriding:
        return (max(overriding, key=lambda each: (each.entry.order, -each.index)),)
    return (_drawn(group, best, seed),)


def _best(members: list[Candidate], score: Score) -> list[Candidate]:
    """Without those that are scored and have fewer keys than the best."""
    if not any(each.entry.is_scored for each in members):
        return members
    scores = {each: score(each) for each in members}
    most = max(scores.values())
    return [each for each in members if not each.entry.is_scored or scores[each] == most]


def _drawn(group: str, members: Sequence[Candidate], seed: str) -> Candidate:
    left = draw(seed, "group", group) * sum(each.entry.weight for each in members)
    for each in members:
        left -= each.entry.weight
        if left < 0:
            return each
    return members[-1]
