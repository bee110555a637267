"""The inspector: shows the bot's state machines over HTTP, live and from the journal."""

from actors.adapters.inspector.address import (
    AddressError,
    PublicUrl,
    is_loopback,
    parse_address,
    parse_public_url,
)
from actors.adapters.inspector.client import InspectorClient, InspectorGone
from actors.adapters.inspector.inspector import CannotServe, Inspector
from actors.observation.json_view import recorded_view
from actors.observation.patience import Patience
from actors.observation.response_views import newest_and_unfinished

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
