"""How long a test waits for what must come."""

from __future__ import annotations

from typing import Final

PATIENCE_S: Final = 45.0
"""Below the `timeout` of a whole test (`setup.cfg`), so that a wait fails with its own message. It says nothing about
speed: with forty processes on two cores a command of one second took half a minute.
"""
