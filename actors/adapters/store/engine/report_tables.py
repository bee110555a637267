"""Define the tables that `report` counts in addition to the journal: errors in the log and lines reported missing."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from actors.adapters.store.engine.columns import RowId
from actors.adapters.store.engine.schema import metadata
from actors.roleplay.missing_reports import Finding

FINDINGS: Final = ", ".join(f"'{finding}'" for finding in Finding)

# Errors in the log, by minute since 1970; a row of 0 means that errors were counted from then on.
# (Earlier versions counted each of the three lines of a failed generation: their counts are too high.)
error_lines = Table(
    "error_lines",
    metadata,
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)

# A person reported that a line is missing; if the person reports it again, the row is updated with the newest answer.
missing_report = Table(
    "missing_report",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("reported_by", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("session_id", ForeignKey("session.id")),
    Column("message_id", BigInteger, nullable=False),  # whose answers are missing; 0 if no message was named or found
    Column("at", Float, nullable=False),
    Column("finding", String(16), nullable=False),
    Column("answered", Text, nullable=False),
    CheckConstraint(f"finding IN ({FINDINGS})", name="finding"),
    UniqueConstraint("reported_by", "channel_id", "message_id"),
    Index("ix_missing_report_at", "at"),
)
