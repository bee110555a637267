"""The store: SQLAlchemy Core on SQLite, with one writer thread and Alembic migrations."""

from actors.adapters.store.engine.backup import KEPT_BESIDE, BackedUp, back_up
from actors.adapters.store.engine.errors import (
    AlreadyRunning,
    CommitFailed,
    NewerDatabase,
    NotADatabase,
    StoreClosed,
    StoreError,
    UnknownValues,
    WrongRowsFound,
)
from actors.adapters.store.engine.lock import DatabaseLock
from actors.adapters.store.engine.lock_wait import wait_until_unlocked
from actors.adapters.store.engine.opening import database_path, late_store, memory_store, open_store, prepare
from actors.adapters.store.engine.soundness import MEND
from actors.adapters.store.look.audit import Audited
from actors.adapters.store.look.reports import Reliability, ResponseOutcome
from actors.adapters.store.private_files import (
    HAS_MODES,
    is_filled_by_others,
    is_open_to_others,
    make_private_database,
    write_private,
)
from actors.adapters.store.store import SqlStore

__all__ = [
    "HAS_MODES",
    "KEPT_BESIDE",
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
    "UnknownValues",
    "WrongRowsFound",
    "back_up",
    "database_path",
    "is_filled_by_others",
    "is_open_to_others",
    "late_store",
    "make_private_database",
    "memory_store",
    "open_store",
    "prepare",
    "wait_until_unlocked",
    "write_private",
]
