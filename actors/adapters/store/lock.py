"""One bot per database: a lock of the operating system that dies with its process, so nothing goes stale.

ensemble.db.lock           held, never read
ensemble.db.holder.lock    who holds it, for people; believed only while the first is held
ensemble.db.request.lock   held by a process that waits to take over; the holder looks whether it is

The request is a lock as well: a process that asked and died asks for nothing any more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from actors.adapters.store.errors import AlreadyRunning, StoreError


class DatabaseLock:
    """Held from `acquire` (or `with`) to `release`, or to the process's end, however that comes."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = self._lock_named("lock")
        self._request = self._lock_named("request.lock")
        # It cannot be written into the lock itself: where locks are mandatory nobody else could read it.
        self._holder = database.with_name(f"{database.name}.holder.lock")
        self._own: dict[str, Any] = {}  # what we say of ourselves while we hold it

    def acquire(self, *, at: float) -> None:
        """Take the lock; `at` is told to whoever comes second.

        Raises AlreadyRunning, which names the holder, and StoreError where no lock can be.
        """
        if not self.acquire_if_free(at=at):
            raise AlreadyRunning(
                f"Ensemble is already running on {self._database} ({self.held_by}): "
                "stop it first, or set another DATABASE_URL"
            )

    def acquire_if_free(self, *, at: float) -> bool:
        """The same; False where another process holds it."""
        try:
            self._database.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(
                f"{self._database} cannot be locked ({error}): mend it, or set another DATABASE_URL"
            ) from error
        self._say_who({"pid": os.getpid(), "since": at})
        return True

    def release(self) -> None:
        self._lock.release()

    @property
    def held_by(self) -> str:
        """The holder, in words."""
        try:
            holder = self._read_holder()
            since = datetime.fromtimestamp(holder["since"], UTC)
            return f"process {holder['pid']}, since {since:%Y-%m-%d %H:%M:%S} UTC"
        except (OSError, ValueError, KeyError, TypeError):
            return "by a process that has not said which"  # it took the lock this very moment

    # ── handing over ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def asking(self) -> Iterator[bool]:
        """Ask the holder to hand over, while inside; False where another process asks already. Raises StoreError."""
        try:
            self._request.acquire()
        except Timeout:
            yield False
            return
        except OSError as error:
            place = self._request.lock_file
            raise StoreError(f"{place} cannot be locked ({error}): delete it, then try again") from error
        try:
            yield True
        finally:
            self._request.release()

    @property
    def is_asked_for(self) -> bool:
        """Whether a process that lives waits to take over; the holder asks.

        A request that we may not look at, since it is another user's, is none: who asks is told that nobody answers.
        """
        if not os.path.exists(self._request.lock_file):
            return False
        try:
            with self._request:
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def note_handing_over(self) -> bool:
        """Let the asker know that the holder has heard it; False where that cannot be written, which harms nothing."""
        try:
            self._say_who(self._own | {"hands_over": True})
        except OSError:
            return False
        return True

    @property
    def is_handing_over(self) -> bool:
        """Whether the holder has said so."""
        try:
            return self._read_holder().get("hands_over") is True
        except (OSError, ValueError):
            return False

    def _read_holder(self) -> dict[str, Any]:
        """Raises OSError, and ValueError where it is being written."""
        holder = json.loads(self._holder.read_text())
        if not isinstance(holder, dict):
            raise ValueError("the holder's file is no object")
        return holder

    def _say_who(self, own: dict[str, Any]) -> None:
        self._own = own
        self._holder.write_text(json.dumps(own))

    def _lock_named(self, name: str) -> FileLock:
        return FileLock(self._database.with_name(f"{self._database.name}.{name}"), timeout=0)

    def __enter__(self) -> DatabaseLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
