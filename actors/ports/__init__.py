"""What the actors need of the world, and the refusals that they expect.

Refusals that belong to the day's work are values (`Refused`, `Unconfirmed`, `ModelFailed` …); adapters
translate a library's errors into them once. Only `Fenced` and programmers' errors are exceptions.
"""

from actors.ports.clock import Clock
from actors.ports.discord import (
    Channel,
    Deleted,
    DeleteOutcome,
    HeldBack,
    Posted,
    PrepareOutcome,
    ReadOutcome,
    Refused,
    SendOutcome,
    Unconfirmed,
    Voice,
    Webhooks,
)
from actors.ports.engine import Drain, Engine, Pending
from actors.ports.gateway import (
    ChannelGone,
    ConnectionLost,
    GatewayEvent,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    ShardDown,
    ShardReady,
    ShardResumed,
    Sink,
)
from actors.ports.journal import Journal, Recorded
from actors.ports.model import Completion, Model, ModelFailed, ModelReason
from actors.ports.status import Indicator, Status, StatusPage, StatusUnknown
from actors.ports.store import Accepted, Fenced, NextMessage, NextSpeaker, ResponseRecord, Store, WatchedPart, Work
from actors.ports.trace import (
    AttemptBegan,
    BreakerMoved,
    Context,
    GenerationBegan,
    GenerationErred,
    HistoryRead,
    Moved,
    Noted,
    Trace,
    TraceEvent,
)

__all__ = [
    "Accepted",
    "AttemptBegan",
    "BreakerMoved",
    "Channel",
    "ChannelGone",
    "Clock",
    "Completion",
    "ConnectionLost",
    "Context",
    "DeleteOutcome",
    "Deleted",
    "Drain",
    "Engine",
    "Fenced",
    "GatewayEvent",
    "GenerationBegan",
    "GenerationErred",
    "HeldBack",
    "HistoryRead",
    "Indicator",
    "Journal",
    "MessageDeleted",
    "MessageEdited",
    "MessageSeen",
    "Model",
    "ModelFailed",
    "ModelReason",
    "Moved",
    "NextMessage",
    "NextSpeaker",
    "Noted",
    "Pending",
    "Posted",
    "PrepareOutcome",
    "ReadOutcome",
    "Recorded",
    "Refused",
    "ResponseRecord",
    "SendOutcome",
    "ShardDown",
    "ShardReady",
    "ShardResumed",
    "Sink",
    "Status",
    "StatusPage",
    "StatusUnknown",
    "Store",
    "Trace",
    "TraceEvent",
    "Unconfirmed",
    "Voice",
    "WatchedPart",
    "Webhooks",
    "Work",
]
