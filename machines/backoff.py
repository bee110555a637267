"""How long to wait before the next try: one rule for everything that tries again."""

from __future__ import annotations

import math
from typing import Final
from zlib import crc32

DOUBLINGS_MAX: Final = 16
"""More would be days with any base."""

JITTER_SHARE: Final = 0.25
"""Of a wait, at most, added where many may have failed together, so that they do not come back together."""


def backoff_s(attempt: int, *, base_s: float, max_s: float = math.inf, seed: str = "") -> float:
    """The wait after try number `attempt` (from 1): base × 2ⁿ⁻¹ seconds, at most `max_s`.

    With a `seed` up to a quarter is added, drawn from seed and attempt: the same ones give the same wait.
    """
    wait_s = min(max_s, base_s * 2.0 ** min(max(attempt, 1) - 1, DOUBLINGS_MAX))
    if not seed:
        return wait_s
    share = crc32(f"{seed}/{attempt}".encode()) / 2**32
    return min(max_s, wait_s * (1 + JITTER_SHARE * share))
