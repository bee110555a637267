"""The first minute of a new playground: a scene that is open before anyone has to know a command."""

from __future__ import annotations

from typing import Final

from actors.playground import PlaygroundServer

CHANNEL: Final = "tavern"
HOST: Final = "Robin"
OPENING: Final = (
    "!start Maren Fitch Oriel -- A lighthouse on a tidal island, on the second night of a storm. "
    "The causeway is under water. One stove, one kettle, and a knock at the door."
)


async def open_first_scene(server: PlaygroundServer) -> None:
    """Open the scene in a world without messages, as soon as the bot is there to hear it."""
    if server.messages(with_deleted=True):
        return
    await server.gateway.wait_connected()
    server.say(CHANNEL, HOST, OPENING)
