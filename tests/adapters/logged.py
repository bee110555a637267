"""What the log says of a whole run on virtual time."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from actors.adapters.log import LogTrace
from actors.ports import Refused, Unconfirmed
from machines.response import Limits
from tests.fakes.discord import Fault
from tests.fakes.play import Play, playing
from tests.fakes.virtual_time import run_virtually

MULTI = "🎭 MULTI-CHAR: "
LINE = "Hey, finally in person. Coffee's good, but this view is better."


class Kept(logging.Handler):
    """Keeps the records of `ensemble`."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]

    @property
    def said(self) -> list[str]:
        """What was said of responses, without the mark before each line."""
        return [message.removeprefix(MULTI) for message in self.messages if message.startswith(MULTI)]


def played(
    faults: Sequence[Fault] = (),
    answers: Sequence[object] = (LINE,),
    limits: Limits | None = None,
    notice_faults: Sequence[Fault] = (),
    read_faults: Sequence[Refused | Unconfirmed] = (),
) -> None:
    """One message to Alex alone, and whatever comes of it, given to the log."""

    async def main() -> None:
        async with playing(faults=faults, answers=answers, limits=limits, cast=("Alex",)) as play:
            await play.start("Alex")
            play.discord.text_faults.extend(notice_faults)
            play.discord.read_faults.extend(read_faults)
            play.say("Hello, Alex!")
            await play.quiet()
            assert play.trace.crashes == []
            log(play)

    run_virtually("asyncio", main)


def log(play: Play) -> None:
    """Give the log what the run has published."""
    lines = LogTrace()
    for event in play.trace.events:
        lines.publish(event)


def is_subsequence(expected: Sequence[str], lines: Sequence[str]) -> bool:
    rest = iter(lines)
    return all(line in rest for line in expected)


def raised(error: Exception) -> Exception:
    """The error with a traceback, as an adapter would hand it on."""
    try:
        raise error
    except type(error) as caught:
        return caught
