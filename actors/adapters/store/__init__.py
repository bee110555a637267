"""The store: SQLAlchemy Core on SQLite, written by one thread, migrated by Alembic."""

from actors.adapters.store.audit import Audited
from actors.adapters.store.errors import (
    AlreadyRunning,
    CommitFailed,
    NewerDatabase,
    NotADatabase,
    StoreClosed,
    StoreError,
    WrongRowsFound,
)
from actors.adapters.store.lock import DatabaseLock
from actors.adapters.store.opening import database_path, late_store, memory_store, open_store, prepare
from actors.adapters.store.reports import Reliability, ResponseOutcome
from actors.adapters.store.soundness import MEND
from actors.adapters.store.store import SqlStore

__all__ = [
    "MEND",
    "AlreadyRunning",
    "Audited",
    "CommitFailed",
    "DatabaseLock",
    "NewerDatabase",
    "NotADatabase",
    "Reliability",
    "ResponseOutcome",
    "SqlStore",
    "StoreClosed",
    "StoreError",
    "WrongRowsFound",
    "database_path",
    "late_store",
    "memory_store",
    "open_store",
    "prepare",
]
