"""A place of one's own for tests of the application: an empty folder, and none of this machine's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.app.settings import Settings


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment without a setting of ours."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path
