"""The count of errors in the log: each once, by the minute, whoever logs meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from actors.adapters.log import ErrorCounter, LogTrace, set_up
from actors.ports import Noted, Refused
from tests.adapters.logged import Kept, played

HTTP_500 = Refused("outage", status=500)


@pytest.fixture
def counted() -> Iterator[ErrorCounter]:
    lines, logger = ErrorCounter(), logging.getLogger("ensemble")
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(lines)
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("answers", "errors"),
    [(["Hello."], 5), (["❌ is what the model wrote."], 5), ([""] * 3, 5)],
    ids=["three failed attempts", "with the mark in the text", "three failed tries to write"],
)
def test_m4_an_error_counts_once_however_many_lines_it_takes(
    answers: list[object], errors: int, counted: ErrorCounter, kept: Kept
) -> None:
    # Three tries that failed, the message that is given up, and the notice that Discord refuses.
    played([HTTP_500] * 3, answers, notice_faults=[Refused("message_refused", 400, final=True)])
    shown = [record for record in kept.records if record.levelno >= logging.ERROR and "❌" in record.getMessage()]
    assert counted.lines == len(shown) > errors
    assert counted.total == errors
    assert sum(counted.take().values()) == errors


def test_m4_a_crash_is_counted_and_a_warning_is_not(counted: ErrorCounter) -> None:
    LogTrace().publish(Noted("error", "A session crashed and starts again.", error=RuntimeError()))
    LogTrace().publish(Noted("warning", "❌ in a warning"))
    assert counted.total == 1


def test_m4_what_is_taken_is_counted_by_its_minute_and_taken_once() -> None:
    lines = ErrorCounter()
    for at in (119.9, 120.0, 179.9, 180.0):
        record = logging.LogRecord("ensemble.actors", logging.ERROR, __file__, 1, "❌ no", None, None)
        record.created = at
        lines.handle(record)
    assert lines.take() == {1: 1, 2: 2, 3: 1}
    assert lines.take() == {}
    assert lines.total == 4


def test_m4_what_could_not_be_kept_is_taken_again_with_what_came_since() -> None:
    lines = ErrorCounter()
    record = logging.LogRecord("ensemble.actors", logging.ERROR, __file__, 1, "❌ no", None, None)
    record.created = 60.0
    lines.handle(record)
    taken = lines.take()
    lines.handle(record)
    lines.give_back(taken)
    assert lines.take() == {1: 2}


def test_m4_no_error_is_lost_between_threads_that_log_and_one_that_takes() -> None:
    lines, taken = ErrorCounter(), [0]
    record = logging.LogRecord("ensemble.actors", logging.ERROR, __file__, 1, "❌ no", None, None)

    def log_many() -> None:
        for _ in range(2_000):
            lines.handle(record)

    threads = [threading.Thread(target=log_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken[0] += sum(lines.take().values())
    assert taken[0] + sum(lines.take().values()) == lines.total == lines.lines == 8_000


def test_m4_set_up_counts_what_it_sends_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    counted = set_up(level="INFO", json_lines=False, secrets=())
    LogTrace().publish(Noted("error", "The notice could not be delivered.", error=RuntimeError("no")))
    assert counted.total == capfd.readouterr().err.count("❌") == 1
