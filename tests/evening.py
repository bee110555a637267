"""An evening on a free account: three characters, `everyone`, a message every 40 s; its texts and its figures."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy import Connection, select

from actors.adapters.store.engine.schema import character, inbox, move, outbox, response
from tests.fakes.free_account import WORDS, Asked

MESSAGES = 30
EVERY_S = 40.0
IN_TIME_S = 30.0
SMALL_TOKENS = 2000
SPEAKERS = 3


def messages(seed: int, count: int = MESSAGES) -> list[str]:
    """What a person says that evening."""
    drawn = random.Random(seed)
    return [
        " ".join(drawn.choice(WORDS) for _ in range(drawn.randint(12, 40))).capitalize() + "?" for _ in range(count)
    ]


@dataclass(frozen=True)
class Evening:
    """`waits_s` from each message to each of its lines that came."""

    wanted: int
    waits_s: tuple[float, ...]
    notices: tuple[str, ...]
    asked: tuple[Asked, ...]
    refused: int

    @property
    def in_time(self) -> int:
        return sum(wait_s <= IN_TIME_S for wait_s in self.waits_s)

    def report(self) -> str:
        prompts = sorted(each.prompt_tokens for each in self.asked)
        tokens = Counter[str]()
        for each in self.asked:
            tokens[each.model] += each.tokens
        small = sum(each < SMALL_TOKENS for each in prompts) / max(len(prompts), 1)
        rows = (
            f"lines in time (30 s): {self.in_time} of {self.wanted}; came: {len(self.waits_s)}",
            f"longest wait: {max(self.waits_s, default=0):.1f} s; median: {median(self.waits_s or [0]):.1f} s",
            f"notices: {len(self.notices)}",
            *(f"    {each}" for each in self.notices),
            f"median window: {median(prompts or [0]):.0f} tokens; prompts below {SMALL_TOKENS}: {small:.0%}",
            f"requests refused (429): {self.refused}",
            *(f"tokens of {model}: {count:,}" for model, count in sorted(tokens.items())),
        )
        return "\n".join(rows)


def figures(conn: Connection, asked: Iterable[Asked], *, refused: int, wanted: int) -> Evening:
    """Read what became of the evening from the bot's own journal."""
    delivered = (
        select(move.c.at - inbox.c.at)
        .select_from(
            move.join(response, response.c.id == move.c.response_id)
            .join(inbox, inbox.c.message_id == response.c.trigger_id)
            .join(character, character.c.id == response.c.character_id)
        )
        .where(move.c.dest == "Delivered")
        .order_by(move.c.at)
    )
    waits = tuple(conn.execute(delivered).scalars())
    texts: Sequence[str | None] = conn.execute(select(outbox.c.text).where(outbox.c.kind == "notice")).scalars().all()
    return Evening(wanted, waits, tuple(filter(None, texts)), tuple(asked), refused)
