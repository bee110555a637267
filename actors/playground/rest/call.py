"""Defines the request that a handler receives, and the answer that it returns.

Handlers decide and change the world synchronously; the wire (`wire.py`) does the rest.
So a fault can be injected before, after or around any handler, which does not need to know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..ledger import Line
from ..local_discord import LocalDiscord
from ..records import Json
from ..refusals import invalid_field


@dataclass(frozen=True, slots=True)
class Upload:
    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: object = None
    """The parsed JSON; None if there was none."""
    uploads: tuple[Upload, ...] = ()

    @property
    def fields(self) -> Json:
        """The body as an object; unknown fields are ignored."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise invalid_field("body", "MODEL_TYPE_CONVERT", "Only dictionaries may be used.")
        return self.body

    def id(self, name: str) -> int:
        """An id in the path; raises 50035 if it is not a number."""
        return as_id(name, self.params[name])

    def query_id(self, name: str) -> int | None:
        """An id in the query, if given."""
        text = self.query.get(name)
        return None if text is None else as_id(name, text)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 204
    body: object = None
    message_id: int | None = None


Handler = Callable[[LocalDiscord, Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    """Under `/api/v10`, with `{channel}`, `{message}`, `{webhook}`, … in it."""
    handler: Handler
    line: Callable[[LocalDiscord, Call], Line | None] | None = None
    """Reads the character's line out of a call, for routes that can carry one."""
    needs_bot: bool = True
    """False where the webhook's token in the path is enough."""

    @property
    def sort(self) -> str:
        """The name of its rate-limit bucket."""
        return f"{self.method} {self.path}"


def as_id(name: str, value: object) -> int:
    """The id; raises 50035 if it is not a number."""
    text = str(value)
    if not text.isascii() or not text.isdigit():
        raise invalid_field(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)
