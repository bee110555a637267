"""How fast this machine is, so that a bound on work is one on every machine."""

from __future__ import annotations

import json
import re
import time
from functools import cache

TEXT = "Aye, said the harbour master. " * 100


@cache
def pace_s() -> float:
    """CPU seconds of a piece of work, the slowest of three times; 0.025 s on the machine that the bounds come from."""
    return max(_worked_s() for _ in range(3))


def _worked_s() -> float:
    began = time.process_time()
    for _ in range(400):
        json.loads(json.dumps(TEXT.split()))
        re.sub(r"\w+", lambda found: found[0].upper(), TEXT[:500])
    return time.process_time() - began
