"""Puts the ports that actors use behind breakers: one for Discord, one for each model.

    actor ─► Breaker… ─► Gate ─► the adapter

This module decides, for each port, which outcomes count as failures. The Gate decides how callers are held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from actors.breakers import Breakers, Gate
from actors.ports import (
    Channel,
    Clock,
    Completion,
    DeleteOutcome,
    ElsewhereOutcome,
    HeldBack,
    Model,
    ModelFailed,
    PageOutcome,
    PrepareOutcome,
    ReadOutcome,
    Refused,
    Replies,
    ReplyOutcome,
    SendOutcome,
    Standing,
    StatusPage,
    Trace,
    Unconfirmed,
    Voice,
)
from actors.roleplay.model import ChannelMessage, Character, Outbound, Prompt, ReplyAddress
from actors.status_watch import StatusWatch
from machines.breaker import Breaker, Fact, Failed, Succeeded
from machines.reasons import HeldReason

DISCORD: Final = "discord"
DISCORD_DOWN: Final = "discord_down"
MODEL_DOWN: Final = "model_down"

DISCORD_RELEASED_PER_S: Final = 20.0
"""Discord accepts 50 requests/s from a bot (Discord's reference, "Global Rate Limit"). A held line may need two: it
reads the channel back before it sends. That makes 40/s, and leaves room for new requests."""

MODEL_RELEASED_PER_S: Final = 0.5
"""Groq's free tier accepts 30 requests a minute; a local server handles one request at a time."""

NO_ANSWER: Final = frozenset({"connection", "timeout"})
"""Reasons and causes, of Discord and of models, that mean no answer came."""


def judge_discord(outcome: object, at: float) -> Fact | None:
    """Judge from an outcome whether Discord is up; None if it proves nothing.

    A refusal without a status is the adapter's own (from what it knows already), unless the network failed. An answer
    that cannot be parsed proves nothing: one malformed message must not silence the whole bot.
    """
    match outcome:
        case HeldBack() | Unconfirmed(status=None, cause="malformed"):
            return None
        case Refused(status=None, reason=reason):
            return Failed(at) if reason in NO_ANSWER else None
        case Unconfirmed(status=None):
            return Failed(at)
        case Refused(status=int(status)) | Unconfirmed(status=int(status)):
            return Failed(at) if status >= 500 else Succeeded(at)
        case _:
            return Succeeded(at)


def judge_prepared(outcome: object, at: float) -> Fact | None:
    """As `judge_discord`, for `prepare`: a success may come from memory and proves nothing."""
    return None if isinstance(outcome, tuple) else judge_discord(outcome, at)


def judge_elsewhere(outcome: object, at: float) -> Fact | None:
    """As `judge_discord`, for `elsewhere`: None may be known without a request and proves nothing."""
    return None if outcome is None else judge_discord(outcome, at)


def judge_model(outcome: object, at: float) -> Fact | None:
    """As `judge_discord`, for a model; the account's limits are no failure of the model."""
    match outcome:
        case HeldBack() | ModelFailed(reason="malformed"):
            return None
        case ModelFailed(reason="overloaded" | "timeout" | "connection"):
            return Failed(at)
        case _:
            return Succeeded(at)


def always(outcome: object) -> bool:
    return True


def is_refused(outcome: object) -> bool:
    """Whether a send is known not to be stored: no connection was made, or its preparation failed."""
    return isinstance(outcome, Refused)


class BreakerVoice:
    """A Voice behind Discord's breaker."""

    def __init__(self, voice: Voice, gate: Gate) -> None:
        self._voice = voice
        self._gate = gate

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        return await self._gate.attempt(
            lambda: self._voice.prepare(channel_id, character),
            judge_prepared,
            is_free=always,
            is_write=False,  # it lists webhooks or creates one: no part of a line is sent
        )

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        return await self._gate.attempt(lambda: self._voice.prepare_text(channel_id), judge_prepared, is_free=always)

    async def send(self, outbound: Outbound) -> SendOutcome:
        return await self._gate.attempt(lambda: self._voice.send(outbound), judge_discord, is_free=is_refused)

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        return await self._gate.attempt(
            lambda: self._voice.elsewhere(outbound), judge_elsewhere, is_free=always, is_write=False
        )


class BreakerReplies:
    """Replies behind Discord's breaker."""

    def __init__(self, replies: Replies, gate: Gate) -> None:
        self._replies = replies
        self._gate = gate

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        return await self._gate.attempt(lambda: self._replies.answer(reply, text), judge_discord, is_free=is_refused)


class BreakerChannel:
    """A Channel behind Discord's breaker."""

    def __init__(self, channel: Channel, gate: Gate) -> None:
        self._channel = channel
        self._gate = gate

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        return await self._gate.attempt(
            lambda: self._channel.messages(channel_id, after=after), judge_discord, is_free=always, is_write=False
        )

    async def page(self, channel_id: int, *, after: int) -> PageOutcome:
        return await self._gate.attempt(
            lambda: self._channel.page(channel_id, after=after), judge_discord, is_free=always, is_write=False
        )

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        return await self._gate.attempt(
            lambda: self._channel.delete(channel_id, message_id, webhook_id),
            judge_discord,
            is_free=always,
            is_write=False,  # a deletion proves nothing about new lines
        )

    async def named(self, message: ChannelMessage) -> ChannelMessage:
        """Resolve names only while the breaker is closed: a name is not worth a wait. Proves nothing about Discord."""
        return await self._channel.named(message) if self._gate.is_closed else message

    async def standing(self, channel_id: int, user_id: int, *, moderates: bool | None) -> Standing:
        """Ask also while the breaker is open: mostly the answer is in memory. Proves nothing about Discord."""
        return await self._channel.standing(channel_id, user_id, moderates=moderates)

    async def typing(self, channel_id: int) -> None:
        """Show typing only while the breaker is closed. It proves nothing about Discord."""
        if self._gate.is_closed:
            await self._channel.typing(channel_id)


class BreakerModel:
    """A Model; each of its models has its own breaker."""

    def __init__(self, model: Model, gates: tuple[Gate, ...]) -> None:
        self._model = model
        self._gates = {gate.dependency: gate for gate in gates}

    @property
    def label(self) -> str:
        return self._model.label

    @property
    def models(self) -> tuple[str, ...]:
        return self._model.models

    def window_tokens(self, model: str) -> int | None:
        return self._model.window_tokens(model)

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed | HeldBack:
        return await self._gates[prompt.model].attempt(partial(self._model.complete, prompt), judge_model)


@dataclass(frozen=True, slots=True)
class BreakerPorts:
    """The ports that actors use, and their breakers."""

    voice: Voice
    channel: Channel
    replies: Replies
    model: Model
    breakers: Breakers = field(default_factory=Breakers)


def behind_breakers(
    voice: Voice,
    channel: Channel,
    replies: Replies,
    model: Model,
    *,
    clock: Clock,
    trace: Trace,
    failures_max: int,
    open_s: float,
    status_page: StatusPage | None = None,
) -> BreakerPorts:
    """Put the ports behind breakers; with `failures_max` 0 they stay unchanged.

    The status page is read in both cases, for the log and for `!status`.
    """
    if not failures_max:
        watch = None if status_page is None else StatusWatch(status_page, trace, now=clock.now)
        return BreakerPorts(voice, channel, replies, model, Breakers(watch=watch))

    def gate(dependency: str, cause: HeldReason, released_per_s: float) -> Gate:
        breaker = Breaker(dependency, failures_max, open_s)
        return Gate(breaker, cause=cause, released_per_s=released_per_s, clock=clock, trace=trace)

    discord = gate(DISCORD, DISCORD_DOWN, DISCORD_RELEASED_PER_S)
    models = tuple(gate(name, MODEL_DOWN, MODEL_RELEASED_PER_S) for name in dict.fromkeys(model.models))
    return BreakerPorts(
        BreakerVoice(voice, discord),
        BreakerChannel(channel, discord),
        BreakerReplies(replies, discord),
        BreakerModel(model, models),
        Breakers(discord, models, _watch_over(discord, status_page, clock, trace)),
    )


def _watch_over(discord: Gate, page: StatusPage | None, clock: Clock, trace: Trace) -> StatusWatch | None:
    """Make the status watch and connect it with Discord's breaker in both directions."""
    if page is None:
        return None
    watch = StatusWatch(page, trace, now=clock.now, breaker=discord)
    discord.on_hold = watch.opened
    discord.on_write = lambda at, is_failure: watch.wrote(at, is_failure=is_failure)
    return watch
