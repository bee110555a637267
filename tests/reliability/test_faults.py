"""Every case of the fault table, for both voices: real server, real client, real core."""

from __future__ import annotations

from typing import Literal

import pytest

from actors.playground import READS
from tests.reliability.faults import CASES, DELIVERED, Case, Outcome, found
from tests.reliability.stage import NAME, NOTICE, Stage, performing

Voice = Literal["webhook", "embed"]
WITHOUT_AN_ANSWER = found("empty_answer").path
VOICES: tuple[Voice, ...] = ("webhook", "embed")
DELAY = f"⏳ Discord limits how fast this channel may be written to; {NAME}'s response comes at <t:"


async def provoke(stage: Stage, case: Case) -> None:
    stage.server.dialect = case.dialect
    stage.server.next_lines(*case.lines)
    stage.server.next_requests(READS, *case.reads)
    if case.act is None:
        stage.say()
    else:
        await case.act(stage)
    await stage.until_over()


async def equal_to_the_channel(stage: Stage) -> None:
    committed = [(entry.message_ids, entry.text) for entry in await stage.history() if entry.kind == "character"]
    assert committed == [((line.id,), line.description or line.content) for line in stage.lines]


async def what_was_told(stage: Stage) -> str:
    """The clause of the only notice; `later` where it waits for a permission and an error was logged, `opened` where it
    waits for its thread, `log` where an error was logged in its place, `waits` where it was said that the line comes
    later; empty where nobody was told.
    """
    if stage.delays():
        (delay,) = stage.delays()
        assert delay.startswith(
            f"⏳ Discord limits how fast this channel may be written to; {NAME}'s response comes at <t:"
        )
        assert stage.delays(with_deleted=False) == stage.notices == []
        # A notice of the bot's own voice waits half a second behind its line; where that takes longer, it goes out, and
        # is taken down with it.
        return "" if stage.voice == "embed" else "waits"
    if not stage.notices and await stage.is_put_off():
        return "later" if stage.trace.errors else "opened"
    if not stage.notices:
        return "log" if stage.trace.errors else ""
    (notice,) = stage.notices
    assert notice.startswith(NOTICE)
    return notice.rpartition("(")[2].removesuffix(")")


PAIRS = [(case, voice, outcome) for case in CASES for voice in VOICES if (outcome := case.outcome(voice)) is not None]


@pytest.mark.parametrize(("case", "voice", "expected"), PAIRS, ids=[f"{case.name}-{voice}" for case, voice, _ in PAIRS])
async def test_the_line_stands_once_or_the_channel_is_told(case: Case, voice: Voice, expected: Outcome) -> None:
    async with performing(voice, place=case.place, **case.settings) as stage:
        await provoke(stage, case)
        stands = len(stage.lines) == 2  # the first answered "Hello?"
        assert Outcome(stage.path, stage.attempts, stands, await what_was_told(stage)) == expected
        assert len(stage.lines) in (1, 2)
        assert stage.strays == []
        await equal_to_the_channel(stage)
        # Nothing goes out on a closed bucket; typing may be on its way when its line meets the 429.
        assert [entry for entry in stage.server.on_closed if not entry.path.endswith("/typing")] == []
        if case.goes_on:
            stage.begin()
            stage.say("Still there?")
            await stage.until_over()
            assert (stage.path, stage.attempts) == (WITHOUT_AN_ANSWER if case.dialect.bare_posts else DELIVERED, 1)
            await equal_to_the_channel(stage)
