"""A log without what people and characters say (LOG_TEXTS=false): names, ids, codes and our own words stay.

Whatever an error says may repeat a text: a database's error quotes its parameters, a model's server the prompt. So
of an exception the types and the places stay, and of another library's line its first, without what was filled in.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Final

OURS: Final = "ensemble"
LEFT_OUT: Final = "(left out: LOG_TEXTS=false)"


def words_of(record: logging.LogRecord) -> str:
    """The record's message, without what it says that another server `said`; of another library's its template's
    first line.
    """
    if record.name.partition(".")[0] == OURS:
        message, said = record.getMessage(), getattr(record, "said", "")
        return message.replace(said, LEFT_OUT) if said else message
    return str(record.msg).split("\n", 1)[0]


def traceback_of(error: BaseException) -> str:
    """Where it happened and what kind it was, with its causes and those that a group gathered; not what it says."""
    return "\n".join(_blocks(error, set()))


def _blocks(error: BaseException, seen: set[int]) -> Iterator[str]:
    """One block an exception, the first cause first."""
    if id(error) in seen:
        return
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _blocks(before, seen)
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"Traceback (most recent call last):\n{frames}{type(error).__qualname__} {LEFT_OUT}"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _blocks(each, seen)
