"""`!missing` and *Did not come*: answered with what the journal knows, kept, and counted once."""

from __future__ import annotations

import anyio
import pytest
from sqlalchemy import select

from actors.adapters.store.engine.report_tables import missing_report
from actors.commands import ANSWERS_WAITING_MAX
from actors.ports import HeldBack, MissingAsked, MissingReported, ModelFailed, Refused, ShardReady, Unconfirmed
from actors.roleplay.missing_reports import NONE, UNKNOWN, Finding
from machines.response import Limits
from tests.adapters.logged import raised
from tests.fakes.discord import Fault
from tests.fakes.play import CHANNEL, Play, playing
from tests.fakes.virtual_time import EPOCH

HTTP_500 = Refused("outage", status=500)


async def ask(play: Play, *, about: int | None = None, channel_id: int = CHANNEL, by: int = 500) -> str:
    """The answer to `!missing`, as a reply to `about`."""
    before = len(play.discord.texts(channel_id))
    play.discord.user_says(channel_id, "!missing", author_id=by, replies_to=about)
    await play.until(lambda: len(play.discord.texts(channel_id)) > before)
    return play.discord.texts(channel_id)[-1]


def rows(play: Play) -> list[tuple[int, int, int, str, str]]:
    columns = missing_report.c
    wanted = select(columns.reported_by, columns.channel_id, columns.message_id, columns.finding, columns.answered)
    with play.executor.engine.connect() as conn:
        return [tuple(row) for row in conn.execute(wanted.order_by(columns.id))]


async def said(play: Play, text: str = "Hello?") -> int:
    message_id = play.say(text)
    await play.quiet()
    return message_id


@pytest.mark.parametrize(
    ("faults", "answers", "words", "finding"),
    [
        ([], [], "came <t:{at}:T>, and stands in this channel.", Finding.DELIVERED),
        ([HTTP_500] * 3, [], "did not come (<t:{at}:T>): Discord's server failed. `!retry` asks for it again.",
         Finding.FAILED),
        ([Refused("too_long", 400, final=True)], [], "did not come (<t:{at}:T>): message too long.", Finding.FAILED),
        ([], [ModelFailed("timeout")] * 3,
         "did not come (<t:{at}:T>): model did not answer in time; a slow server needs a higher GENERATE_TIMEOUT_S."
         " `!retry` asks for it again.", Finding.FAILED),
        (["lost"] * 3, [],
         "did not come (<t:{at}:T>): Discord did not confirm the message. `!retry` asks for it again.", Finding.FAILED),
    ],
    ids=["delivered", "refused", "too long", "not written", "in doubt"],
)  # fmt: skip
async def test_m4_the_answer_says_what_became_of_the_newest_turn(
    faults: list[Fault], answers: list[object], words: str, finding: Finding
) -> None:
    async with playing(faults=faults, answers=answers, cast=("Ada",)) as play:
        await play.start("Ada")
        message_id = await said(play)
        at = f"{play.trace.last_move_at:.0f}"
        answer = await ask(play)
        heading, ada = answer.splitlines()
        assert heading.startswith("🔎 The answers to the message of <t:")
        assert ada == f"- **Ada** {words.format(at=at)}"
        assert rows(play) == [(500, CHANNEL, message_id, finding.value, answer)]
        reported = [event for event in play.trace.events if isinstance(event, MissingReported)]
        assert reported == [MissingReported(finding, CHANNEL, await play.session_id())]
        found = await play.store.reliability(since=EPOCH)
        assert found.missing == ((finding.value, 1),)


async def test_m4_what_waits_is_said_with_its_time_and_what_has_not_begun_with_its_name() -> None:
    async with playing() as play:
        await play.start("Ada", "Bo")
        until = play.clock.now() + 500
        play.discord.prepare_faults.append(HeldBack(until, "discord_down", play.clock.now()))
        play.say("Hello?")
        await anyio.sleep(1)
        play.say("Anybody?")
        await anyio.sleep(10)
        play.discord.prepare_faults.append(HeldBack(until))
        _, ada, bo, waiting = (await ask(play)).splitlines()
        assert ada == f"- **Ada** is on its way; it waits until <t:{until:.0f}:T>: Discord is not answering."
        assert bo == "- **Bo** has not begun yet."
        assert waiting == "- 1 message of this scene waits for a turn."
        assert [row[3] for row in rows(play)] == ["waiting"]


async def test_m4_as_a_reply_it_is_about_that_message_its_line_or_its_notice() -> None:
    async with playing(faults=[HTTP_500] * 3, cast=("Ada",)) as play:
        await play.start("Ada")
        first = await said(play, "First")
        second = await said(play, "Second")
        notice = next(m.id for m in play.discord.shown if m.text.startswith("⚠️"))
        line = next(m.id for m in play.discord.shown if m.name == "Ada")
        assert "did not come" in await ask(play, about=first)
        assert "did not come" in await ask(play, about=notice)
        assert "stands in this channel" in await ask(play, about=second)
        assert "stands in this channel" in await ask(play, about=line)
        assert [row[2] for row in rows(play)] == [first, second]


async def test_m4_of_what_it_does_not_know_it_says_so_and_of_another_channel_it_knows_nothing() -> None:
    async with playing(cast=("Ada",)) as play:
        assert await ask(play) == NONE
        await play.start("Ada", channel_id=7)
        elsewhere = play.say("Hello?", channel_id=7)
        await play.quiet()
        assert "Ada" in await ask(play, channel_id=7)
        play.say("!start Ada")
        await play.quiet()
        assert await ask(play) == NONE
        aside = play.say("((a word between us))")
        command = play.say("!status")
        await play.quiet()
        for unknown in (aside, command, elsewhere, 12345):
            assert await ask(play, about=unknown) == UNKNOWN
        assert {row[3] for row in rows(play) if row[1] == CHANNEL} == {"unknown"}


async def test_m4_a_line_that_a_moderator_removed_is_said_to_have_come() -> None:
    async with playing(cast=("Ada",), answers=["A word. " * 400]) as play:
        await play.start("Ada")
        await said(play)
        parts = [message.id for message in play.discord.shown if message.name == "Ada"]
        assert len(parts) == 2
        play.discord.user_deletes(CHANNEL, parts[0])
        await play.quiet()
        assert "stands in this channel" in await ask(play), "a part of it is left"
        play.discord.user_deletes(CHANNEL, parts[1])
        await play.quiet()
        assert (await ask(play)).endswith(", and was deleted since.")
        assert [row[3] for row in rows(play)] == ["removed"]


async def test_m4_of_a_line_that_was_asked_for_again_the_last_counts() -> None:
    async with playing(faults=[HTTP_500] * 3, cast=("Ada",)) as play:
        await play.start("Ada")
        await said(play)
        assert "did not come" in await ask(play)
        play.say("!retry")
        await play.quiet()
        assert len((await ask(play)).splitlines()) == 2
        assert [(row[3], "stands" in row[4]) for row in rows(play)] == [("delivered", True)], "the newest answer"


async def test_m4_who_asks_twice_about_one_turn_is_answered_twice_and_counted_once() -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        await said(play)
        for by in (500, 500, 501):
            await ask(play, by=by)
        assert [row[0] for row in rows(play)] == [500, 501]
        assert sum(isinstance(event, MissingReported) for event in play.trace.events) == 2


async def test_m4_a_command_that_is_read_again_is_answered_once() -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        await said(play)
        await ask(play)
        play.gateway.offer(ShardReady(0, "Ensemble", 1))
        await play.quiet()
        assert sum(text.startswith("🔎") for text in play.discord.texts(CHANNEL)) == 1


async def test_m4_no_error_s_text_and_no_code_is_in_the_answer() -> None:
    error = raised(RuntimeError("secret words"))
    refused = Refused("message_refused", 400, 0.0, True, error, 50035, "Invalid Form Body: secret words")
    async with playing(faults=[refused], cast=("Ada",)) as play:
        await play.start("Ada")
        await said(play, "What I say is nobody's business.")
        answer = await ask(play)
        assert "did not come" in answer
        for kept_out in ("secret", "50035", "RuntimeError", "business", "bad_request"):
            assert kept_out not in answer


async def test_m4_a_flood_of_them_is_left_unanswered_as_every_command_s_is() -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        await said(play)
        play.discord.outage = Unconfirmed("outage", 503)
        for _ in range(ANSWERS_WAITING_MAX + 5):
            play.discord.user_says(CHANNEL, "!missing")
        await anyio.sleep(5)
        assert await play.store.answers_waiting(CHANNEL) == ANSWERS_WAITING_MAX


async def test_m4_the_menu_is_answered_to_who_chose_it_alone() -> None:
    async with playing(faults=[HTTP_500] * 3, cast=("Ada",)) as play:
        await play.start("Ada")
        message_id = await said(play)
        before = play.discord.texts(CHANNEL)
        menu = play.discord.interact(play.discord.channels[CHANNEL])
        asked = MissingAsked(menu.id, menu.token, CHANNEL, 600, message_id)
        for _ in range(2):  # a gateway may tell of it twice
            play.discord.tell(play.discord.channels[CHANNEL], asked)
        await play.quiet()
        (answer,) = play.discord.replies[menu.token]
        assert "- **Ada** did not come" in answer
        assert play.discord.texts(CHANNEL) == before
        assert [row[:4] for row in rows(play)] == [(600, CHANNEL, message_id, "failed")]


async def test_m4_what_was_called_off_did_not_fail() -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        play.model.takes_s = 60.0
        play.say("Hello?")
        await anyio.sleep(5)
        play.say("!end")
        await play.quiet()
        answer = await ask(play)
        assert "- **Ada** was called off <t:" in answer
        assert [row[3] for row in rows(play)] == ["cancelled"]


async def test_m4_a_message_that_nobody_answers_says_why() -> None:
    async with playing(cast=("Ada",), limits=Limits()) as play:
        await play.start("Ada")
        play.model.takes_s = 60.0
        play.say("First")
        await anyio.sleep(5)
        waits, gone = play.say("Second"), play.say("Third")
        await anyio.sleep(1)
        play.discord.user_deletes(CHANNEL, gone)
        await anyio.sleep(1)
        assert "- It waits for its turn." in await ask(play, about=waits)
        assert "- It was deleted, or edited out of the play" in await ask(play, about=gone)
        play.say("!end")
        await play.quiet()
        assert "- The scene has ended" in await ask(play, about=waits)
