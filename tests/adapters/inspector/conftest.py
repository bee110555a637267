"""A store in memory with an open session, and an inspector that serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from actors.adapters.store import SqlStore, open_store
from tests.adapters.inspector.stage import Stage, serving
from tests.contracts.scene import Scene, open_scene


@pytest.fixture
async def store(anyio_backend: str) -> AsyncIterator[SqlStore]:
    async with open_store("sqlite:///:memory:") as opened:
        yield opened


@pytest.fixture
async def scene(store: SqlStore) -> Scene:
    return await open_scene(store)


@pytest.fixture
async def stage(store: SqlStore, scene: Scene) -> AsyncIterator[Stage]:
    async with serving(store, scene) as stage:
        yield stage
