"""The crash matrix: each row of the response's table, how it is brought about, and what must come of a kill there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from actors.playground import PlaygroundServer
from machines.binding import START
from tests.reliability.mortal_bot import HANG, LIMITED, SLOW, Death

CHANNEL, ELSEWHERE = "tavern", "station"
TYPING = "POST /channels/{channel}/typing"
POSTS = "POST /channels/{channel}/messages"
LINE = "A line like any other."
TWO_PARTS = " ".join(["A long line."] * 250)

VOICES = ("webhook", "embed")

Stand = Literal["stands", "told", "nothing"]
"""The line stands once; its failure was told; or people took its reason away and nothing of it is left."""

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Act = Callable[[PlaygroundServer, Until], Awaitable[None]]
Row = tuple[str, str, str]


# ── what people do meanwhile ────────────────────────────────────────────────────────────────────────


def tries(server: PlaygroundServer) -> int:
    return len(server.ledger.since(only_lines=True))


def asked(server: PlaygroundServer, method: str, ending: str) -> int:
    return sum(entry.method == method and entry.path.endswith(ending) for entry in server.ledger)


async def say(server: PlaygroundServer, until: Until) -> None:
    server.say(CHANNEL, "Robin", "What do you say?")


async def end_while_generating(server: PlaygroundServer, until: Until) -> None:
    await say(server, until)
    await until(lambda: asked(server, "POST", "/typing") > 0)
    server.say(CHANNEL, "Robin", "!end")


async def end_while_sending(server: PlaygroundServer, until: Until) -> None:
    """The line is held between stored and answered; the end is acknowledged before it is let go."""
    server.hold.arm()
    await say(server, until)
    await server.hold.wait_caught()
    server.say(CHANNEL, "Robin", "!end")
    await until(lambda: any("has ended" in message.content for message in server.messages(CHANNEL)))
    server.hold.release()


async def end_after_a_try(server: PlaygroundServer, until: Until) -> None:
    await say(server, until)
    await until(lambda: tries(server) > 0)
    server.say(CHANNEL, "Robin", "!end")


async def end_after_a_read(server: PlaygroundServer, until: Until) -> None:
    await say(server, until)
    await until(lambda: asked(server, "GET", "/messages") > 0)
    server.say(CHANNEL, "Robin", "!end")


async def move_the_webhook_after_a_try(server: PlaygroundServer, until: Until) -> None:
    """Without a word of the gateway's: the next try stands elsewhere."""
    await say(server, until)
    await until(lambda: tries(server) > 0)
    for webhook in server.webhooks(CHANNEL):
        server.move_webhook(webhook.id, ELSEWHERE, is_told=False)


@dataclass(frozen=True, slots=True)
class Crash:
    """`before` and `after`: what must come of a kill right before the move is durable, and right after."""

    row: Row
    before: Stand
    after: Stand
    lines: tuple[str | None, ...] = ()
    reads: tuple[str | None, ...] = ()
    typing: tuple[str | None, ...] = ()
    answers: tuple[str, ...] = ()
    text: str = LINE
    settings: dict[str, str] = field(default_factory=dict)
    act: Act = say
    earlier: Row | None = None
    """Where the process before died, if it takes a restart to come to this row."""
    rest_s: float = 0.0
    """How long nobody runs after that."""
    retry_after_s: float = 0.3
    """What the server's 429s ask for."""
    told_before: int = 0
    """Failures that the channel is told of on the way to this row."""
    reason: str = ""
    """Which of the row's facts, where it is not the usual one."""
    voices: tuple[str, ...] = VOICES

    @property
    def name(self) -> str:
        fact, source, dest = self.row
        return f"{fact}{f'({self.reason})' if self.reason else ''}: {source} → {dest}"

    def death(self, *, is_durable: bool) -> Death:
        return Death(*self.row, is_durable=is_durable)

    def comes_to(self, *, is_durable: bool) -> Stand:
        return self.after if is_durable else self.before


async def hold_back_the_next_read(server: PlaygroundServer, until: Until) -> None:
    """A limit for everything, met by the answer to a command while the line is in doubt."""
    await say(server, until)
    await until(lambda: asked(server, "GET", "/messages") > 0)
    server.next_requests(POSTS, "rate_limit_global")
    server.say(CHANNEL, "Robin", "!status")


async def ask_again(server: PlaygroundServer, until: Until) -> None:
    await say(server, until)
    await until(lambda: any(message.content.startswith("⚠️") for message in server.messages(CHANNEL)))
    server.say(CHANNEL, "Robin", "!retry")


# ── the matrix, in the order of the table ───────────────────────────────────────────────────────────

GENERATING, SENDING, RETRYING, DELIVERED, FAILED = "Generating", "Sending", "Retrying", "Delivered", "Failed"
ONCE = {"SEND_ATTEMPTS": "1"}
TWICE = {"SEND_ATTEMPTS": "2"}
MOVED = 1.0
"""What the 429 asks for, in which the webhook is moved."""
PATIENT = {"BACKOFF_BASE_S": "3"}
"""So that there is time to end the scene during a wait, on a busy machine too."""

CRASHES: tuple[Crash, ...] = (
    Crash(("Started", START, GENERATING), "stands", "stands"),
    Crash(("Started", START, SENDING), "stands", "stands", lines=("http_413",), act=ask_again, told_before=1),
    Crash(("Generated", GENERATING, SENDING), "stands", "stands"),
    Crash(("GenerationFailed", GENERATING, RETRYING), "stands", "stands", answers=("overloaded",)),
    Crash(("GenerationFailed", GENERATING, FAILED), "stands", "told", answers=("credentials",)),
    Crash(
        ("Held", GENERATING, RETRYING),
        "stands",
        "stands",
        answers=("overloaded", "overloaded"),
        settings={"BREAKER_FAILURES": "1", "BREAKER_PAUSE_S": "1", "BACKOFF_BASE_S": "0.1", "GENERATE_ATTEMPTS": "4"},
    ),
    Crash(("Held", GENERATING, FAILED), "stands", "told", answers=(LIMITED,), settings={"HOLD_MAX_S": "0"}),
    Crash(
        ("Held", SENDING, RETRYING),
        "stands",
        "stands",
        typing=("rate_limit_global",),
        answers=(SLOW,),
        retry_after_s=5.0,
    ),
    Crash(
        ("Held", SENDING, FAILED),
        "stands",
        "told",
        typing=("rate_limit_global",),
        answers=(SLOW,),
        retry_after_s=5.0,
        settings={"HOLD_MAX_S": "0"},
    ),
    Crash(
        ("Held", RETRYING, RETRYING),
        "stands",
        "stands",
        lines=("drop_after",),
        reads=("http_503",),
        retry_after_s=6.0,
        settings=PATIENT,
        act=hold_back_the_next_read,
    ),
    Crash(("Sent", SENDING, SENDING), "stands", "stands", text=TWO_PARTS),
    Crash(("Sent", SENDING, DELIVERED), "stands", "stands"),
    Crash(("Sent", SENDING, FAILED), "nothing", "nothing", text=TWO_PARTS, act=end_while_sending),
    Crash(("SendRefused", SENDING, RETRYING), "stands", "stands", lines=("rate_limit",)),
    Crash(
        ("SendRefused", SENDING, RETRYING),
        "stands",
        "stands",
        lines=(None, "http_400_200000"),
        text=TWO_PARTS,
        reason="blocked",
    ),
    Crash(("SendRefused", SENDING, FAILED), "stands", "told", lines=("http_413",)),
    Crash(("SendUnconfirmed", SENDING, RETRYING), "stands", "stands", lines=("drop_after",)),
    Crash(
        ("SentElsewhere", SENDING, RETRYING),
        "stands",
        "stands",
        lines=("rate_limit",),
        retry_after_s=MOVED,
        act=move_the_webhook_after_a_try,
        voices=("webhook",),
    ),
    Crash(
        ("SentElsewhere", SENDING, FAILED),
        "told",
        "told",
        lines=("rate_limit",),
        retry_after_s=MOVED,
        settings=TWICE,
        act=move_the_webhook_after_a_try,
        voices=("webhook",),
    ),
    Crash(("ReadBackFailed", RETRYING, RETRYING), "stands", "stands", lines=("drop_after",), reads=("http_503",)),
    Crash(("ReadBackImpossible", RETRYING, FAILED), "stands", "told", lines=("drop_after",), reads=("http_403",)),
    Crash(("FoundInChannel", RETRYING, SENDING), "stands", "stands", lines=("drop_after",), text=TWO_PARTS),
    Crash(("FoundInChannel", RETRYING, DELIVERED), "stands", "stands", lines=("drop_after",)),
    Crash(
        ("FoundInChannel", RETRYING, FAILED),
        "nothing",
        "nothing",
        lines=("drop_after",),
        reads=("http_503",),
        text=TWO_PARTS,
        settings=PATIENT,
        act=end_after_a_read,
    ),
    Crash(
        ("SentElsewhere", RETRYING, RETRYING),
        "stands",
        "stands",
        lines=("rate_limit", "drop_after"),
        retry_after_s=MOVED,
        act=move_the_webhook_after_a_try,
        voices=("webhook",),
    ),
    Crash(
        ("SentElsewhere", RETRYING, FAILED),
        "told",
        "told",
        lines=("rate_limit", "drop_after"),
        retry_after_s=MOVED,
        settings=TWICE,
        act=move_the_webhook_after_a_try,
        voices=("webhook",),
    ),
    Crash(("NotInChannel", RETRYING, SENDING), "stands", "stands", lines=("drop_before",)),
    Crash(("NotInChannel", RETRYING, FAILED), "told", "told", lines=("drop_before",), settings=ONCE),
    Crash(("WaitElapsed", RETRYING, SENDING), "stands", "stands", lines=("rate_limit",)),
    Crash(("WaitElapsed", RETRYING, GENERATING), "stands", "stands", answers=("overloaded",)),
    Crash(
        ("WaitElapsed", RETRYING, FAILED),
        "told",
        "told",
        lines=("rate_limit",),
        settings={"RESPONSE_DEADLINE_S": "4"},
        earlier=("SendRefused", SENDING, RETRYING),
        rest_s=4.0,
    ),
    Crash(("Cancelled", GENERATING, FAILED), "nothing", "nothing", answers=(HANG,), act=end_while_generating),
    Crash(("Cancelled", SENDING, SENDING), "nothing", "nothing", text=TWO_PARTS, act=end_while_sending),
    Crash(
        ("Cancelled", RETRYING, RETRYING),
        "nothing",
        "nothing",
        lines=("drop_before",),
        reads=("http_503",),
        settings=PATIENT,
        act=end_after_a_read,
    ),
    Crash(
        ("Cancelled", RETRYING, FAILED),
        "nothing",
        "nothing",
        lines=("rate_limit",),
        settings=PATIENT,
        act=end_after_a_try,
    ),
)
