"""The log, driven by whole runs on virtual time: the seed's lines to the letter, in both formats, without secrets."""

from __future__ import annotations

import base64
import json
import logging
import re
import sys

import pytest

from actors.adapters.log import JsonFormatter, LogTrace, Scrubber, TextFormatter, set_up
from actors.ports import AttemptBegan, BreakerMoved, Context, ModelFailed, Moved, Noted, Refused
from machines.facts import Held, SendRefused, Sent
from machines.response import Limits, Move, State
from tests.adapters.logged import LINE, MULTI, Kept, is_subsequence, played, raised

HTTP_500 = Refused("outage", status=500)
SECRET = "token-s3cr3t"
FORGED = "2026-01-01 00:00:00,000 - ensemble.responses - CRITICAL - forged"
TEXT_LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - ensemble(\.\w+)+(\[\w+\])? - (INFO|WARNING|ERROR|CRITICAL) - .*"
)


class TestTheSeedsFlows:
    def test_a_line_that_arrives(self, kept: Kept) -> None:
        played()
        assert kept.messages[-8:] == [
            "🎭 MEMORY: Processing 1 messages for Alex",
            "🎭 MEMORY: Filtered history for Alex: 1 messages",
            "🎭 MULTI-CHAR: Generating response for Alex",
            "🎭 MULTI-CHAR: Current conversation history length: 1",
            "🎭 MULTI-CHAR: Generated response for Alex: Hey, finally in person. Coffee's good, but this vi...",
            "🎭 MULTI-CHAR: Attempting to send response from Alex",
            "🎭 MULTI-CHAR: ✅ Successfully sent response from Alex",
            "🎭 MULTI-CHAR: Added Alex's response to history. New length: 2",
        ]

    def test_a_line_that_arrives_at_the_second_try(self, kept: Kept) -> None:
        played([HTTP_500], ["Hey there"])
        expected = (
            "Generating response for Alex",
            "Generated response for Alex: Hey there...",
            "Attempting to send response from Alex",
            "❌ Discord HTTP error sending Alex's message (attempt 1/3): HTTPException[500]",
            "Attempting to send response from Alex (attempt 2/3)",
            "✅ Successfully sent response from Alex",
            "Added Alex's response to history. New length: 2",
        )
        assert is_subsequence(expected, kept.said)
        assert [line for line in kept.said if line.startswith(("❌", "Attempting"))] == [
            line for line in expected if line.startswith(("❌", "Attempting"))
        ]

    def test_a_line_that_fails_three_times(self, kept: Kept) -> None:
        played([HTTP_500] * 3, ["Hey there"])
        expected = (
            "Generating response for Alex",
            "Generated response for Alex: Hey there...",
            "Attempting to send response from Alex",
            "❌ Discord HTTP error sending Alex's message (attempt 1/3): HTTPException[500]",
            "❌ Discord HTTP error sending Alex's message (attempt 2/3): HTTPException[500]",
            "❌ Discord HTTP error sending Alex's message (attempt 3/3): HTTPException[500]",
            "❌ FAILED to send Alex's message after 3 attempts",
            "❌ NOT adding Alex's response to history because message send failed",
        )
        assert is_subsequence(expected, kept.said)
        assert not [line for line in kept.said if line.startswith(("✅", "Added"))]

    def test_every_try_says_that_it_is_made(self, kept: Kept) -> None:
        played([HTTP_500] * 3)
        begun = [line for line in kept.said if line.startswith("Attempting")]
        sent = "Attempting to send response from Alex"
        assert begun == [sent, f"{sent} (attempt 2/3)", f"{sent} (attempt 3/3)"]

    def test_a_try_without_an_answer_is_an_unexpected_error(self, kept: Kept) -> None:
        played(["lost"])
        assert "❌ Unexpected error sending Alex's message (attempt 1/3): ServerDisconnectedError" in kept.said
        assert kept.said[-2:] == [
            "✅ Successfully sent response from Alex",
            "Added Alex's response to history. New length: 2",
        ]

    def test_a_network_that_fails_is_told_without_a_traceback(self, kept: Kept) -> None:
        played(["lost"])
        (failed,) = [record for record in kept.records if "Unexpected error" in record.getMessage()]
        assert "Traceback" not in TextFormatter(()).format(failed)
        line = json.loads(JsonFormatter(()).format(failed))
        assert line["error_type"] == "ServerDisconnectedError", "machines read it, people do not"

    def test_a_line_in_parts_begins_once_and_succeeds_once(self, kept: Kept) -> None:
        played(answers=["A word. " * 400])
        assert [line for line in kept.said if line.startswith(("Attempting", "✅"))] == [
            "Attempting to send response from Alex",
            "✅ Successfully sent response from Alex",
        ]


class TestGenerationErrors:
    def test_an_error_is_told_with_its_type_and_its_traceback(self, kept: Kept) -> None:
        played(answers=[ModelFailed("overloaded", error=raised(RuntimeError("no capacity"))), LINE])
        at = kept.said.index("❌ Error generating response for character Alex: model overloaded (overloaded)")
        assert kept.said[at + 1] == "❌ Exception type: RuntimeError"
        assert kept.said[at + 2].startswith("❌ Traceback: Traceback (most recent call last):\n")
        assert kept.said[at + 2].rstrip().endswith("RuntimeError: no capacity")
        assert kept.said[-1] == "Added Alex's response to history. New length: 2"

    def test_a_line_that_was_never_written_is_not_called_failed_to_send(self, kept: Kept) -> None:
        played(answers=["", "<think>hm</think>", "   "])
        assert sum(line.startswith("❌ Error generating") for line in kept.said) == 3
        assert not [line for line in kept.said if "FAILED to send" in line or line.startswith("Attempting")]


class TestLevelsAndFields:
    def test_what_failed_is_an_error_and_the_rest_information(self, kept: Kept) -> None:
        played([HTTP_500] * 3)
        assert {r.levelno for r in kept.records if "❌" in r.getMessage()} == {logging.ERROR}
        assert {r.levelno for r in kept.records if "❌" not in r.getMessage()} == {logging.INFO}

    def test_every_logger_is_one_of_ensemble(self, kept: Kept) -> None:
        played([HTTP_500])
        assert {record.name for record in kept.records} <= {"ensemble.memory", "ensemble.responses", "ensemble.actors"}

    def test_every_line_of_a_response_carries_its_response_session_and_attempt(self, kept: Kept) -> None:
        played([HTTP_500])
        lines = [json.loads(JsonFormatter(()).format(r)) for r in kept.records if r.getMessage().startswith(MULTI)]
        assert len({(line["response"], line["session"]) for line in lines}) == 1
        assert all(line["response"] and line["session"] for line in lines)
        assert [line["attempt"] for line in lines if "Attempting" in line["message"]] == [1, 2]

    def test_a_notice_that_does_not_go_out_names_the_response_that_it_is_about(self, kept: Kept) -> None:
        played([HTTP_500] * 3, notice_faults=[HTTP_500])
        lines = [json.loads(JsonFormatter(()).format(record)) for record in kept.records]
        (failed,) = {line["response"] for line in lines if line["message"].startswith(MULTI)}
        (undelivered,) = [line for line in lines if "A notice did not go out" in line["message"]]
        assert (undelivered["response"], undelivered["attempt"]) == (failed, 1)


CONTEXT = Context("r1", "s1", "Alex", Limits())


def told(log: LogTrace, *, tries: int, delivered: bool) -> None:
    """A response that ended so after `tries` on the wire."""
    for attempt in range(1, tries):
        log.publish(AttemptBegan(CONTEXT, 1, attempt))
        log.publish(Moved(CONTEXT, a_move(SendRefused(1.0, "outage", 500), State.RETRYING, attempt), "Hello"))
    log.publish(AttemptBegan(CONTEXT, 1, tries))
    fact = Sent(1.0, 7, "Hello") if delivered else SendRefused(1.0, "outage", 500)
    dest = State.DELIVERED if delivered else State.FAILED
    log.publish(Moved(CONTEXT, a_move(fact, dest, tries), "Hello"))


def a_move(fact: Sent | SendRefused | Held, dest: State, attempt: int) -> Move:
    return Move("r1", 3, "Sending", dest, fact, 1, attempt, ())


class TestSuccessRate:
    def test_it_is_told_every_100_tries_and_counts_messages(self, kept: Kept) -> None:
        log = LogTrace()
        for _ in range(24):
            told(log, tries=4, delivered=True)
        told(log, tries=3, delivered=False)
        assert not [m for m in kept.messages if m.startswith("📊")]
        told(log, tries=1, delivered=True)
        assert [m for m in kept.messages if m.startswith("📊")] == ["📊 Message success rate: 96.15%"]
        assert log.message_send_attempts == 100
        assert log.message_send_retries == 100 - 26
        assert log.message_send_failures == 1

    def test_a_try_that_was_held_back_or_not_wanted_any_more_is_no_attempt(self, kept: Kept) -> None:
        log = LogTrace()
        log.publish(Moved(CONTEXT, a_move(SendRefused(1.0, "cancelled", final=True), State.FAILED, 2), "Hi", True))
        log.publish(Moved(CONTEXT, a_move(Held(1.0, 2.0), State.RETRYING, 1), "Hi"))
        assert (log.message_send_attempts, log.message_send_retries, log.message_send_failures) == (0, 0, 0)

    def test_m1_a_line_that_a_rate_limit_holds_says_whether_it_met_it_and_is_no_error(self, kept: Kept) -> None:
        log = LogTrace()
        for status in (429, None):
            held = Held(1.0, 401.0, "rate_limit", 1.0, status)
            log.publish(Moved(CONTEXT, a_move(held, State.RETRYING, 1), "Hi"))
        waits = "🎭 MULTI-CHAR: Alex's response waits for 400 s (rate_limit); "
        assert kept.messages == [f"{waits}Discord answered 429", f"{waits}nothing was sent"]
        assert not [record for record in kept.records if record.levelno >= logging.WARNING]

    def test_nothing_delivered_is_nothing(self, kept: Kept) -> None:
        log = LogTrace()
        for _ in range(67):
            told(log, tries=3, delivered=False)
        rates = [m for m in kept.messages if m.startswith("📊")]
        assert rates == ["📊 Message success rate: 0.00%"] * 2


class TestBreakers:
    """The seed's line for Discord, to the letter; models are told plainly."""

    @staticmethod
    def told(kept: Kept, dependency: str) -> list[tuple[str, str]]:
        log = LogTrace()
        for source, dest, at, until in (
            ("Closed", "Open", 100.0, 160.0),
            ("Open", "HalfOpen", 160.0, 0.0),
            ("HalfOpen", "Open", 161.0, 221.0),
            ("Open", "HalfOpen", 221.0, 0.0),
            ("HalfOpen", "Closed", 222.0, 0.0),
        ):
            log.publish(BreakerMoved(dependency, source, dest, at, until))
        return [(record.levelname, record.getMessage()) for record in kept.records]

    def test_discord_s_outage_is_critical_and_its_end_says_how_long_it_lasted(self, kept: Kept) -> None:
        assert self.told(kept, "discord") == [
            ("CRITICAL", "🚨 Discord API appears to be down. Entering degraded mode."),
            ("INFO", "Discord is tried again."),
            ("WARNING", "Discord still does not answer; next try in 60 s."),
            ("INFO", "Discord is tried again."),
            ("INFO", "Discord answers again, after 122 s."),
        ]

    def test_a_model_s_is_a_warning(self, kept: Kept) -> None:
        level, words = self.told(kept, "large")[0]
        assert (level, words) == (
            "WARNING",
            "The model large does not answer or refuses every request; next try in 60 s.",
        )


def record(message: str, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("ensemble.responses", logging.ERROR, __file__, 1, message, None, exc_info)


class TestFormats:
    def test_text_is_time_logger_level_and_message(self, kept: Kept) -> None:
        played([HTTP_500])
        lines = [TextFormatter(()).format(each) for each in kept.records]
        assert all(TEXT_LINE.fullmatch(line) for line in lines)
        assert lines[-1].endswith("] - INFO - 🎭 MULTI-CHAR: Added Alex's response to history. New length: 2")

    def test_json_is_one_object_a_line(self) -> None:
        text = JsonFormatter(()).format(record("two\nlines\u2028or\x85more", raised(RuntimeError("a\nb"))))
        assert len(text.splitlines()) == 1
        line = json.loads(text)
        assert set(line) == {
            "time",
            "level",
            "logger",
            "message",
            "response",
            "session",
            "attempt",
            "error_type",
            "error",
        }
        assert line["error_type"] == "RuntimeError"
        assert line["message"] == "two\nlines\u2028or\x85more"
        assert line["error"].endswith("RuntimeError: a\nb")

    @pytest.mark.parametrize("formatter", [TextFormatter, JsonFormatter])
    @pytest.mark.parametrize("secret", [SECRET, 'quo"ted\\secret', "clé-sécrète"])
    def test_a_secret_is_never_written(self, formatter: type[TextFormatter] | type[JsonFormatter], secret: str) -> None:
        error = raised(RuntimeError(f"401 for Bearer {secret}"))
        text = formatter((secret,)).format(record(f"refused: {secret}", error))
        assert secret not in text
        assert json.dumps(secret, ensure_ascii=False)[1:-1] not in text
        assert text.count("[secret]") == 2

    def test_of_two_secrets_that_begin_alike_nothing_is_left(self) -> None:
        assert TextFormatter((SECRET, SECRET + "-more")).format(record(SECRET + "-more")).endswith("- [secret]")

    def test_a_character_s_line_cannot_forge_a_line_of_the_log(self, kept: Kept) -> None:
        played(answers=["Hm.\n" + FORGED[:44]])
        lines = "\n".join(TextFormatter(()).format(each) for each in kept.records).splitlines()
        assert all(TEXT_LINE.fullmatch(line) for line in lines)
        assert not [line for line in lines if line.startswith("2026-01-01")]

    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\x0b"])
    def test_an_error_s_text_cannot_forge_a_line_of_the_log(self, end: str) -> None:
        text = TextFormatter(()).format(record(f"refused{end}{FORGED}", raised(RuntimeError(f"no{end}{FORGED}"))))
        assert not [line for line in text.splitlines()[1:] if not line.startswith("    ")]
        assert text.count("forged") == 2

    def test_what_was_written_cannot_steer_a_terminal(self) -> None:
        assert "\x1b" not in TextFormatter(()).format(record("\x1b[2J\x1b]0;title\x07"))


BOT_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA.GxY1zW.aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA"
WEBHOOK_TOKEN = "aB3-dE5_fG7" * 6 + "hI"


class TestSecrets:
    @pytest.mark.parametrize(
        "form",
        [
            "%74oken-s3cr3t",
            "%74%6F%6b%65%6E%2d%73%33%63%72%33%74",
            *(base64.b64encode(b"x" * offset + SECRET.encode() + b"y").decode() for offset in range(3)),
            "token-\n        s3cr3t",
            "token-\\r\\n  s3cr3t",
            "t o k e n - s 3 c r 3 t",
        ],
    )
    def test_one_of_ours_is_found_in_every_form(self, form: str) -> None:
        shown = Scrubber((SECRET,))(f"before {form} after")
        assert shown.startswith("before ")
        assert shown.endswith(" after")
        assert "[secret]" in shown
        assert len(shown) <= len("before xxxx[secret]xxxx after"), shown

    @pytest.mark.parametrize(
        ("words", "left"),
        [
            (f"POST https://discord.com/api/v10/webhooks/123456789012345678/{WEBHOOK_TOKEN}?wait=1",
             "POST https://discord.com/api/v10/webhooks/123456789012345678/[secret]?wait=1"),
            (f"the token {WEBHOOK_TOKEN}, again", "the token [secret], again"),
            (f"({BOT_TOKEN})", "([secret])"),
            ("key gsk_Q1w2E3r4T5y6U7i8O9p0A1s2 is wrong", "key gsk_[secret] is wrong"),
            ("in organization `org_01hq2w3e4r5t6y7u8i9o0p1a2s` on", "in organization `org_[secret]` on"),
            ("{'Authorization': 'Bot abc.def', 'X': 1}", "{'Authorization': 'Bot [secret]', 'X': 1}"),
            ("Bearer abc-def-ghi", "Bearer [secret]"),
            ("http://me:pass@host/v1?api_key=abc&n=1", "http://[secret]@host/v1?api_key=[secret]&n=1"),
        ],
    )  # fmt: skip
    def test_what_looks_like_anybody_s_is_blotted_out(self, words: str, left: str) -> None:
        assert Scrubber(())(words) == left

    @pytest.mark.parametrize(
        "words",
        [
            'File "/home/Robin1/.venv/lib/python3.11/site-packages/discord/webhook/async_.py", line 1234, in request',
            "🎭 MULTI-CHAR: Generated response for Org_Chart: organisation-wide, the bot is a bearer of news...",
            "-" * 80 + "=" * 80 + "a" * 80,
            "Ready: https://127.0.0.1:8420/ and 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ],
    )
    def test_what_is_no_secret_stays(self, words: str) -> None:
        assert Scrubber((SECRET,))(words) == words


class TestSetUp:
    @pytest.mark.parametrize("json_lines", [False, True])
    def test_a_crash_with_a_secret_in_it_reaches_standard_error_without_it(
        self, json_lines: bool, capfd: pytest.CaptureFixture[str]
    ) -> None:
        set_up(level="INFO", json_lines=json_lines, secrets=(SECRET,))
        error = raised(RuntimeError(f"Authorization: Bot {SECRET}"))
        LogTrace().publish(Noted("error", "A session crashed and starts again.", error=error))
        out, err = capfd.readouterr()
        assert out == ""
        assert "Authorization: Bot [secret]" in err
        assert SECRET not in err

    def test_an_error_that_ends_the_program_is_told_without_a_secret(self, capfd: pytest.CaptureFixture[str]) -> None:
        set_up(level="INFO", json_lines=False, secrets=(SECRET,))
        error = raised(RuntimeError(f"no {SECRET}"))
        sys.excepthook(RuntimeError, error, error.__traceback__)
        err = capfd.readouterr().err
        assert " - ensemble.actors - CRITICAL - The program ends: RuntimeError\n    Traceback " in err
        assert err.rstrip().endswith("RuntimeError: no [secret]")

    def test_libraries_speak_only_of_warnings(self, capfd: pytest.CaptureFixture[str]) -> None:
        set_up(level="DEBUG", json_lines=False, secrets=())
        logging.getLogger("discord.gateway").info("a heartbeat")
        logging.getLogger("discord.gateway").warning("a warning")
        logging.getLogger("ensemble.discord").debug("a detail")
        err = capfd.readouterr().err
        assert "a heartbeat" not in err
        assert "a warning" in err
        assert "a detail" in err
