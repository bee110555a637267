"""How long a test waits for what must come."""

from __future__ import annotations

from typing import Final

PATIENCE_S: Final = 60.0
"""So that a test which hangs fails. It says nothing about speed, and only a failing test pays for it: with forty
processes on two cores a command of one second took more than 60.
"""
