"""Chooses the name that a webhook shows for a character; it differs from the character's only if Discord refuses that.

    its name ─► refused ─► the refused word split ─► refused ─► every word split ─► refused ─► none: an embed

Refusals are stored, so that no line and no restart repeats them; a word refused in one name is split in all names.
Discord's words change: after a week a name is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from actors.adapters.discord.names import name_of_webhook, refused_word, shown_name, spellings
from actors.ports import Learnt, Refused, RefusedName

REFUSED_FOR_S: Final = 7 * 86_400.0
"""Discord's word lists have been too broad for a day before, and were corrected."""

log: Final = logging.getLogger("ensemble.discord")


class Spelling:
    """Chooses the first spelling of a name that Discord has not refused.

    The name of a webhook and the name in a message are refused separately: a shared webhook has another name.
    """

    def __init__(self, table: Learnt, now: Callable[[], float]) -> None:
        self._table = table
        self._now = now
        self._refused: dict[tuple[str, bool], RefusedName] | None = None

    async def of_message(self, name: str) -> str | None:
        """Return the name for one message; None if Discord refuses every spelling."""
        return await self._first(name, is_of_webhook=False)

    async def of_webhook(self, name: str) -> str | None:
        """Return the name for the character's own webhook; None if Discord refuses every spelling."""
        return await self._first(name, is_of_webhook=True)

    async def note(self, spelled: str, refusal: Refused, *, is_of_webhook: bool) -> None:
        """Note that Discord refused `spelled`, so that it is not used again."""
        own = name_of_webhook(spelled)
        word = refused_word(refusal.words, own)
        log.warning(
            "Discord refuses the name %r of a webhook (%s: %s)",
            own,
            refusal.code,
            refusal.words,
            extra={"said": refusal.words},
        )
        refused = RefusedName(spelled, is_of_webhook, word, self._now())
        (await self._known())[spelled, is_of_webhook] = refused
        await self._table.keep_refused_name(refused)

    async def _first(self, name: str, *, is_of_webhook: bool) -> str | None:
        since = self._now() - REFUSED_FOR_S
        recent = {key: each for key, each in (await self._known()).items() if each.at >= since}
        words = {each.word for each in recent.values() if each.word is not None}
        candidates = spellings(shown_name(name), words)
        return next((each for each in candidates if (each, is_of_webhook) not in recent), None)

    async def _known(self) -> dict[tuple[str, bool], RefusedName]:
        if self._refused is None:
            kept = await self._table.refused_names(since=self._now() - REFUSED_FOR_S)
            # Another task may have read them meanwhile, and added one.
            self._refused = self._refused or {(each.name, each.is_of_webhook): each for each in kept}
        return self._refused
