"""What the simulated Discord does with buttons and with answers to their presses."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio
import pytest

from actors.ports import ButtonPressed, GatewayEvent, MessageSeen, Refused
from actors.roleplay.model import Button, Outbound, OutboundKind, ReplyAddress
from actors.simulation.channels import ChannelState, Shown
from actors.simulation.faults import Cut, Faults
from actors.simulation.faulty_discord import FaultyDiscord
from actors.simulation.virtual_time import VirtualClock, run_virtually

RETRY = Button("Retry", "retry:1")
CHANNEL = 7


class Scene:
    """A channel in which a notice with a button stands; `told` is what the gateway told."""

    def __init__(self) -> None:
        self.told: list[GatewayEvent] = []
        self.discord = FaultyDiscord(Faults("a seed", 0.0, Cut()), VirtualClock().now, nonce_window_s=200.0)
        self.channel: ChannelState = self.discord.open_channel(CHANNEL)
        self.discord.connect(self.told.append)
        self.discord.post(Outbound(OutboundKind.TEXT, CHANNEL, "", "It failed.", "n1", buttons=(RETRY,)))

    @property
    def notice(self) -> Shown:
        return next(iter(self.channel.shown.values()))

    def press(self) -> None:
        self.discord.press_button(self.channel, self.notice.message.id, RETRY.custom_id, user_id=5)

    @property
    def presses(self) -> list[ButtonPressed]:
        return [event for event in self.told if isinstance(event, ButtonPressed)]

    @property
    def reply(self) -> ReplyAddress:
        (token,) = self.discord.interactions
        return ReplyAddress(token, expires_at=0.0)


def in_scene(play: Callable[[Scene], Awaitable[None]]) -> None:
    async def played() -> None:
        await play(Scene())

    run_virtually(played)


def test_an_answer_takes_the_place_of_the_deferral_and_is_no_message() -> None:
    async def play(scene: Scene) -> None:
        scene.press()
        await anyio.sleep(1.0)
        assert [press.custom_id for press in scene.presses] == [RETRY.custom_id]
        assert scene.discord.refuses_answer(scene.reply) is None
        for _ in range(2):
            scene.discord.take_answer(scene.reply, "On its way.")
        (interaction,) = scene.discord.interactions.values()
        assert interaction.answers == ["On its way."] * 2
        assert len(scene.channel.shown) == 1

    in_scene(play)


@pytest.mark.parametrize("after_s", [0.0, 900.0])
def test_an_answer_before_the_deferral_or_after_a_quarter_of_an_hour_is_refused(after_s: float) -> None:
    async def play(scene: Scene) -> None:
        scene.press()
        await anyio.sleep(after_s)
        assert scene.discord.refuses_answer(scene.reply) == Refused("webhook_gone", 404)

    in_scene(play)


def test_a_press_in_a_gap_is_lost_with_it() -> None:
    async def play(scene: Scene) -> None:
        scene.discord.lose_gateway(2.0, resumes=False)
        scene.press()
        await anyio.sleep(10.0)
        assert scene.presses == []
        assert scene.discord.refuses_answer(scene.reply) == Refused("webhook_gone", 404)

    in_scene(play)


def test_a_press_that_a_resumed_connection_tells_too_late_has_no_deferral() -> None:
    async def play(scene: Scene) -> None:
        scene.discord.lose_gateway(5.0, resumes=True)
        scene.press()
        await anyio.sleep(10.0)
        assert len(scene.presses) == 1
        assert scene.discord.refuses_answer(scene.reply) == Refused("webhook_gone", 404)

    in_scene(play)


@pytest.mark.parametrize("resumes", [True, False])
def test_only_a_resumed_connection_tells_what_was_on_its_way_when_it_broke(resumes: bool) -> None:
    async def play(scene: Scene) -> None:
        await anyio.sleep(1.0)
        said = [scene.discord.say(scene.channel, 5, "Robin", "just before").id]
        scene.discord.lose_gateway(2.0, resumes=resumes)
        said.append(scene.discord.say(scene.channel, 5, "Robin", "in the gap").id)
        await anyio.sleep(3.0)
        told = [event.message.id for event in scene.told if isinstance(event, MessageSeen)][1:]
        assert told == (said if resumes else [])
        assert [math.isfinite(scene.channel.shown[message_id].told_at) for message_id in said] == [resumes] * 2

    in_scene(play)
