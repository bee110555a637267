"""Reads a channel page by page, in any order of the server.

    page ─► take ─► messages, oldest first ─► ask for the next one, after the highest id ─► … ─► nothing newer: the end

Discord answers `after` with the newest first, other servers with the oldest first or in no order; pages may overlap
and show what was not asked for. Ids alone say what is new and where the next page begins, so that a read ends on
every server: each page brings something newer, or is the last.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Generic, Protocol, TypeVar


class Message(Protocol):
    """Anything with an id; higher ids are newer."""

    @property
    def id(self) -> int: ...


M = TypeVar("M", bound=Message)


class PagedRead(Generic[M]):
    """One read of the messages newer than `after`; it sends no request itself.

    A page of less than `full_page` messages is the last one. None: only a page that brings nothing newer is, since
    not every server fills the pages that it is asked for.
    """

    def __init__(self, after: int, *, full_page: int | None = None) -> None:
        self.after = after
        self.messages: list[M] = []
        """Messages read so far, oldest first, each once."""
        self._full_page = full_page

    def take(self, page: Collection[M]) -> bool:
        """Add the page after `after`; return whether there may be another one."""
        newer = {message.id: message for message in page if message.id > self.after}
        if not newer:
            return False
        self.messages += [newer[message_id] for message_id in sorted(newer)]
        self.after = self.messages[-1].id
        return self._full_page is None or len(page) >= self._full_page
