"""Raise the number of files that this process may open: each connection, and each look into the database, needs one."""

from __future__ import annotations

from typing import Final

FILES_WANTED: Final = 8192
"""More than any bot uses; some systems let a process ask for a million, and libraries then reserve memory for each."""


def raise_limit() -> None:
    """Raise the soft limit as far as this user may; no effect on Windows, which has none."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
