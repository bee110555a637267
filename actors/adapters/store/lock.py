"""One bot per database: a lock of the operating system that dies with its process, so nothing goes stale.

ensemble.db.lock          held, never read
ensemble.db.holder.lock   who holds it, for people; believed only while the first is held
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from actors.adapters.store.errors import AlreadyRunning, StoreError


class DatabaseLock:
    """Held from `acquire` (or `with`) to `release`, or to the process's end, however that comes."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = FileLock(database.with_name(f"{database.name}.lock"), timeout=0)
        # It cannot be written into the lock itself: where locks are mandatory nobody else could read it.
        self._holder = database.with_name(f"{database.name}.holder.lock")

    def acquire(self, *, at: float) -> None:
        """Take the lock; `at` is told to whoever comes second.

        Raises AlreadyRunning, which names the holder, and StoreError where no lock can be.
        """
        try:
            self._database.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            raise AlreadyRunning(
                f"Ensemble is already running on {self._database} ({self._held_by()}): "
                "stop it first, or set another DATABASE_URL"
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self._database} cannot be locked ({error}): mend it, or set another DATABASE_URL"
            ) from error
        self._holder.write_text(json.dumps({"pid": os.getpid(), "since": at}))

    def release(self) -> None:
        self._lock.release()

    def _held_by(self) -> str:
        try:
            holder = json.loads(self._holder.read_text())
            since = datetime.fromtimestamp(holder["since"], UTC)
            return f"process {holder['pid']}, since {since:%Y-%m-%d %H:%M:%S} UTC"
        except (OSError, ValueError, KeyError, TypeError):
            return "by a process that has not said which"  # it took the lock this very moment

    def __enter__(self) -> DatabaseLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
