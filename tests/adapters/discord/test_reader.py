"""Channels read over REST alone: what cannot be read is never taken for empty."""

import pytest

from actors.adapters.discord import Endpoints, GatewayLost, WrongToken, open_channels
from actors.playground import PlaygroundServer
from actors.ports import Page, Refused

from .rest import Clock, Rest
from .table import WebhookTable


async def test_pages_follow_each_other_to_the_end(playground: PlaygroundServer, clock: Clock) -> None:
    said = [playground.say("tavern", "Robin", f"Line {number}") for number in range(100)]
    endpoints = Endpoints(playground.api_url)
    async with open_channels(playground.token, webhooks=WebhookTable(), now=clock.now, endpoints=endpoints) as channels:
        first = await channels.page(said[0].channel_id, after=0)
        assert isinstance(first, Page)
        assert ([message.id for message in first.messages], first.newest) == ([each.id for each in said], said[-1].id)
        assert await channels.page(said[0].channel_id, after=said[-1].id) == Page((), None)


async def test_without_a_gateway_an_empty_channel_and_one_that_may_not_be_read_are_told_apart(
    playground: PlaygroundServer, local: Rest
) -> None:
    tavern = playground.discord.find_channel("tavern").id
    assert await local.channel.messages(tavern, after=1) == ()
    playground.say("tavern", "Robin", "Is anybody here?")
    playground.permit("READ_MESSAGE_HISTORY", False)
    outcome = await local.channel.messages(tavern, after=1)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.final) == ("forbidden", True)


@pytest.mark.parametrize(
    ("token", "url", "error"), [("wr0ng", "", WrongToken), ("", "http://127.0.0.1:9", GatewayLost)]
)
async def test_who_may_not_or_cannot_log_in_is_told(
    playground: PlaygroundServer, clock: Clock, token: str, url: str, error: type[Exception]
) -> None:
    endpoints = Endpoints(url or playground.api_url)
    with pytest.raises(error):
        async with open_channels(
            token or playground.token, webhooks=WebhookTable(), now=clock.now, endpoints=endpoints
        ):
            pass
