"""Formats `/debug` answers as Discord Markdown, without the text of messages or exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actors.app.recording_text import mending
from actors.app.recordings import Recording
from actors.observation import LinesInState, SessionView, Standing
from actors.observation.lore_words import lore_rows
from actors.ports import BreakerMoved, ConnectionMoved, trace
from actors.roleplay.escapes import (
    CODE_CHARACTERS_MAX,
    ERROR_CHARACTERS_MAX,
    code,
    plain,
    plain_name,
    plain_names,
    with_code,
)
from machines.breaker import CLOSED, OPEN
from machines.diagrams.path import Path
from machines.facts import Generated, GenerationFailed
from machines.response import FINAL, GENERATING, MACHINE, SENDING

TEXT_MAX: Final = 2000
"""Maximum characters of one message (Discord's reference, "Create Message")."""

PATH_MAX: Final = 1024
"""Maximum characters of an attachment's description (Discord's reference, "Attachment Object")."""

ID_MAX: Final = 40
"""Characters of the requested id that an answer repeats; our ids have 13."""

LORE_ROWS_MAX: Final = 6
"""Entries of lore that fired, and as many that were missed, in an answer."""

LORE_ROW_CHARACTERS_MAX: Final = 200

NONE_HERE: Final = "No character has begun to speak in this channel yet."
NO_SESSION: Final = "There has never been a scene in this channel."
NOT_OURS: Final = "This message has nothing to do with the bot: no character wrote it, and it started no turn."
OURS_UNKNOWN: Final = (
    "The bot wrote this message, but it belongs to no confirmed line: its delivery is still in doubt, "
    "or it is a second copy that will be deleted."
)
ANSWER: Final = "This message is an answer to a command. It belongs to no response."

WRITTEN: Final = (Generated.__name__, GenerationFailed.__name__)
SENT: Final = tuple(kind.__name__ for kind in trace.SENT)


@dataclass(frozen=True, slots=True)
class Traced:
    """One response: its recording, its place in its turn, and the model that wrote it (None: unknown)."""

    recording: Recording
    standing: Standing
    writer: str | None


def unknown(asked: str) -> str:
    """Return the same words for an id that never existed and one of another channel, to reveal nothing."""
    return f"There is no response {code(asked[:ID_MAX])} here."


def of_response(traced: Traced) -> str:
    """Describe a response: state, tries, why and until when it waits, the last error, its author."""
    recording, standing = traced.recording, traced.standing
    rows = [
        f"{name(recording)} · response {code(recording.id)} · {_place(standing)}",
        f"{_state(recording)}; {tries(recording.way())}",
        _waits(recording),
        f"Last error: {plain(recording.last_error, ERROR_CHARACTERS_MAX)}." if recording.last_error else "",
        *map(with_code, mending(recording)),
        _written(traced),
        *map(plain_row, lore_rows(recording.lore, LORE_ROWS_MAX)),
        f"It is a redelivery of {code(standing.replaces)}." if standing.replaces else "",
    ]
    return "\n".join(filter(None, rows))


def set_off(standing: Standing, begun: int) -> str:
    """Say how many of a turn's speakers have begun."""
    left = standing.speakers - begun
    return f"This message started turn {standing.turn}: {standing.speakers} to speak, {left or 'none'} still to begin."


def of_several(traced: Sequence[Traced]) -> list[str]:
    """Return one row per response."""
    return [
        f"{name(each.recording)} {code(each.recording.id)}: {_state(each.recording)}"
        + (f". {waits}" if (waits := _waits(each.recording)) else "")
        for each in traced
    ]


def of_session(seen: SessionView, on_its_way: Traced | None) -> str:
    """Describe a session: its state, the line on its way, the next speakers, and waiting messages."""
    cast = plain_names(seen.cast)
    rows = [
        f"Session {code(seen.session_id)} · **{seen.state}** · opened {_ago(seen.opened_at)}",
        f"Cast: {cast}. Lines in the history: {seen.history_length}. Messages waiting for a turn: {seen.waiting}.",
        "" if on_its_way is None else f"On its way: {of_several([on_its_way])[0]}",
        f"Next speakers: {plain_names(seen.next_speakers)}." if seen.next_speakers else "",
    ]
    return "\n".join(filter(None, rows))


def of_fleet(
    states: Sequence[LinesInState], breakers: Sequence[BreakerMoved], connections: Sequence[ConnectionMoved]
) -> str:
    """Say how many responses are in each state, which breakers are not closed, and how each shard is connected."""
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


def plain_row(row: str) -> str:
    """A row with names of a lorebook, which are a stranger's."""
    return plain(row, LORE_ROW_CHARACTERS_MAX)


def way(whose: str, path: Path) -> str:
    """Describe a path, for people who cannot see its picture; if it is too long, only its end."""
    states = [source for source, _, _ in path.moves[:1]] + [dest for _, dest, _ in path.moves]
    told = " → ".join("start" if state == MACHINE.initial else state for state in states)
    head = f"Path of {whose}: "
    room = PATH_MAX - len(head)
    return head + (told if len(told) <= room else "… " + told[-(room - 2) :])


def tries(path: Path) -> str:
    """Say how often the model was asked, and how often a message was sent on the wire."""
    facts = [(source, fact) for source, _, fact in path.moves]
    asked = sum(fact in WRITTEN for _, fact in facts) + (path.state == GENERATING)
    sent = sum(source == SENDING and fact in SENT for source, fact in facts) + (path.state == SENDING)
    return f"asked the model {_times(asked)}, sent {_times(sent)}"


def name(recording: Recording) -> str:
    return f"**{plain_name(recording.name)}**"


def fitted(rows: Sequence[str]) -> str:
    """Join as many whole rows as fit into one message."""
    text = ""
    for row in rows:
        if len(text) + len(row) + 3 > TEXT_MAX:
            return f"{text}\n…"
        text = f"{text}\n{row}" if text else row
    return text


def _place(standing: Standing) -> str:
    if not standing.turn:
        return "no turn"
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
    return f"Why it waits: {plain(recording.waits, ERROR_CHARACTERS_MAX)}{goes_on}."


def _written(traced: Traced) -> str:
    if not traced.recording.parts:
        return ""
    if traced.writer is None:
        return "Its author is unknown: it was written before this process started."
    return f"Written by {code(traced.writer)}."


def _count(each: LinesInState) -> str:
    oldest = "" if each.oldest_at is None else f" (oldest began {_ago(each.oldest_at)})"
    return f"{each.state} {each.count}{oldest}"


def _breaker(each: BreakerMoved) -> str:
    until = f", next try {_clock(each.until)}" if each.dest == OPEN else ""
    return f"{plain(each.dependency, CODE_CHARACTERS_MAX)} **{each.dest}** {_ago(each.at)}{until}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _ago(at: float) -> str:
    """A relative time that the reader's Discord formats and updates (Discord's reference, "Timestamp Styles")."""
    return f"<t:{at:.0f}:R>"


def _clock(at: float) -> str:
    return f"<t:{at:.0f}:T>"
