"""What every store promises about the shared history: the channel's order, and what the channel shows."""

from __future__ import annotations

import pytest

from machines.facts import SendRefused, Sent
from tests.contracts.scene import MIRA, NOW, Line, Scene

pytestmark = pytest.mark.anyio


async def texts(scene: Scene) -> list[str]:
    entries = await scene.store.history(scene.claim.session_id)
    record = await scene.store.session(scene.claim.session_id)
    assert record is not None
    return [entry.text for entry in entries]


async def deliver(scene: Scene, *parts: tuple[int, str]) -> Line:
    line = await (await scene.line()).start(*(words for _, words in parts))
    for message_id, words in parts:
        await line.tell(Sent(NOW, message_id, words))
    return line


async def length_after_a_move(scene: Scene) -> int:
    """The length that `record` tells, asked by a line that fails."""
    await scene.hear(9_000 + scene.number)
    line = await (await scene.line()).start("In vain.")
    return await line.tell(SendRefused(NOW, "forbidden", 403, final=True)) - 1


async def test_the_history_is_in_the_channels_order(scene: Scene) -> None:
    await scene.hear(10, "First")
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await scene.hear(21, "Between")
    await scene.hear(15, "Late through the gateway")
    await line.tell(Sent(NOW, 22, "Two."))
    assert await texts(scene) == ["First", "Late through the gateway", "One.\nTwo.", "Between"]


async def test_a_line_that_lost_its_first_message_stands_where_its_next_one_does(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await scene.hear(21, "Between")
    await line.tell(Sent(NOW, 22, "Two."))
    await scene.store.amend(20, text=None, at=NOW)
    assert (await texts(scene))[-2:] == ["Between", "Two."]


async def test_a_characters_line_names_its_messages_and_its_response(scene: Scene) -> None:
    await scene.hear(10)
    line = await deliver(scene, (20, "One."), (21, "Two."))
    user, entry = await scene.store.history(scene.claim.session_id)
    assert (entry.kind, entry.name, entry.character_id) == ("character", "Mira", MIRA.id)
    assert (entry.message_ids, entry.response_id, entry.author_id) == ((20, 21), line.response.id, None)
    assert (user.kind, user.name, user.author_id, user.message_ids) == ("user", "Robin", 7, (10,))


async def test_a_failed_line_never_enters(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await line.tell(SendRefused(NOW, "forbidden", 403, final=True))
    assert await texts(scene) == ["Hello?"]


async def test_an_edit_changes_what_is_shown(scene: Scene) -> None:
    await scene.hear(10)
    await deliver(scene, (20, "One."), (21, "Two."))
    assert await scene.store.amend(10, text="Hello!", at=NOW) == scene.claim.session_id
    assert await scene.store.amend(21, text="Three.", at=NOW) == scene.claim.session_id
    assert await scene.store.amend(21, text="Four.", at=NOW) == scene.claim.session_id
    assert await texts(scene) == ["Hello!", "One.\nFour."]


async def test_an_edit_back_to_the_first_text_counts(scene: Scene) -> None:
    await scene.hear(10, "A")
    await scene.store.amend(10, text="B", at=NOW)
    await scene.store.amend(10, text="A", at=NOW)
    assert await texts(scene) == ["A"]


async def test_a_deleted_line_is_left_out_and_the_history_is_shorter(scene: Scene) -> None:
    await scene.hear(10)
    await deliver(scene, (20, "One."), (21, "Two."))
    assert await length_after_a_move(scene) == 2
    await scene.store.amend(20, text=None, at=NOW)
    assert await texts(scene) == ["Hello?", "Two.", "Hello?"]
    assert await length_after_a_move(scene) == 3
    await scene.store.amend(21, text=None, at=NOW)
    await scene.store.amend(21, text=None, at=NOW)
    assert await texts(scene) == ["Hello?"] * 3
    assert await length_after_a_move(scene) == 3


async def test_deleted_is_for_good(scene: Scene) -> None:
    await scene.hear(10)
    await scene.store.amend(10, text=None, at=NOW)
    assert await scene.store.amend(10, text="An edit that came late", at=NOW) == scene.claim.session_id
    assert await texts(scene) == []


async def test_a_part_that_is_deleted_before_the_last_is_sent_stays_deleted(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    assert await scene.store.amend(20, text=None, at=NOW) == scene.claim.session_id
    assert await line.tell(Sent(NOW, 21, "Two.")) == 2
    assert await texts(scene) == ["Hello?", "Two."]


async def test_a_message_that_is_no_line_is_not_amended(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await line.tell(SendRefused(NOW, "forbidden", 403, final=True))
    assert await scene.store.amend(20, text=None, at=NOW) is None
    assert await scene.store.amend(999, text="What?", at=NOW) is None
