"""Finds the installed version of Ensemble."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

DISTRIBUTION: Final = "ensemble-roleplay"


def own_version() -> str:
    """Return the installed version."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # `python bot.py` in a folder that was never installed
        return "(not installed)"
