"""Opens a first scene in a new playground, so that nobody needs to know a command; the whole cast is heard in it."""

from __future__ import annotations

from typing import Final

from actors.playground import PlaygroundServer

CHANNEL: Final = "tavern"
HOST: Final = "Robin"
OPENING: Final = (
    "!start Maren Fitch Oriel --turns everyone -- A lighthouse on a tidal island, on the second night of a storm. "
    "The causeway is under water. One stove, one kettle, and a knock at the door."
)


async def open_first_scene(server: PlaygroundServer) -> None:
    """Open the scene when the bot is connected; only in a world without messages."""
    if server.messages(with_deleted=True):
        return
    await server.gateway.wait_connected()
    server.say(CHANNEL, HOST, OPENING)
