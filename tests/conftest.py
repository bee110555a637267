"""Hypothesis profiles: one for every run, the same everywhere; a long one, by chance, to look for more.

pytest -n 2 -k fuzz --hypothesis-profile=thorough
"""

import logging
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, so no profile has a deadline or minds slow examples. The
# everyday one is without chance: a change is judged by the same examples each time, and what it turns red stays red
# until it is mended. New examples are what "thorough" is for.
_patient = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _patient, derandomize=True)
settings.register_profile("thorough", _patient, max_examples=2_000)
settings.load_profile("steady")


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}


@pytest.fixture(autouse=True)
def _process_restored() -> Iterator[None]:
    """A command that is run in this process sets logging up and takes variables from a `.env`, and would do so for the
    tests after it.
    """
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
