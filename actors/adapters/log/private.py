"""Keep texts of people and characters out of the log (LOG_TEXTS=false); names, ids, codes and our own words stay.

An error's message may repeat a text: a database quotes its parameters, a model's server the prompt. So an exception
keeps only its types and its stack frames, and another library's record keeps only the first line of its template.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Final

OURS: Final = "ensemble"
LEFT_OUT: Final = "(left out: LOG_TEXTS=false)"


def words_of(record: logging.LogRecord) -> str:
    """Return our record's message without `said`, another server's words; for other libraries, the first line of the
    template.
    """
    if record.name.partition(".")[0] == OURS:
        message, said = record.getMessage(), getattr(record, "said", "")
        return message.replace(said, LEFT_OUT) if said else message
    return str(record.msg).split("\n", 1)[0]


def traceback_of(error: BaseException) -> str:
    """Return the stack frames and types of an error, its causes and the members of a group, without their messages."""
    return "\n".join(_blocks(error, set()))


def _blocks(error: BaseException, seen: set[int]) -> Iterator[str]:
    """One block for each exception, the first cause first."""
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
