"""What a scene remembers of its lore, and what is written with a line."""

from __future__ import annotations

from dataclasses import dataclass

from actors.roleplay.lore.model import Timer


@dataclass(frozen=True, slots=True)
class LoreMemory:
    """The timers of lines that stand as they were delivered, with their ages, and keys that took too long.

    `replies` counts the lines of characters; 0 where nobody asked for it.
    """

    timers: tuple[Timer, ...] = ()
    slow_keys: frozenset[str] = frozenset()
    replies: int = 0


@dataclass(frozen=True, slots=True)
class LoreWrites:
    """What is written with the move that a generation led to: new timers count from the message `after_id` on.

    They hold from the line's delivery on, while the line stands as it was delivered; `timers` is None without a text.
    """

    after_id: int
    timers: tuple[Timer, ...] | None = None
    slow_keys: frozenset[str] = frozenset()
