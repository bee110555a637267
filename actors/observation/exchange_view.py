"""Exchanges with Discord and models, and the dependencies, as JSON; texts only if the store was asked for them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from actors.observation import Dependencies
from actors.ports import Exchange


def exchange_view(seq: int, exchange: Exchange) -> dict[str, Any]:
    """The JSON of one exchange; `seq` is the number of the move that followed from it."""
    view: dict[str, Any] = {
        "seq": seq,
        "requests": [asdict(each) for each in exchange.requests],
        "asked": None if exchange.asked is None else asdict(exchange.asked),
    }
    return view if exchange.texts is None else view | {"texts": asdict(exchange.texts)}


def dependencies_view(now: float, found: Dependencies) -> dict[str, Any]:
    """The answer of `/api/dependencies`; times are seconds since 1970."""
    return {"now": now, **asdict(found)}
