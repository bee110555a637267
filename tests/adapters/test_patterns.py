"""Strangers' regular expressions: JavaScript's are understood, and none takes longer, or more memory, than it may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.adapters.patterns import RegexPatterns, _Timed
from actors.roleplay.lore.activation import activate
from actors.roleplay.lore.expressions import COPIES_MAX, translated
from actors.roleplay.lore.model import Activation, Book, LoreEntry, Match, Pattern, State, Verdict

SLOW = Pattern("(a|aa)+$")
LONG = "a" * 50_000 + "b"


def searched(source: str, text: str, flags: str = "") -> Verdict:
    return _Timed(10, 100)(Pattern(source, flags), text)


@pytest.mark.parametrize(
    ("source", "flags", "text"),
    [
        (r"st[ao]rm", "", "a storm"),
        (r"STORM", "gi", "a storm"),
        (r"^bell$", "m", "a\nbell\nb"),
        (r"a.b", "s", "a\nb"),
        (r"a[^]b", "", "a\nb"),
        (r"(?<who>Robin|Maren): \k<who>", "", "Robin: Robin"),
        (r"\u{1F56F}", "u", "a 🕯"),
        (r"\u00e9", "", "café"),
        (r"\p{L}+:", "u", "Ölë:"),
        (r"(?<=the )lamp(?! oil)", "", "the lamp"),
        (r"a{b}", "", "a{b}"),
        (r"a{e<=1}", "", "a{e<=1}"),
        (r"a\{2", "", "a{2"),
        (r"\d{4}-\d{2}", "", "on 1893-11"),
        (r"\x01Robin:[^\x01]*lamp", "", "\x01Robin: the lamp"),
    ],
)
def test_the_expressions_of_javascript_are_understood(source: str, flags: str, text: str) -> None:
    assert searched(source, text, flags) is Verdict.FOUND


@pytest.mark.parametrize(
    "source", ["(", "[a", "*", r"(?R)", r"(?1)", r"(?P<x>a)", r"\L<words>", r"(?b)a", r"(?>a)", r"(a)(?(1)b|c)", "[]"]
)
def test_what_is_no_expression_of_javascript_is_never_found(source: str) -> None:
    assert searched(source, "a ( [a * \\L<words>") in (Verdict.WRONG, Verdict.ABSENT)


@pytest.mark.parametrize("source", ["(?:a{1000}){1000}", "a{2}" * 20, "a{99999}", "a{999999999,}"])
def test_an_expression_that_needs_much_memory_is_none(source: str) -> None:
    assert translated(Pattern(source)) is None


def test_repetitions_that_need_none_are_taken() -> None:
    assert translated(Pattern("a{0,65535}" * 10)) is not None
    assert translated(Pattern("a" * COPIES_MAX)) is not None


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab(|)*+?{}[]^$\\,1029.:=!<>kLpuwR\n"), max_size=24))
def test_any_text_is_an_expression_or_none(source: str) -> None:
    assert searched(source, "ab ba") in (Verdict.FOUND, Verdict.ABSENT, Verdict.WRONG)


def test_an_expression_that_takes_too_long_is_stopped() -> None:
    assert _Timed(0.05, 10)(SLOW, LONG) is Verdict.TIMED_OUT


def test_the_prompts_time_ends_for_all_expressions() -> None:
    timed = _Timed(0.05, 0.07)
    verdicts = [timed(Pattern(f"(a|aa)+{number}"), LONG) for number in range(4)]
    assert verdicts[0] is Verdict.TIMED_OUT
    assert verdicts[2:] == [Verdict.NO_TIME, Verdict.NO_TIME]


async def test_the_event_loop_goes_on_while_an_expression_is_looked_for() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.lowlevel.checkpoint()
            ticks += 1

    def during(act: Callable[[], object]) -> int:
        before = ticks
        act()
        return ticks - before

    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        patterns = RegexPatterns(key_s=0.3)
        quiet = await patterns.run(lambda match: during(lambda: time.sleep(0.3)))
        busy = await patterns.run(lambda match: during(lambda: match(SLOW, LONG)))
        group.cancel_scope.cancel()
    assert busy > quiet / 10  # a search that keeps the interpreter lets a sixtieth go on


async def test_the_work_runs_in_a_thread_of_its_own() -> None:
    assert await RegexPatterns().run(lambda match: threading.get_ident()) != threading.get_ident()


def work(slow: frozenset[str]) -> Callable[[Match], Activation]:
    entries = (
        LoreEntry("0", keys=(str(SLOW), "lamp"), text="A lamp."),
        LoreEntry("1", keys=("/st[ao]rm/",), text="A storm."),
    )
    books, said = [Book("b", "Coast", entries)], [f"Robin: storm, lamp {LONG}"]
    return lambda match: activate(books, said, State(6000, 1, slow_keys=slow), seed="s", match=match)


async def test_a_rerun_without_the_slow_keys_is_equal() -> None:
    first = await RegexPatterns(key_s=0.3, prompt_s=100).run(work(frozenset()))
    assert dict(first.keys) == {str(SLOW): Verdict.TIMED_OUT}
    again = await RegexPatterns(key_s=10, prompt_s=100).run(work(frozenset(first.keys)))
    assert dict(again.keys) == {str(SLOW): Verdict.SKIPPED}
    assert (again.fired, again.missed) == (first.fired, first.missed)
    assert [each.by for each in first.fired] == ["lamp", "/st[ao]rm/"]
