"""Draws that depend on the seed and on the entry alone, in whatever order they are made."""

from __future__ import annotations

from hashlib import blake2b


def draw(seed: str, *what: str) -> float:
    """Return a number in [0, 1)."""
    key = "\0".join((seed, *what)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(key, digest_size=7).digest(), "big") / 2**56
