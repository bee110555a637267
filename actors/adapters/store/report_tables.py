"""The tables of what `report` counts besides the journal: the log's ❌ lines, and lines that people miss."""

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

from actors.adapters.store.columns import RowId
from actors.adapters.store.schema import metadata
from actors.roleplay.missing import Finding

FINDINGS: Final = ", ".join(f"'{finding}'" for finding in Finding)

# How many ❌ lines the log had, by minutes since 1970; a row of none says that they were counted.
error_lines = Table(
    "error_lines",
    metadata,
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)

# Somebody says that a line did not come; asked again, it is the same report with the newest answer.
missing_report = Table(
    "missing_report",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("reported_by", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("session_id", ForeignKey("session.id")),
    Column("message_id", BigInteger, nullable=False),  # whose answers are missing; 0 where none was named or found
    Column("at", Float, nullable=False),
    Column("finding", String(16), nullable=False),
    Column("answered", Text, nullable=False),
    CheckConstraint(f"finding IN ({FINDINGS})", name="finding"),
    UniqueConstraint("reported_by", "channel_id", "message_id"),
    Index("ix_missing_report_at", "at"),
)
