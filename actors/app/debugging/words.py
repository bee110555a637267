"""Answers in words, as Discord's Markdown; nobody's text is in them, and no error's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actors.app.recordings import Recording
from actors.app.telling import mending
from actors.ports import BreakerMoved, ConnectionMoved, LinesInState, SeenSession, Standing, trace
from machines.breaker import CLOSED, OPEN
from machines.facts import Generated, GenerationFailed
from machines.path import Path
from machines.response import FINAL, GENERATING, MACHINE, SENDING

TEXT_MAX: Final = 2000
"""Characters of one message (Discord's reference, "Create Message")."""

PATH_MAX: Final = 1024
"""Characters of an attachment's description (Discord's reference, "Attachment Object")."""

ID_MAX: Final = 40
"""Characters of an asked id that an answer repeats; ours have 13."""

NONE_HERE: Final = "No character has begun to speak in this channel yet."
NO_SESSION: Final = "There has never been a scene in this channel."
NOT_OURS: Final = "This message is not one of ours: no character spoke it, and nothing was set off by it."
OURS_UNKNOWN: Final = (
    "This message is one of ours, but of no confirmed line: a delivery that is in doubt at this moment, "
    "or a second copy that is taken away again."
)
ANSWER: Final = "This message is an answer to a command: no response has to do with it."

WRITTEN: Final = (Generated.__name__, GenerationFailed.__name__)
SENT: Final = tuple(kind.__name__ for kind in trace.SENT)
SIGNS: Final = re.compile(r"([\\*_~`|>#\[\]()<@:])")


@dataclass(frozen=True, slots=True)
class Traced:
    """One response as it is told: what is recorded, where it stands, and who wrote it (None: not known any more)."""

    recording: Recording
    standing: Standing
    writer: str | None


def unknown(asked: str) -> str:
    """The same words for what there never was and for what belongs elsewhere."""
    return f"There is no response {code(asked[:ID_MAX])} here."


def of_response(traced: Traced) -> str:
    """State, tries, why it waits and until when, the last error, who wrote it."""
    recording, standing = traced.recording, traced.standing
    rows = [
        f"{name(recording)} · response {code(recording.id)} · {_place(standing)}",
        f"{_state(recording)}; {tries(recording.way())}",
        _waits(recording),
        f"Last error: {plain(recording.last_error)}." if recording.last_error else "",
        *map(_with_code, mending(recording)),
        _written(traced),
        f"It delivers {code(standing.replaces)} again." if standing.replaces else "",
    ]
    return "\n".join(filter(None, rows))


def set_off(standing: Standing, begun: int) -> str:
    """How many of a turn's speakers have begun."""
    left = standing.speakers - begun
    return f"This message set off turn {standing.turn}: {standing.speakers} to speak, {left or 'none'} still to begin."


def of_several(traced: Sequence[Traced]) -> list[str]:
    """A row for each response."""
    return [
        f"{name(each.recording)} {code(each.recording.id)}: {_state(each.recording)}"
        + (f". {waits}" if (waits := _waits(each.recording)) else "")
        for each in traced
    ]


def of_session(seen: SeenSession, on_its_way: Traced | None) -> str:
    """Its state, who is on the way and who comes next, and what waits."""
    cast = ", ".join(map(plain, seen.cast))
    rows = [
        f"Session {code(seen.session_id)} · **{seen.state}** · opened {_ago(seen.opened_at)}",
        f"Cast: {cast}. Lines in the history: {seen.history_length}. Messages that wait for a turn: {seen.waiting}.",
        "" if on_its_way is None else f"On its way: {of_several([on_its_way])[0]}",
        f"Then speak: {', '.join(map(plain, seen.next_speakers))}." if seen.next_speakers else "",
    ]
    return "\n".join(filter(None, rows))


def of_fleet(
    states: Sequence[LinesInState], breakers: Sequence[BreakerMoved], connections: Sequence[ConnectionMoved]
) -> str:
    """How many responses are in each state, what is left alone, and how each shard is connected."""
    found = {each.state: each for each in states}
    counts = [_count(found[state]) if state in found else f"{state} 0" for state in MACHINE.states]
    shards = [f"shard {each.shard_id} **{each.dest}** {_ago(each.at)}" for each in connections]
    return "\n".join(
        (
            f"**Responses**: {' · '.join(counts)}",
            f"**Breakers**: {' · '.join(_breaker(each) for each in breakers if each.dest != CLOSED) or 'all closed'}",
            f"**Connection**: {' · '.join(shards) or 'none yet'}",
        )
    )


def way(whose: str, path: Path) -> str:
    """A path for those who do not see its picture; of a long one, its end."""
    states = [source for source, _, _ in path.moves[:1]] + [dest for _, dest, _ in path.moves]
    told = " → ".join("start" if state == MACHINE.initial else state for state in states)
    head = f"The way of {whose}: "
    room = PATH_MAX - len(head)
    return head + (told if len(told) <= room else "… " + told[-(room - 2) :])


def tries(path: Path) -> str:
    """How often the model was asked, and how often a message went on the wire."""
    facts = [(source, fact) for source, _, fact in path.moves]
    asked = sum(fact in WRITTEN for _, fact in facts) + (path.state == GENERATING)
    sent = sum(source == SENDING and fact in SENT for source, fact in facts) + (path.state == SENDING)
    return f"asked the model {_times(asked)}, sent {_times(sent)}"


def name(recording: Recording) -> str:
    return f"**{plain(recording.name)}**"


def plain(words: str) -> str:
    """`words` as they are, whatever they would mean to Markdown."""
    return SIGNS.sub(r"\\\1", words.replace("\n", " "))


def code(words: str) -> str:
    """As code: ids and models are copied as they stand."""
    return f"`{words.replace('`', '').strip() or '?'}`"


def fitted(rows: Sequence[str]) -> str:
    """As many whole rows as one message holds."""
    text = ""
    for row in rows:
        if len(text) + len(row) + 3 > TEXT_MAX:
            return f"{text}\n…"
        text = f"{text}\n{row}" if text else row
    return text


def _with_code(words: str) -> str:
    """Our own words, with what stands in backticks as code."""
    return "".join(code(part) if number % 2 else plain(part) for number, part in enumerate(words.split("`")))


def _place(standing: Standing) -> str:
    if not standing.turn:
        return "of no turn"
    return f"turn {standing.turn}, speaker {standing.speaker} of {standing.speakers}"


def _state(recording: Recording) -> str:
    first, last = recording.path[0].at, recording.path[-1].at
    if recording.state in FINAL:
        return f"**{recording.state}** {_ago(last)} after {last - first:.2f} s"
    return f"**{recording.state}** (last move {_ago(last)}), on its way since {_clock(first)}"


def _waits(recording: Recording) -> str:
    if not recording.waits:
        return ""
    goes_on = "" if recording.due_at is None else f"; next try {_clock(recording.due_at)} ({_ago(recording.due_at)})"
    return f"Why it waits: {plain(recording.waits)}{goes_on}."


def _written(traced: Traced) -> str:
    if not traced.recording.parts:
        return ""
    if traced.writer is None:
        return "Who wrote it is not known any more: that was before this process began."
    return f"Written by {code(traced.writer)}."


def _count(each: LinesInState) -> str:
    oldest = "" if each.oldest_at is None else f" (oldest began {_ago(each.oldest_at)})"
    return f"{each.state} {each.count}{oldest}"


def _breaker(each: BreakerMoved) -> str:
    until = f", tried again {_clock(each.until)}" if each.dest == OPEN else ""
    return f"{plain(each.dependency)} **{each.dest}** {_ago(each.at)}{until}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _ago(at: float) -> str:
    """The reader's Discord writes it, and counts on (Discord's reference, "Timestamp Styles")."""
    return f"<t:{at:.0f}:R>"


def _clock(at: float) -> str:
    return f"<t:{at:.0f}:T>"
