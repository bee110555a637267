"""Scripts the faults of the next lines, or of the next requests of one sort.

A probability cannot break one particular request. A script lists the faults in order:

    server.next_lines("reset", None, "stored_502")      # the second line passes
    server.next_requests(READS, "http_503")             # the next read-back fails

They are used before the plan's, once each. All the plan's kinds can be scripted, and these, which make sense
for a single request only:

    reset              RST instead of an answer; nothing is stored
    silence            no answer, ever; nothing is stored
    stored_silence     stored, then no answer
    stored_broken      stored, then 200 with half a body
    http_STATUS_CODE   not stored, with Discord's own code: http_404_10008
    rate_limit_…       429 in all its forms, optionally with seconds (`closings.py`): rate_limit_shared:400
"""

import re
from collections import deque

from .closings import KIND as RATE_LIMIT_KIND
from .closings import PLAIN, VARIANTS
from .faults import PLAIN_KINDS, STATUS_KIND

READS = "GET /channels/{channel}/messages"
"""The sort of request that reads a channel back; sorts are named like rate-limit buckets."""

SCRIPTED_KINDS = ("reset", "silence", "stored_broken", "stored_silence")
RATE_LIMITS = tuple(f"{PLAIN}_{variant}" for variant in VARIANTS)
CODE_KIND = re.compile(r"http_(4\d\d)_(\d+)")
KNOWN = ", ".join(
    sorted(
        [
            *PLAIN_KINDS,
            *SCRIPTED_KINDS,
            *RATE_LIMITS,
            f"{PLAIN}:SECONDS",
            "http_STATUS",
            "stored_STATUS",
            "http_STATUS_CODE",
        ]
    )
)


class Script:
    """Queues faults for coming requests, in order."""

    def __init__(self) -> None:
        self._lines: deque[str | None] = deque()
        self._others: dict[str, deque[str | None]] = {}

    def add_lines(self, kinds: tuple[str | None, ...]) -> None:
        """Adds faults for the next lines. Raises ValueError for an unknown kind."""
        self._lines += _checked(kinds)

    def add_requests(self, sort: str, kinds: tuple[str | None, ...]) -> None:
        """Adds faults for the next requests of a sort that are not lines. Raises ValueError for an unknown kind."""
        self._others.setdefault(sort, deque()).extend(_checked(kinds))

    def is_written_for(self, sort: str, *, is_line: bool) -> bool:
        """Whether the script decides the next such request."""
        return bool(self._queue(sort, is_line=is_line))

    def take(self, sort: str, *, is_line: bool) -> str | None:
        """Removes and returns the next fault; None lets the request pass. Raises IndexError if there is none."""
        return self._queue(sort, is_line=is_line).popleft()

    def _queue(self, sort: str, *, is_line: bool) -> deque[str | None]:
        return self._lines if is_line else self._others.get(sort, deque())


def _checked(kinds: tuple[str | None, ...]) -> tuple[str | None, ...]:
    for kind in kinds:
        if kind is not None and not _is_known(kind):
            raise ValueError(f"unknown fault {kind!r}; known: {KNOWN}")
    return kinds


def _is_known(kind: str) -> bool:
    patterns = (STATUS_KIND, CODE_KIND, RATE_LIMIT_KIND)
    return kind in PLAIN_KINDS + SCRIPTED_KINDS or any(pattern.fullmatch(kind) for pattern in patterns)
