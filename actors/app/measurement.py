"""Makes the metrics of a process, and measures the lag of its event loop."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import anyio

from actors.adapters.log import ErrorCounter
from actors.adapters.metrics import Metrics
from actors.adapters.understudy import Understudy
from actors.app.settings import Settings
from actors.app.version import own_version
from actors.observation import AllowanceView, Budget, Journal
from actors.ports import Model

LAG_EVERY_S: Final = 0.25
"""A stall of one second covers four checks; each costs a few microseconds."""


def metrics_of(
    settings: Settings,
    journal: Journal,
    model: Model,
    *,
    now: Callable[[], float],
    errors: ErrorCounter | None = None,
    budgets: Callable[[], Iterable[Budget]] = tuple,
    allowances: Callable[[], Awaitable[Iterable[AllowanceView]]] | None = None,
) -> Metrics:
    """Make the metrics with all labels for these settings; `budgets` are Discord's, `allowances` the models'."""
    provider = "understudy" if isinstance(model, Understudy) else provider_of(settings)
    return Metrics(
        lines=journal.lines_by_state,
        untold_since=journal.untold_since,
        now=now,
        errors=lambda: (0, 0) if errors is None else (errors.total, errors.lines),
        models=model.models,
        provider=provider,
        dependencies=("discord", *model.models),
        build={"version": own_version(), "python": platform.python_version()},
        allowances=allowances,
        closed=lambda: [each.name for each in budgets() if each.held_until is not None],
    )


def provider_of(settings: Settings) -> str:
    """Return OpenTelemetry's name of the model's provider, or `other`."""
    return "other" if settings.groq_base_url else "groq"


async def watch_loop(observe: Callable[[float], None], *, every_s: float = LAG_EVERY_S) -> None:
    """Call `observe` for ever with the event loop's lag in seconds."""
    while True:
        due_at = anyio.current_time() + every_s
        await anyio.sleep_until(due_at)
        observe(max(0.0, anyio.current_time() - due_at))
