"""Permissions that come and go while the bot plays, as the gateway tells of them."""

import anyio

from actors.adapters.discord.needs import Act
from actors.adapters.discord.places import Place
from actors.playground import PlaygroundServer
from actors.ports import ShardReady
from actors.roleplay.model import OutboundKind
from tests.patience import PATIENCE_S

from .test_gateway import bot_for, running
from .test_gateway_start import until
from .test_voice import character


async def test_characters_have_their_own_names_again_as_soon_as_the_permission_is_back(
    playground: PlaygroundServer,
) -> None:
    bot = bot_for(playground)
    tavern = playground.discord.find_channel("tavern").id

    async def kind() -> OutboundKind:
        prepared = await bot.adapter.voice.prepare(tavern, character("Mira"))
        assert isinstance(prepared, tuple)
        return prepared[0]

    async with running(bot):
        await bot.next(ShardReady)
        playground.permit("MANAGE_WEBHOOKS", False)
        await until(lambda: bot.adapter._places.may(Act.MAKE_WEBHOOK, Place(tavern)) is False)
        assert await kind() is OutboundKind.EMBED
        playground.permit("MANAGE_WEBHOOKS", True)
        with anyio.fail_after(PATIENCE_S):
            while await kind() is OutboundKind.EMBED:  # noqa: ASYNC110 - the client's cache signals nobody
                await anyio.sleep(0.005)
        assert [webhook.name for webhook in playground.webhooks("tavern")] == ["Mira"]
