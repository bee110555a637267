"""Two scenes at once, with one name in both, faults on, over real sockets: the text log of each line is its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import anyio
import pytest

from actors.adapters.clock import SystemClock
from actors.adapters.discord import Endpoints
from actors.adapters.log import LogTrace, TextFormatter
from actors.adapters.store import SqlStore, memory_store
from actors.adapters.tracing import Traces
from actors.app.composition import Endpoint, compose
from actors.app.settings import load
from actors.gateway import Gateway
from actors.observation import Recorded
from actors.playground import FaultPlan, PlaygroundServer
from actors.roleplay.model import Character
from actors.roleplay.model_reasons import MEANINGS
from machines.facts import Generated, GenerationFailed, SendRefused, SendUnconfirmed
from machines.response import DELIVERED
from tests.fakes.language_model import FakeModel
from tests.fakes.play import Recorder
from tests.patience import PATIENCE_S

NAME = "Alex"
TURNS = 12
MULTI = "🎭 MULTI-CHAR: "
LINE = re.compile(r"\d{4}-\d\d-\d\d \S+ - (ensemble\.\w+)(?:\[(\w{13})\])? - (\w+) - (.*)")
FAULTS = FaultPlan.parse(
    ["http_500=0.15", "stored_502=0.1", "drop_before=0.1", "drop_after=0.1", "http_403=0.1", "http_400=0.1"], seed=3
)


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings."""


class TextLog(logging.Handler):
    """The log as `run` writes it, line by line."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(TextFormatter(()))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += self.format(record).split("\n")

    def of(self, id: str | None) -> list[str]:
        """What the lines of one response or session say; what is indented belongs to the line before it."""
        found = [LINE.fullmatch(line) for line in self.lines]
        return [each[4].removeprefix(MULTI) for each in found if each is not None and each[2] == id]


@pytest.fixture
def text_log() -> Iterator[TextLog]:
    handler, logger = TextLog(), logging.getLogger("ensemble")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def is_subsequence(expected: Sequence[str], lines: Sequence[str]) -> bool:
    rest = iter(lines)
    return all(line in rest for line in expected)


async def two_scenes(log: TextLog) -> tuple[Recorded, ...]:
    """Play in two threads of one channel at the same time; the responses of both."""
    trace, store, over, clock = Recorder(), memory_store(), anyio.Event(), SystemClock()
    await store.add_character(Character(clock.new_id(), NAME, '{"name": "Alex"}'), at=clock.now())
    settings = load(
        turns_per_person_minute=0,
        gather_s=0,
        backoff_base_s=0.02,
        settle_s=0.1,
        breaker_failures=0,
        inspector_address="",
        status_url="",
        generate_attempts=2,
    )
    async with PlaygroundServer() as server:

        async def conduct(gateway: Gateway) -> None:
            threads = [server.add_thread("tavern", name, "Robin").id for name in ("one", "two")]
            for thread in threads:
                server.say(thread, "Robin", f"!start {NAME}")
            await until(lambda: all(len(server.messages(thread)) == 2 for thread in threads))
            server.faults = FAULTS
            for turn in range(TURNS):
                for thread in threads:
                    server.say(thread, "Robin", f"Turn {turn}!")
                due = 2 * (turn + 1)
                await until(partial(has_ended, trace, due))
            server.faults = FaultPlan()
            await until_told(store)
            over.set()

        endpoint = Endpoint(server.token, Endpoints(server.api_url, server.gateway_url))
        model = FakeModel(takes_s=0.0)
        model.answers.extend([""] * 4)  # the first line of each scene is never written
        bot = compose(settings, endpoint, store, model, trace=Traces(trace, LogTrace()))
        await bot.run(on_ready=conduct, until=over.wait)
    found = await store.recently_recorded(limit=100)
    await store.aclose()
    assert trace.crashes == []
    return found


def has_ended(trace: Recorder, due: int) -> bool:
    return sum(state in ("Delivered", "Failed") for _, _, state in trace.moves) == due


async def until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - neither the server nor a Recorder signals this
            await anyio.sleep(0.01)


async def until_told(store: SqlStore) -> None:
    with anyio.fail_after(PATIENCE_S):
        while await store.next_outbox_due() is not None:  # noqa: ASYNC110 - the database does not signal
            await anyio.sleep(0.01)


def test_m2_two_scenes_that_share_a_name_are_told_apart_in_the_text_log(text_log: TextLog) -> None:
    responses = anyio.run(two_scenes, text_log)
    assert len(responses) == 2 * TURNS
    assert len({each.session_id for each in responses}) == 2
    seen = set()
    for response in responses:
        lines, facts = text_log.of(response.response_id), [fact for _, _, fact in response.moves]
        refused = [fact for fact in facts if isinstance(fact, SendRefused | SendUnconfirmed)]
        tries = [line for line in lines if line.startswith("Attempting to send")]
        errors = [line for line in lines if line.startswith(("❌ Discord HTTP", "❌ Unexpected"))]
        was_written = any(isinstance(fact, Generated) for fact in facts)
        is_delivered = response.moves[-1][1] == DELIVERED
        assert len(errors) == len(refused), lines
        assert f"{NAME}'s response begins in session {response.session_id}" in lines, lines
        assert (len(tries) >= len(errors)) == bool(was_written or not errors), lines
        assert any(line.startswith(f"Added {NAME}'s") for line in lines) is is_delivered, lines
        assert any(line.startswith(f"❌ NOT adding {NAME}'s") for line in lines) is not is_delivered, lines
        assert any("A notice was delivered" in line for line in lines) is not is_delivered, lines
        assert is_subsequence(flow(facts, is_delivered=is_delivered), lines), lines
        seen.add((is_delivered, was_written, bool(refused)))
    assert seen == {(True, True, False), (True, True, True), (False, True, True), (False, False, False)}, seen
    assert [line for line in text_log.of(None) if NAME in line] == []


def flow(facts: Sequence[object], *, is_delivered: bool) -> list[str]:
    """The flow of the post-mortem that these facts are an example of."""
    lines = [f"Generating response for {NAME}"]
    sends = 0
    for fact in facts:
        match fact:
            case GenerationFailed(reason=reason):
                cause = f"{MEANINGS[reason].name} ({reason})"
                lines.append(f"❌ Error generating response for character {NAME}: {cause}")
            case Generated(texts=(text,)):
                lines += [f"Generated response for {NAME}: {text}...", f"Attempting to send response from {NAME}"]
            case SendRefused(status=status) | SendUnconfirmed(status=status):
                sends += 1
                kind = f"❌ Discord HTTP error sending {NAME}'s message (attempt {sends}/3): HTTPException[{status}]"
                lines += [] if status is None else [kind]
    if is_delivered:
        return [*lines, f"✅ Successfully sent response from {NAME}"]
    did, count = ("send", sends) if sends else ("generate", 2)
    failed = f"❌ FAILED to {did} {NAME}'s message after {count} attempts"
    return [*lines, failed, f"❌ NOT adding {NAME}'s response to history because message send failed"]
