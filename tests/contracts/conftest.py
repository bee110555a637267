"""The stores that the shared suite runs on: a second database is one more branch here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.adapters.store import SqlStore, open_store
from tests.contracts.scene import Scene, open_scene


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend


@pytest.fixture(params=["sqlite file", "sqlite memory"])
async def store(request: pytest.FixtureRequest, anyio_backend: str, tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = {"sqlite file": f"sqlite:///{tmp_path}/ensemble.db", "sqlite memory": "sqlite:///:memory:"}[request.param]
    async with open_store(url) as opened:
        yield opened


@pytest.fixture
async def scene(store: SqlStore) -> Scene:
    return await open_scene(store)
