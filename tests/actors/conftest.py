"""Actors are tested on virtual time, on asyncio and on trio: an async test here is run on both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.virtual_time import BACKENDS, on_virtual_time


@pytest.fixture(params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return on_virtual_time(request.param)
