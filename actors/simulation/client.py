"""Connects one process to the simulated Discord: the ports Voice and Channel, over a wire that fails.

before ─► leaves ─► arrives (call_at: even if the sender is dead by then) ─► answer ─► after
  └ crash   └ crash                                                            └ crash
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeVar

import anyio

from actors.adapters.discord.limits import Limit
from actors.ports import (
    Deleted,
    DeleteOutcome,
    ElsewhereOutcome,
    Page,
    PageOutcome,
    Posted,
    PostedElsewhere,
    PrepareOutcome,
    ReadOutcome,
    Refused,
    ReplyOutcome,
    SendOutcome,
    Standing,
    Unconfirmed,
    Webhooks,
)
from actors.roleplay.model import ChannelMessage, Character, Outbound, OutboundKind, ReplyAddress
from actors.roleplay.pages import PagedRead
from actors.simulation import faults as kinds
from actors.simulation.answers import ANSWER_LOST, NOTHING_STORED, OUTAGE, SLOW
from actors.simulation.channels import ChannelState
from actors.simulation.faults import Faults
from actors.simulation.faulty_discord import READABLE_AFTER_S, FaultyDiscord
from actors.simulation.known_limits import KnownLimits
from actors.simulation.process import ProcessRun
from actors.simulation.rate_limits import OF_INTERACTIONS, Names
from actors.simulation.virtual_time import call_at
from actors.simulation.watch import Watch

TIMEOUT_S: Final = 15.0
"""SEND_TIMEOUT_S."""

TRANSIT_S: Final = 0.4
"""The longest time that a request takes, and that its answer takes."""

PAGES_MAX: Final = 200
"""Pages of one read; no channel of a world has so many."""
SHARED: Final = "shared"
"""Key and name of the webhook that belongs to no character."""

SERVER: Final = 7
"""The server of all channels; everybody moderates in it."""

Outcome = TypeVar("Outcome")
Preference = Literal["webhook", "embed"]


class Client:
    """Sends and reads for one process; its memory is lost with the process."""

    def __init__(
        self,
        discord: FaultyDiscord,
        run: ProcessRun,
        faults: Faults,
        watch: Watch,
        now: Callable[[], float],
        table: Webhooks,
        *,
        preference: Preference,
        settle_s: float,
        reading: Callable[[int], PagedRead[ChannelMessage]] = PagedRead,
        bare_posts: bool = False,
    ) -> None:
        self._discord = discord
        self._run = run
        self._faults = faults
        self._watch = watch
        self._now = now
        self._table = table
        self._random = faults.stream("wire")
        self._preference = preference
        self._settle_s = settle_s
        self._reading = reading
        self._bare_posts = bare_posts
        self.limits = KnownLimits(discord.limits, watch, now, self._random)
        self._without_webhooks: set[int] = set()
        self._without_messages: set[int] = set()

    # ── Voice ───────────────────────────────────────────────────────────────────────────────────────

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        self._run.point("prepare")
        channel = self._discord.channels[channel_id]
        if self._preference == "embed" or channel_id in self._without_webhooks:
            return OutboundKind.EMBED, None
        if channel.is_gone:
            return Refused("channel_gone", 404, final=True)
        names = Names(f"webhooks:{channel_id}")
        held = self.limits.held(names)
        if held is not None:
            return held
        fault = self._fault("prepare", kinds.PREPARE, share=0.2)
        match fault:
            case "rate_limit":
                return self.limits.heard(self.limits.close("rate_limit", names), names)
            case None | "webhook_deleted" | "webhook_moved":
                pass
            case _:
                return Refused("outage", 503)
        if not channel.may_use_webhooks:
            self._without_webhooks.add(channel_id)
            return OutboundKind.EMBED, None
        webhook_id = await self._webhook(channel, character.id, character.name)
        if fault == "webhook_deleted":
            self._discord.delete_webhook(webhook_id)
        if fault == "webhook_moved":
            self._discord.move_anywhere(webhook_id, self._random)
        return OutboundKind.WEBHOOK, webhook_id

    async def _webhook(self, channel: ChannelState, key: str, name: str) -> int:
        """The stored webhook, else one in the channel that was not made for another channel, else a new one."""
        kept = await self._table.webhook(channel.id, key)
        if kept is not None:
            return kept[0]
        for webhook_id in self._discord.webhooks_in(channel, name):
            if await self._table.webhook_home(webhook_id) in (None, channel.id):
                break
        else:
            webhook_id = self._discord.make_webhook(channel, name)
        self._run.point("webhook made")
        await self._table.keep_webhook(channel.id, key, webhook_id, "a token")
        return webhook_id

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        """Chooses a webhook if the bot itself was forbidden to write."""
        self._run.point("prepare text")
        channel = self._discord.channels[channel_id]
        if channel.is_gone or channel_id not in self._without_messages or not self._may_have_webhooks(channel_id):
            return OutboundKind.TEXT, None
        return OutboundKind.TEXT, await self._webhook(channel, SHARED, SHARED)

    def _may_have_webhooks(self, channel_id: int) -> bool:
        return self._preference == "webhook" and channel_id not in self._without_webhooks

    async def send(self, outbound: Outbound) -> SendOutcome:
        self._run.point("before send")
        if outbound.webhook_id is not None and outbound.channel_id in self._without_webhooks:
            return Refused("webhooks_forbidden", 403)
        names = Names.of(outbound)
        held = self.limits.held(names)
        if held is not None:
            return held
        fault = self._fault("send", kinds.LINE)
        if fault == "blocked" and outbound.kind is OutboundKind.TEXT:
            fault = None  # moderation does not block our own texts
        if fault == "no_connection":
            return await self._after(0.1, "send", lambda: Refused("connection"))
        self._watch.post_left(outbound, fault)
        answer = await self._exchange("send", fault, lambda: self._arrive(outbound, fault, names))
        outcome: SendOutcome = self._known(self.limits.heard(answer, names), outbound)
        self._watch.post_answered(outbound, outcome)
        await self._learn(outbound, outcome)
        return outcome

    async def _learn(self, outbound: Outbound, outcome: SendOutcome) -> None:
        match outcome:
            case Refused(reason="webhooks_forbidden"):
                self._without_webhooks.add(outbound.channel_id)
            case PostedElsewhere() | Refused(reason="webhook_gone") if outbound.webhook_id is not None:
                await self._table.forget_webhook(outbound.webhook_id)

    def _known(self, outcome: SendOutcome, outbound: Outbound) -> SendOutcome:
        """If the bot itself may not write a text, the next attempt uses a webhook."""
        is_forbidden = isinstance(outcome, Refused) and outcome.reason == "forbidden"
        is_message = outbound.kind is OutboundKind.TEXT and outbound.webhook_id is None
        if not (is_forbidden and is_message and self._may_have_webhooks(outbound.channel_id)):
            return outcome
        self._without_messages.add(outbound.channel_id)
        return Refused("messages_forbidden", 403)

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        self._run.point("before webhook read")
        names = Names(f"webhook-get:{outbound.webhook_id}")
        held = self.limits.held(names)
        if held is not None:
            return held
        fault = self._fault("read", kinds.READ, share=0.5)

        def said() -> ElsewhereOutcome | Limit:
            limit = self.limits.met(fault, names)
            if limit is not None:
                return limit
            if fault is not None:
                return self._read_fault(fault)
            home = self._discord.home_of(outbound.webhook_id)
            return None if home == outbound.channel_id else home

        answer = await self._after(self._answer_takes_s(fault), "webhook read", said)
        home: ElsewhereOutcome = self.limits.heard(answer, names)
        if isinstance(home, int) and outbound.webhook_id is not None:
            await self._table.forget_webhook(outbound.webhook_id)
        return home

    def _arrive(self, outbound: Outbound, fault: str | None, names: Names) -> SendOutcome | Limit:
        """Processes a request on Discord's side, and returns what its sender receives."""
        if fault is not None and fault in NOTHING_STORED:
            return NOTHING_STORED[fault]
        limit = self.limits.met(fault, names)
        if limit is not None:
            return limit
        if fault in ("late", "very_late"):
            is_very_late = fault == "very_late"
            if self._discord.refuses(outbound) is None:
                self._land_late(lambda: self._land(outbound, is_very_late=is_very_late), is_very_late=is_very_late)
            return ANSWER_LOST[fault]
        taken = self._discord.take(outbound)
        if fault in ANSWER_LOST:
            return ANSWER_LOST[fault]
        is_bare = self._bare_posts and outbound.kind is OutboundKind.WEBHOOK and not isinstance(taken, Refused)
        return Unconfirmed("empty_answer", 204) if is_bare else taken

    def _land(self, outbound: Outbound, *, is_very_late: bool) -> None:
        taken = self._discord.take(outbound, is_belated=is_very_late)
        if isinstance(taken, Posted) and outbound.kind is not OutboundKind.TEXT:
            self._delete_landing(outbound.channel_id, taken.message_id)

    def _land_late(self, store: Callable[[], object], *, is_very_late: bool) -> None:
        """Store it after the sender gave up: within `settle_s`, or after that if `is_very_late`."""
        gave_up_at = self._now() + TIMEOUT_S
        within_s = self._settle_s - READABLE_AFTER_S
        wait_s = self._settle_s + 55.0 * self._random.random() if is_very_late else within_s * self._random.random()
        self._land_at(gave_up_at + wait_s, store)

    def _delete_landing(self, channel_id: int, message_id: int) -> None:
        """Somebody may delete a line as soon as it is shown."""
        if self._faults.pick("landing", kinds.LANDING) is not None:
            channel, wait_s = self._discord.channels[channel_id], self._random.random()
            call_at(self._now() + wait_s, lambda: self._discord.remove(channel, message_id, "people"))

    # ── Replies ─────────────────────────────────────────────────────────────────────────────────────

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        self._run.point("before send")
        fault = self._fault("send", kinds.LINE)
        if fault == "no_connection":
            return await self._after(0.1, "send", lambda: Refused("connection"))
        answer = await self._exchange("send", fault, lambda: self._arrive_reply(reply, text, fault))
        outcome: ReplyOutcome = self.limits.heard(answer, OF_INTERACTIONS)
        if isinstance(outcome, Refused) and outcome.final:
            self._watch.reply_refused(self._discord.interactions[reply.token].id, outcome.reason)
        return outcome

    def _arrive_reply(self, reply: ReplyAddress, text: str, fault: str | None) -> ReplyOutcome | Limit:
        fault = None if fault == "blocked" else fault  # moderation does not block our own texts
        if fault is not None and fault in NOTHING_STORED:
            return NOTHING_STORED[fault]
        limit = self.limits.met(fault, OF_INTERACTIONS)
        if limit is not None:
            return limit
        if fault in ("late", "very_late"):
            if self._discord.refuses_answer(reply) is None:
                self._land_late(lambda: self._discord.take_answer(reply, text), is_very_late=fault == "very_late")
            return ANSWER_LOST[fault]
        taken = self._discord.take_answer(reply, text)
        return taken if fault is None else ANSWER_LOST.get(fault, taken)

    # ── Channel ─────────────────────────────────────────────────────────────────────────────────────

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        self._run.point("before read")
        names = Names(f"read:{channel_id}")
        held = self.limits.held(names)
        if held is not None:
            return held
        fault = self._fault("read", kinds.READ, share=0.5)
        channel = self._discord.channels[channel_id]

        def shown() -> ReadOutcome | Limit:
            limit = self.limits.met(fault, names)
            if limit is not None:
                return limit
            if fault is not None:
                return self._read_fault(fault)
            return self._discord.refuses_read(channel) or self._shown(channel, after)

        return self.limits.heard(await self._after(self._answer_takes_s(fault), "read", shown), names)

    def _shown(self, channel: ChannelState, after: int) -> ReadOutcome:
        """Reads the channel's pages one after the other, like the Discord adapter."""
        read, pages = self._reading(after), 1
        while read.take(self._discord.listed(channel, read.after)) and pages < PAGES_MAX:
            pages += 1
        self._watch.has_read(channel.id, messages=len(read.messages), pages=pages)
        return tuple(read.messages) if pages < PAGES_MAX else Refused("too_many_messages", final=True)

    async def page(self, channel_id: int, *, after: int) -> PageOutcome:
        seen = await self.messages(channel_id, after=after)
        return Page(seen, newest=None) if isinstance(seen, tuple) else seen

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        self._run.point("before delete")
        names = Names.through(webhook_id, channel_id) or Names(f"delete:{channel_id}")
        held = self.limits.held(names)
        if held is not None:
            return held
        fault = self._fault("delete", kinds.DELETION, share=0.5)
        answer = await self._exchange("delete", fault, lambda: self._deleted(channel_id, message_id, fault, names))
        return self.limits.heard(answer, names)

    def _deleted(self, channel_id: int, message_id: int, fault: str | None, names: Names) -> DeleteOutcome | Limit:
        limit = self.limits.met(fault, names)
        if limit is not None:
            return limit
        if fault not in (None, "stored_5xx", "cut_after"):
            return self._read_fault(fault)
        outcome = self._discord.take_away(channel_id, message_id)
        return ANSWER_LOST[fault] if fault and isinstance(outcome, Deleted) else outcome

    async def named(self, message: ChannelMessage) -> ChannelMessage:
        return message

    async def standing(self, channel_id: int, user_id: int, *, moderates: bool | None) -> Standing:
        return Standing(SERVER, channel_id, moderates=True)

    async def typing(self, channel_id: int) -> None:
        self._run.go_on()

    # ── the wire ────────────────────────────────────────────────────────────────────────────────────

    def _fault(self, place: str, weights: kinds.Weights, *, share: float = 1.0) -> str | None:
        if self._discord.is_writing_out if place == "send" else self._discord.is_out:
            return self._random.choices(list(OUTAGE), list(OUTAGE.values()))[0]
        return self._faults.pick(place, weights, share=share)

    def _read_fault(self, fault: str | None) -> Refused | Unconfirmed:
        match fault:
            case "no_connection":
                return Refused("connection")
            case "timeout_lost":
                return Unconfirmed("timeout")
            case "cut_before":
                return Unconfirmed("connection")
            case _:
                return Unconfirmed("outage", 503)

    async def _exchange(self, what: str, fault: str | None, arrive: Callable[[], Outcome]) -> Outcome:
        """Send the request, which arrives even if its sender dies."""
        answers: list[Outcome] = []
        self._land_at(self._now() + TRANSIT_S * self._random.random(), lambda: answers.append(arrive()))
        self._run.point(f"{what} under way")
        return await self._after(self._answer_takes_s(fault), what, lambda: answers[0])

    def _land_at(self, at: float, arrive: Callable[[], object]) -> None:
        discord = self._discord
        discord.landing += 1

        def land() -> None:
            discord.landing -= 1
            arrive()

        call_at(at, land)

    async def _after(self, takes_s: float, what: str, outcome: Callable[[], Outcome]) -> Outcome:
        await anyio.sleep(takes_s)
        self._run.point(f"after {what}")
        return outcome()

    def _answer_takes_s(self, fault: str | None) -> float:
        if fault in SLOW:
            return TIMEOUT_S
        if fault == "slow":
            return TRANSIT_S + (TIMEOUT_S - 1) * self._random.random()
        return TRANSIT_S * (1 + self._random.random())
