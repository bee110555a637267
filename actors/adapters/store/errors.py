"""What a person has to know when the database cannot be used: one clear line each, with the mend."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


class NewerDatabase(StoreError):
    """A later version of Ensemble has upgraded this database."""


class NotADatabase(StoreError):
    """There is a file, and it is not a database of ours."""


class WrongRowsFound(StoreError):
    """Something else wrote rows into the database that cannot be right; acting on them could post or lose lines."""


class AlreadyRunning(StoreError):
    """Another process holds the database."""


class StoreClosed(StoreError):
    """The store was closed, or its writer died, before the operation began: nothing was written."""


class CommitFailed(StoreError):
    """The batch that this operation was part of could not be committed: nothing of it was written."""
