"""What went over the wire, as JSON beside a response's moves; texts only where the store was asked for them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from actors.ports import Dependencies, Exchange


def exchange_view(seq: int, exchange: Exchange) -> dict[str, Any]:
    """`seq` is the number of the move that came of it."""
    view: dict[str, Any] = {
        "seq": seq,
        "requests": [asdict(each) for each in exchange.requests],
        "asked": None if exchange.asked is None else asdict(exchange.asked),
    }
    return view if exchange.texts is None else view | {"texts": asdict(exchange.texts)}


def dependencies_view(now: float, found: Dependencies) -> dict[str, Any]:
    """What `/api/dependencies` answers; times are seconds since 1970."""
    return {"now": now, **asdict(found)}
