"""Format log records as text or JSON, and set up logging to standard error."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from actors.adapters.log.errors import ErrorCounter
from actors.adapters.log.full_files import FullFiles
from actors.adapters.log.private import traceback_of, words_of
from actors.adapters.log.scrubber import Scrubber

TEXT_FORMAT: Final = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

SpanIds = Callable[[str], tuple[str, str]]
"""Maps a response's id to the ids of its trace and its root span, in hex."""

_FIELDS: Final = ("response", "session", "attempt")
_DISCORD_S: Final = ("code", "words")
"""Fields with Discord's JSON error code and its message."""

RECONNECTS: Final = "Attempting a reconnect"
"""How discord.py reports a lost connection, each time with a traceback through its own code."""

INDENT: Final = "    "

_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that could move a terminal's cursor or be taken for the end of a line."""

_actors = logging.getLogger("ensemble.actors")


class TextFormatter(logging.Formatter):
    """Formats a record as one line without secrets; Discord's message and a traceback follow in indented lines.

    The id of the response, else of the session, follows the logger's name: `ensemble.responses[1l8etyjiyyw8v]`.
    Control characters are escaped, so a text of a model or a user can neither imitate a log line nor control a
    terminal. A lost connection has no traceback, nor has an error that another line already holds.
    """

    def __init__(self, secrets: Sequence[str], *, texts: bool = True) -> None:
        super().__init__(TEXT_FORMAT)
        self._scrub = Scrubber(secrets)
        self._texts = texts

    def format(self, record: logging.LogRecord) -> str:
        shown = logging.makeLogRecord(record.__dict__)  # other handlers get the record as it is
        shown.name = _with_id(record)
        if not self._texts:
            shown.msg, shown.args, shown.exc_text = words_of(record), (), None
        if getattr(record, "is_expected", False) or str(record.msg).startswith(RECONNECTS):
            shown.exc_info = shown.exc_text = None
        text = self._scrub(super().format(shown)).replace("\r\n", "\n")
        return _escaped(text).replace("\n", f"\n{INDENT}")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        said = _said(getattr(record, "code", None), getattr(record, "words", "") if self._texts else "")
        return "\n".join(filter(None, (super().formatMessage(record), said)))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the library's name
        return super().formatException(ei) if self._texts else _placed(ei)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object without secrets: time, level, logger, message, response, session, attempt.

    A refusal by Discord adds its `code` and `words`; an exception adds `error_type` and `error`, the whole traceback;
    `span_ids` adds the response's `trace_id` and `span_id`.
    """

    def __init__(self, secrets: Sequence[str], span_ids: SpanIds | None = None, *, texts: bool = True) -> None:
        super().__init__()
        self._texts = texts
        self._scrub = Scrubber(secrets)
        self._span_ids = span_ids

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage() if self._texts else words_of(record),
            **{field: getattr(record, field, None) for field in _FIELDS},
        }
        if self._span_ids is not None:
            response_id = line["response"]
            ids = self._span_ids(response_id) if response_id is not None else (None, None)
            line["trace_id"], line["span_id"] = ids
        line |= {
            field: value
            for field in (_DISCORD_S if self._texts else _DISCORD_S[:1])
            if (value := getattr(record, field, None))
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
            line["error"] = self.formatException(record.exc_info) if self._texts else _placed(record.exc_info)
        # Scrub before JSON quoting, which would change a secret that holds a quote.
        clean = {key: self._scrub(value) if isinstance(value, str) else value for key, value in line.items()}
        return _escaped(json.dumps(clean, ensure_ascii=False))


def _placed(ei: _ExcInfo) -> str:
    return "" if ei[1] is None else traceback_of(ei[1])


def _with_id(record: logging.LogRecord) -> str:
    """The name column: the logger, and the id of the response or session."""
    whose = getattr(record, "response", None) or getattr(record, "session", None)
    return record.name if whose is None else f"{record.name}[{whose}]"


def _said(code: int | None, words: str) -> str:
    """Discord's reason for a refusal, for the operator; empty if it gave none."""
    if not code:
        return f"Discord said: {words}" if words else ""
    return f"Discord said: {words} (code {code})" if words else f"Discord said: code {code}"


def _escaped(text: str) -> str:
    """Escape every control character except the newline, as JSON does."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def set_up(
    *, level: str, json_lines: bool, secrets: Sequence[str], span_ids: SpanIds | None = None, texts: bool = True
) -> ErrorCounter:
    """Send all loggers, and the exception that ends the program, to standard error; libraries log only warnings.

    Without `texts` nothing is written that may repeat texts of people and characters.
    Returns the counter of the errors from now on.
    """
    counted = ErrorCounter()
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter(secrets, span_ids, texts=texts) if json_lines else TextFormatter(secrets, texts=texts)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler, counted]
    root.setLevel(logging.WARNING)  # at INFO, `transitions` alone prints two lines a move and triples its cost
    logging.getLogger("ensemble").setLevel(level)
    logging.getLogger("asyncio").addFilter(FullFiles())
    sys.excepthook = _log_end
    return counted


def _log_end(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    # Python itself would print the error unscrubbed, including any secret or text in a server's message.
    _actors.critical("The program ends: %s", kind.__name__, exc_info=(kind, error, at))
