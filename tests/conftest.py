"""Hypothesis profiles: its own for every run (and its own for CI, without chance), a long one to look for more.

pytest -n 2 -k fuzz --hypothesis-profile=thorough
"""

import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("thorough", max_examples=2_000, deadline=None, print_blob=True)


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """A command that is run in this process sets logging up, and would do so for the tests after it."""
    root, ours = logging.getLogger(), logging.getLogger("ensemble")
    hook, handlers, levels = sys.excepthook, root.handlers[:], (root.level, ours.level)
    yield
    sys.excepthook, root.handlers[:] = hook, handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
