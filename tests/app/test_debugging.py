"""What is told of a response, a session or a message where it is asked: all of it there, nothing of it elsewhere."""

from __future__ import annotations

import struct
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest

from actors.adapters.store import SqlStore, memory_store
from actors.app.debugging import Answers, ProcessFacts, words
from actors.app.debugging.pictures import Pictures
from actors.app.debugging.process_facts import WRITERS_MAX
from actors.observation import Explained
from actors.ports import (
    Asked,
    BreakerMoved,
    ConnectionMoved,
    Context,
    Exchange,
    GenerationEnded,
    LoreFired,
    LoreMissed,
    LoreRecord,
    SessionMove,
)
from actors.roleplay.model import Character, OutboxDraft, OutboxKind, SessionRecord, base36
from machines.diagrams.path import Path
from machines.facts import BLOCKED, Generated, GenerationFailed, SendRefused, SendUnconfirmed, Sent, WaitElapsed
from machines.response import Limits
from tests.contracts.scene import CHANNEL, MIRA, NOW, TOBIN, Line, Scene, a_session, an_answer, open_scene, said
from tests.contracts.test_store_exchanges import tell

SECRET = "The words of a line"
HEARD, ANSWERED = 600, 700


@dataclass(frozen=True)
class Here:
    """The place of a question: its channel, and those of the same server."""

    channel_id: int = CHANNEL
    beside: frozenset[int] = field(default_factory=frozenset)

    async def includes(self, channel_id: int) -> bool:
        return channel_id in {self.channel_id, *self.beside}


@pytest.fixture
async def store(anyio_backend: str) -> AsyncIterator[SqlStore]:
    store = memory_store()
    yield store
    await store.aclose()


@pytest.fixture
async def scene(store: SqlStore) -> Scene:
    return await open_scene(store)


@pytest.fixture
def seen() -> ProcessFacts:
    return ProcessFacts()


@pytest.fixture
def answers(store: SqlStore, seen: ProcessFacts) -> Answers:
    return Answers(store, seen)


async def begun(scene: Scene, *speakers: Character, message_id: int = HEARD) -> Line:
    """The first speaker's response to a new message."""
    await scene.hear(message_id, SECRET)
    await scene.take_turn(message_id, *speakers)
    return await (await scene.line()).start()


async def delivered(scene: Scene, line: Line, *parts: str, first_id: int = ANSWERED) -> Line:
    texts = parts or (SECRET,)
    await line.tell(Generated(NOW + 1, texts))
    for number, text in enumerate(texts):
        await line.keep_intent()
        await line.tell(Sent(NOW + 2 + number, first_id + number, text))
    return line


async def stuck(scene: Scene) -> Line:
    """MIRA's line, refused once by the model and once by Discord."""
    line = await begun(scene, MIRA, TOBIN)
    await line.tell(GenerationFailed(NOW + 1, "overloaded", 0.0))
    await line.tell(WaitElapsed(NOW + 2))
    await line.tell(Generated(NOW + 3, (SECRET,)))
    await line.keep_intent()
    await line.tell(SendRefused(NOW + 4, "rate_limit", 429, 40.0))
    return line


def wrote(seen: ProcessFacts, line: Line, model: str = "some/model") -> None:
    context = Context(line.response.id, line.record.session_id, "Mira", Limits())
    seen.publish(GenerationEnded(context, 1, model, 0.5, 10, 20, "ok"))


def size_of(told: Explained) -> tuple[int, int]:
    assert told.picture is not None
    assert told.picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", told.picture[16:24])
    return width, height


async def test_b13_whoever_may_ask_is_shown_discord_s_code_and_words(scene: Scene, answers: Answers) -> None:
    line = await begun(scene, MIRA)
    await line.tell(Generated(NOW + 1, (SECRET,)))
    await line.keep_intent()
    await line.tell(SendRefused(NOW + 2, BLOCKED, 400, final=True, code=200000, words="Message was blocked"))
    told = await answers.about_response(Here(), line.response.id)
    assert "Discord said: 200000: Message was blocked" in told.text


# ── a response ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_response_that_waits_is_told_with_why_and_when_and_drawn(
    scene: Scene, seen: ProcessFacts, answers: Answers
) -> None:
    line = await stuck(scene)
    wrote(seen, line)
    told = await answers.about_response(Here(), line.response.id)
    due = f"{NOW + 44:.0f}"
    assert told.text.splitlines() == [
        f"**Mira** · response `{line.response.id}` · turn 1, speaker 1 of 2",
        f"**Retrying** (last move <t:{NOW + 4:.0f}:R>), on its way since <t:{NOW:.0f}:T>; "
        "asked the model twice, sent once",
        "Why it waits: Not sent: Discord's rate limit is reached \\(rate\\_limit, 429\\); sending again; "
        f"next try <t:{due}:T> (<t:{due}:R>).",
        "Last error: Not sent: Discord's rate limit is reached \\(rate\\_limit, 429\\).",
        "Written by `some/model`.",
    ]
    assert told.path == "Path of Mira: start → Generating → Retrying → Generating → Sending → Retrying"
    assert size_of(told) == (800, 600)


async def test_a_line_that_failed_is_told_with_what_to_do(scene: Scene, answers: Answers) -> None:
    line = await begun(scene)
    await line.tell(GenerationFailed(NOW + 1, "credentials", final=True, model="a/model"))
    told = (await answers.about_response(Here(), line.response.id)).text
    assert "Last error: Not written by a/model: model not set up \\(credentials\\)." in told
    assert "What to do: The server refused the key: check GROQ\\_API\\_KEY; `doctor` tests it." in told


async def test_a_line_from_before_this_process_has_an_unknown_writer(scene: Scene, answers: Answers) -> None:
    line = await delivered(scene, await begun(scene))
    told = await answers.about_response(Here(), line.response.id)
    assert "**Delivered**" in told.text
    assert "after 2.00 s" in told.text
    assert "Its author is unknown" in told.text


async def test_without_an_id_what_is_on_its_way_longest_comes_before_what_is_newer(
    scene: Scene, answers: Answers
) -> None:
    assert await answers.about_response(Here(), None) == Explained(words.NONE_HERE)
    first = await delivered(scene, await begun(scene))
    assert first.response.id in (await answers.about_response(Here(), None)).text
    second = await delivered(scene, await begun(scene, message_id=HEARD + 1), first_id=ANSWERED + 10)
    assert second.response.id in (await answers.about_response(Here(), None)).text
    third = await begun(scene, message_id=HEARD + 2)
    assert third.response.id in (await answers.about_response(Here(), None)).text
    assert [each.response_id for each in await answers.suggest(Here(), "")] == [
        each.response.id for each in (third, second, first)
    ]
    assert await answers.suggest(Here(), third.response.id) == (await answers.suggest(Here(), ""))[:1]
    assert await answers.suggest(Here(CHANNEL + 1), "") == ()


async def test_a_response_of_another_server_is_as_unknown_as_one_that_never_was(scene: Scene, answers: Answers) -> None:
    line = await stuck(scene)
    elsewhere = await answers.about_response(Here(CHANNEL + 1), line.response.id)
    assert elsewhere == Explained(words.unknown(line.response.id))
    assert await answers.about_response(Here(CHANNEL + 1), "nothing") == Explained(words.unknown("nothing"))
    beside = await answers.about_response(Here(CHANNEL + 1, frozenset({CHANNEL})), line.response.id)
    assert "Mira" in beside.text


async def test_what_is_asked_for_is_repeated_short_and_as_code(scene: Scene, answers: Answers) -> None:
    told = await answers.about_response(Here(), "`@everyone` " + "x" * 500)
    assert told.text == f"There is no response `@everyone {'x' * 28}` here."


async def test_a_name_means_nothing_to_markdown(store: SqlStore, answers: Answers) -> None:
    starred = Character(id=base36(9), name="**[Mira](http://x)** @here", card_json="{}")
    await store.add_character(starred, at=NOW)
    opened = await store.open_session(a_session(200, cast=(starred,)), an_answer())
    assert isinstance(opened, SessionRecord)
    claim, *_ = await store.claim(opened.id)
    line = await begun(Scene(store, claim, CHANNEL, 9000), starred)
    told = await answers.about_response(Here(), line.response.id)
    assert told.text.startswith("**\\*\\*\\[Mira\\]\\(http\\://x\\)\\*\\* \\@\u200bhere** · response")


# ── messages ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_characters_line_tells_who_spoke_which_part_and_what_it_answers(
    scene: Scene, seen: ProcessFacts, answers: Answers
) -> None:
    line = await delivered(scene, await begun(scene), "One", "Two")
    wrote(seen, line, "understudy")
    told = await answers.about_message(Here(), ANSWERED + 1, is_ours=True)
    assert told.text.splitlines()[:2] == [
        "Part 2 of 2 of a line that a character spoke.",
        f"**Mira** · response `{line.response.id}` · turn 1, speaker 1 of 1",
    ]
    assert told.text.endswith(f"Written by `understudy`.\nIt answers message `{HEARD}`.")
    assert told.path == "Path of Mira: start → Generating → Sending → Sending → Delivered"


async def test_a_users_message_tells_what_it_set_off_and_who_is_to_come(scene: Scene, answers: Answers) -> None:
    line = await delivered(scene, await begun(scene, MIRA, TOBIN))
    told = await answers.about_message(Here(), HEARD, is_ours=False)
    assert told.text.splitlines() == [
        "This message started turn 1: 2 to speak, 1 still to begin.",
        f"**Mira** `{line.response.id}`: **Delivered** <t:{NOW + 2:.0f}:R> after 2.00 s",
    ]
    await (await scene.line()).start()
    both = await answers.about_message(Here(), HEARD, is_ours=False)
    assert both.text.splitlines()[0] == "This message started turn 1: 2 to speak, none still to begin."
    first, second = both.path.split("; ")
    assert first == "Path of Mira: start → Generating → Sending → Delivered"
    assert second == "Path of Tobin: start → Generating"
    assert size_of(both) == (800, 600)


async def test_a_message_that_set_nothing_off_yet_says_why(scene: Scene, store: SqlStore, answers: Answers) -> None:
    await scene.hear(HEARD)
    assert "waits for its turn" in (await answers.about_message(Here(), HEARD, is_ours=False)).text
    await store.move_session(scene.claim.session_id, SessionMove("Paused", 2, NOW))
    await store.accept(said(HEARD + 1))
    await store.move_session(scene.claim.session_id, SessionMove("Idle", 3, NOW))
    assert "started no turn" in (await answers.about_message(Here(), HEARD + 1, is_ours=False)).text
    await scene.take_turn(HEARD)
    assert "no character has begun" in (await answers.about_message(Here(), HEARD, is_ours=False)).text
    await store.amend(CHANNEL, HEARD, text=None, at=NOW)
    assert "was deleted" in (await answers.about_message(Here(), HEARD, is_ours=False)).text


async def test_notices_and_answers_of_ours_are_told_apart_from_lines(
    scene: Scene, store: SqlStore, answers: Answers
) -> None:
    line = await begun(scene)
    await store.enqueue(OutboxDraft("n", OutboxKind.NOTICE, CHANNEL, "It fails.", response_id=line.response.id), at=NOW)
    for row in await store.due_outbox(now=NOW + 1, limit=10, besides=frozenset()):
        await store.outbox_done(row.id, at=NOW, outcome="sent", message_id=800 + row.id)
    first, second = [await answers.about_message(Here(), 800 + n, is_ours=True) for n in (1, 2)]
    assert first == Explained(words.ANSWER)
    assert second.text.startswith(f"A notice about this response:\n**Mira** · response `{line.response.id}`")


async def test_a_message_that_is_not_ours_is_one_sentence_and_so_is_any_of_another_channel(
    scene: Scene, answers: Answers
) -> None:
    await delivered(scene, await begun(scene))
    assert await answers.about_message(Here(), 1, is_ours=False) == Explained(words.NOT_OURS)
    assert await answers.about_message(Here(), 1, is_ours=True) == Explained(words.OURS_UNKNOWN)
    for message_id in (HEARD, ANSWERED):
        elsewhere = await answers.about_message(Here(CHANNEL + 1), message_id, is_ours=False)
        assert elsewhere == Explained(words.NOT_OURS)


# ── a session, and all of them ──────────────────────────────────────────────────────────────────────


async def test_a_session_tells_who_is_on_the_way_and_who_comes_next(scene: Scene, answers: Answers) -> None:
    line = await stuck(scene)
    told = await answers.about_session(Here())
    rows = told.text.splitlines()
    assert rows[0] == f"Session `{scene.claim.session_id}` · **Idle** · opened <t:{NOW:.0f}:R>"
    assert rows[1] == "Cast: Mira, Tobin. Lines in the history: 1. Messages waiting for a turn: 0."
    assert rows[2].startswith(f"On its way: **Mira** `{line.response.id}`: **Retrying**")
    assert rows[3] == "Next speakers: Tobin."
    assert told.path == "The session's machine; its state is Idle"
    assert size_of(told) == (800, 600)
    assert await answers.about_session(Here(CHANNEL + 1)) == Explained(words.NO_SESSION)


async def test_an_ended_session_is_told_until_the_next_one_is_open(
    scene: Scene, store: SqlStore, answers: Answers
) -> None:
    ended = "Ended"
    await store.move_session(scene.claim.session_id, SessionMove(ended, 2, NOW, "end"))
    assert "**Ended**" in (await answers.about_session(Here())).text
    again = replace(a_session(300), opened_at=NOW - 5)  # by a clock that was set back
    assert await store.open_session(again, an_answer("again")) is not None
    assert f"Session `{again.id}` · **Idle**" in (await answers.about_session(Here())).text


async def test_the_fleet_is_numbers_breakers_and_connections(
    scene: Scene, seen: ProcessFacts, answers: Answers
) -> None:
    await delivered(scene, await begun(scene))
    await begun(scene, message_id=HEARD + 1)
    told = await answers.about_fleet()
    assert told.text.splitlines() == [
        f"**Responses**: Generating 1 (oldest began <t:{NOW:.0f}:R>) · Sending 0 · Retrying 0 · Delivered 1 · Failed 0",
        "**Breakers**: all closed",
        "**Connection**: none yet",
    ]
    assert told.path.endswith("1 Generating, 0 Sending, 0 Retrying, 1 Delivered, 0 Failed")
    assert size_of(told) == (800, 600)
    seen.publish(ConnectionMoved(1, "Connecting", "Ready", NOW))
    seen.publish(ConnectionMoved(0, "Ready", "Resuming", NOW + 1))
    seen.publish(BreakerMoved("discord", "Closed", "Open", NOW, NOW + 60))
    seen.publish(BreakerMoved("a/model", "HalfOpen", "Closed", NOW, 0.0))
    assert (await answers.about_fleet()).text.splitlines()[1:] == [
        f"**Breakers**: discord **Open** <t:{NOW:.0f}:R>, next try <t:{NOW + 60:.0f}:T>",
        f"**Connection**: shard 0 **Resuming** <t:{NOW + 1:.0f}:R> · shard 1 **Ready** <t:{NOW:.0f}:R>",
    ]


# ── what no answer holds, and what it costs ─────────────────────────────────────────────────────────


async def test_nobodys_words_are_in_any_answer(scene: Scene, answers: Answers) -> None:
    line = await stuck(scene)
    other = await begun(await open_scene(scene.store, number=101, channel_id=CHANNEL + 1), message_id=HEARD + 50)
    await other.tell(Generated(NOW, (SECRET,)))
    await other.keep_intent()
    await other.tell(SendUnconfirmed(NOW + 1, "connection"))
    told = [
        await answers.about_response(Here(), line.response.id),
        await answers.about_response(Here(CHANNEL + 1), None),
        await answers.about_session(Here()),
        await answers.about_fleet(),
        await answers.about_message(Here(), HEARD, is_ours=False),
    ]
    assert not [each for each in told if SECRET in each.text + each.path]
    assert other.response.id in told[1].text


async def test_pictures_are_drawn_off_the_loop_and_one_at_a_time() -> None:
    drawing, most, threads = 0, 0, set()

    def draw(svg: str) -> bytes:
        nonlocal drawing, most
        drawing += 1
        most = max(most, drawing)
        threads.add(threading.current_thread())
        for _ in range(10):
            anyio.from_thread.run(anyio.lowlevel.checkpoint)  # others may begin meanwhile
        drawing -= 1
        return svg.encode()

    pictures = Pictures(draw)
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(pictures.session, "Idle")
    assert most == 1
    assert threading.current_thread() not in threads


def test_a_long_path_shows_its_end_within_discords_limit() -> None:
    path = Path(tuple(("Retrying", "Retrying", "ReadBackFailed") for _ in range(300)))
    told = words.way("Mira", path)
    assert len(told) == words.PATH_MAX
    assert told.startswith("Path of Mira: … ")
    assert told.endswith("→ Retrying")


def test_an_answer_of_many_rows_is_cut_at_a_whole_row() -> None:
    told = words.fitted(["x" * 90] * 50)
    assert len(told) <= words.TEXT_MAX
    assert set(told.splitlines()) == {"x" * 90, "…"}


def test_of_the_writers_the_oldest_are_forgotten() -> None:
    seen = ProcessFacts()
    for number in range(WRITERS_MAX + 1):
        context = Context(base36(number), "s", "Mira", Limits())
        seen.publish(GenerationEnded(context, 1, "m", 0.5, 10, 20, "ok"))
        seen.publish(GenerationEnded(replace(context, response_id="failed"), 1, "m", 0.5, 10, 0, "timeout"))
    assert [seen.writer(base36(number)) for number in (0, 1, WRITERS_MAX)] == [None, "m", "m"]
    assert seen.writer("failed") is None


async def test_what_fired_of_a_lorebook_and_what_did_not_is_told_without_its_markup(
    scene: Scene, answers: Answers
) -> None:
    line = await begun(scene, MIRA)
    missed = tuple(LoreMissed("Coast", f"storm {number}", "no key was said") for number in range(9))
    lore = LoreRecord((LoreFired("**Coast**", "lamp", "at depth 4", "/l.mp/", 3),), missed, 1, 30)
    asked = Asked("m", 1, (), 1, 1, 1, 1, "ok", 1.0, lore=lore)
    await tell(line, Generated(NOW + 1, (SECRET,)), Exchange(asked=asked))
    told = await answers.about_response(Here(), line.response.id)
    assert "Lore: 1 of 31 entries fired." in told.text
    plain = told.text.replace("\\", "")
    assert "\\*\\*Coast\\*\\*" in told.text
    assert "+ lamp (**Coast**), at depth 4, by /l.mp/: 3 tokens" in plain
    assert "- storm 5 (Coast): no key was said\n… and 24 more did not" in plain
