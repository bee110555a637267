"""Allow one bot per database, with an operating system lock that ends with its process and so is never stale.

ensemble.db.lock           held by the bot, never read
ensemble.db.holder.lock    describes the holder for people; valid only while the first is held
ensemble.db.request.lock   held by a process that waits to take over; the holder checks whether it is held

The request is also a lock, so it ends when the requesting process dies.
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

from actors.adapters.store.engine.errors import AlreadyRunning, StoreError
from actors.adapters.store.private_files import FILE_MODE, make_private_folder, write_private


class DatabaseLock:
    """Held from `acquire` to `release` (or the end of `with`), or until the process ends in any way."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = self._lock_named("lock")
        self._request = self._lock_named("request.lock")
        # A file of its own: where locks are mandatory, no other process could read the locked file.
        self._holder = database.with_name(f"{database.name}.holder.lock")
        self._own: dict[str, Any] = {}  # the content of the holder's file while we hold the lock

    def acquire(self, *, at: float) -> None:
        """Take the lock; `at` (seconds since 1970) is shown to a process that finds it held.

        Raises AlreadyRunning, which names the holder, and StoreError if the lock's file cannot be used.
        """
        if not self.acquire_if_free(at=at):
            raise AlreadyRunning(
                f"Ensemble is already running on {self._database} ({self.holder}): "
                "stop it first, or set another DATABASE_URL"
            )

    def acquire_if_free(self, *, at: float) -> bool:
        """Take the lock; return False if another process holds it. Raises StoreError."""
        try:
            make_private_folder(self._database.parent)
            self._lock.acquire()
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(
                f"{self._database} cannot be locked ({error}): fix that, or set another DATABASE_URL"
            ) from error
        self._say_who({"pid": os.getpid(), "since": at})
        return True

    def release(self) -> None:
        self._lock.release()

    @property
    def holder(self) -> str:
        """Description of the holder, for people."""
        try:
            holder = self._read_holder()
            since = datetime.fromtimestamp(holder["since"], UTC)
            return f"process {holder['pid']}, since {since:%Y-%m-%d %H:%M:%S} UTC"
        except (OSError, ValueError, KeyError, TypeError):
            return "an unknown process"  # it took the lock just now and has not written its file

    # ── handing over ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def asking(self) -> Iterator[bool]:
        """Ask the holder to hand over, inside the block; yields False if another process already asks.

        Raises StoreError.
        """
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
        """Whether a live process waits to take over; for the holder.

        False if we may not open the request's file, because it belongs to another user: that user's process is then
        told that the holder does not answer.
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
        """Tell the requesting process that the holder agrees. Returns False if that cannot be written: no harm."""
        try:
            self._say_who(self._own | {"hands_over": True})
        except OSError:
            return False
        return True

    @property
    def is_handing_over(self) -> bool:
        """Whether the holder has agreed to hand over."""
        try:
            return self._read_holder().get("hands_over") is True
        except (OSError, ValueError):
            return False

    def _read_holder(self) -> dict[str, Any]:
        """Raises OSError, and ValueError if the file is incomplete because it is being written."""
        holder = json.loads(self._holder.read_text())
        if not isinstance(holder, dict):
            raise ValueError("the holder's file is not a JSON object")
        return holder

    def _say_who(self, own: dict[str, Any]) -> None:
        self._own = own
        write_private(self._holder, [json.dumps(own).encode()])

    def _lock_named(self, name: str) -> FileLock:
        # A private mode: a user who can open the file could hold the lock, and the bot would not start.
        return FileLock(self._database.with_name(f"{self._database.name}.{name}"), timeout=0, mode=FILE_MODE)

    def __enter__(self) -> DatabaseLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
