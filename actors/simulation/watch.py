"""What can only be judged while it happens: each request on the wire, each prompt, each queue.

It looks at the ports from outside: what left the process, and which store operations were carried out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from actors.gateway import CHANNEL_EVENTS_MAX, Gateway
from actors.ports import Accepted, GatewayEvent, Moved, Noted, Posted, Refused, SendOutcome, TraceEvent
from actors.roleplay.model import Outbound, OutboundKind, Prompt, Purpose
from actors.roleplay.tokens import CUT_MARK
from actors.simulation.discord import Discord
from machines.response import Limits, Response

TOKEN: Final = re.compile(r"#[a-z]\d+")
"""The mark that makes each text of a simulation another one, and lets it be found in a prompt."""

TRIMMED_FROM: Final = 500
"""Characters of history from which the smallest of our budgets, halved after `too_large`, may leave some away."""

BROKEN_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that did not hold."""

    invariant: str
    words: str
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class OnWire:
    """One request that left a process; `outcome` is empty where nobody lived to hear it."""

    at: float
    nonce: str
    kind: str
    fault: str
    outcome: str = ""


@dataclass(slots=True)
class Lines:
    """A session's committed lines, kept beside the store: message id ─► text, and which line it is part of."""

    texts: dict[int, str] = field(default_factory=dict)
    first_ids: dict[int, int] = field(default_factory=dict)


class Watch:
    """Judges one world while it runs; `broken` is what it found."""

    def __init__(self, discord: Discord, limits: Limits, waiting_max: int, now: Callable[[], float]) -> None:
        self._discord = discord
        self._limits = limits
        self._waiting_max = waiting_max
        self._now = now
        self._lines: dict[str, Lines] = {}
        self._committed: set[int] = set()
        self._amended: dict[int, str | None] = {}
        self._read: dict[str, list[tuple[float, tuple[str, ...]]]] = {}
        self._in_doubt: dict[str, float] = {}
        self._tries: Counter[str] = Counter()
        self._asked: Counter[tuple[str, str, str]] = Counter()
        self.ended: dict[str, str] = {}  # response ─► state
        self.refused_for_good: set[str] = set()  # nonces
        self.on_wire: list[OnWire] = []
        self.broken: list[Broken] = []
        self.crashes: list[Noted] = []  # of actors, contained by the supervisor
        self.deaths: list[float] = []

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(self.ended.values())

    def break_(self, invariant: str, words: str, response_id: str | None = None) -> None:
        if len(self.broken) < BROKEN_MAX:
            self.broken.append(Broken(invariant, words, response_id))

    # ── the Trace port ──────────────────────────────────────────────────────────────────────────────

    def publish(self, event: TraceEvent) -> None:
        if isinstance(event, Noted) and event.level == "error" and event.error is not None:
            self.crashes.append(event)
        if isinstance(event, Moved) and event.move.at > self._now():
            self.break_("time", f"a move is dated {event.move.at}, later than now", event.context.response_id)

    # ── the wire ────────────────────────────────────────────────────────────────────────────────────

    def post_left(self, outbound: Outbound, fault: str | None) -> None:
        """A POST of ours leaves a process."""
        self.on_wire.append(OnWire(self._now(), outbound.nonce, str(outbound.kind), fault or ""))
        if outbound.kind is OutboundKind.TEXT:
            return  # the outbox never gives up, and relies on its nonce
        response_id = outbound.nonce.partition(".")[0]
        self._tries[outbound.nonce] += 1
        if self._tries[outbound.nonce] > self._limits.send_attempts:
            self.break_("attempts", f"{outbound.nonce} went on the wire more often than allowed", response_id)
        since = self._in_doubt.get(outbound.nonce)
        if since is not None and self._discord.channels[outbound.channel_id].read_at < since:
            self.break_("read before resend", f"{outbound.nonce} was sent again, and nobody had looked", response_id)
        self._in_doubt[outbound.nonce] = self._now()

    def post_answered(self, outbound: Outbound, outcome: SendOutcome) -> None:
        """Its sender lived to hear the answer."""
        words = getattr(outcome, "reason", None) or getattr(outcome, "cause", None) or type(outcome).__name__.lower()
        self.on_wire.append(OnWire(self._now(), outbound.nonce, "answer", "", str(words)))
        if isinstance(outcome, Refused) and outcome.final:
            self.refused_for_good.add(outbound.nonce)
        if isinstance(outcome, Posted | Refused):
            self._in_doubt.pop(outbound.nonce, None)

    # ── prompts ─────────────────────────────────────────────────────────────────────────────────────

    def asked(self, prompt: Prompt) -> None:
        """A request goes to a model: it must hold the committed lines, in their order, and nothing else."""
        session_id, trigger_id, _ = prompt.seed.split("/")
        key = (session_id, trigger_id, prompt.character)
        self._asked[key] += 1
        if self._asked[key] > self._limits.generate_attempts:
            self.break_("attempts", f"{key} was asked for more often than allowed")
        found = tuple(
            token
            for message in prompt.messages
            if message.purpose is Purpose.HISTORY
            for token in TOKEN.findall(message.content)
        )
        is_cut = any(CUT_MARK in message.content for message in prompt.messages)
        readings = [texts for at, texts in self._read.get(session_id, ()) if at == self._now()]
        if not any(_is_shown_by(found, texts, is_cut=is_cut) for texts in readings):
            self.break_("prompt", f"a prompt of session {session_id} is not what was committed then: {found[-6:]}")

    # ── the store ───────────────────────────────────────────────────────────────────────────────────

    def carried_out(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:  # noqa: ANN401 - whatever an operation takes and gives
        """A store operation is durable, whoever lives to hear it."""
        match name:
            case "accept" if isinstance(result, Accepted) and result.is_new:
                self._commit(result.session_id, ((args[0].id, args[0].text),))
            case "record":
                response: Response = args[1]
                if response.is_final:
                    self.ended[response.id] = response.state
                if kwargs["commit"] is not None:
                    self._commit(args[0].session_id, response.shown)
            case "amend":
                self._amend(args[1], kwargs["text"])
            case "amend_all":
                for one in args[1]:
                    self._amend(one.message_id, one.text)
            case "entries" | "recent_entries":
                readings = self._read.setdefault(args[0], [])
                if readings and readings[-1][0] != self._now():
                    readings.clear()
                readings.append((self._now(), self._texts(args[0])))

    def _amend(self, message_id: int, text: str | None) -> None:
        """Deleted is for good; what comes before its line waits for it."""
        if self._amended.get(message_id, "") is not None:
            self._amended[message_id] = text

    def is_committed(self, message_id: int) -> bool:
        return message_id in self._committed

    def _commit(self, session_id: str, messages: tuple[tuple[int, str], ...]) -> None:
        lines = self._lines.setdefault(session_id, Lines())
        for message_id, text in messages:
            if message_id in self._committed:
                self.break_("one commit", f"message {message_id} was committed twice")
            self._committed.add(message_id)
            lines.texts[message_id] = text
            lines.first_ids[message_id] = messages[0][0]

    def _texts(self, session_id: str) -> tuple[str, ...]:
        lines = self._lines.get(session_id, Lines())
        shown = {message_id: self._amended.get(message_id, text) for message_id, text in lines.texts.items()}
        left = sorted(message_id for message_id, text in shown.items() if text is not None)
        starts: dict[int, int] = {}  # where what is left of a line begins
        for message_id in left:
            starts.setdefault(lines.first_ids[message_id], message_id)
        left.sort(key=lambda message_id: (starts[lines.first_ids[message_id]], message_id))
        return tuple(text for message_id in left if (text := shown[message_id]) is not None)

    # ── queues ──────────────────────────────────────────────────────────────────────────────────────

    def sink(self, gateway: Gateway) -> Callable[[GatewayEvent], None]:
        """The gateway's `offer`, its mailboxes looked at each time."""

        def offer(event: GatewayEvent) -> None:
            gateway.offer(event)
            longest = max(map(len, gateway._mailboxes.values()), default=0)
            if longest > CHANNEL_EVENTS_MAX + 2:
                self.break_("bounds", f"a mailbox holds {longest} events")

        return offer


def _is_shown_by(found: tuple[str, ...], texts: tuple[str, ...], *, is_cut: bool) -> bool:
    """Whether a prompt with these tokens shows these texts, or their end where they are too many.

    A single line that is too long lacks its middle.
    """
    expected = tuple(token for text in texts for token in TOKEN.findall(text))
    if found == expected:
        return True
    if sum(map(len, texts)) < TRIMMED_FROM or not found:
        return False
    if is_cut:
        rest = iter(expected)
        return all(token in rest for token in found)
    starts = range(len(expected) - len(found) + 1)
    return any(expected[start : start + len(found)] == found for start in starts)
