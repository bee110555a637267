"""Computes the wait before the next try; all retries use this rule."""

from __future__ import annotations

import math
from typing import Final
from zlib import crc32

DOUBLINGS_MAX: Final = 16
"""More doublings would give a wait of days."""

JITTER_SHARE: Final = 0.25
"""Largest share of a wait that is added, so that callers which failed together do not come back together."""


def backoff_s(attempt: int, *, base_s: float, max_s: float = math.inf, seed: str = "") -> float:
    """The wait after try number `attempt` (from 1): base × 2ⁿ⁻¹ seconds, at most `max_s`.

    With a `seed`, up to a quarter is added. The share depends on seed and attempt only, so it is reproducible.
    """
    wait_s = min(max_s, base_s * 2.0 ** min(max(attempt, 1) - 1, DOUBLINGS_MAX))
    if not seed:
        return wait_s
    share = crc32(f"{seed}/{attempt}".encode()) / 2**32
    return min(max_s, wait_s * (1 + JITTER_SHARE * share))
