"""The inspector beside the bot: made from the settings, contained like every actor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskStatus

from actors.adapters.inspector import CannotServe, Inspector, Patience, is_loopback, parse_public_url
from actors.adapters.picture import picture
from actors.app.settings import Settings
from actors.ports import ChannelNames, Dependencies, Journal, Noted, Trace

ADDRESS_TRIED_EVERY_S: Final = 0.2
"""While another process still has the inspector's address."""


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
    """The inspector that the settings ask for, with `metrics` at `/metrics`; None where it is turned off.

    A local Discord's page (`api_url` on loopback) may embed and read it.
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
    """Serve it until cancelled. Raises CannotServe for an address that was asked for; does without the default.

    Where another process may still have the address it is tried for `wait_s`.
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
            trace.publish(Noted("warning", f"{error} There is no inspector this time."))
            await anyio.sleep_forever()


class _Announced(TaskStatus[str]):
    """Says in the log where it serves, at every start."""

    def __init__(self, trace: Trace, public_url: str) -> None:
        self._trace = trace
        self._behind = f", and through a proxy {public_url}" if public_url else ""

    def started(self, value: str | None = None) -> None:
        self._trace.publish(Noted("info", f"Inspector: {value}{self._behind}"))


def _local_origins(api_url: str) -> tuple[str, ...]:
    """The page's origin under both of its names."""
    parts = urlsplit(api_url)
    if parts.hostname is None or not is_loopback(parts.hostname):
        return ()
    port = f":{parts.port}" if parts.port else ""
    hosts = dict.fromkeys((parts.netloc.removesuffix(port), "127.0.0.1", "localhost"))
    return tuple(f"{parts.scheme}://{host}{port}" for host in hosts)
