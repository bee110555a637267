"""Why a try came to nothing, in the words of facts, journal, metrics and notices; what they mean stands elsewhere."""

from __future__ import annotations

from typing import Literal

SendReason = Literal[
    "rate_limit",  # 429
    "outage",  # 5xx
    "timeout",
    "connection",
    "malformed",  # no answer of Discord's
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
    "not_found",  # 404 without a code of Discord's
    "channel_gone",
    "removed",
    "too_many_messages",  # to look through
    "unconfirmed",  # the channel cannot be read any more
    "cancelled",  # nothing left the process
    "withdrawn",  # a notice that nobody is to read any more, and that may still land
    "restart",
]
"""Why a part did not go out, is in doubt, or could not be looked for: reasons and causes of Discord's side."""

ModelReason = Literal[
    "rate_limit",  # 429; with `retry_after_s`, the account's allowance holds the line so long
    "quota",  # 402, or a quota that no wait refills
    "credentials",  # 401, 403
    "overloaded",  # 408, 409, 424, 498, 5xx
    "timeout",
    "connection",
    "malformed",  # 200, but no completion in it
    "broken_off",  # 200, and the server failed in the middle of the answer
    "filtered",  # a filter of the server stopped the answer, or refused the prompt
    "empty",  # 200, and nothing said
    "length",  # nothing said, because reasoning ate the budget
    "reasoning_only",  # 200, and all that was said stands in the field for reasoning
    "broken_answer",  # a 400 that blames what the model wrote, or a tool called where there is none
    "too_large",  # the prompt does not fit
    "unsupported",  # 400, 422: a part of the request that is left out from now on
    "model_missing",  # 404, or retired
    "bad_request",  # 400, 422
]
"""What a model's server may answer instead of a text."""

TextReason = Literal["html", "repeat", "refusal", "empty"]
"""Why a text that came is no line; `empty` is shared with the servers."""

GenerationReason = Literal[ModelReason, TextReason, "blocked", "restart"]
"""Why a generation failed, or another one is needed: Discord blocked the text."""

LimitKind = Literal["requests_per_minute", "tokens_per_minute", "requests_per_day", "tokens_per_day"]
"""What an account's limit for a model counts, and in which time."""

AllowanceReason = Literal[LimitKind, "account_limit"]
"""The limit of the account that is used up; the last where it is not known which."""

HeldReason = Literal[
    AllowanceReason,
    "",  # no connection is made yet
    "discord_down",  # its breaker is open
    "model_down",
    "rate_limit",  # Discord closed a bucket
]
"""Why nothing may leave the process."""

NoticeReason = Literal[SendReason, GenerationReason, HeldReason, "deadline", "unreachable"]
"""Why a line is given up; `unreachable`: its last try was in doubt, and it is not in the channel."""
