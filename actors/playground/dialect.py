"""Describes how a Discord-compatible server may differ from Discord; the default is Discord itself.

Each difference was found on another server, or is close to one that was. All concern reads, webhooks and messages,
because the bot's guarantees depend on these:

    order, page, repeats      the page that `GET /channels/{channel}/messages?after=` answers
    nulls                     fields that a message lacks are in its JSON as null
    bare_posts                a webhook's POST is answered with 204 and no body, whatever `wait` says
    webhook_status            every route with a webhook's token is refused with this status, without Discord's code
    deletes_in_threads        whether a webhook may delete its message in a thread; else 401, without Discord's code
    strict                    unknown or empty keys in a message's body are refused
    echoes                    whether the gateway sends a bot its own messages
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Self

from .records import Json, Message
from .refusals import Reason, Refusal, invalid_field

ORDERS = ("newest_first", "oldest_first", "shuffled")
NULLS: Json = dict.fromkeys(
    (
        "activity",
        "application",
        "application_id",
        "call",
        "interaction",
        "interaction_metadata",
        "member",
        "message_reference",
        "nonce",
        "poll",
        "position",
        "purchase_notification",
        "reactions",
        "role_subscription_data",
        "sticker_items",
        "thread",
        "webhook_id",
    )
)
"""The fields of a message that Discord omits when they are empty
(https://discord.com/developers/docs/resources/message#message-object)."""

WEBHOOKS = "/webhooks/{webhook}/{token}"
EMBED_KEYS = {"title", "description", "url", "timestamp", "color", "footer", "image", "thumbnail", "author", "fields"}
MAY_BE_EMPTY = {"attachments", "parse", "users", "roles"}
"""Lists that have a meaning when they are empty."""
WORDS = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """`page`: messages per page, whatever `limit` asks for. `repeats`: a page includes the message named by `after`."""

    order: str = "newest_first"
    page: int | None = None
    repeats: bool = False
    nulls: bool = False
    bare_posts: bool = False
    webhook_status: int | None = None
    deletes_in_threads: bool = True
    strict: bool = False
    echoes: bool = True

    @classmethod
    def of(cls, asked: Mapping[str, object]) -> Self:
        """Reads a dialect from JSON. Raises ValueError."""
        known = {field.name: getattr(DISCORD, field.name) for field in fields(cls)}
        for name, value in asked.items():
            match name:
                case "order":
                    is_right, right = value in ORDERS, f"one of {', '.join(ORDERS)}"
                case "page" | "webhook_status":
                    is_right, right = value is None or (type(value) is int and value > 0), "a number above 0, or null"
                case _ if name in known:
                    is_right, right = isinstance(value, bool), "true or false"
                case _:
                    raise ValueError(f"unknown: `{name}`; known: {', '.join(known)}")
            if not is_right:
                raise ValueError(f"`{name}` must be {right}")
        return cls(**known | dict(asked))

    def arranged(self, page: Sequence[Message]) -> list[Message]:
        """The page in this server's order; the same messages always give the same order."""
        match self.order:
            case "newest_first":
                return sorted(page, key=lambda message: -message.id)
            case "oldest_first":
                return sorted(page, key=lambda message: message.id)
            case _:
                return sorted(page, key=lambda message: blake2b(str(message.id).encode()).digest())

    def refuse(self, sort: str, *, in_thread: bool) -> None:
        """Refuses what this server does not allow with a webhook's token, without Discord's code."""
        method, _, path = sort.partition(" ")
        if not path.startswith(WEBHOOKS):
            return
        status = self.webhook_status
        if method == "DELETE" and in_thread and not self.deletes_in_threads:
            status = 401
        if status is not None:
            raise Refusal(Reason(status, 0, f"{status}: {WORDS.get(status, 'Refused')}"))

    def check(self, body: object) -> None:
        """Refuses unknown or empty keys in a message's body if `strict`. Raises 50035."""
        if not self.strict or not isinstance(body, dict):
            return
        _refuse_empty(body, "")
        embeds = body.get("embeds")
        for at, embed in enumerate(embeds if isinstance(embeds, list) else []):
            for key in sorted(embed.keys() - EMBED_KEYS):
                raise invalid_field(f"embeds.{at}.{key}", "UNKNOWN_FIELD", "Unknown field.")


def _refuse_empty(part: object, path: str) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            if value is None or (value in ([], {}, "") and key not in MAY_BE_EMPTY):
                raise invalid_field(f"{path}{key}", "EMPTY_FIELD", "This field must not be empty.")
            _refuse_empty(value, f"{path}{key}.")
    if isinstance(part, list):
        for at, value in enumerate(part):
            _refuse_empty(value, f"{path}{at}.")


DISCORD = Dialect()
COMPATIBLE = Dialect(order="oldest_first", nulls=True, bare_posts=True, deletes_in_threads=False, strict=True)
"""All differences that one Discord-compatible server had."""
