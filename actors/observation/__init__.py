"""Views of the running machines, shared by the inspector, `watch`, `replay`, `/debug` and the metrics.

    journal, trace events ─► views of responses, sessions, breakers and connections ─► JSON, words

A view contains no message text, unless its docstring says so.
"""

from actors.observation.debugging import AskedIn, Debugger, Explained, Suggested
from actors.observation.dependencies import (
    AllowanceView,
    BreakerView,
    Budget,
    ChannelNames,
    Dependencies,
    ModelView,
    ShardView,
)
from actors.observation.journal import (
    Debugged,
    HeardMessage,
    Journal,
    KnownAs,
    LineMessage,
    LinesInState,
    LineView,
    OutboxMessage,
    Recorded,
    SessionView,
    Standing,
)

__all__ = [
    "AllowanceView",
    "AskedIn",
    "BreakerView",
    "Budget",
    "ChannelNames",
    "Debugged",
    "Debugger",
    "Dependencies",
    "Explained",
    "HeardMessage",
    "Journal",
    "KnownAs",
    "LineMessage",
    "LineView",
    "LinesInState",
    "ModelView",
    "OutboxMessage",
    "Recorded",
    "SessionView",
    "ShardView",
    "Standing",
    "Suggested",
]
