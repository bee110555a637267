"""The inspector: what the bot's state machines do, live and from the journal, over HTTP."""

from actors.adapters.inspector.address import (
    AddressError,
    PublicUrl,
    is_loopback,
    parse_address,
    parse_public_url,
)
from actors.adapters.inspector.client import InspectorClient, InspectorGone
from actors.adapters.inspector.inspector import CannotServe, Inspector
from actors.adapters.inspector.lives import newest_and_unfinished
from actors.adapters.inspector.patience import Patience
from actors.adapters.inspector.view import recorded_view

__all__ = [
    "AddressError",
    "CannotServe",
    "Inspector",
    "InspectorClient",
    "InspectorGone",
    "Patience",
    "PublicUrl",
    "is_loopback",
    "newest_and_unfinished",
    "parse_address",
    "parse_public_url",
    "recorded_view",
]
