"""What is measured: the metrics of a process, and how late its event loop is."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import anyio

from actors.adapters.log import ErrorLines
from actors.adapters.metrics import Metrics
from actors.adapters.understudy import Understudy
from actors.app.settings import Settings
from actors.app.version import own_version
from actors.ports import Budget, Journal, Model, SeenAllowance

LAG_EVERY_S: Final = 0.25
"""Often enough to meet a stall of a second four times over; it costs some microseconds each."""


def metrics_of(
    settings: Settings,
    journal: Journal,
    model: Model,
    *,
    now: Callable[[], float],
    error_lines: ErrorLines | None = None,
    budgets: Callable[[], Iterable[Budget]] = tuple,
    allowances: Callable[[], Awaitable[Iterable[SeenAllowance]]] | None = None,
) -> Metrics:
    """The metrics with every label that these settings can lead to; `budgets` are Discord's, `allowances` models'."""
    provider = "understudy" if isinstance(model, Understudy) else provider_of(settings)
    return Metrics(
        lines=journal.lines_by_state,
        untold_since=journal.untold_since,
        now=now,
        error_lines=lambda: 0 if error_lines is None else error_lines.total,
        models=model.models,
        provider=provider,
        dependencies=("discord", *model.models),
        build={"version": own_version(), "python": platform.python_version()},
        allowances=allowances,
        closed=lambda: [each.name for each in budgets() if each.held_until is not None],
    )


def provider_of(settings: Settings) -> str:
    """OpenTelemetry's name of who serves the model, where there is one."""
    return "other" if settings.groq_base_url else "groq"


async def watch_loop(observe: Callable[[float], None], *, every_s: float = LAG_EVERY_S) -> None:
    """Tell `observe`, for ever, how many seconds later than asked the event loop came back."""
    while True:
        due_at = anyio.current_time() + every_s
        await anyio.sleep_until(due_at)
        observe(max(0.0, anyio.current_time() - due_at))
