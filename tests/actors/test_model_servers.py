"""Whole scenes whose model is a server: the real client over real sockets, the real actors, and what a channel shows.

Each test has the id of the report that it comes from; the answers are in the form in which real servers give them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest

from actors.adapters.groq import GroqModel
from actors.ports import GenerationErred, Moved, Noted
from actors.roleplay.model import Character
from actors.services import Rules
from machines.facts import GenerationFailed
from machines.response import FINAL, Limits
from tests.fakes.model_server import HANGS, Answer, ModelServer, Request, Script, gives, model_server, refuses, says
from tests.fakes.play import CHANNEL, Play, playing
from tests.fakes.virtual_time import BACKENDS
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.parametrize("anyio_backend", BACKENDS)  # real sockets: the real clock

LAMP = "The lamp turns, and I with it."
QUICK = Limits(backoff_base_s=0.0)


def character(name: str, **fields: object) -> Character:
    return Character(id=name.lower()[:13].ljust(13, "_"), name=name, card_json=json.dumps({"name": name, **fields}))


@dataclass
class Scene:
    """One scene on a scripted server, and what came of it."""

    play: Play
    server: ModelServer

    async def hears(self, text: str = "Hello?") -> list[str]:
        """Say something, let everybody answer, and return the newest lines of the cast."""
        before = len(self.play.discord.character_lines(CHANNEL))
        ended = len(self._endings())
        self.play.say(text)
        await self.play.until(lambda: len(self._endings()) > ended, PATIENCE_S)
        return [line for _, line in self.play.discord.character_lines(CHANNEL)][before:]

    def _endings(self) -> list[Moved]:
        return [e for e in self.play.trace.events if isinstance(e, Moved) and e.move.dest in FINAL]

    @property
    def asked(self) -> list[str]:
        """The model of each request, in order."""
        return [request.json["model"] for request in self.server.requests]

    @property
    def failures(self) -> list[GenerationFailed]:
        moved = (e.move.fact for e in self.play.trace.events if isinstance(e, Moved))
        return [fact for fact in moved if isinstance(fact, GenerationFailed)]

    @property
    def reasons(self) -> list[str]:
        return [e.reason for e in self.play.trace.events if isinstance(e, GenerationErred)]

    @property
    def warnings(self) -> list[str]:
        return [e.words for e in self.play.trace.events if isinstance(e, Noted) and e.level == "warning"]

    @property
    def notices(self) -> list[str]:
        return [text for text in self.play.discord.texts(CHANNEL) if text.startswith("⚠️")]

    async def notice(self) -> str:
        """The first notice of a failure, once it is there."""
        await self.play.until(lambda: bool(self.notices), PATIENCE_S)
        return self.notices[0]


@asynccontextmanager
async def scene(
    *answers: Answer,
    otherwise: Script = lambda _: says(LAMP),
    models: Sequence[str] = ("one", "two"),
    who: Character | str = "Maren",
    timeout_s: float = PATIENCE_S,
    context_tokens: int = 6000,
    beside: Character | str = "",
) -> AsyncIterator[Scene]:
    """A scene of one character, or of one that speaks first and one beside it, on a server with these answers."""
    async with model_server(*answers, otherwise=otherwise) as server:
        model = GroqModel(api_key=None, base_url=server.url, models=models, timeout_s=timeout_s)
        rules = Rules(limits=QUICK, context_tokens=context_tokens)
        cast = [character(each) if isinstance(each, str) else each for each in (who, beside) if each]
        async with aclosing(model), playing(server=model, rules=rules, cast=cast) as play:
            await play.start(*(f'"{each.name}"' for each in cast), turns="list" if beside else "everyone")
            yield Scene(play, server)


# ── B01: a 400 that is the answer's fault ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", ["tool_use_failed", "output_parse_failed", "json_validate_failed"])
async def test_b01_a_400_that_is_the_answers_fault_is_tried_again(code: str) -> None:
    async with scene(refuses(400, "Tool choice is none, but model called a tool", code=code)) as played:
        assert await played.hears() == [LAMP]
        assert played.asked == ["one", "one"]


async def test_b01_a_model_whose_answers_fail_twice_is_followed_by_the_next() -> None:
    async with scene(*[refuses(400, "Parsing failed.", code="output_parse_failed")] * 2) as played:
        assert await played.hears() == [LAMP]
        assert played.asked == ["one", "one", "two"]


# ── B02: parameters that a model refuses ────────────────────────────────────────────────────────────


def unsupported(request: Request) -> Answer:
    """A model that takes neither max_tokens nor stop."""
    for name in ("max_tokens", "stop"):
        if name in request.json:
            return refuses(400, f"Unsupported parameter: '{name}' is not supported.", code="unsupported_parameter")
    return says("Aye.")


async def test_b02_parameters_that_a_model_refuses_are_learnt_and_left_out() -> None:
    async with scene(otherwise=unsupported, models=("one",)) as played:
        assert await played.hears() == ["Aye."]
        assert len(played.asked) == 3
        assert await played.hears("And now?") == ["Aye."]
        assert len(played.asked) == 4
        assert played.server.requests[-1].json["max_completion_tokens"] == 700


# ── B03, B04: parts and thoughts ────────────────────────────────────────────────────────────────────

THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}


@pytest.mark.parametrize("parts", [[THINKING, {"type": "text", "text": LAMP}], [{"type": "text", "text": LAMP}]])
async def test_b03_content_in_parts_is_the_text_of_its_text_parts(parts: list[object]) -> None:
    async with scene(said(parts)) as played:
        assert await played.hears() == [LAMP]
        assert len(played.asked) == 1


def said(content: object, finish_reason: object = "stop", usage: object = None, **message: object) -> Answer:
    choice = {"index": 0, "message": {"content": content, **message}, "finish_reason": finish_reason}
    return gives({"id": "x", "choices": [choice], "usage": usage})


@pytest.mark.parametrize(
    "text",
    [
        f"<|channel|>analysis<|message|>plan<|end|><|start|>assistant<|channel|>final<|message|>{LAMP}",
        f"<|channel>thought\nplan\n<channel|>{LAMP}",
        f"[THINK]plan[/THINK]{LAMP}",
        f"<seed:think>plan</seed:think>{LAMP}",
    ],
)
async def test_b04_only_what_comes_after_the_thoughts_is_said(text: str) -> None:
    async with scene(says(text)) as played:
        assert await played.hears() == [LAMP]
        assert len(played.asked) == 1


# ── B05, B06, B07, B10: answers that are none ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "error": {"message": "Upstream rate limited", "code": 429}},
        {"choices": None, "error": {"code": 429, "message": "limited"}},
        {"choices": [{"message": {"content": "She opened"}}], "error": {"code": 429, "message": "limited"}},
    ],
)
async def test_b05_an_error_inside_a_200_is_that_error(body: object) -> None:
    async with scene(gives(body)) as played:
        assert await played.hears() == [LAMP]
        assert played.reasons == ["rate_limit"]


@pytest.mark.parametrize(
    "answer", [said(None, "content_filter"), said("She opened the door and", "SAFETY"), said(None, "RECITATION")]
)
async def test_b06_a_filtered_answer_goes_to_the_next_model_at_once(answer: Answer) -> None:
    async with scene(answer) as played:
        assert await played.hears() == [LAMP]
        assert played.asked == ["one", "two"]


async def test_b06_half_a_sentence_of_a_broken_answer_is_never_posted() -> None:
    async with scene(said("She opened the door and", "error")) as played:
        assert await played.hears() == [LAMP]


@pytest.mark.parametrize(
    "answer",
    [
        said(LAMP, usage={"prompt_tokens": None, "completion_tokens": None}),
        said(LAMP, usage={"prompt_tokens": 1.5, "completion_tokens": 5}),
        said(LAMP, finish_reason=0),
    ],
)
async def test_b07_odd_figures_beside_a_good_text_spoil_nothing(answer: Answer) -> None:
    async with scene(answer, otherwise=lambda _: says("Another.")) as played:
        assert await played.hears() == [LAMP]


def strict(request: Request) -> Answer:
    """A chat template that takes the user first, and user and assistant in turns."""
    roles = [message["role"] for message in request.json["messages"]]
    if roles[0] == "system":
        del roles[0]
    if any(role != ("user", "assistant")[index % 2] for index, role in enumerate(roles)):
        return refuses(400, "Conversation roles must alternate user/assistant/user/assistant/...")
    return says(f"Line {len(request.body)}.")


async def test_b08_a_history_that_begins_with_an_own_line_has_the_user_first() -> None:
    async with scene(otherwise=strict, models=("one",)) as played:
        await played.hears("This is withdrawn.")
        withdrawn = next(each for each in played.play.discord.shown if each.text == "This is withdrawn.")
        played.play.discord.user_deletes(CHANNEL, withdrawn.id)
        assert len(await played.hears("And now?")) == 1
        messages = played.server.requests[-1].json["messages"]
        assert "withdrawn" not in str(messages)
        assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
        assert len(played.asked) == 2


def counts_2050(request: Request) -> Answer:
    """Ollama with its window of 4,096: of a longer prompt it reads half of that."""
    words = sum(len(message["content"].split()) for message in request.json["messages"])
    return says(LAMP, prompt_tokens=min(words, 2050), completion_tokens=9)


async def test_b09_a_server_that_reads_less_than_it_is_sent_is_told_of_once_and_given_no_more() -> None:
    async with scene(otherwise=counts_2050, models=("one",)) as played:
        for number in range(12):
            await played.hears(f"{number} " + "the lamp turns and the sea is dark " * 50)
        assert [words for words in played.warnings if "2,050" in words] == played.warnings
        assert len(played.warnings) == 1
        newest = played.server.requests[-1].json["messages"]
        assert sum(len(message["content"].encode()) for message in newest) < 2050 * 3


async def test_b10_an_answer_in_the_reasoning_field_is_named_and_the_next_model_asked() -> None:
    async with scene(said(None, reasoning_content=LAMP)) as played:
        assert await played.hears() == [LAMP]
        assert played.asked == ["one", "two"]
        assert played.reasons == ["reasoning_only"]


async def test_b11_the_channel_names_the_setting_where_a_server_is_too_slow() -> None:
    async with scene(*[HANGS] * 3, timeout_s=0.5) as played:
        assert await played.hears() == []
        assert "GENERATE_TIMEOUT_S" in await played.notice()
        assert played.failures[0].words == "No answer within 0.5 s (GENERATE_TIMEOUT_S)."


# ── B12, C1, C2, B42–B44, B47: the text ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        f"{LAMP}<end_of_turn>\n<start_of_turn>user\nAnd then?",
        f"{LAMP}<｜end▁of▁sentence｜>",
        f"{LAMP}\n<|user|>\nwho are you?",
        f"{LAMP}\n### Instruction:\nSay more",
    ],
)
async def test_b12_a_text_is_cut_at_an_end_mark_in_letters(text: str) -> None:
    async with scene(says(text)) as played:
        assert await played.hears() == [LAMP]


@pytest.mark.parametrize(
    "text",
    [
        f"Maren's next line: {LAMP}",
        f"[Write Maren's next line only. Never speak or act for Fitch, or anyone else.]\n{LAMP}",
    ],
)
async def test_c1_our_own_note_is_taken_away(text: str) -> None:
    async with scene(says(text)) as played:
        assert await played.hears() == [LAMP]


LONG = "The wind has gone round to the north and I do not like the look of the sea tonight."


async def test_c2_the_last_try_takes_a_line_that_repeats_itself() -> None:
    async with scene(otherwise=lambda _: says(LONG), models=("one",)) as played:
        assert await played.hears() == [LONG]
        assert await played.hears("Again?") == [LONG]
        assert len(played.asked) == 1 + 3


async def test_c2_a_line_that_another_try_could_not_better_is_kept_for_the_end() -> None:
    async with scene(says(LONG), says(LONG), otherwise=lambda _: refuses(500), models=("one",)) as played:
        assert await played.hears() == [LONG]
        assert await played.hears("Again?") == [LONG]


ARIA = character(
    "ARIA", description="The ship's computer, an artificial intelligence. She says openly that she is an AI."
)


@pytest.mark.parametrize(
    ("who", "text"),
    [
        (ARIA, "I am an AI, captain. I was built to keep this lamp."),
        (character("Maren"), "I can't continue this conversation, Robin. Not here."),
    ],
)
async def test_b42_a_line_in_character_is_no_refusal(who: Character, text: str) -> None:
    async with scene(says(text), who=who) as played:
        assert await played.hears() == [text]
        assert len(played.asked) == 1


async def test_b43_a_short_line_may_come_twice() -> None:
    async with scene(otherwise=lambda _: says("I am Groot."), who="Groot") as played:
        assert await played.hears() == ["I am Groot."]
        assert await played.hears("Who?") == ["I am Groot."]
        assert len(played.asked) == 2


async def test_b44_of_a_text_that_begins_with_anothers_line_the_own_part_is_said() -> None:
    async with scene(says("Fitch: I go first.\nMaren: And I follow."), beside="Fitch") as played:
        assert await played.hears() == ["And I follow."]
        assert len(played.asked) == 1


async def test_b47_a_nickname_before_the_line_is_taken_away() -> None:
    nyx = character(
        "Nyxandra of the Deep",
        nickname="Nyx",
        spec="chara_card_v3",
        data={"name": "Nyxandra of the Deep", "nickname": "Nyx", "description": "A quiet smuggler of the deep."},
    )
    async with scene(says("Nyx: Hello."), who=nyx) as played:
        assert await played.hears() == ["Hello."]


# ── M6 ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_m6_an_outage_waits_for_no_limit_of_which_plenty_is_left() -> None:
    headers = {"x-ratelimit-remaining-tokens": "799000", "x-ratelimit-reset-tokens": "7.66s"}
    async with scene(refuses(500, headers=headers)) as played:
        assert await played.hears() == [LAMP]
        assert [failure.retry_after_s for failure in played.failures] == [0.0]


# ── the server's own words ──────────────────────────────────────────────────────────────────────────


async def test_the_servers_words_reach_the_journal_and_the_log_and_never_the_channel() -> None:
    answer = refuses(400, "No such thing, organization org_01abc2def, key gsk_0123456789abcdef", code="odd_code")
    async with scene(otherwise=lambda _: answer, models=("one",)) as played:
        assert await played.hears() == []
        notice = await played.notice()
        assert notice == (
            "⚠️ Failed to send response from Maren. Please try again or use `!end` to restart."
            " (the server refused the request)"
        )
        [failure] = played.failures
        assert (failure.status, failure.code) == (400, "odd_code")
        assert failure.words == "No such thing, organization …, key …"
        erred = [e.words for e in played.play.trace.events if isinstance(e, GenerationErred)]
        assert erred == [failure.words]


@pytest.mark.parametrize(
    ("status", "code", "clause"),
    [
        (402, None, "the account's quota is used up"),
        (429, "insufficient_quota", "the account's quota is used up"),
        (401, "invalid_api_key", "model not set up"),
        (400, "tool_use_failed", "model's answer was unusable"),
        (400, "content_filter", "model declined"),
        (400, None, "the server refused the request"),
        (400, "context_length_exceeded", "conversation too long for the model"),
        (404, "model_not_found", "model unavailable"),
        (503, None, "model overloaded"),
    ],
)
async def test_the_channel_reads_whose_matter_it_is(status: int, code: str | None, clause: str) -> None:
    async with scene(otherwise=lambda _: refuses(status, "No.", code=code), models=("one",)) as played:
        assert await played.hears() == []
        assert (await played.notice()).endswith(f" ({clause})")


# ── B42, B47: what cards say ────────────────────────────────────────────────────────────────────────


async def test_b47_another_s_nickname_ends_the_line() -> None:
    text = f"{LAMP}\nNyx: And I am here as well."
    nyx = character(
        "Nyxandra of the Deep", spec="chara_card_v3", data={"name": "Nyxandra of the Deep", "nickname": "Nyx"}
    )
    async with scene(says(text), beside=nyx) as played:
        assert await played.hears() == [LAMP]
