"""What the actors publish beside the moves: requests to models, the outbox's tries, refused facts, crashes."""

from __future__ import annotations

import pytest

from actors.observed import Observed
from actors.ports import (
    Completion,
    GenerationEnded,
    HeldBack,
    LineDelivered,
    ModelFailed,
    Moved,
    MoveRefused,
    Noted,
    OutboxSettled,
    Refused,
    ResponseRecord,
)
from actors.response import ResponseActor
from actors.roleplay.model import OutboundKind, OutboxKind
from machines.binding import IllegalMove
from machines.facts import Fact, NotInChannel, Sent, Started
from machines.response import Limits, Response, advance
from tests.fakes.play import Play, card, playing
from tests.fakes.virtual_time import EPOCH


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_every_request_to_a_model_is_told_with_its_end() -> None:
    answers = [ModelFailed("model_missing"), Completion("", prompt_tokens=9), Completion("Hi.", False, "x", 50, 7)]
    async with playing(answers=answers, cast=("Ada",)) as play:
        await play.start("Ada")
        play.say("Hello!")
        await play.quiet()
        ended = [event for event in play.trace.events if isinstance(event, GenerationEnded)]
        assert [(e.attempt, e.model, e.outcome, e.prompt_tokens, e.completion_tokens) for e in ended] == [
            (1, "first", "model_missing", 0, 0),
            (2, "second", "ok", 9, 0),
            (3, "second", "ok", 50, 7),
        ]
        assert [e.duration_s for e in ended] == pytest.approx([play.model.takes_s] * 3)


async def test_every_try_of_the_outbox_is_told_with_what_came_of_it() -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        await play.quiet()
        play.trace.events.clear()
        play.discord.text_faults.extend(
            [HeldBack(play.clock.now() + 1), Refused("outage", 500), "lost", Refused("removed", 404, final=True)]
        )
        play.say("!status")
        await play.quiet()
        play.discord.text_faults.append(Refused("forbidden", 403, final=True))
        play.say("!status")
        await play.quiet()
        settled = [event for event in play.trace.events if isinstance(event, OutboxSettled)]
        outcomes = ("held", "refused", "unconfirmed", "sent", "dropped")
        assert [event.outcome for event in settled] == list(outcomes)
        assert {event.kind for event in settled} == {OutboxKind.ANSWER}
        assert [event.attempt for event in settled] == [1, 1, 2, 3, 1]  # a try that was held is given back


async def test_a_dropped_notice_names_its_response_and_attempt() -> None:
    async with playing(faults=[Refused("message_refused", 400, final=True)], cast=("Ada",)) as play:
        await play.start("Ada")
        play.discord.text_faults.append(Refused("forbidden", 403, final=True))
        play.say("Hello!")
        await play.quiet()
        (told,) = [e for e in play.trace.events if isinstance(e, Noted) and e.level == "error"]
        assert told.attempt == 1
        assert told.response_id is not None
        assert await play.store.recorded(told.response_id) is not None


async def test_a_crash_of_a_session_names_the_session() -> None:
    broken: dict[str, list[Exception]] = {"record": [OSError("disk full")]}
    async with playing(faults_of_store=broken, cast=("Ada",)) as play:
        await play.start("Ada")
        play.say("Hello!")
        await play.quiet()
        (crash,) = play.trace.crashes
        assert crash.session_id == await play.session_id()
        assert isinstance(crash.error, OSError)
        assert play.trace.states_of("Ada")[-1] == "Delivered", "the next drain went on"


@pytest.mark.parametrize(
    ("fact", "reason"),
    [(Sent(EPOCH, 7, "Hi"), "no_row"), (NotInChannel(EPOCH), "no_row")],
    ids=["Sent", "NotInChannel"],
)
async def test_a_fact_that_the_table_refuses_is_told_and_raised(fact: Fact, reason: str) -> None:
    async with playing(cast=("Ada",)) as play:
        await play.start("Ada")
        actor = await an_actor(play)
        with pytest.raises(IllegalMove):
            await actor._apply(Observed(fact))
        (told,) = [event for event in play.trace.events if isinstance(event, MoveRefused)]
        assert (told.state, told.fact, told.reason) == ("Generating", type(fact).__name__, reason)


async def an_actor(play: Play) -> ResponseActor:
    """One whose response is Generating; it is not in the database, and never gets there."""
    claim, session, _ = await play.store.claim(await play.session_id())
    response = Response("r1", Limits())
    advance(response, Started(play.clock.now()))
    record = ResponseRecord(response, session.id, session.channel_id, None, 1, card("Ada"), None, ())
    return ResponseActor(play.services, claim, session, record)


async def test_a_delivered_line_is_one_event_with_what_the_channel_shows() -> None:
    long = " ".join(["A long line."] * 250)
    async with playing(answers=[long, "Yes."], cast=("Ada",)) as play:
        await play.start("Ada")
        for text in ("Tell me!", "Really?"):
            play.say(text)
            await play.quiet()
        delivered = [event for event in play.trace.events if isinstance(event, LineDelivered)]
        entries = [entry for entry in await play.entries() if entry.kind == "character"]
        assert [(event.text, tuple(i for i, _ in event.parts)) for event in delivered] == [
            (entry.text, entry.message_ids) for entry in entries
        ]
        assert [event.history_length for event in delivered] == [2, 4]
        assert {event.voice for event in delivered} == {OutboundKind.WEBHOOK}
        moved = next(at for at, event in enumerate(play.trace.events) if isinstance(event, LineDelivered)) - 1
        before = play.trace.events[moved]
        assert isinstance(before, Moved)
        assert before.move.dest == "Delivered"
