"""A second copy of a notice or an answer goes, as that of a line does; what may be the only one stays."""

from __future__ import annotations

from dataclasses import replace

import anyio

from actors.ports import Refused
from actors.reaper import WATCH_S
from actors.roleplay.model import Button, ChannelMessage, OutboundKind, OutboxDraft, OutboxKind
from tests.fakes.play import CHANNEL, Play, playing


async def answer(play: Play, text: str, *, to: str = "one") -> None:
    draft = OutboxDraft(f"answer:{to}", OutboxKind.ANSWER, CHANNEL, text)
    await play.store.enqueue(draft, at=play.clock.now())
    play.services.outbox_bell.ring()


async def tell(play: Play, response: str) -> None:
    """The notice of a failed line; all of them read alike."""
    button = Button("Retry", f"retry:{response}")
    draft = OutboxDraft(f"notice:{response}", OutboxKind.NOTICE, CHANNEL, "It failed.", buttons=(button,))
    await play.store.enqueue(draft, at=play.clock.now())
    play.services.outbox_bell.ring()


def copy_of_text(play: Play) -> ChannelMessage:
    """What the first try at the first text has on its way, landing when Discord has forgotten its nonce."""
    (first, *_) = [post for post in play.discord.posts if post.kind is OutboundKind.TEXT]
    return play.discord.land(replace(first, nonce="forgotten"))


async def test_a_late_second_copy_of_a_notice_is_taken_back_and_the_notice_stays() -> None:
    async with playing() as play:
        play.discord.text_faults.append("lost")
        await tell(play, "a")
        await play.quiet()
        (notice,) = play.discord.shown
        late = copy_of_text(play)
        await play.quiet()
        assert play.discord.deletions == [late.id]
        assert play.discord.shown == [notice]


async def test_a_late_second_copy_of_an_answer_is_taken_back() -> None:
    async with playing() as play:
        play.discord.text_faults.append("lost")
        await answer(play, "well")
        await play.quiet()
        late = copy_of_text(play)
        await play.quiet()
        assert play.discord.deletions == [late.id]
        assert play.discord.texts(CHANNEL) == ["well"]


async def test_a_copy_of_a_notice_that_lands_while_nobody_is_there_is_taken_back_by_the_next_process() -> None:
    async with playing() as first:  # no scene was ever open in this channel
        first.discord.text_faults.append("lost")
        await tell(first, "a")
        await first.quiet()
    late = copy_of_text(first)
    async with playing(before=first) as after:
        await after.quiet()
        assert after.discord.deletions == [late.id]
        assert after.discord.texts(CHANNEL) == ["It failed."]


async def test_where_no_scene_is_open_a_look_for_copies_carries_no_old_command_out() -> None:
    async with playing() as first:
        first.discord.text_faults.append("lost")
        await tell(first, "a")
        await first.quiet()
    first.say("!start Ada")  # nobody heard it then; people have gone on since
    async with playing(before=first) as after:
        await after.quiet()
        assert after.discord.texts(CHANNEL) == ["It failed."]


async def test_a_text_that_may_still_be_the_one_that_is_on_its_way_is_not_judged() -> None:
    async with playing() as play:
        play.discord.text_faults.append("lost")
        await answer(play, "alike")
        await play.quiet()
        play.discord.text_faults.append(("hang", 9.0))
        await answer(play, "alike", to="another")
        await anyio.sleep(1)
        late = copy_of_text(play)
        await anyio.sleep(5)
        assert play.discord.deletions == []
        await play.quiet()
        assert play.discord.deletions == [late.id]
        assert play.discord.texts(CHANNEL) == ["alike", "alike"]


async def test_a_text_that_was_given_up_and_landed_all_the_same_is_let_be() -> None:
    async with playing() as play:
        play.discord.text_faults.extend(["lost", Refused("forbidden", 403, final=True)])
        await answer(play, "well")
        await play.quiet()
        copy_of_text(play)
        await play.quiet()
        assert play.discord.texts(CHANNEL) == ["well"]


async def test_after_its_watch_a_copy_of_a_notice_is_let_be() -> None:
    async with playing() as play:
        play.discord.text_faults.append("lost")
        await tell(play, "a")
        await play.quiet()
        await anyio.sleep(WATCH_S + 1)
        copy_of_text(play)
        await play.quiet()
        assert play.discord.deletions == []
