"""Every row of the response's table, compared whole; every other pair of state and fact refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines import response as machine
from machines.binding import START, IllegalMove, Row, StateMachine
from machines.facts import (
    BLOCKED,
    FACTS,
    RATE_LIMIT,
    RESTART,
    Announce,
    ArmReaper,
    Cancelled,
    CommitLine,
    Effect,
    Fact,
    FoundInChannel,
    Generate,
    Generated,
    GenerationFailed,
    Held,
    Notify,
    NotInChannel,
    ReadBack,
    ReadBackFailed,
    ReadBackImpossible,
    Send,
    SendRefused,
    SendUnconfirmed,
    Sent,
    SentElsewhere,
    Started,
    TakeBack,
    Task,
    Wait,
    WaitElapsed,
    fact_record,
    revive,
)
from machines.response import (
    DELIVERED,
    FAILED,
    GENERATING,
    RETRYING,
    SENDING,
    TABLE,
    Limits,
    Response,
    State,
    advance,
    next_task,
    restart_fact,
)

T0 = 1_000.0
LIMITS = Limits(send_attempts=3, generate_attempts=3, backoff_base_s=1.0, settle_s=5.0, deadline_s=300.0)


def new() -> Response:
    return Response("r1", LIMITS)


def generating(**fields: object) -> Response:
    return with_fields(Response("r1", LIMITS, _state=GENERATING.value, attempt=1, deadline_at=T0 + 300), fields)


def sending(**fields: object) -> Response:
    response = Response("r1", LIMITS, _state=SENDING.value, texts=("one",), part=1, attempt=1, deadline_at=T0 + 300)
    return with_fields(response, {"first_try_at": T0, **fields})


def retrying(**fields: object) -> Response:
    return with_fields(sending(_state=RETRYING.value, due_at=T0 + 1), fields)


def doubting(**fields: object) -> Response:
    return retrying(**{"unconfirmed": True, "doubtful": True, "settled_at": T0 + 5, **fields})


def with_fields(response: Response, fields: dict[str, object]) -> Response:
    for name, value in fields.items():
        setattr(response, name, value)
    return response


TWO_PARTS = {"texts": ("one", "two")}
PART_TWO = {"texts": ("one", "two"), "part": 2, "shown": ((7, "one"),)}


@dataclass(frozen=True)
class Case:
    """`before` + `fact` must give exactly `state`, `fields`, and what is then to be done and written."""

    claim: str
    before: Callable[[], Response]
    fact: Fact
    state: State
    then: tuple[Task | Effect, ...]
    fields: dict[str, object]


CASES = [
    Case("a start without text generates", new, Started(T0), GENERATING, (Generate(1),),
         {"attempt": 1, "deadline_at": T0 + 300}),
    Case("a start with text sends it", new, Started(T0, ("one", "two")), SENDING, (Send(1, 1),),
         {"attempt": 1, "part": 1, "texts": ("one", "two"), "first_try_at": T0, "deadline_at": T0 + 300}),
    Case("a generated line is sent", generating, Generated(T0, ("one",)), SENDING, (Send(1, 1),),
         {"attempt": 1, "part": 1, "texts": ("one",)}),
    Case("a failed generation waits", generating, GenerationFailed(T0, "overloaded"), RETRYING, (Wait(T0 + 1),),
         {"due_at": T0 + 1, "attempt": 1}),
    Case("the second wait is twice as long", lambda: generating(attempt=2), GenerationFailed(T0, "overloaded"),
         RETRYING, (Wait(T0 + 2),), {}),
    Case("a wait is never below the server's", generating, GenerationFailed(T0, "rate_limit", 40.0), RETRYING,
         (Wait(T0 + 40),), {}),
    Case("a restart waits for nobody", generating, GenerationFailed(T0, RESTART), RETRYING, (Wait(T0),), {}),
    Case("a final generation failure fails", generating, GenerationFailed(T0, "credentials", final=True), FAILED,
         (Notify("credentials"),), {}),
    Case("the last generation failure fails", lambda: generating(attempt=3), GenerationFailed(T0, "empty"), FAILED,
         (Notify("empty"),), {}),
    Case("a wait beyond the deadline fails", generating, GenerationFailed(T0, "rate_limit", 301.0), FAILED,
         (Notify("rate_limit"),), {}),
    Case("a held generation gives its attempt back", generating, Held(T0, T0 + 60), RETRYING, (Wait(T0 + 60),),
         {"attempt": 0, "deadline_at": T0 + 360, "due_at": T0 + 60}),
    Case("a held send gives its attempt back", sending, Held(T0, T0 + 60), RETRYING, (Wait(T0 + 60),),
         {"attempt": 0, "deadline_at": T0 + 360}),
    Case("a send that a limit holds for long is announced with its end", sending,
         Held(T0, T0 + 400, RATE_LIMIT, T0 - 9, 429), RETRYING,
         (Wait(T0 + 400), Announce(RATE_LIMIT, T0 - 9, T0 + 400)),
         {"attempt": 0, "deadline_at": T0 + 700, "due_at": T0 + 400, "held_s": 400.0}),
    Case("a limit's short hold is told to nobody", lambda: sending(held_s=50.0), Held(T0, T0 + 30, RATE_LIMIT, T0),
         RETRYING, (Wait(T0 + 30),), {"attempt": 0, "deadline_at": T0 + 330, "held_s": 80.0}),
    Case("a limit's hold for reading is told to nobody, costs nothing and has no end", lambda: doubting(held_s=3600.0),
         Held(T0, T0 + 400, RATE_LIMIT, T0, 429), RETRYING, (ReadBack(T0 + 400, T0 + 5),),
         {"attempt": 1, "deadline_at": T0 + 700, "unconfirmed": True, "held_s": 4000.0}),
    Case("limits hold a line so long in all, and no longer", lambda: sending(held_s=3000.0, doubtful=True, **PART_TWO),
         Held(T0, T0 + 601, RATE_LIMIT, T0), FAILED, (TakeBack((7,)), Notify(RATE_LIMIT), ArmReaper()), {}),
    Case("a hold to the very end is borne", lambda: sending(held_s=3000.0), Held(T0, T0 + 600, RATE_LIMIT, T0),
         RETRYING, (Wait(T0 + 600), Announce(RATE_LIMIT, T0, T0 + 600)), {"held_s": 3600.0}),
    Case("an outage holds as long as it lasts", lambda: sending(held_s=3600.0),
         Held(T0, T0 + 9000, "discord_down", T0), RETRYING,
         (Wait(T0 + 9000), Announce("discord_down", T0)), {"held_s": 3600.0, "deadline_at": T0 + 9300}),
    Case("a send that nobody wants any more is not held", lambda: sending(cancel_by="end", **PART_TWO),
         Held(T0, T0 + 60), FAILED, (TakeBack((7,)),), {}),
    Case("a generation held by a breaker is announced", generating, Held(T0, T0 + 60, "model_down", T0 - 9), RETRYING,
         (Wait(T0 + 60), Announce("model_down", T0 - 9)), {}),
    Case("an allowance's hold of 20 s is told to nobody", generating, Held(T0, T0 + 20, "tokens_per_minute", T0 - 9),
         RETRYING, (Wait(T0 + 20),), {"attempt": 0, "deadline_at": T0 + 320, "held_s": 20.0}),
    Case("an allowance's holds are announced when they exceed 20 s in all", lambda: generating(held_s=15.0),
         Held(T0, T0 + 6, "requests_per_minute", T0 - 9), RETRYING,
         (Wait(T0 + 6), Announce("requests_per_minute", T0 - 9, T0 + 6)), {"attempt": 0, "held_s": 21.0}),
    Case("an allowance holds a line so long in all, and no longer", lambda: generating(held_s=3590.0),
         Held(T0, T0 + 11, "tokens_per_day", T0), FAILED, (Notify("tokens_per_day"),), {}),
    Case("a send held by a breaker is announced", sending, Held(T0, T0 + 60, "discord_down", T0 - 9), RETRYING,
         (Wait(T0 + 60), Announce("discord_down", T0 - 9)), {}),
    Case("a held read-back is announced and costs no attempt and no deadline", lambda: doubting(read_backs_failed=2),
         Held(T0, T0 + 60, "discord_down", T0 - 9), RETRYING,
         (ReadBack(T0 + 60, T0 + 5), Announce("discord_down", T0 - 9)),
         {"attempt": 1, "deadline_at": T0 + 360, "due_at": T0 + 60, "unconfirmed": True, "read_backs_failed": 2}),
    Case("a held line that nobody wants any more is not announced", lambda: doubting(cancel_by="end"),
         Held(T0, T0 + 60, "discord_down", T0 - 9), RETRYING, (ReadBack(T0 + 60, T0 + 5),), {}),
    Case("a confirmed part is followed by the next", lambda: sending(attempt=2, **TWO_PARTS), Sent(T0, 7, "one"),
         SENDING, (Send(2, 1),), {"part": 2, "attempt": 1, "shown": ((7, "one"),), "first_try_at": T0}),
    Case("the last confirmed part commits the line that Discord returned", lambda: sending(**PART_TWO),
         Sent(T0, 8, "two!"), DELIVERED, (CommitLine(),),
         {"shown": ((7, "one"), (8, "two!")), "text_shown": "one\ntwo!"}),
    Case("a doubtful delivery arms the reaper", lambda: sending(doubtful=True), Sent(T0, 7, "one"), DELIVERED,
         (CommitLine(), ArmReaper()), {}),
    Case("a delivery wins over a cancellation", lambda: sending(cancel_by="end"), Sent(T0, 7, "one"), DELIVERED,
         (CommitLine(),), {}),
    Case("a cancelled line with parts left is taken back", lambda: sending(cancel_by="end", **TWO_PARTS),
         Sent(T0, 7, "one"), FAILED, (TakeBack((7,)),), {"shown": ((7, "one"),)}),
    Case("a doubtful line that is taken back arms the reaper",
         lambda: sending(cancel_by="end", doubtful=True, **TWO_PARTS), Sent(T0, 7, "one"), FAILED,
         (TakeBack((7,)), ArmReaper()), {}),
    Case("a refused send waits", sending, SendRefused(T0, "rate_limit", 429, 2.5), RETRYING, (Wait(T0 + 2.5),),
         {"unconfirmed": False}),
    Case("a final refusal takes back what was shown and tells", lambda: sending(**PART_TWO),
         SendRefused(T0, "forbidden", 403, final=True), FAILED, (TakeBack((7,)), Notify("forbidden")), {}),
    Case("a refusal after a doubt arms the reaper", lambda: sending(attempt=3, doubtful=True),
         SendRefused(T0, "rate_limit", 429), FAILED, (Notify("rate_limit"), ArmReaper()), {}),
    Case("a gone channel is told to nobody", sending, SendRefused(T0, "channel_gone", 404, final=True), FAILED, (), {}),
    Case("a line removed by a moderator is told to nobody", sending, SendRefused(T0, "removed", 404, final=True),
         FAILED, (), {}),
    Case("a cancelled line that is refused is told to nobody", lambda: sending(cancel_by="end"),
         SendRefused(T0, "rate_limit", 429), FAILED, (), {}),
    Case("a blocked text is dropped, what was shown is taken back, and another one is to be written",
         lambda: sending(attempt=3, **PART_TWO), SendRefused(T0, BLOCKED, 400, final=True), RETRYING,
         (Wait(T0 + 4), TakeBack((7,))),
         {"texts": (), "shown": (), "part": 0, "attempt": 0, "dropped_parts": 2, "due_at": T0 + 4}),
    Case("a blocked text that nobody calls final is dropped as well", sending, SendRefused(T0, BLOCKED, 400), RETRYING,
         (Wait(T0 + 1),), {"texts": (), "dropped_parts": 1}),
    Case("a second blocked text fails", lambda: sending(dropped_parts=1), SendRefused(T0, BLOCKED, 400), FAILED,
         (Notify(BLOCKED),), {"texts": ("one",), "dropped_parts": 1}),
    Case("a blocked text after a doubt arms the reaper", lambda: sending(dropped_parts=1, doubtful=True, **PART_TWO),
         SendRefused(T0, BLOCKED, 400, final=True), FAILED, (TakeBack((7,)), Notify(BLOCKED), ArmReaper()), {}),
    Case("a blocked text too late for another one fails", sending, SendRefused(T0 + 300, BLOCKED, 400, final=True),
         FAILED, (Notify(BLOCKED),), {"texts": ("one",)}),
    Case("a cancelled line that is blocked is not written anew", lambda: sending(cancel_by="end"),
         SendRefused(T0, BLOCKED, 400, final=True), FAILED, (), {"texts": ("one",)}),
    Case("after a blocked text and its wait another one is generated",
         lambda: retrying(texts=(), part=0, attempt=0, dropped_parts=1), WaitElapsed(T0), GENERATING, (Generate(1),),
         {"attempt": 1}),
    Case("the text after a blocked one is sent from its first part on", lambda: generating(dropped_parts=2),
         Generated(T0, ("other",)), SENDING, (Send(1, 1),), {"part": 1, "texts": ("other",), "dropped_parts": 2}),
    Case("a part posted elsewhere is taken back there and sent again", lambda: sending(attempt=2, **PART_TWO),
         SentElsewhere(T0, 88, 9), RETRYING, (Wait(T0 + 2), TakeBack((9,), 88)),
         {"shown": ((7, "one"),), "part": 2, "attempt": 2, "due_at": T0 + 2, "doubtful": False}),
    Case("a last try posted elsewhere takes back both, there and here", lambda: sending(attempt=3, **PART_TWO),
         SentElsewhere(T0, 88, 9), FAILED, (TakeBack((9,), 88), TakeBack((7,)), Notify("webhook_moved")), {}),
    Case("a try posted elsewhere after the deadline fails", sending, SentElsewhere(T0 + 300, 88, 9), FAILED,
         (TakeBack((9,), 88), Notify("webhook_moved")), {}),
    Case("a cancelled last part posted elsewhere is not sent again", lambda: sending(cancel_by="end", **PART_TWO),
         SentElsewhere(T0, 88, 9), FAILED, (TakeBack((9,), 88), TakeBack((7,))), {}),
    Case("a doubtful line whose last try went elsewhere arms the reaper", lambda: sending(attempt=3, doubtful=True),
         SentElsewhere(T0, 88, 9), FAILED, (TakeBack((9,), 88), Notify("webhook_moved"), ArmReaper()), {}),
    Case("a part in doubt found elsewhere is taken back there, in doubt no more",
         lambda: doubting(attempt=2, **PART_TWO),
         SentElsewhere(T0, 88, 9), RETRYING, (Wait(T0 + 2), TakeBack((9,), 88)),
         {"unconfirmed": False, "doubtful": True, "shown": ((7, "one"),), "due_at": T0 + 2}),
    Case("a last try in doubt found elsewhere takes back both", lambda: doubting(**{**PART_TWO, "attempt": 3}),
         SentElsewhere(T0, 88, 9), FAILED,
         (TakeBack((9,), 88), TakeBack((7,)), Notify("webhook_moved"), ArmReaper()), {}),
    Case("a cancelled part in doubt found elsewhere is told to nobody", lambda: doubting(cancel_by="end"),
         SentElsewhere(T0, 88, 9), FAILED, (TakeBack((9,), 88), ArmReaper()), {}),
    Case("an unconfirmed webhook send keeps its settle time", sending, SendUnconfirmed(T0, "timeout"), RETRYING,
         (ReadBack(T0, T0 + 5),), {"unconfirmed": True, "doubtful": True, "due_at": T0, "settled_at": T0 + 5}),
    Case("an unconfirmed nonce only backs off", sending, SendUnconfirmed(T0, "outage", 500, has_nonce=True), RETRYING,
         (ReadBack(T0, T0 + 1),), {"unconfirmed": True}),
    Case("before Failed a nonce settles too", lambda: sending(attempt=3),
         SendUnconfirmed(T0, "outage", 500, has_nonce=True), RETRYING, (ReadBack(T0, T0 + 5),), {}),
    Case("an old nonce settles too", lambda: sending(first_try_at=T0 - 61),
         SendUnconfirmed(T0, "outage", 500, has_nonce=True), RETRYING, (ReadBack(T0, T0 + 5),), {}),
    Case("an unconfirmed send honours Retry-After", sending, SendUnconfirmed(T0, "outage", 503, 30.0), RETRYING,
         (ReadBack(T0, T0 + 30),), {}),
    Case("a failed read-back reads again", doubting, ReadBackFailed(T0, "outage"), RETRYING,
         (ReadBack(T0 + 1, T0 + 5),),
         {"read_backs_failed": 1, "attempt": 1, "deadline_at": T0 + 300}),
    Case("read-backs wait a minute at most", lambda: doubting(read_backs_failed=16), ReadBackFailed(T0, "outage"),
         RETRYING, (ReadBack(T0 + 60, T0 + 5),), {"read_backs_failed": 17}),
    Case("a channel that cannot be read leaves it unconfirmed, and says so", lambda: doubting(**PART_TWO),
         ReadBackImpossible(T0), FAILED, (TakeBack((7,)), Notify("unconfirmed"), ArmReaper()), {}),
    Case("a part found is confirmed, and the next is sent", lambda: doubting(attempt=3, **TWO_PARTS),
         FoundInChannel(T0, 7, "one"), SENDING, (Send(2, 1),), {"unconfirmed": False, "shown": ((7, "one"),)}),
    Case("the last part found commits", doubting, FoundInChannel(T0, 7, "one."), DELIVERED,
         (CommitLine(), ArmReaper()), {"unconfirmed": False, "text_shown": "one."}),
    Case("a last part found wins over a cancellation", lambda: doubting(cancel_by="end"),
         FoundInChannel(T0, 7, "one"), DELIVERED, (CommitLine(), ArmReaper()), {}),
    Case("a part found after a cancellation is taken back", lambda: doubting(cancel_by="end", **TWO_PARTS),
         FoundInChannel(T0, 7, "one"), FAILED, (TakeBack((7,)), ArmReaper()), {}),
    Case("an absent part is sent again", doubting, NotInChannel(T0), SENDING, (Send(1, 2),),
         {"attempt": 2, "unconfirmed": False}),
    Case("an absent part without attempts left fails", lambda: doubting(attempt=3), NotInChannel(T0), FAILED,
         (Notify("unreachable"), ArmReaper()), {}),
    Case("an absent part after others takes those back", lambda: doubting(**{**PART_TWO, "attempt": 3}),
         NotInChannel(T0), FAILED, (TakeBack((7,)), Notify("unreachable"), ArmReaper()), {}),
    Case("an absent part after the deadline fails", doubting, NotInChannel(T0 + 301), FAILED,
         (Notify("deadline"), ArmReaper()), {}),
    Case("after a wait the part is sent again", retrying, WaitElapsed(T0), SENDING, (Send(1, 2),), {"attempt": 2}),
    Case("after a wait it generates again", lambda: generating(_state=RETRYING.value), WaitElapsed(T0), GENERATING,
         (Generate(2),), {"attempt": 2}),
    Case("a wait that ends after the deadline fails", lambda: retrying(**PART_TWO), WaitElapsed(T0 + 301), FAILED,
         (TakeBack((7,)), Notify("deadline")), {}),
    Case("a wait that ends too late after a doubt arms the reaper", lambda: retrying(doubtful=True),
         WaitElapsed(T0 + 301), FAILED, (Notify("deadline"), ArmReaper()), {}),
    Case("a wait cancelled after a doubt arms the reaper", lambda: retrying(doubtful=True), Cancelled(T0, "end"),
         FAILED, (ArmReaper(),), {}),
    Case("a generation that could only go on too late fails", lambda: generating(_state=RETRYING.value),
         WaitElapsed(T0 + 301), FAILED, (Notify("deadline"),), {}),
    Case("a cancelled generation fails without a word", generating, Cancelled(T0, "end"), FAILED, (),
         {"cancel_by": "end"}),
    Case("a cancellation waits for the send in flight", sending, Cancelled(T0, "end"), SENDING, (Send(1, 1),),
         {"cancel_by": "end"}),
    Case("a cancelled doubt keeps its settle time", lambda: doubting(settled_at=T0), Cancelled(T0, "end"), RETRYING,
         (ReadBack(T0 + 1, T0 + 5),), {"cancel_by": "end", "settled_at": T0 + 5}),
    Case("a cancelled wait takes back what was shown", lambda: retrying(**PART_TWO), Cancelled(T0, "end"), FAILED,
         (TakeBack((7,)),), {"cancel_by": "end"}),
]  # fmt: skip


REFUSED = [
    Case("not in doubt, nothing is read back", retrying, ReadBackFailed(T0, "outage"), RETRYING, (), {}),
    Case("not in doubt, no read-back is held", retrying, Held(T0, T0 + 60), RETRYING, (), {}),
    Case("not in doubt, nothing is impossible", retrying, ReadBackImpossible(T0), RETRYING, (), {}),
    Case("not in doubt, nothing is found", retrying, FoundInChannel(T0, 7, "one"), RETRYING, (), {}),
    Case("not in doubt, no further part is found", lambda: retrying(**TWO_PARTS), FoundInChannel(T0, 7, "one"),
         RETRYING, (), {}),
    Case("not in doubt, nothing is found in vain", lambda: retrying(cancel_by="end", **TWO_PARTS),
         FoundInChannel(T0, 7, "one"), RETRYING, (), {}),
    Case("not in doubt, nothing is absent", retrying, NotInChannel(T0), RETRYING, (), {}),
    Case("not in doubt, nothing is absent for good", lambda: retrying(attempt=3), NotInChannel(T0), RETRYING, (), {}),
    Case("not in doubt, nothing is found elsewhere", retrying, SentElsewhere(T0, 88, 9), RETRYING, (), {}),
    Case("not in doubt, nothing is found elsewhere at last", lambda: retrying(attempt=3), SentElsewhere(T0, 88, 9),
         RETRYING, (), {}),
    Case("in doubt, waiting settles nothing", doubting, WaitElapsed(T0), RETRYING, (), {}),
    Case("in doubt, nothing is generated", lambda: generating(_state=RETRYING.value, unconfirmed=True),
         WaitElapsed(T0), RETRYING, (), {}),
    Case("in doubt, waiting too long fails nothing", lambda: doubting(attempt=3), WaitElapsed(T0), RETRYING, (), {}),
]  # fmt: skip


def came_of(response: Response, effects: tuple[Effect, ...]) -> tuple[Task | Effect, ...]:
    """The next task, if there is one, and the effects."""
    task = next_task(response)
    return effects if task is None else (task, *effects)


def outcome(table_machine: StateMachine[Response, Effect], case: Case) -> object:
    """What `case` comes to under a machine: comparable, refusals included."""
    response = case.before()
    try:
        step = table_machine.advance(response, case.fact)
    except IllegalMove as error:
        return ("refused", error.refused)
    return (step.dest, came_of(response, step.effects), tuple(getattr(response, name) for name in case.fields))


def expected(case: Case) -> object:
    if case in REFUSED:
        return ("refused", True)
    return (case.state, case.then, tuple(case.fields.values()))


@pytest.mark.parametrize("case", CASES, ids=[case.claim for case in CASES])
def test_a_fact_gives_exactly_this_state_and_these_effects(case: Case) -> None:
    response = case.before()
    move = advance(response, case.fact)
    assert (response.state, came_of(response, move.effects)) == (case.state, case.then)
    assert {name: getattr(response, name) for name in case.fields} == case.fields
    assert (move.seq, move.dest, move.fact) == (1, case.state, case.fact)


def built_from(table: tuple[Row[Response, Effect], ...]) -> StateMachine[Response, Effect]:
    return StateMachine("response", states=tuple(State), final=(DELIVERED, FAILED), table=table)


@pytest.mark.parametrize("index", range(len(TABLE)), ids=lambda index: f"row {index}")
def test_without_any_one_row_some_case_fails(index: int) -> None:
    crippled = built_from(TABLE[:index] + TABLE[index + 1 :])
    assert any(outcome(crippled, case) != expected(case) for case in CASES)


@pytest.mark.parametrize("index", range(len(TABLE)), ids=lambda index: f"row {index}")
def test_with_any_one_row_leading_elsewhere_some_case_fails(index: int) -> None:
    for dest in State:
        if dest != TABLE[index].dest:
            changed = built_from((*TABLE[:index], replace(TABLE[index], dest=dest), *TABLE[index + 1 :]))
            assert any(outcome(changed, case) != expected(case) for case in CASES), dest


@pytest.mark.parametrize("index", range(len(TABLE)), ids=lambda index: f"row {index}")
def test_without_any_one_effect_some_case_fails(index: int) -> None:
    row = TABLE[index]
    for at in range(len(row.do)):
        changed = built_from((*TABLE[:index], replace(row, do=row.do[:at] + row.do[at + 1 :]), *TABLE[index + 1 :]))
        assert any(outcome(changed, case) != expected(case) for case in CASES), row.do[at]


def test_guards_exclude_each_other_so_that_the_order_of_rows_does_not_matter() -> None:
    backwards = built_from(TABLE[::-1])
    assert [outcome(backwards, case) for case in CASES] == [expected(case) for case in CASES]


@pytest.mark.parametrize("index", range(len(TABLE)), ids=lambda index: f"row {index}")
def test_without_any_one_guard_some_case_fails(index: int) -> None:
    row = TABLE[index]
    changes = [replace(row, when=row.when[:at] + row.when[at + 1 :]) for at in range(len(row.when))]
    changes += [replace(row, unless=row.unless[:at] + row.unless[at + 1 :]) for at in range(len(row.unless))]
    for change in changes:
        changed = built_from((change, *TABLE[:index], *TABLE[index + 1 :]))  # first, so that no other row hides it
        assert any(outcome(changed, case) != expected(case) for case in [*CASES, *REFUSED]), change


SOME_FACT: dict[str, Fact] = {
    "Started": Started(T0),
    "Generated": Generated(T0, ("one",)),
    "GenerationFailed": GenerationFailed(T0, "empty"),
    "Held": Held(T0, T0 + 1),
    "Sent": Sent(T0, 7, "one"),
    "SendRefused": SendRefused(T0, "rate_limit", 429),
    "SendUnconfirmed": SendUnconfirmed(T0, "timeout"),
    "SentElsewhere": SentElsewhere(T0, 88, 9),
    "ReadBackFailed": ReadBackFailed(T0, "outage"),
    "ReadBackImpossible": ReadBackImpossible(T0),
    "FoundInChannel": FoundInChannel(T0, 7, "one"),
    "NotInChannel": NotInChannel(T0),
    "WaitElapsed": WaitElapsed(T0),
    "Cancelled": Cancelled(T0, "end"),
}
ROWS = {(row.source, row.fact.__name__) for row in TABLE}
NO_ROWS = [(state, name) for state in (START, *State) for name in FACTS if (state, name) not in ROWS]


@pytest.mark.parametrize(("state", "name"), NO_ROWS)
def test_every_pair_without_a_row_is_refused_and_changes_nothing(state: str, name: str) -> None:
    response = Response("r1", LIMITS, _state=str(state), texts=("one",), part=1, attempt=1)
    before = copy.copy(response)
    with pytest.raises(IllegalMove) as caught:
        advance(response, SOME_FACT[name])
    assert response == before
    assert not caught.value.refused


@pytest.mark.parametrize("case", REFUSED, ids=[case.claim for case in REFUSED])
def test_reading_back_belongs_to_doubt_and_waiting_to_certainty(case: Case) -> None:
    response = case.before()
    with pytest.raises(IllegalMove) as caught:
        advance(response, case.fact)
    assert caught.value.refused
    assert response == case.before()


def test_no_row_leaves_a_final_state() -> None:
    assert {row.source for row in TABLE}.isdisjoint({DELIVERED, FAILED})


def test_only_rows_into_delivered_commit_and_all_of_them_do() -> None:
    commits = {(row.dest, machine.commit_line in row.do) for row in TABLE}
    assert commits == {(DELIVERED, True)} | {(state, False) for state in State if state != DELIVERED}


def test_the_library_knows_the_facts_of_the_table_and_no_others() -> None:
    assert machine.MACHINE.facts == set(FACTS) == {row.fact.__name__ for row in TABLE}


def test_every_row_is_covered_by_a_case() -> None:
    covered = {(case.before()._state, type(case.fact).__name__, case.state) for case in CASES}
    assert covered == {(row.source, row.fact.__name__, row.dest) for row in TABLE}


def test_a_journal_of_an_earlier_version_is_read_with_what_it_could_not_say() -> None:
    assert revive("Held", {"at": T0, "until": T0 + 1}) == Held(T0, T0 + 1, cause="", since=0.0, status=None)
    old = {"at": T0, "reason": "empty", "retry_after_s": 0.0, "final": False}
    assert revive("GenerationFailed", old) == GenerationFailed(T0, "empty", model="")


def test_a_new_process_takes_up_each_state_where_it_was_left() -> None:
    assert restart_fact(generating(), T0, has_nonce=False) == GenerationFailed(T0, RESTART)
    assert restart_fact(sending(), T0, has_nonce=True) == SendUnconfirmed(T0, RESTART, has_nonce=True)
    assert restart_fact(retrying(), T0, has_nonce=False) is None
    assert next_task(doubting()) == ReadBack(T0 + 1, T0 + 5)
    assert next_task(retrying()) == Wait(T0 + 1)
    assert next_task(sending(attempt=2)) == Send(1, 2)
    assert next_task(generating(attempt=3)) == Generate(3)
    assert next_task(with_fields(sending(), {"_state": DELIVERED.value})) is None


IDS = st.integers(min_value=1)
"""Of messages in the response's own channel; those elsewhere are negative here."""
seconds = st.floats(min_value=0, max_value=400)
facts = st.one_of(
    st.builds(Started, at=seconds),
    st.builds(Generated, at=seconds, texts=st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple)),
    st.builds(GenerationFailed, at=seconds, reason=st.text(), retry_after_s=seconds, final=st.booleans()),
    st.builds(Held, at=seconds, until=seconds, cause=st.sampled_from(["", "discord_down", RATE_LIMIT]), since=seconds),
    st.builds(Sent, at=seconds, message_id=IDS, text=st.text()),
    st.builds(
        SendRefused,
        at=seconds,
        reason=st.one_of(st.just(BLOCKED), st.text()),
        retry_after_s=seconds,
        final=st.booleans(),
    ),
    st.builds(SentElsewhere, at=seconds, channel_id=st.just(88), message_id=st.integers(max_value=-1)),
    st.builds(SendUnconfirmed, at=seconds, retry_after_s=seconds, has_nonce=st.booleans()),
    st.builds(ReadBackFailed, at=seconds, retry_after_s=seconds),
    st.builds(ReadBackImpossible, at=seconds),
    st.builds(FoundInChannel, at=seconds, message_id=IDS, text=st.text()),
    st.builds(NotInChannel, at=seconds),
    st.builds(WaitElapsed, at=seconds),
    st.builds(Cancelled, at=seconds),
)
ordered = st.lists(facts, max_size=40).map(lambda tried: [Started(0.0), *tried])


@given(ordered)
def test_any_journal_replayed_gives_the_same_states(tried: list[Fact]) -> None:
    response, moves = new(), []
    for fact in tried:
        try:
            moves.append(advance(response, fact))
        except IllegalMove:
            continue
    again = new()
    for move in moves:
        replayed = advance(again, revive(type(move.fact).__name__, fact_record(move.fact)))
        assert (replayed.source, replayed.dest, replayed.effects) == (move.source, move.dest, move.effects)
    assert again == response


@given(ordered)
def test_attempts_never_exceed_their_limits_and_final_is_final(tried: list[Fact]) -> None:
    response, commits = new(), 0
    for fact in tried:
        was_final = response.is_final
        try:
            move = advance(response, fact)
        except IllegalMove:
            continue
        assert not was_final
        commits += sum(isinstance(effect, CommitLine) for effect in move.effects)
        assert response.attempt <= max(LIMITS.send_attempts, LIMITS.generate_attempts)
    assert commits == (response._state == DELIVERED)


@given(ordered)
def test_b15_what_stands_elsewhere_is_taken_back_there_and_never_committed(tried: list[Fact]) -> None:
    response = new()
    for fact in tried:
        try:
            effects = advance(response, fact).effects
        except IllegalMove:
            continue
        taken_there = [effect for effect in effects if isinstance(effect, TakeBack) and effect.channel_id is not None]
        assert taken_there == ([TakeBack((fact.message_id,), 88)] if isinstance(fact, SentElsewhere) else [])
        assert all(message_id > 0 for message_id, _ in response.shown)
        here = [effect for effect in effects if isinstance(effect, TakeBack) and effect.channel_id is None]
        assert all(message_id > 0 for effect in here for message_id in effect.message_ids)


@given(ordered)
def test_b13_one_other_text_is_written_and_no_part_of_the_blocked_one_is_committed(tried: list[Fact]) -> None:
    response, drops = new(), 0
    for fact in tried:
        shown = tuple(message_id for message_id, _ in response.shown)
        try:
            move = advance(response, fact)
        except IllegalMove:
            continue
        if isinstance(fact, SendRefused) and fact.reason == BLOCKED and move.dest is RETRYING:
            drops += 1
            taken_back = [effect.message_ids for effect in move.effects if isinstance(effect, TakeBack)]
            assert taken_back == ([shown] if shown else [])
            assert response.shown == ()
    assert drops <= 1
    assert bool(response.dropped_parts) == bool(drops)
