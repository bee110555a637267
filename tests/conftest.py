"""Hypothesis profiles: one for every run, the same everywhere; a long one, by chance, to look for more.

pytest -n 2 -k fuzz --hypothesis-profile=thorough
"""

import logging
import os
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, so no profile has a deadline or minds slow examples. The
# everyday one is without chance: a change is judged by the same examples each time, and what it turns red stays red
# until it is fixed. New examples are what "thorough" is for.
_patient = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _patient, derandomize=True)
settings.register_profile("thorough", _patient, max_examples=2_000)
settings.load_profile("steady")

WORKERS: Final = 3
"""On two cores: while one test waits for a socket or a process, another computes."""

SLOW_TEST_S_MAX: Final = 900.0
"""For a test that is marked slow; `timeout` of `setup.cfg` is for every other."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Start no worker where every argument names one test: three cost more than most tests take."""
    return 0 if config.args and all("::" in each for each in config.args) else WORKERS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TEST_S_MAX))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What runs an async test. A folder or module says so where it is trio too, or virtual time."""
    return "asyncio"


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}


@pytest.fixture(autouse=True)
def _process_restored() -> Iterator[None]:
    """Restore logging and the environment: a command that a test runs in this process changes both."""
    root, ours = logging.getLogger(), logging.getLogger("ensemble")
    hook, handlers, levels = sys.excepthook, root.handlers[:], (root.level, ours.level)
    variables = _variables()
    yield
    for name in _variables():
        del os.environ[name]
    os.environ.update(variables)
    sys.excepthook, root.handlers[:] = hook, handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
