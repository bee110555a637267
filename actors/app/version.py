"""Which version of Ensemble runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

DISTRIBUTION: Final = "ensemble-roleplay"


def own_version() -> str:
    """As it was installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # `python bot.py` in a folder that was never installed
        return "(not installed)"
