"""Every fault and what comes of it: the one table that the tests run and that docs/reliability.md shows.

A case is what goes wrong with the tries at one line, and for each voice the machine's path from Sending on,
the tries that the server counted, whether the line stands (in the channel and in the history, which must be
equal), and what the channel is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from actors.playground import DISCORD, Dialect
from tests.reliability import acts
from tests.reliability.acts import LONG_S
from tests.reliability.stage import CHANNEL, SETTLE_S, THREAD, TRY_TIMEOUT_S, Stage

Act = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of a case.

    `told`: the clause of the notice; `later` when it may be told, `opened` when its thread is, `log` where nobody is,
    `waits` where the channel is told that the line comes later.
    """

    path: str
    attempts: int
    stands: bool = True
    told: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """`lines` and `reads` are what the server does with them, in order; `act` is how the message is said."""

    name: str
    webhook: Outcome | None
    embed: Outcome | None
    lines: tuple[str | None, ...] = ()
    reads: tuple[str | None, ...] = ()
    act: Act | None = None
    goes_on: bool = True
    """Whether the next message is answered."""
    settings: dict[str, float] = field(default_factory=dict)
    dialect: Dialect = DISCORD
    place: str = CHANNEL

    def outcome(self, voice: Literal["webhook", "embed"]) -> Outcome | None:
        return self.webhook if voice == "webhook" else self.embed


DELIVERED = "Sent → Delivered"
CLOSED = "this thread is closed"
FOUND = "FoundInChannel → Delivered"
TRY_AGAIN = "NotInChannel → Sending"
WAITED = "WaitElapsed → Sending"

SMOOTH = Outcome(DELIVERED, 1)
HELD = f"Held(rate_limit) → Retrying, {WAITED}, {DELIVERED}"


def refused(reason: str) -> str:
    return f"SendRefused({reason}) → Retrying, {WAITED}"


def failed(reason: str) -> str:
    return f"SendRefused({reason}) → Failed"


def in_doubt(cause: str) -> str:
    return f"SendUnconfirmed({cause}) → Retrying"


def sent_again(cause: str) -> Outcome:
    """Not in the channel when it was read back: sent a second time."""
    return Outcome(f"{in_doubt(cause)}, {TRY_AGAIN}, {DELIVERED}", 2)


def found(cause: str) -> Outcome:
    """In the channel when it was read back: no second try."""
    return Outcome(f"{in_doubt(cause)}, {FOUND}", 1)


def removed(cause: str) -> Outcome:
    """Shown by the gateway, and taken away by people since: it does not come again."""
    return replace(found(cause), stands=False)


def waited_for(reason: str) -> Outcome:
    return Outcome(f"{refused(reason)}, {DELIVERED}", 2)


def told(reason: str, clause: str) -> Outcome:
    return Outcome(failed(reason), 1, stands=False, told=clause)


def alike(name: str, outcome: Outcome, *lines: str | None, act: Act | None = None, **settings: float) -> Case:
    """A case in which the voices do not differ."""
    return Case(name, outcome, outcome, lines, act=act, settings=settings)


def stray(cause: str = "") -> Outcome:
    """Posted into the channel that the webhook was moved to: taken back there, and sent anew."""
    doubt = f"{in_doubt(cause)}, " if cause else ""
    return Outcome(f"{doubt}SentElsewhere(webhook_moved) → Retrying, {WAITED}, {DELIVERED}", 2)


ANOTHER_TEXT = "SendRefused(blocked) → Retrying, WaitElapsed → Generating, Generated → Sending"
WRITTEN_ANEW = Outcome(f"{ANOTHER_TEXT}, {DELIVERED}", 2)
BLOCKED_TWICE = Outcome(f"{ANOTHER_TEXT}, {failed('blocked')}", 2, stands=False, told="Discord blocked the text")

THREE_REFUSED = Outcome(
    f"{refused('connection')}, {refused('connection')}, {failed('connection')}",
    0,
    stands=False,
    told="no connection to Discord",
)
THREE_LOST = Outcome(
    ", ".join([f"{in_doubt('outage')}, {TRY_AGAIN}"] * 2 + [in_doubt("outage"), "NotInChannel → Failed"]),
    3,
    stands=False,
    told="Discord did not confirm the message",
)
UNREADABLE = Outcome(
    f"{in_doubt('connection')}, ReadBackImpossible(unconfirmed) → Failed",
    1,
    stands=False,
    told="could not be confirmed",
)
GIVEN_UP = Outcome(
    f"{in_doubt('connection')}, {TRY_AGAIN}, {failed('too_long')}", 2, stands=False, told="message too long"
)
RENAMED = Outcome(f"Held → Retrying, {WAITED}, {DELIVERED}", 2)
RENAMED_TWICE = Outcome(f"Held → Retrying, {WAITED}, Held → Retrying, {WAITED}, {DELIVERED}", 3)
READ_TWICE = Outcome(f"{in_doubt('connection')}, ReadBackFailed(outage) → Retrying, {FOUND}", 1)

TWICE_GONE = Outcome(f"{refused('webhook_gone')}, {refused('webhook_gone')}, {DELIVERED}", 3)
SILENT = Dialect(echoes=False)
BARE = Dialect(bare_posts=True)
REFUSING = {status: Dialect(webhook_status=status) for status in (401, 403, 404)}

CASES: tuple[Case, ...] = (
    alike(
        "connection refused, then accepted", Outcome(f"{refused('connection')}, {DELIVERED}", 1), act=acts.refused_once
    ),
    alike("connection refused throughout", THREE_REFUSED, act=acts.refused_throughout),
    alike("connection reset (RST)", sent_again("connection"), "reset"),
    alike("dropped before storing", sent_again("connection"), "drop_before"),
    alike("dropped after storing", found("connection"), "drop_after"),
    alike("stored, then 500", found("outage"), "stored_500"),
    alike("stored, then 502", found("outage"), "stored_502"),
    alike("stored, then 503", found("outage"), "stored_503"),
    alike("stored, then silence", found("timeout"), "stored_silence", send_timeout_s=TRY_TIMEOUT_S),
    alike("silence, not stored", sent_again("timeout"), "silence", send_timeout_s=TRY_TIMEOUT_S),
    Case(
        "lands late, within SETTLE_S",
        found("connection"),
        sent_again("connection"),
        ("late",),
        act=acts.lands_at_once,
        settings={"settle_s": 3 * SETTLE_S},
    ),
    alike("lands later than SETTLE_S", sent_again("connection"), "late", act=acts.lands_after_the_next),
    alike("lands after its failure was told", GIVEN_UP, "late", "http_413", act=acts.lands_after_the_next),
    alike("429 with `Via`", waited_for("rate_limit"), "rate_limit"),
    alike("429 without `Via`, from the edge", waited_for("rate_limit"), "rate_limit_edge"),
    alike("429 for everything (global)", waited_for("rate_limit"), "rate_limit_global"),
    alike("429 for all who use the channel (shared)", waited_for("rate_limit"), "rate_limit_shared"),
    Case(
        "429 that asks for 400 s",
        Outcome(HELD, 2, told="waits"),
        Outcome(HELD, 2),  # the notice is held with the line, and withdrawn with it
        (f"rate_limit_shared:{LONG_S:.0f}",),
        act=acts.waits_for_hours,
    ),
    alike(
        "429 that asks for more than HOLD_MAX_S",
        Outcome("Held(rate_limit) → Failed", 1, stands=False, told="Discord's rate limit is reached"),
        f"rate_limit:{LONG_S:.0f}",
        act=acts.passes_without_the_line,
        hold_max_s=LONG_S - 1,
    ),
    Case(
        "429 that a thread met on the same webhook",
        Outcome(HELD, 1, told="waits"),
        None,
        (f"rate_limit:{LONG_S:.0f}",),
        act=acts.limited_in_a_thread,
    ),
    Case("401", waited_for("webhook_gone"), told("unauthorized", "Discord refused the bot"), ("http_401",)),
    Case("401, the webhook's token is wrong (50027)", waited_for("webhook_gone"), None, ("http_401_50027",)),
    Case(
        "403, the permission is gone (50013)",
        waited_for("webhooks_forbidden"),
        told("forbidden", "missing permission in this channel"),
        ("http_403_50013",),
    ),
    Case(
        "403, the bot may write nothing at all",
        SMOOTH,
        Outcome(failed("forbidden"), 1, stands=False, told="later"),
        act=acts.silenced,
        goes_on=False,
    ),
    Case("404 without a code", waited_for("webhook_gone"), waited_for("not_found"), ("http_404",)),
    Case("404, the webhook is gone (10015)", waited_for("webhook_gone"), None, ("http_404_10015",)),
    Case("somebody deletes the webhook, and Discord says so", SMOOTH, None, act=acts.webhook_deleted),
    Case("a moderator moves the webhook while a line is in flight", stray(), SMOOTH, act=acts.webhook_moved),
    Case(
        "a moderator moves the webhook, and the answer is lost",
        stray("connection"),
        found("connection"),
        ("drop_after",),
        act=acts.webhook_moved,
    ),
    Case(
        "a moderator moves the webhook, and the line is lost",
        sent_again("connection"),
        sent_again("connection"),
        ("drop_before",),
        act=acts.webhook_moved,
    ),
    alike("a moderator moves the webhook, and Discord says so", SMOOTH, act=acts.webhook_moved_as_announced),
    alike("a moderator moves the webhook, and back", SMOOTH, act=acts.webhook_moved_and_back),
    Case("the webhook was moved into a forum (220001)", waited_for("webhook_moved"), None, ("http_400_220001",)),
    Case("400, the webhook's name holds a refused word (50035)", RENAMED, None, act=acts.name_refused),
    Case("400, the same, and the answer names no word", RENAMED, None, act=acts.name_refused_without_a_word),
    Case(
        "400, the name is refused however it is spelled",
        RENAMED_TWICE,
        None,
        act=acts.name_refused_however_it_is_spelled,
    ),
    alike("400, the thread is archived and locked (50083)", told("thread_closed", CLOSED), "http_400_50083"),
    alike("403, the same (50083)", told("thread_closed", CLOSED), "http_403_50083"),
    alike("403, the thread is locked (160005)", told("thread_closed", CLOSED), "http_403_160005"),
    replace(
        alike(
            "a moderator locks the thread, and it stays locked",
            told("thread_closed", "opened"),
            act=acts.locked_at_once,
        ),
        goes_on=False,
        place=THREAD,
    ),
    Case(
        "the bot lacks Send Messages in Threads, and a line fails",
        told("too_long", "message too long"),
        told("too_long", "later"),
        ("http_413",),
        act=acts.muted_in_threads,
        goes_on=False,
        place=THREAD,
    ),
    Case(
        "the same in one thread, of which no client is told",
        told("too_long", "message too long"),
        told("too_long", "later"),
        ("http_413",),
        act=acts.muted_in_this_thread,
        goes_on=False,
        place=THREAD,
    ),
    replace(
        alike("404, the channel is gone (10003)", Outcome(failed("channel_gone"), 1, False, "log"), "http_404_10003"),
        goes_on=False,
    ),
    Case(
        "removed by a moderator before it was confirmed (10008)",
        sent_again("timeout"),
        Outcome(f"{in_doubt('timeout')}, {TRY_AGAIN}, {failed('removed')}", 2, stands=False),
        ("stored_silence",),
        act=acts.removed_at_once,
        settings={"send_timeout_s": TRY_TIMEOUT_S},
        dialect=SILENT,
    ),
    Case(
        "removed by a moderator before it was confirmed, and the gateway showed it",
        removed("timeout"),
        removed("timeout"),
        ("stored_silence",),
        act=acts.removed_at_once,
        settings={"send_timeout_s": TRY_TIMEOUT_S},
    ),
    Case(
        "lands late, and is removed by a moderator at once",
        removed("connection"),
        None,
        ("late",),
        act=acts.lands_and_is_deleted,
        settings={"settle_s": 3 * SETTLE_S},
    ),
    alike("400", told("message_refused", "Discord refused the message"), "http_400"),
    alike("AutoMod blocks the text (200000)", WRITTEN_ANEW, "http_400_200000"),
    alike("AutoMod blocks the title (200001)", WRITTEN_ANEW, "http_400_200001"),
    alike("the filter of harmful links blocks the text (240000)", WRITTEN_ANEW, "http_400_240000"),
    alike("explicit content (20009)", WRITTEN_ANEW, "http_403_20009"),
    alike("AutoMod blocks the other text as well", BLOCKED_TWICE, "http_400_200000", "http_400_200000"),
    alike("413", told("too_long", "message too long"), "http_413"),
    alike("500", sent_again("outage"), "http_500"),
    alike("503", sent_again("outage"), "http_503"),
    alike("520", sent_again("outage"), "http_520"),
    alike("500 three times", THREE_LOST, "http_500", "http_500", "http_500"),
    alike("200 with a broken body, stored", found("malformed"), "stored_broken"),
    Case(
        "dropped after storing, the channel unreadable for a while",
        READ_TWICE,
        READ_TWICE,
        ("drop_after",),
        ("http_503",),
        dialect=SILENT,
    ),
    Case(
        "dropped after storing, the channel never readable",
        UNREADABLE,
        UNREADABLE,
        ("drop_after",),
        ("http_403",),
        act=acts.seen_at_the_next_connection,
        dialect=SILENT,
    ),
    Case(
        "dropped after storing, the channel never readable, and the gateway shows the line",
        found("connection"),
        found("connection"),
        ("drop_after",),
        ("http_403",),
    ),
    alike("gateway closed while the line is sent", SMOOTH, act=acts.closed_while_sending),
    alike("gateway: op 7 (reconnect)", SMOOTH, act=acts.asked_to_reconnect),
    alike("gateway: op 9 (session gone)", SMOOTH, act=acts.invalidated),
    alike("gateway: op 9 (may resume)", SMOOTH, act=acts.invalidated_but_resumable),
    alike("gateway: reconnect refused", SMOOTH, act=acts.refused_reconnect),
    alike("gateway: malformed dispatch", SMOOTH, act=acts.malformed_dispatch),
    *(
        Case(
            f"another server: {words}, 125 messages behind a line that was dropped after storing",
            READ_TWICE,
            READ_TWICE,
            ("drop_after",),
            ("http_503",),
            act=acts.much_is_said_behind_it,
            dialect=replace(dialect, echoes=False),
        )
        for words, dialect in (
            ("oldest first", Dialect(order="oldest_first")),
            ("in no order, twenty in a page, pages that overlap", Dialect(order="shuffled", page=20, repeats=True)),
        )
    ),
    *(
        Case(f"another server: {status} on every route of a webhook", outcome, None, dialect=REFUSING[status])
        for status, outcome in ((401, TWICE_GONE), (403, waited_for("webhooks_forbidden")), (404, TWICE_GONE))
    ),
    Case("another server: a webhook's post is answered with a bare 204", found("empty_answer"), None, dialect=BARE),
    Case("another server: null for what is not there", SMOOTH, SMOOTH, dialect=Dialect(nulls=True)),
    Case("another server: empty keys are refused", SMOOTH, SMOOTH, dialect=Dialect(strict=True)),
)
