"""Checks what can only be checked while it happens: each request on the wire, each prompt, each queue.

It observes the ports from outside: the requests that left a process, and the store operations that were done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from sqlalchemy.exc import OperationalError

from actors.adapters.store.engine.errors import CommitFailed
from actors.gateway import CHANNEL_EVENTS_MAX, Gateway
from actors.ports import (
    Accepted,
    GatewayEvent,
    Moved,
    NextMessages,
    Noted,
    Posted,
    PostedElsewhere,
    Refused,
    ResponseRecord,
    SendOutcome,
    Sink,
    TraceEvent,
    Work,
)
from actors.roleplay.model import Outbound, OutboundKind, Prompt, Reading, SessionRecord, Turn, nonce_of
from actors.roleplay.plan import TRIMMED_SHARE
from actors.simulation.discord import Discord
from actors.simulation.expected import drawn_by, shows
from actors.simulation.hearing import Hearing
from machines.facts import BLOCKED, RATE_LIMIT, GenerationFailed, Held, NotInChannel, SendRefused
from machines.response import GENERATING, Limits, Move, Response, State
from machines.session import PAUSED
from machines.waits import WAITED_OUT_S

BROKEN_MAX: Final = 50

OF_THE_STORE: Final = (CommitFailed, OperationalError)
"""Errors of the simulated database. Every other crash that the supervisor catches is our bug."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that did not hold."""

    invariant: str
    words: str
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class OnWire:
    """One request that left a process, or its answer; `outcome` is empty for a request."""

    at: float
    nonce: str
    kind: str
    fault: str
    outcome: str = ""


@dataclass(slots=True)
class Lines:
    """A session's committed lines, kept apart from the store: message id ─► text, and ─► its line's first id."""

    texts: dict[int, str] = field(default_factory=dict)
    first_ids: dict[int, int] = field(default_factory=dict)
    turns: dict[int, str] = field(default_factory=dict)
    """First id of a character's line ─► its turn."""

    def is_read(self, message_id: int, reading: Reading | None) -> bool:
        first_id = self.first_ids[message_id]
        if reading is None or first_id <= reading.cause_id:
            return True
        return first_id in self.turns and self.turns[first_id] <= reading.turn_id


class Watch:
    """Checks one world while it runs; `broken` has the violations."""

    def __init__(self, discord: Discord, limits: Limits, context_tokens: int, now: Callable[[], float]) -> None:
        self._discord = discord
        self._limits = limits
        self._context_tokens = context_tokens
        self._now = now
        self._lines: dict[str, Lines] = {}
        self._committed: set[int] = set()
        self._amended: dict[int, str | None] = {}
        self._read: dict[str, list[tuple[float, tuple[str, ...]]]] = {}
        self._in_doubt: dict[str, float] = {}
        self._tries: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()  # by response
        self._too_large: Counter[str] = Counter()  # by response: how often its next prompt must be trimmed
        self._newest: dict[tuple[str, str, str], str] = {}  # the response that a prompt of this seed is for
        self._unfinished: dict[str, set[str]] = {}  # responses, by session
        self._channels: dict[str, int] = {}  # by session
        self._readings: dict[str, Reading | None] = {}  # what a response may read
        self._generating_since: dict[str, float] = {}  # by response
        self._waiting: dict[str, set[int]] = {}  # messages without a turn, by session
        self._offered: dict[str, NextMessages | None] = {}  # what was given to its actor as waiting, by session
        self._records: dict[str, SessionRecord] = {}
        self._withdrawn: dict[int, str] = {}  # of those, messages edited out of the play ─► session
        self._paused: set[str] = set()
        self.hearing = Hearing(discord, now, limits.settle_s)
        self.ended: dict[str, str] = {}  # response ─► state
        self.refused_for_good: dict[str, str] = {}  # nonce ─► why, the last time
        self.on_wire: list[OnWire] = []
        self._closed: dict[str, float] = {}  # names that 429s closed for the living process, and until when
        self.broken: list[Broken] = []
        self.crashes = 0  # crashes that no fault explains
        self.deaths: list[float] = []

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(self.ended.values())

    def break_(self, invariant: str, words: str, response_id: str | None = None) -> None:
        if len(self.broken) < BROKEN_MAX:
            self.broken.append(Broken(invariant, words, response_id))

    # ── the Trace port ──────────────────────────────────────────────────────────────────────────────

    def publish(self, event: TraceEvent) -> None:
        if isinstance(event, Noted) and event.error is not None and not _is_of_the_store(event.error):
            self.crashes += 1
            self.break_("no crash", f"{event.words} {type(event.error).__name__}: {event.error}", event.response_id)
        if isinstance(event, Moved) and event.move.at > self._now():
            self.break_("time", f"a move is dated {event.move.at}, later than now", event.context.response_id)
        if isinstance(event, Moved) and event.move.dest is State.GENERATING:
            self._generating_since[event.move.response_id] = self._now()

    # ── the wire ────────────────────────────────────────────────────────────────────────────────────

    def post_left(self, outbound: Outbound, fault: str | None) -> None:
        """A POST of ours leaves a process."""
        self.on_wire.append(OnWire(self._now(), outbound.nonce, str(outbound.kind), fault or ""))
        if outbound.kind is OutboundKind.TEXT:
            return  # the outbox has no limit of attempts, and relies on its nonce
        response_id = outbound.nonce.partition(".")[0]
        self._tries[outbound.nonce] += 1
        if self._tries[outbound.nonce] > self._limits.send_attempts:
            self.break_("attempts", f"{outbound.nonce} was sent more often than allowed", response_id)
        since = self._in_doubt.get(outbound.nonce)
        if since is not None and self._discord.channels[outbound.channel_id].read_at < since:
            self.break_("read before resend", f"{outbound.nonce} was sent again without a read-back", response_id)
        self._in_doubt[outbound.nonce] = self._now()

    def limit_heard(self, name: str, until: float) -> None:
        """The process received a 429: it may send no more requests on what this closes."""
        self._closed[name] = max(until, self._closed.get(name, 0.0))

    def request_left(self, names: Iterable[str]) -> None:
        """A request leaves the living process."""
        for name in names:
            left_s = self._closed.get(name, 0.0) - self._now()
            if left_s > 0:
                self.break_("closed bucket", f"a request was sent on {name}, closed for another {left_s:.1f} s")

    def process_began(self) -> None:
        """A new process began: it does not know the 429s that others received."""
        self._closed.clear()

    def post_answered(self, outbound: Outbound, outcome: SendOutcome) -> None:
        """The living sender received the answer to a POST."""
        words = getattr(outcome, "reason", None) or getattr(outcome, "cause", None) or type(outcome).__name__.lower()
        self.on_wire.append(OnWire(self._now(), outbound.nonce, "answer", "", str(words)))
        if isinstance(outcome, Refused) and outcome.final:
            self.refused_for_good[outbound.nonce] = outcome.reason
        if isinstance(outcome, Refused) and outcome.reason == RATE_LIMIT and outcome.retry_after_s > WAITED_OUT_S:
            self._tries[outbound.nonce] -= 1  # it is held: the attempt is given back
        if isinstance(outcome, Posted | PostedElsewhere | Refused):
            self._in_doubt.pop(outbound.nonce, None)

    def reply_refused(self, interaction_id: int, reason: str) -> None:
        """The living sender received the final refusal of an answer to an interaction."""
        self.refused_for_good[f"answer:{interaction_id}"] = reason

    def has_read(self, channel_id: int, *, messages: int, pages: int) -> None:
        """A channel was read to its end, or the read was given up: all pages but the last two must be full and new."""
        if pages > messages // self._discord.page_max + 2:
            self.break_("reads end", f"{pages} pages were asked for in channel {channel_id} to see {messages} messages")

    # ── prompts ─────────────────────────────────────────────────────────────────────────────────────

    def asked(self, prompt: Prompt) -> None:
        """A request goes to a model: it must contain the committed lines, in their order, and no others."""
        session_id, trigger_id, _ = prompt.seed.split("/")
        response_id = self._newest[(session_id, trigger_id, prompt.character)]
        self._asked[response_id] += 1
        if self.hearing.is_behind(self._channels[session_id], since=self._generating_since[response_id]):
            self.break_("caught up", f"a prompt of session {session_id} came before its channel was read", response_id)
        if self._asked[response_id] > self._limits.generate_attempts:
            self.break_("attempts", f"{response_id} was asked for more often than allowed", response_id)
        share = TRIMMED_SHARE ** self._too_large[response_id]
        readings = [texts for at, texts in self._read.get(session_id, ()) if at == self._now()]
        if not any(shows(prompt, texts, tokens_max=int(self._context_tokens * share)) for texts in readings):
            self.break_("prompt", f"a prompt of session {session_id} does not show what was committed", response_id)

    # ── the store ───────────────────────────────────────────────────────────────────────────────────

    def carried_out(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:  # noqa: ANN401 - any arguments and result of an operation
        """A store operation is durable, even if the process dies before it gets the answer."""
        match name:
            case "accept" if isinstance(result, Accepted) and result.is_new:
                self._accepted(result, args[0].id)
                self._commit(result.session_id, ((args[0].id, args[0].text),))
                if self._amended.get(args[0].id) is not None:  # by an edit that arrived before the message
                    self._amended[args[0].id] = args[0].text
            case "open_sessions":
                self.hearing.is_to_read(each.channel_id for each in result)
            case "claim":
                self._channels[args[0]], self._records[args[0]] = result[1].channel_id, result[1]
                self._offer(args[0], result[2])
            case "next_work":
                self._offer(args[0].session_id, result)
            case "move_session" if args[1].state == PAUSED:
                self._paused.add(args[0])
            case "resume_session":
                self._paused.discard(args[0])
            case "take_turn":
                self._take_turn(args[1])
                self._offer(args[0].session_id, result)
            case "start":
                self._started(args[1])
            case "record":
                response: Response = args[1]
                if isinstance(args[2].fact, NotInChannel):
                    self._called_absent(response, args[2], self._channels[args[0].session_id])
                if response.is_final:
                    self.ended[response.id] = response.state
                    self._unfinished[args[0].session_id].discard(response.id)
                if isinstance(args[2].fact, GenerationFailed) and args[2].fact.reason == "too_large":
                    self._too_large[response.id] += 1
                if isinstance(args[2].fact, Held) and args[2].source == GENERATING and args[2].fact.status is not None:
                    self._asked[response.id] -= 1  # the account's limit: the attempt is given back
                if isinstance(args[2].fact, SendRefused) and args[2].fact.reason == BLOCKED:
                    self._asked[response.id] = 0  # another text is requested, with its own attempts
                if args[3].line_by is not None:
                    self._commit(args[0].session_id, response.shown, self._readings[response.id])
            case "amend":
                self._amend(args[1], kwargs["text"])
            case "known_messages":
                self.hearing.begins_to_look(args[0])
            case "handled_messages":
                self.hearing.looked(args[0], kwargs["after"])
            case "amend_all":
                for one in args[1]:
                    self._amend(one.message_id, one.text)
            case "entries" | "recent_entries":
                readings = self._read.setdefault(args[0], [])
                if readings and readings[-1][0] != self._now():
                    readings.clear()
                readings.append((self._now(), self._texts(args[0], self._reading(args[0]))))

    def _called_absent(self, response: Response, move: Move, channel_id: int) -> None:
        """A part is declared absent: this process must not have received its message in its channel."""
        nonce = nonce_of(response.id, response.dropped_parts + move.part)
        if self.hearing.was_shown(nonce, channel_id, before=move.at):
            self.break_("shown is found", f"{nonce} was declared absent, although the gateway had sent it", response.id)

    def _started(self, record: ResponseRecord) -> None:
        """A new response: it must be the only unfinished one of its session; prompts with its seed belong to it."""
        if record.session_id in self._paused:
            self.break_("pause", f"{record.response.id} began while its session was paused", record.response.id)
        unfinished = self._unfinished.setdefault(record.session_id, set())
        if unfinished:
            words = f"{record.response.id} began while {', '.join(unfinished)} was unfinished"
            self.break_("one at a time", words, record.response.id)
        unfinished.add(record.response.id)
        may_read = None if record.turn_id is None else Reading(record.trigger_id, record.turn_id)
        self._readings[record.response.id] = may_read
        self._newest[(record.session_id, str(record.trigger_id), record.character.name)] = record.response.id

    def _accepted(self, accepted: Accepted, message_id: int) -> None:
        """A message waits for its turn, unless its session is paused."""
        waiting = self._waiting.setdefault(accepted.session_id, set())
        if not accepted.is_paused:
            waiting.add(message_id)

    def _offer(self, session_id: str, work: Work) -> None:
        self._offered[session_id] = work if isinstance(work, NextMessages) else None

    def _take_turn(self, turn: Turn) -> None:
        """A turn answers all that waits up to its cause, by those whom its messages and its seed give."""
        session_id, cause_id, offered = turn.session_id, turn.cause_id, self._offered.get(turn.session_id)
        if cause_id not in self._waiting[session_id]:
            self.break_("one turn", f"message {cause_id} has a turn, although it was removed from the play")
        gathered = () if offered is None else offered.messages
        if any(each.message_id in self._waiting[session_id] and each.message_id > cause_id for each in gathered):
            self.break_("one turn", f"a turn of session {session_id} answers {cause_id}, and not all that waited")
        if offered is not None and turn.speakers != drawn_by(self._records[session_id], offered, cause_id):
            self.break_("one draw", f"the speakers of turn {turn.id} do not follow from its messages and its seed")
        self._waiting[session_id] = {each for each in self._waiting[session_id] if each > cause_id}

    def _amend(self, message_id: int, text: str | None) -> None:
        """A deletion is permanent; an amendment that arrives before its line is kept for it."""
        self.hearing.learnt(message_id)
        self._wait_or_not(message_id, text)
        if self._amended.get(message_id, "") is not None:
            self._amended[message_id] = text

    def _wait_or_not(self, message_id: int, text: str | None) -> None:
        """A message that is edited out of the play does not wait for a turn until it is edited back into it."""
        session_id = self._withdrawn.pop(message_id, None)
        if session_id is not None:
            self._waiting[session_id].add(message_id)
        for of_session, waiting in self._waiting.items():
            if not text and message_id in waiting:
                waiting.remove(message_id)
                if text is not None:
                    self._withdrawn[message_id] = of_session

    def is_committed(self, message_id: int) -> bool:
        return message_id in self._committed

    def _commit(self, session_id: str, messages: tuple[tuple[int, str], ...], by: Reading | None = None) -> None:
        lines = self._lines.setdefault(session_id, Lines())
        if by is not None:
            lines.turns[messages[0][0]] = by.turn_id
        for message_id, text in messages:
            if message_id in self._committed:
                self.break_("one commit", f"message {message_id} was committed twice")
            self._committed.add(message_id)
            self.hearing.learnt(message_id)
            lines.texts[message_id] = text
            lines.first_ids[message_id] = messages[0][0]

    def _reading(self, session_id: str) -> Reading | None:
        """What the response of a session that is on its way may read."""
        return next((self._readings[each] for each in self._unfinished.get(session_id, ())), None)

    def _texts(self, session_id: str, reading: Reading | None = None) -> tuple[str, ...]:
        """A session's lines as they are now, oldest first; with `reading`, those that a response of a turn reads."""
        lines = self._lines.get(session_id, Lines())
        shown = {message_id: self._amended.get(message_id, text) for message_id, text in lines.texts.items()}
        left = sorted(message_id for message_id, text in shown.items() if text and lines.is_read(message_id, reading))
        starts: dict[int, int] = {}  # first id of the line ─► its first message that is left
        for message_id in left:
            starts.setdefault(lines.first_ids[message_id], message_id)
        left.sort(key=lambda message_id: (starts[lines.first_ids[message_id]], message_id))
        said = groupby(left, key=lambda message_id: lines.first_ids[message_id])
        return tuple("\n".join(shown[message_id] or "" for message_id in line) for _, line in said)

    # ── queues ──────────────────────────────────────────────────────────────────────────────────────

    def sink(self, gateway: Gateway, between: Callable[[Sink], Sink]) -> Sink:
        """The gateway's `offer`, with a check of its mailboxes at each event. `between` wraps it as the build asks."""
        self.hearing.listens(gateway)
        taken = between(gateway.offer)

        def offer(event: GatewayEvent) -> None:
            if not gateway._is_over:
                self.hearing.told(event)
            taken(event)
            longest = max(map(len, gateway._mailboxes.values()), default=0)
            if longest > CHANNEL_EVENTS_MAX + 2:
                self.break_("bounds", f"a mailbox holds {longest} events")

        return offer


def _is_of_the_store(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(OF_THE_STORE)[1] is None
    return isinstance(error, OF_THE_STORE)
