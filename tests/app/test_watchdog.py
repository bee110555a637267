"""The watchdog names the place that holds the event loop, once a minute."""

from __future__ import annotations

import re
import sys
import threading

import anyio

from actors.app.watchdog import Watchdog, places
from actors.roleplay.macro_values import MacroValues
from actors.roleplay.macros import substitute
from tests.patience import PATIENCE_S


async def held_until(said: threading.Event) -> None:
    """Holds the loop, as a computation does, until the watchdog has spoken."""
    assert said.wait(PATIENCE_S), "the watchdog said nothing"


async def test_f10_what_holds_the_loop_is_named_while_it_does() -> None:
    said, lines = threading.Event(), list[str]()

    def say(words: str) -> None:
        lines.append(words)
        said.set()

    async with anyio.create_task_group() as group:
        group.start_soon(Watchdog(say).run)
        await anyio.sleep(0.1)
        await held_until(said)
        group.cancel_scope.cancel()
    (line,) = lines
    assert line.startswith("The event loop was held for more than 250 ms at ")
    assert "threading.py" in line, "no line of ours held it: the place is the newest one"


async def test_f10_a_loop_that_beats_is_not_told_of_and_the_thread_ends_with_it() -> None:
    lines: list[str] = []
    clock = [0.0]  # the loop's beats are as new as any look at them
    async with anyio.create_task_group() as group:
        group.start_soon(Watchdog(lines.append, now=lambda: clock[0]).run)
        await anyio.sleep(0.2)
        group.cancel_scope.cancel()
    for thread in threading.enumerate():
        if thread.name == "ensemble-watchdog":
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
    assert lines == []


def test_f10_only_places_of_ours_are_named_and_no_values() -> None:
    found: list[str] = []

    def values() -> MacroValues:
        found.append(places(sys._getframe()))
        return MacroValues(description="what Robin said")

    assert substitute("{{description}}", char="Maren", user="Robin", values=values) == "what Robin said"
    newest, *further = found[0].split(" ← ")
    assert re.fullmatch(r"actors/roleplay/macros\.py:\d+ <lambda>", newest)
    assert re.fullmatch(r"actors/roleplay/macros\.py:\d+ _expand", further[0])
    assert "Robin" not in found[0]
