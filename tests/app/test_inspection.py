"""The inspector beside the bot: off, on, in the way of another one, and only ever ours to read."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import anyio
import pytest

from actors.adapters.inspector import CannotServe, Patience
from actors.adapters.store import SqlStore, memory_store
from actors.adapters.tracing import Traces
from actors.adapters.understudy import Understudy
from actors.app.composition import Endpoint, compose
from actors.app.inspection import inspect, inspector_of
from actors.app.rehearsal import quickened
from actors.app.settings import Settings, SettingsError, load
from actors.ports import NoStops, Noted, TraceEvent
from tests.fakes.play import Recorder
from tests.patience import PATIENCE_S


@pytest.fixture
def store(anyio_backend: str) -> SqlStore:
    return memory_store()


@pytest.fixture
def taken_address() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INSPECTOR_ADDRESS", "INSPECTOR_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def settings(**values: object) -> Settings:
    return load(_env_file=None, **values)


def words(event: TraceEvent) -> str:
    assert isinstance(event, Noted)
    return f"{event.level}: {event.words}"


async def served(chosen: Settings, store: SqlStore) -> list[str]:
    """What the log says of an inspector until there is something to say."""
    inspector, trace = inspector_of(chosen, store, api_url=""), Recorder()
    assert inspector is not None
    async with anyio.create_task_group() as group:
        group.start_soon(inspect, inspector, chosen, trace)
        with anyio.fail_after(PATIENCE_S):
            while not trace.events:  # noqa: ASYNC110 - a Recorder signals nothing
                await anyio.sleep(0.005)
        group.cancel_scope.cancel()
    return [words(event) for event in trace.events]


async def test_where_it_serves_is_in_the_log(store: SqlStore) -> None:
    (said,) = await served(settings(inspector_address="127.0.0.1:0"), store)
    assert said.startswith("info: Inspector: http://127.0.0.1:")
    assert not said.endswith(":0/")


async def test_an_address_that_was_asked_for_and_is_in_use_ends_the_program(
    store: SqlStore, taken_address: str
) -> None:
    chosen = settings(inspector_address=taken_address)
    inspector = inspector_of(chosen, store, api_url="")
    assert inspector is not None
    with pytest.raises(CannotServe, match=f"INSPECTOR_ADDRESS: {taken_address} is not available"):
        await inspect(inspector, chosen, Recorder())


async def test_the_default_address_in_use_is_a_warning_and_the_bot_goes_on(store: SqlStore, taken_address: str) -> None:
    chosen = settings()
    chosen.inspector_address = taken_address
    chosen.model_fields_set.discard("inspector_address")
    (said,) = await served(chosen, store)
    assert said.startswith(f"warning: INSPECTOR_ADDRESS: {taken_address} is not available")


async def test_its_patience_is_that_of_the_settings(store: SqlStore) -> None:
    chosen = settings(inspector_address="127.0.0.1:0", send_timeout_s=100, generate_timeout_s=200)
    inspector = inspector_of(chosen, store, api_url="")
    assert inspector is not None
    assert inspector._patience == Patience(send_timeout_s=100, generate_timeout_s=200)


def test_exchanges_are_recorded_unless_the_setting_says_otherwise() -> None:
    assert settings().rules().records_exchanges
    assert not settings(record_exchanges="false").rules().records_exchanges


def test_an_empty_address_turns_it_off(store: SqlStore) -> None:
    assert inspector_of(settings(inspector_address=""), store, api_url="") is None


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"inspector_address": "8420"}, "INSPECTOR_ADDRESS: write it as host:port"),
        ({"inspector_address": "0.0.0.0:8420"}, "INSPECTOR_TOKEN: set one"),
    ],
)
def test_wrong_settings_are_one_line_that_names_the_variable(values: dict[str, object], line: str) -> None:
    with pytest.raises(SettingsError, match=line):
        settings(**values)


@pytest.mark.parametrize("token", ["", "correct-horse-battery"])
async def test_only_a_token_makes_breakpoints_and_they_are_the_inspectors_own(token: str, store: SqlStore) -> None:
    bot = compose(settings(inspector_token=token), Endpoint("t"), store, Understudy(), trace=Recorder())
    assert bot.inspector is not None
    if token:
        assert bot.services.stops is bot.inspector.breakpoints is not None
    else:
        assert isinstance(bot.services.stops, NoStops)


async def test_a_rehearsal_is_never_held(store: SqlStore) -> None:
    chosen = quickened(settings(inspector_token="correct-horse-battery"), speed=1.0, voice="webhook")
    bot = compose(chosen, Endpoint("t"), store, Understudy(), trace=Recorder())
    assert isinstance(bot.services.stops, NoStops)


def test_traces_hand_every_event_to_each() -> None:
    first, second = Recorder(), Recorder()
    Traces(first, second).publish(Noted("info", "words"))
    assert first.events == second.events == [Noted("info", "words")]
