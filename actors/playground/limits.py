"""Checks messages and webhooks' names against Discord's limits, and refuses as Discord does.

Sources: https://discord.com/developers/docs/resources/message#embed-object-embed-limits and
https://discord.com/developers/docs/resources/webhook#create-webhook
Stripped characters: https://github.com/discord/discord-api-docs/issues/1189 (control characters, direction
overrides) and issues/1241 (combining marks beyond about 150); the exact list is not published.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from .records import DM_CHANNEL, TEXT_CHANNEL, Channel, Json
from .refusals import (
    CHANNEL_TYPE_REFUSED,
    DM_CHANNEL_REFUSED,
    EMPTY_MESSAGE,
    WEBHOOKS_FULL,
    Refusal,
    invalid_field,
)

CONTENT_MAX = 2_000
EMBEDS_MAX = 10
EMBED_TOTAL_MAX = 6_000
EMBED_FIELDS_MAX = 25
EMBED_TEXT_MAX = {"title": 256, "description": 4_096}
EMBED_PART_MAX = {("author", "name"): 256, ("footer", "text"): 2_048}
EMBED_FIELD_MAX = {"name": 256, "value": 1_024}
EMBED_SHOWN = ("title", "description", "fields", "author", "footer", "image", "thumbnail", "video")
"""An embed without any of these shows nothing."""
NONCE_MAX = 25
COMPONENT_ROWS_MAX = 5
DESCRIPTION_MAX = 1_024
"""For an attachment (https://discord.com/developers/docs/resources/message#attachment-object)."""
FILES_MAX = 10
CHOICES_MAX = 25
WEBHOOK_NAME_MAX = 80
WEBHOOK_NAME_FORBIDDEN = frozenset({"clyde", "discord"})
"""Known words. Discord does not publish its list, and changes it."""
WEBHOOK_NAMES_FORBIDDEN = frozenset({"everyone", "here"})
WEBHOOKS_PER_CHANNEL_MAX = 15
CHANNEL_NAME_MAX = 100
PAGE_MAX = 100
MARKS_MAX = 150
STRIPPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def text_within(path: str, value: object, maximum: int) -> str:
    """The text, stripped and trimmed as Discord does. Raises 50035 if it is not text or longer than `maximum`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid_field(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    trimmed = _stripped(value).strip()
    if len(trimmed) > maximum:
        raise invalid_field(path, "BASE_TYPE_MAX_LENGTH", f"Must be {maximum} or fewer in length.")
    return trimmed


def _stripped(text: str) -> str:
    plain = STRIPPED.sub("", text.replace("\r\n", "\n"))
    marks = count(1)
    return "".join(c for c in plain if not unicodedata.combining(c) or next(marks) <= MARKS_MAX)


def checked_nonce(value: object) -> str | None:
    """The nonce as text; integers are accepted too."""
    if value is None:
        return None
    return text_within("nonce", str(value), NONCE_MAX)


def checked_name(path: str, value: object) -> str:
    """Checks a channel's or a thread's name."""
    name = text_within(path, value, CHANNEL_NAME_MAX)
    if not name:
        raise invalid_field(path, "BASE_TYPE_REQUIRED", "This field is required")
    return name


@dataclass(frozen=True, slots=True)
class RefusedWords:
    """More words that no webhook's name may contain; `are_named`: the refusal names the word."""

    words: frozenset[str] = frozenset()
    are_named: bool = True


def checked_webhook_name(path: str, value: object, refused: RefusedWords) -> str:
    """Checks a webhook's own name, or the one that it uses for a single message."""
    name = text_within(path, value, WEBHOOK_NAME_MAX)
    if not name:
        raise invalid_field(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.")
    if name.lower() in WEBHOOK_NAMES_FORBIDDEN:
        raise invalid_field(path, "USERNAME_INVALID", f'Username cannot be "{name.lower()}"')
    for word in sorted(WEBHOOK_NAME_FORBIDDEN | refused.words):
        if word in name.lower():
            said = f'Username cannot contain "{word}"' if refused.are_named else "Username is invalid"
            raise invalid_field(path, "USERNAME_INVALID_CONTAINS", said)
    return name


def refuse_webhook(channel: Channel, present: int) -> None:
    """Raises 50003, 50024 or 30007 if a channel with `present` webhooks cannot have another one."""
    if channel.kind == DM_CHANNEL:
        raise Refusal(DM_CHANNEL_REFUSED)
    if channel.kind != TEXT_CHANNEL:
        raise Refusal(CHANNEL_TYPE_REFUSED)
    if present >= WEBHOOKS_PER_CHANNEL_MAX:
        raise Refusal(WEBHOOKS_FULL)


def checked_embeds(value: object) -> tuple[Json, ...]:
    """The embeds with their texts trimmed; an empty one is dropped."""
    listed = _objects("embeds", value, EMBEDS_MAX)
    embeds = [embed for at, raw in enumerate(listed) if (embed := _checked_embed(f"embeds.{at}", raw))]
    if sum(_shown_length(embed) for embed in embeds) > EMBED_TOTAL_MAX:
        raise invalid_field(
            "embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL_MAX}"
        )
    return tuple(embeds)


def checked_components(value: object) -> tuple[Json, ...]:
    """The rows of buttons; their contents are not checked."""
    return tuple(_objects("components", value, COMPONENT_ROWS_MAX))


def checked_choices(value: object) -> tuple[Json, ...]:
    """The answer to an autocompletion."""
    return tuple(_objects("data.choices", value, CHOICES_MAX))


def checked_files(value: object) -> list[Json]:
    """The file entries of a body; checks the length of their descriptions."""
    files = _objects("attachments", value, FILES_MAX)
    return [_with_text(file, f"attachments.{at}", "description", DESCRIPTION_MAX) for at, file in enumerate(files)]


def refuse_empty(content: str, *shown: Sequence[object]) -> None:
    """Raises Discord's 50006 if a message would show nothing."""
    if not content and not any(shown):
        raise Refusal(EMPTY_MESSAGE)


def _objects(path: str, value: object, maximum: int) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise invalid_field(path, "LIST_TYPE_CONVERT", "Only iterables of objects may be used.")
    if len(value) > maximum:
        raise invalid_field(path, "BASE_TYPE_MAX_LENGTH", f"Must be {maximum} or fewer in length.")
    return value


def _checked_embed(path: str, raw: Json) -> Json:
    embed = {key: value for key, value in raw.items() if value not in (None, "", [], {})}
    for key, maximum in EMBED_TEXT_MAX.items():
        embed = _with_text(embed, path, key, maximum)
    for (part, key), maximum in EMBED_PART_MAX.items():
        if part in embed:
            embed[part] = _with_text(_object(f"{path}.{part}", embed[part]), f"{path}.{part}", key, maximum)
    if "fields" in embed:
        embed["fields"] = _checked_fields(f"{path}.fields", embed["fields"])
    return {"type": "rich", **embed} if any(key in embed for key in EMBED_SHOWN) else {}


def _checked_fields(path: str, value: object) -> list[Json]:
    fields = []
    for at, field in enumerate(_objects(path, value, EMBED_FIELDS_MAX)):
        for key, maximum in EMBED_FIELD_MAX.items():
            field = _with_text(field, f"{path}.{at}", key, maximum)
            if key not in field:
                raise invalid_field(f"{path}.{at}.{key}", "BASE_TYPE_REQUIRED", "This field is required")
        fields.append({"inline": False, **field})
    return fields


def _object(path: str, value: object) -> Json:
    if not isinstance(value, dict):
        raise invalid_field(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used.")
    return value


def _with_text(holder: Json, path: str, key: str, maximum: int) -> Json:
    text = text_within(f"{path}.{key}", holder.get(key), maximum)
    rest = {name: value for name, value in holder.items() if name != key}
    return rest | {key: text} if text else rest


def _shown_length(embed: Json) -> int:
    texts = [embed.get(key, "") for key in EMBED_TEXT_MAX]
    texts += [embed.get(part, {}).get(key, "") for part, key in EMBED_PART_MAX]
    texts += [field[key] for field in embed.get("fields", []) for key in EMBED_FIELD_MAX]
    return sum(map(len, texts))
