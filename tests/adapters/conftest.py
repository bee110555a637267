"""The log's records, kept for a test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.adapters.logged import Kept


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, logger = Kept(), logging.getLogger("ensemble")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
