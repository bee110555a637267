"""The store: SQLAlchemy Core on SQLite, written by one thread, migrated by Alembic."""

from actors.adapters.store.audit import Audited
from actors.adapters.store.backup import BackedUp, back_up
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
from actors.adapters.store.locked import wait_until_unlocked
from actors.adapters.store.opening import database_path, late_store, memory_store, open_store, prepare
from actors.adapters.store.reports import Reliability, ResponseOutcome
from actors.adapters.store.soundness import MEND
from actors.adapters.store.store import SqlStore

__all__ = [
    "MEND",
    "AlreadyRunning",
    "Audited",
    "BackedUp",
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
    "back_up",
    "database_path",
    "late_store",
    "memory_store",
    "open_store",
    "prepare",
    "wait_until_unlocked",
]
