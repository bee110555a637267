"""What is said of a Discord that is out of reach: where it was looked for, and what to look at."""

import aiohttp
import pytest

from actors.adapters.discord.client import out_of_reach
from actors.adapters.discord.endpoints import Endpoints


async def refused(url: str) -> aiohttp.ClientError:
    """What a client raises that asks there: nobody listens on the port of "discard"."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError) as raised:
            await session.get(url)
    return raised.value


async def test_another_server_is_named_with_its_setting() -> None:
    Endpoints("http://127.0.0.1:9/api/v10").apply()
    words = str(out_of_reach(await refused("http://127.0.0.1:9/api/v10/users/@me")))
    assert words == "Discord is out of reach at 127.0.0.1:9 (ClientConnectorError): check DISCORD_API_URL"


async def test_a_password_in_its_address_is_not_shown() -> None:
    Endpoints("http://me:pa55@proxy.example/api/v10").apply()
    words = str(out_of_reach(TimeoutError()))
    assert words == "Discord is out of reach at proxy.example (TimeoutError): check DISCORD_API_URL"


async def test_of_discord_s_own_servers_the_one_that_was_asked_is_named_and_the_network() -> None:
    Endpoints("https://discord.com/api/v10").apply()  # another test may have left another server behind
    assert str(out_of_reach(TimeoutError())) == (
        "Discord is out of reach at discord.com (TimeoutError): check the network"
    )
    words = str(out_of_reach(await refused("http://127.0.0.1:9/gateway")))
    assert words == "Discord is out of reach at 127.0.0.1:9 (ClientConnectorError): check the network"
