"""LOG_TEXTS=false: what people, characters and servers say is in no line of the log, whatever goes wrong."""

from __future__ import annotations

import logging
import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError

from actors.adapters.log import JsonFormatter, LogTrace, TextFormatter
from actors.ports import Context, Moved, Noted, OutboxSettled
from actors.roleplay.model import OutboxKind
from machines.facts import Generated, Started
from machines.response import Limits, Response, advance
from tests.adapters.logged import Kept, raised
from tests.adapters.test_log import record

TEXT = "the smuggler hides under the pier"


def quoted() -> BaseException:
    """An error of a database, as SQLAlchemy words it: with what was to be written."""
    cause = raised(sqlite3.IntegrityError(f"CHECK failed: {TEXT}"))
    error = IntegrityError("INSERT INTO history VALUES (?)", (TEXT,), cause)
    error.__cause__ = cause
    group = ExceptionGroup(f"a group about {TEXT}", [error, raised(ValueError(TEXT))])
    group.add_note(TEXT)
    return group


class TestLogTexts:
    def written(self, line: logging.LogRecord, *, texts: bool) -> str:
        both = TextFormatter((), texts=texts), JsonFormatter((), texts=texts)
        return "\n".join(each.format(line) for each in both)

    def test_log_texts_off_of_an_exception_kind_and_place_stay_and_nothing_that_it_says(self) -> None:
        shown = self.written(record("❌ A session crashed.", quoted()), texts=False)
        assert TEXT not in shown
        for kind in ("ExceptionGroup (left out", "IntegrityError (left out", "ValueError (left out"):
            assert shown.count(kind) == 2 + 2 * (kind.startswith("Integrity")), kind
        assert "logged.py" in shown
        assert TEXT in self.written(record("❌ A session crashed.", quoted()), texts=True)

    def test_log_texts_off_an_exception_that_causes_itself_ends(self) -> None:
        error = raised(ValueError(TEXT))
        error.__context__ = other = raised(KeyError(TEXT))
        other.__context__ = error
        assert TEXT not in self.written(record("❌", error), texts=False)

    @pytest.mark.parametrize(
        ("logger", "template", "arguments"),
        [
            ("asyncio", f"Task exception was never retrieved\nfuture: <Task exception=ValueError({TEXT!r})>", ()),
            ("discord.gateway", "Unknown event %s.", (TEXT,)),
        ],
    )
    def test_log_texts_off_of_another_librarys_line_what_was_filled_in_is_left_out(
        self, logger: str, template: str, arguments: tuple[object, ...]
    ) -> None:
        line = logging.LogRecord(logger, logging.ERROR, "", 0, template, arguments, None)
        shown = self.written(line, texts=False)
        assert TEXT not in shown
        assert template.split("%")[0].split("\n")[0] in shown
        assert TEXT in self.written(line, texts=True).replace("\\", "")

    def test_log_texts_off_a_written_line_is_its_length(self, kept: Kept) -> None:
        response = Response(id="r", limits=Limits())
        advance(response, Started(1.0))
        move = advance(response, Generated(2.0, (TEXT,)))
        for texts in (True, False):
            LogTrace(texts=texts).publish(Moved(Context("r", "s", "Alex", Limits()), move, TEXT))
        assert [line for line in kept.said if line.startswith("Generated")] == [
            f"Generated response for Alex: {TEXT}...",
            f"Generated response for Alex: ({len(TEXT)} characters)...",
        ]

    def test_log_texts_off_what_a_server_said_of_a_refusal_is_left_out_and_its_code_stays(self, kept: Kept) -> None:
        log = LogTrace(texts=False)
        log.publish(Noted("error", f"It is dropped: refused 400, {TEXT} (code 50035); row 7.", said=TEXT))
        event = OutboxSettled(OutboxKind.ANSWER, "refused", 1, row_id=7, channel_id=8, reason=f"refused 400, {TEXT}")
        log.publish(event)
        shown = "\n".join(self.written(each, texts=False) for each in kept.records)
        assert TEXT not in shown
        assert "refused 400, (left out: LOG_TEXTS=false) (code 50035); row 7." in shown
        assert "(attempt 1, refused: refused 400; outbox row 7" in shown
