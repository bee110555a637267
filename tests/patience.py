"""How long a test waits for what must come."""

from __future__ import annotations

from typing import Final

PATIENCE_S: Final = 60.0
"""So that a test which hangs fails. It says nothing about speed, and only a failing test pays for it: on a machine that
is ten times slower, all that must come has come by then."""
