"""Makes the inspector from the settings, and serves it beside the bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskStatus

from actors.adapters.inspector import CannotServe, Inspector, Patience, is_loopback, parse_public_url
from actors.adapters.picture import picture
from actors.app.settings import Settings
from actors.observation import ChannelNames, Dependencies, Journal
from actors.ports import Noted, Trace

ADDRESS_TRIED_EVERY_S: Final = 0.2
"""Retry interval while another process still has the inspector's address."""


def inspector_of(
    settings: Settings,
    journal: Journal,
    *,
    api_url: str,
    metrics: Callable[[], Awaitable[bytes]] | None = None,
    dependencies: Callable[[], Dependencies] = Dependencies,
    channel_name: ChannelNames = lambda channel_id: None,
    log: Trace | None = None,
) -> Inspector | None:
    """Make the inspector from the settings, with `metrics` at `/metrics`; None if it is turned off.

    The page of a local Discord (`api_url` on loopback) may embed and read it.
    """
    if not settings.inspector_address:
        return None
    token = settings.inspector_token.get_secret_value() if settings.inspector_token else None
    return Inspector(
        settings.inspector_address,
        token,
        journal=journal,
        origins=_local_origins(api_url),
        public=parse_public_url(settings.inspector_url) if settings.inspector_url else None,
        metrics=metrics,
        picture=picture,
        patience=Patience(settings.send_timeout_s, settings.generate_timeout_s),
        dependencies=dependencies,
        channel_name=channel_name,
        log=log,
    )


async def inspect(inspector: Inspector, settings: Settings, trace: Trace, *, wait_s: float = 0.0) -> None:
    """Serve the inspector until cancelled; try a busy address again for `wait_s`.

    Raises CannotServe if the user set the address. The default address is optional: a warning is logged instead.
    """
    give_up_at = anyio.current_time() + wait_s
    while True:
        try:
            await inspector.run(task_status=_Announced(trace, settings.inspector_url))
            return
        except CannotServe as error:
            if anyio.current_time() < give_up_at:
                await anyio.sleep(ADDRESS_TRIED_EVERY_S)
                continue
            if "inspector_address" in settings.model_fields_set:
                raise
            trace.publish(Noted("warning", f"{error} The bot runs without the inspector."))
            await anyio.sleep_forever()


class _Announced(TaskStatus[str]):
    """Logs the inspector's address at every start."""

    def __init__(self, trace: Trace, public_url: str) -> None:
        self._trace = trace
        self._behind = f", and through a proxy: {public_url}" if public_url else ""

    def started(self, value: str | None = None) -> None:
        self._trace.publish(Noted("info", f"Inspector: {value}{self._behind}"))


def _local_origins(api_url: str) -> tuple[str, ...]:
    """The origins of a local page: its host as given, 127.0.0.1 and localhost."""
    parts = urlsplit(api_url)
    if parts.hostname is None or not is_loopback(parts.hostname):
        return ()
    port = f":{parts.port}" if parts.port else ""
    hosts = dict.fromkeys((parts.netloc.removesuffix(port), "127.0.0.1", "localhost"))
    return tuple(f"{parts.scheme}://{host}{port}" for host in hosts)
