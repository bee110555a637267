"""The `Debugger` port: answers from the journal and the running process, only about the place of the question.

Failure modes: each answer raises what the store raises; the caller logs it. Pictures are drawn one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.app.debugging import words
from actors.app.debugging.pictures import Pictures
from actors.app.debugging.process_facts import ProcessFacts
from actors.app.debugging.words import Traced
from actors.app.recordings import recorded_as
from actors.observation import AskedIn, Debugged, Explained, HeardMessage, LineMessage, OutboxMessage, Suggested
from actors.roleplay.escapes import code
from actors.roleplay.model import ResponseId
from machines.response import MACHINE

SUGGESTED_MAX: Final = 25
"""Maximum choices in one autocompletion (Discord's reference, "Autocomplete")."""


class Answers:
    """Looks up answers; reveals nothing about other channels."""

    def __init__(self, journal: Debugged, seen: ProcessFacts) -> None:
        self._journal = journal
        self._seen = seen
        self._pictures = Pictures()

    async def about_response(self, asked_in: AskedIn, response_id: ResponseId | None) -> Explained:
        if response_id is None:
            newest = await self._journal.newest_responses(asked_in.channel_id, limit=1)
            if not newest:
                return Explained(words.NONE_HERE)
            response_id = newest[0]
        traced = await self._traced(response_id)
        if traced is None or not await asked_in.includes(traced.standing.channel_id):
            return Explained(words.unknown(response_id))
        return await self._told(traced, words.of_response(traced))

    async def about_session(self, asked_in: AskedIn) -> Explained:
        seen = await self._journal.seen_session(asked_in.channel_id)
        if seen is None:
            return Explained(words.NO_SESSION)
        on_its_way = None if seen.on_its_way is None else await self._traced(seen.on_its_way)
        picture = await self._pictures.session(seen.state)
        return Explained(
            words.of_session(seen, on_its_way), picture, f"The session's machine; its state is {seen.state}"
        )

    async def about_fleet(self) -> Explained:
        states = await self._journal.lines_by_state()
        held = {each.state: each.count for each in states}
        counted = ", ".join(f"{held.get(state, 0)} {state}" for state in MACHINE.states)
        return Explained(
            words.of_fleet(states, self._seen.breakers, self._seen.connections),
            await self._pictures.states(held),
            f"The response's machine; responses in each state: {counted}",
        )

    async def about_message(self, asked_in: AskedIn, message_id: int, *, is_ours: bool) -> Explained:
        match await self._journal.known_as(asked_in.channel_id, message_id):
            case LineMessage(response_id, part, parts):
                which = f"Part {part} of {parts} of a line" if parts > 1 else "A line"
                return await self._about(response_id, f"{which} that a character spoke.")
            case OutboxMessage(response_id=None):
                return Explained(words.ANSWER)
            case OutboxMessage(response_id=str(response_id)):
                return await self._about(response_id, "A notice about this response:")
            case HeardMessage() as heard:
                return await self._about_heard(heard)
            case _:
                return Explained(words.OURS_UNKNOWN if is_ours else words.NOT_OURS)

    async def suggest(self, asked_in: AskedIn, begins: str) -> tuple[Suggested, ...]:
        found = await self._journal.newest_responses(asked_in.channel_id, limit=SUGGESTED_MAX)
        wanted = [response_id for response_id in found if response_id.startswith(begins.strip())]
        recorded = [await self._journal.recorded(response_id) for response_id in wanted]
        return tuple(
            Suggested(each.response_id, f"{each.response_id} · {each.name} · {each.moves[-1][1]}")
            for each in recorded
            if each is not None and each.moves
        )

    async def _about(self, response_id: ResponseId, head: str) -> Explained:
        """Describe a response of the channel in which the question is asked."""
        traced = await self._traced(response_id)
        if traced is None:
            return Explained(words.unknown(response_id))
        answers = f"It answers message {code(str(traced.standing.trigger_id))}."
        return await self._told(traced, f"{head}\n{words.of_response(traced)}\n{answers}")

    async def _about_heard(self, heard: HeardMessage) -> Explained:
        traced = [each for response_id in heard.responses if (each := await self._traced(response_id))]
        if not traced:
            return Explained(_why_nothing(heard))
        begun = {each.standing.speaker for each in traced}
        rows = [words.set_off(traced[-1].standing, len(begun)), *words.of_several(traced)]
        if len(traced) == 1:
            return await self._told(traced[0], words.fitted(rows))
        paths = [each.recording.way() for each in traced]
        described = "; ".join(words.way(each.recording.name, each.recording.way()) for each in traced)
        return Explained(words.fitted(rows), await self._pictures.paths(paths), described[: words.PATH_MAX])

    async def _told(self, traced: Traced, text: str) -> Explained:
        path = traced.recording.way()
        return Explained(text, await self._pictures.path(path), words.way(traced.recording.name, path))

    async def _traced(self, response_id: ResponseId) -> Traced | None:
        standing = await self._journal.standing(response_id)
        recorded = None if standing is None else await self._journal.recorded(response_id)
        if standing is None or recorded is None:
            return None
        writer = self._writer((response_id, *((standing.replaces,) if standing.replaces else ())))
        return Traced(recorded_as(recorded, await self._journal.exchanges(response_id)), standing, writer)

    def _writer(self, response_ids: Sequence[ResponseId]) -> str | None:
        """The model that wrote the line, or the line that it redelivers."""
        return next((writer for each in response_ids if (writer := self._seen.writer(each))), None)


def _why_nothing(heard: HeardMessage) -> str:
    if heard.is_deleted:
        return "This message was deleted, or edited so that it left the scene, before it was answered."
    if not heard.starts_turn:
        return "This message is in the history, but started no turn: the scene was paused."
    if not heard.has_turn:
        return "This message waits for its turn: it is answered with all that waits then."
    return "This message has a turn, but no character has begun to speak yet."
