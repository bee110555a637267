"""The text log can be followed: whose line it is, how it ends, what Discord said, and where something crashed."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import Any

import pytest

from actors.adapters.log import JsonFormatter, LogTrace, TextFormatter
from actors.ports import BreakerMoved, Diverged, ModelFailed, Noted, Refused, Unconfirmed
from machines.response import Limits
from tests.adapters.logged import MULTI, Kept, is_subsequence, log, played, raised
from tests.fakes.play import CHANNEL, playing
from tests.fakes.virtual_time import run_virtually, virtually_on_asyncio

HTTP_500 = Refused("outage", status=500)
GONE = Refused("channel_gone", 404, final=True)
BLIND = Refused("forbidden", 403, final=True)
FAILED = "❌ FAILED to {} Alex's message after {} attempts"
NOT_ADDING = "❌ NOT adding Alex's response to history because message send failed"
TEXT_LINE = re.compile(r"\S+ \S+ - (ensemble[.\w]*)(?:\[(\w+)\])? - (\w+) - (.*)", re.DOTALL)

WAYS_TO_FAIL: dict[str, tuple[dict[str, Any], str, int]] = {
    "every try refused": ({"faults": [HTTP_500] * 3}, "send", 3),
    "refused for good": ({"faults": [BLIND]}, "send", 1),
    "too long for Discord": ({"faults": [HTTP_500, Refused("too_long", 400, final=True)]}, "send", 2),
    "never answered": ({"faults": ["lost"] * 3}, "send", 3),
    "cannot be read back": ({"faults": ["lost"], "read_faults": [BLIND]}, "send", 1),
    "channel gone": ({"faults": [GONE]}, "send", 1),
    "channel gone while in doubt": ({"faults": ["lost"], "read_faults": [GONE]}, "send", 1),
    "delivered, then removed": ({"faults": ["lost", Refused("removed", 404, final=True)]}, "send", 2),
    "too late to send again": ({"faults": [HTTP_500], "limits": Limits(deadline_s=1.0)}, "send", 1),
    "in doubt at the deadline": ({"faults": ["lost"], "limits": Limits(deadline_s=1.0)}, "send", 1),
    "nothing written": ({"answers": ["", "<think>hm</think>", "   "]}, "generate", 3),
    "no model answers": ({"answers": [ModelFailed("timeout")] * 3}, "generate", 3),
    "the model refuses": ({"answers": [ModelFailed("credentials")] * 2}, "generate", 1),
    "too late to write again": ({"answers": [ModelFailed("overloaded")], "limits": Limits(deadline_s=1.0)},
                                "generate", 1),
}  # fmt: skip


@dataclass(frozen=True)
class TextLine:
    logger: str
    id: str | None
    level: str
    words: str


def text_lines(kept: Kept) -> list[TextLine]:
    formatted = [TextFormatter(()).format(record) for record in kept.records]
    found = [TEXT_LINE.fullmatch(line) for line in formatted]
    return [TextLine(*each.groups()) for each in found if each is not None]


class TestEveryFailedLineHasItsEnd:
    @pytest.mark.parametrize("way", WAYS_TO_FAIL)
    def test_m2_a_failed_line_ends_with_failed_and_not_adding(self, way: str, kept: Kept) -> None:
        script, did, attempts = WAYS_TO_FAIL[way]
        played(**script)
        errors = [line for line in kept.said if line.startswith("❌")]
        assert errors[-2:] == [FAILED.format(did, attempts), NOT_ADDING]
        assert sum("FAILED" in line for line in errors) == sum("NOT adding" in line for line in errors) == 1
        assert not [line for line in kept.said if line.startswith(("✅", "Added"))]

    @virtually_on_asyncio
    async def test_m2_a_cancelled_line_did_not_fail_and_says_so_in_one_line(self, kept: Kept) -> None:
        async with playing(cast=("Alex",)) as play:
            await play.start("Alex")
            play.model.takes_s = 60
            play.say("Hello?")
            await play.until(lambda: bool(play.model.prompts))
            play.say("!end")
            await play.quiet()
            log(play)
        assert kept.said[-2:] == [
            "Alex's response was cancelled (end)",
            "Alex's cancelled response ends here; it is not added to history",
        ]
        assert not [record for record in kept.records if record.levelno >= logging.ERROR]

    @virtually_on_asyncio
    async def test_m2_a_network_that_fails_a_cancelled_line_is_in_the_log_all_the_same(self, kept: Kept) -> None:
        async with playing(faults=[("hang", 2.0)], cast=("Alex",), answers=["A word. " * 400]) as play:
            await play.start("Alex")
            play.say("Hello?")
            await play.until(lambda: bool(play.discord.posts) and play.discord.posts[-1].name == "Alex")
            play.discord.faults.append(Unconfirmed("timeout"))  # type: ignore[arg-type]
            play.say("!end")
            await play.quiet()
            log(play)
        assert kept.said[-1] == "Alex's cancelled response ends here; it is not added to history"

    @pytest.mark.parametrize(
        ("script", "why"),
        [({"faults": [BLIND]}, "forbidden"), ({"answers": [""] * 3}, "empty")],
        ids=["written", "not written"],
    )
    def test_m2_a_notice_has_a_line_when_it_is_written_and_one_when_it_is_delivered(
        self, script: dict[str, Any], why: str, kept: Kept
    ) -> None:
        played(**script, notice_faults=[HTTP_500])
        lines = text_lines(kept)
        (failed,) = {line.id for line in lines if "FAILED" in line.words}
        of_it = [line.words.removeprefix(MULTI) for line in lines if line.id == failed]
        tried = f"A notice did not go out (attempt 1, refused: outage 500; outbox row 2 of channel {CHANNEL}); "
        expected = (
            f"A notice is written: Alex's message failed ({why})",
            NOT_ADDING,
            f"{tried}it is tried again.",
            f"A notice was delivered (attempt 2; outbox row 2 of channel {CHANNEL}).",
        )
        assert is_subsequence(expected, of_it), of_it

    @virtually_on_asyncio
    async def test_m2_a_notice_that_a_line_waits_has_its_lines_too(self, kept: Kept) -> None:
        async with playing(cast=("Alex",), breaker_failures=1, limits=Limits(send_attempts=9)) as play:
            await play.start("Alex")
            play.discord.outage = Unconfirmed("outage", 503)
            play.say("Hello?")
            await play.until(lambda: ("discord", "Closed", "Open") in play.trace.breaker_moves)
            await play.until(lambda: any(name == "Held" for _, name, _ in play.trace.moves))
            play.discord.outage = None
            await play.until(lambda: play.trace.states_of("Alex")[-1] == "Delivered")
            await play.quiet()
            log(play)
        lines = text_lines(kept)
        (alex,) = {line.id for line in lines if "Attempting" in line.words}
        written = [
            line for line in lines if "A notice is written, once for the channel: Alex's message waits" in line.words
        ]
        assert {line.id for line in written} == {alex}
        # The line came before its notice could go out, so nobody is told of a delay any more.
        assert [line.id for line in lines if "A notice was delivered" in line.words] == []
        assert [line for line in lines if re.search(r"Alex's response waits for \d+ s \(discord_down\)", line.words)]


class TestWhoseLineItIs:
    def test_m2_the_response_stands_in_the_name_column(self, kept: Kept) -> None:
        played([HTTP_500] * 3)
        said = [line for line in text_lines(kept) if line.words.startswith("🎭")]
        assert len({line.id for line in said}) == 1
        assert {line.logger for line in said} == {"ensemble.memory", "ensemble.responses"}
        assert all(line.id and len(line.id) == 13 for line in said)

    def test_m2_a_session_stands_there_where_no_response_is_known_and_nothing_where_neither_is(
        self, kept: Kept
    ) -> None:
        LogTrace().publish(Noted("error", "A session crashed and starts again.", "1l8etyjiyyw8v"))
        LogTrace().publish(BreakerMoved("large", "Closed", "Open", 0.0, 60.0))
        crash, breaker = text_lines(kept)
        assert (crash.logger, crash.id) == ("ensemble.actors", "1l8etyjiyyw8v")
        assert (breaker.logger, breaker.id) == ("ensemble.breakers", None)

    @virtually_on_asyncio
    async def test_m2_the_flows_of_the_seed_are_in_the_lines_of_one_response_while_a_namesake_speaks(
        self, kept: Kept
    ) -> None:
        answers = ["Hey there"] * 9
        async with playing(answers=answers, cast=("Alex",), faults=[HTTP_500, "ok", "ok"]) as play:
            for channel_id in (1, 2):
                await play.start("Alex", channel_id=channel_id)
            for channel_id in (1, 2):
                play.say("Hello!", channel_id=channel_id)
            await play.quiet()
            log(play)
        lines = text_lines(kept)
        ids = list(dict.fromkeys(line.id for line in lines if "Generating" in line.words))
        first, second = ([line.words.removeprefix(MULTI) for line in lines if line.id == each] for each in ids)
        begin = ("Generating response for Alex", "Current conversation history length: 1")
        written = ("Generated response for Alex: Hey there...", "Attempting to send response from Alex")
        end = ("✅ Successfully sent response from Alex", "Added Alex's response to history. New length: 2")
        refused = "❌ Discord HTTP error sending Alex's message (attempt 1/3): HTTPException[500]"
        again = "Attempting to send response from Alex (attempt 2/3)"
        (flawed, well) = (first, second) if refused in first else (second, first)
        assert is_subsequence((*begin, *written, *end), well)
        assert not [line for line in well if "❌" in line or "attempt 2" in line]
        assert is_subsequence((*begin, *written, refused, again, *end), flawed)

    def test_m2_every_line_of_a_response_has_its_three_fields_in_json(self, kept: Kept) -> None:
        played([HTTP_500] * 3, notice_faults=[HTTP_500])
        lines = [json.loads(JsonFormatter(()).format(record)) for record in kept.records]
        (response,) = {line["response"] for line in lines if "FAILED" in line["message"]}
        (session,) = {line["session"] for line in lines if "FAILED" in line["message"]}
        about = [line for line in lines if "Alex" in line["message"] or "notice" in line["message"]]
        assert {(line["response"], line["session"]) for line in about} == {(response, session)}
        assert [line["message"] for line in about if not isinstance(line["attempt"], int)] == []

    def test_m2_a_divergence_says_in_which_channel(self, kept: Kept) -> None:
        LogTrace().publish(Diverged(None, "extra", 1, CHANNEL))
        assert kept.messages == [f"Channel {CHANNEL} and history differ: 1 extra; `audit` names what."]


MISSING = Refused("forbidden", 403, 0.0, True, raised(RuntimeError("403")), 50013, "Missing Permissions")


class TestWhatDiscordSaid:
    def test_m2_a_refusal_has_code_words_and_traceback_and_the_sentence_to_the_letter(self, kept: Kept) -> None:
        played([MISSING])
        sentence = "❌ Discord HTTP error sending Alex's message (attempt 1/3): HTTPException[403]"
        (refused,) = [record for record in kept.records if record.getMessage() == MULTI + sentence]
        first, said, *rest = TextFormatter(()).format(refused).splitlines()
        assert first.endswith(sentence)
        assert said == "    Discord said: Missing Permissions (code 50013)"
        assert rest[0] == "    Traceback (most recent call last):"
        assert rest[-1] == "    RuntimeError: 403"
        line = json.loads(JsonFormatter(()).format(refused))
        assert (line["code"], line["words"], line["error_type"]) == (50013, "Missing Permissions", "RuntimeError")

    @pytest.mark.parametrize(
        ("code", "words", "said"),
        [(None, "", []), (20009, "", ["    Discord said: code 20009"]), (None, "No.", ["    Discord said: No."])],
    )
    def test_m2_what_discord_left_out_is_left_out(
        self, code: int | None, words: str, said: list[str], kept: Kept
    ) -> None:
        played([Refused("outage", 500, code=code, words=words)])
        (refused,) = [record for record in kept.records if "HTTP error" in record.getMessage()]
        assert TextFormatter(()).format(refused).splitlines()[1:] == said

    def test_m2_discord_s_words_cannot_forge_a_line_nor_hold_a_secret(self, kept: Kept) -> None:
        forged = "no\n2026-01-01 00:00:00,000 - ensemble.responses[1l8etyjiyyw8v] - INFO - ✅ \x1b[2Jtoken-s3cr3t"
        played([Refused("outage", 500, code=1, words=forged)])
        (refused,) = [record for record in kept.records if "HTTP error" in record.getMessage()]
        text = TextFormatter(("token-s3cr3t",)).format(refused)
        assert all(line.startswith("    ") for line in text.splitlines()[1:])
        assert "\x1b" not in text
        assert "s3cr3t" not in text + JsonFormatter(("token-s3cr3t",)).format(refused)

    def test_m2_an_unconfirmed_send_prints_the_http_line_where_a_status_is_known(self, kept: Kept) -> None:
        played(["stored_then_cut"])
        assert "❌ Discord HTTP error sending Alex's message (attempt 1/3): HTTPException[502]" in kept.said
        assert "The channel shows Alex's message: it was stored" in kept.said

    def test_m2_a_channel_that_cannot_be_read_back_has_its_lines(self, kept: Kept) -> None:
        played(["lost"], read_faults=[Unconfirmed("outage", 503), Refused("forbidden", 403, final=True)])
        assert "The channel could not be read for Alex's message (outage); it is read again" in kept.said
        assert "❌ The channel cannot be read, so Alex's message cannot be confirmed: unconfirmed" in kept.said

    def test_m2_a_dropped_notice_says_code_words_and_row(self, kept: Kept) -> None:
        played(
            [BLIND],
            notice_faults=[
                Refused("message_refused", 400, final=True, code=50006, words="Cannot send an empty message")
            ],
        )
        (dropped,) = [line for line in text_lines(kept) if "was dropped" in line.words]
        (failed,) = {line.id for line in text_lines(kept) if "FAILED" in line.words}
        assert dropped.id == failed
        assert dropped.words == (
            "❌ The notice could not be delivered and was dropped: message_refused 400, Cannot send an empty message "
            f"(code 50006); outbox row 2 of channel {CHANNEL}."
        )


class TestWhatCrashed:
    def test_m2_a_crash_names_session_and_response(self, kept: Kept) -> None:
        async def main() -> str:
            broken: dict[str, list[Exception]] = {"record": [OSError("disk full")]}
            async with playing(faults_of_store=broken, cast=("Alex",)) as play:
                await play.start("Alex")
                play.say("Hello!")
                await play.quiet()
                log(play)
                return await play.session_id()

        session_id = run_virtually("asyncio", main)
        (alex,) = {line.id for line in text_lines(kept) if "Generating" in line.words}
        crash = next(line for line in text_lines(kept) if "crashed" in line.words)
        assert crash.id == session_id
        assert crash.words.startswith(f"❌ A session crashed (response {alex}) and starts again.\n    Traceback ")

    @pytest.mark.parametrize(
        ("broken", "whose"),
        [("outbox_try", f"The outbox crashed (outbox row 1 of channel {CHANNEL})"),
         ("session_in", f"The gateway (channel {CHANNEL}) crashed")],
    )  # fmt: skip
    @virtually_on_asyncio
    async def test_m2_a_crash_names_the_row_or_the_channel(self, broken: str, whose: str, kept: Kept) -> None:
        async with playing(faults_of_store={broken: [OSError("disk full")]}, cast=("Alex",)) as play:
            play.say("!status")
            await play.quiet()
            log(play)
        (crash,) = [message for message in kept.messages if "crashed" in message]
        assert crash == f"❌ {whose} and starts again."
