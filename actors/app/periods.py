"""Periods as people write them: `90s`, `15m`, `24h`, `7d`."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PERIOD: Final = re.compile(r"([1-9]\d{0,5})([smhd])")


def period_s(written: str) -> int | None:
    """Return a period in seconds; None if it is written in another way."""
    found = _PERIOD.fullmatch(written)
    return None if found is None else int(found[1]) * _UNITS[found[2]]
