"""Errors of the store; those for people have a message of one line with the cause and the fix."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used; the message names the cause and the fix."""


class NewerDatabase(StoreError):
    """A newer version of Ensemble has migrated this database."""


class UnknownValues(StoreError):
    """A newer version of Ensemble wrote values that need no migration but that this version does not know."""


class NotADatabase(StoreError):
    """The file exists but is not a database of Ensemble."""


class WrongRowsFound(StoreError):
    """Another program wrote invalid rows into the database; acting on them could post or lose lines."""


class AlreadyRunning(StoreError):
    """Another process holds the database."""


class StoreClosed(StoreError):
    """The store was closed, or its writer died, before the operation began: nothing was written."""


class CommitFailed(StoreError):
    """The batch with this operation could not be committed: nothing in it was written."""
