"""The reasons of failures and holds, as facts, journal, metrics and notices name them."""

from __future__ import annotations

from typing import Literal

SendReason = Literal[
    "rate_limit",  # 429
    "outage",  # 5xx
    "timeout",
    "connection",
    "malformed",  # the answer is not Discord's
    "empty_answer",  # 2xx without the message
    "message_refused",  # 400
    "blocked",  # by AutoMod or Discord's own filter
    "too_long",  # 413
    "unauthorized",  # 401
    "forbidden",  # 403
    "messages_forbidden",  # the bot itself may not write here, a webhook may
    "thread_closed",
    "thread_full",
    "channel_type",
    "direct_refused",
    "name_refused",
    "picture_refused",
    "webhooks_forbidden",
    "webhook_gone",
    "webhook_moved",
    "webhooks_full",
    "not_found",  # 404 without a Discord code
    "channel_gone",
    "removed",
    "too_many_messages",  # too many to read
    "unconfirmed",  # the channel can no longer be read
    "cancelled",  # nothing was sent
    "withdrawn",  # a notice that is no longer needed, but may still arrive
    "restart",
]
"""Why a part was not sent, is in doubt, or could not be looked for: reasons and causes on Discord's side."""

ModelReason = Literal[
    "rate_limit",  # 429; with `retry_after_s`, the account's allowance holds the line for that time
    "quota",  # 402, or a quota that does not refill with time
    "credentials",  # 401, 403
    "overloaded",  # 408, 409, 424, 498, 5xx
    "timeout",
    "connection",
    "malformed",  # 200, but no completion in it
    "broken_off",  # 200, and the server failed in the middle of the answer
    "filtered",  # a filter of the server stopped the answer, or refused the prompt
    "empty",  # 200, and no text
    "length",  # no text, because reasoning used up the token budget
    "reasoning_only",  # 200, and all text is in the reasoning field
    "broken_answer",  # a 400 that blames the model's output, or a call of a tool that does not exist
    "too_large",  # the prompt does not fit
    "unsupported",  # 400, 422: the server rejects a part of the request, which is omitted from now on
    "model_missing",  # 404, or the model is retired
    "bad_request",  # 400, 422
]
"""Why a model's server gave no usable text."""

TextReason = Literal["html", "repeat", "refusal", "empty"]
"""Why a generated text cannot be a line; `empty` is also a ModelReason."""

GenerationReason = Literal[ModelReason, TextReason, "blocked", "restart"]
"""Why a generation failed, or must be repeated (`blocked`: Discord blocked the text)."""

LimitKind = Literal["requests_per_minute", "tokens_per_minute", "requests_per_day", "tokens_per_day"]
"""What an account's limit for a model counts, and per which time."""

AllowanceReason = Literal[LimitKind, "account_limit"]
"""The account's limit that is used up; `account_limit` if it is not known which."""

HeldReason = Literal[
    AllowanceReason,
    "",  # there is no connection yet
    "discord_down",  # Discord's breaker is open
    "model_down",  # the model's breaker is open
    "rate_limit",  # Discord closed a bucket
]
"""Why a request may not be sent now."""

NoticeReason = Literal[SendReason, GenerationReason, HeldReason, "deadline", "unreachable"]
"""Why a line failed or waits; `unreachable`: its last attempt was in doubt, and it is not in the channel."""
