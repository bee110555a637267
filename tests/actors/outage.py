"""What tests of outages share: an outage, what becomes of its breaker, and what its channels are told."""

from __future__ import annotations

from actors.ports import Refused, Unconfirmed
from tests.fakes.play import CHANNEL, Play

DOWN = Unconfirmed("outage", 503)
LATE = "⏳ Discord was not answering, so Ada's response comes late."
OPENED = ("discord", "Closed", "Open")
PROBED = ("discord", "Open", "HalfOpen")
FAILED_AGAIN = ("discord", "HalfOpen", "Open")
CLOSED_AGAIN = ("discord", "HalfOpen", "Closed")


async def speaks_into_an_outage(play: Play, *channels: int, outage: Refused | Unconfirmed = DOWN) -> None:
    """Open a session in each channel, then let Discord go down while everybody is answered."""
    for channel_id in channels:
        await play.start("Ada", channel_id=channel_id)
    play.discord.outage = outage
    for channel_id in channels:
        play.say("Hello?", channel_id=channel_id)


def delays(play: Play, channel_id: int = CHANNEL) -> list[str]:
    """What stands there of lines that come late."""
    return [text for text in play.discord.texts(channel_id) if text.startswith("⏳")]


def announced(play: Play, channel_id: int = CHANNEL) -> list[str]:
    """What was ever sent there of lines that come late; each notice once, however often it was tried."""
    sent = {post.nonce: post.text for post in play.discord.posts if post.channel_id == channel_id}
    return [text for text in sent.values() if text.startswith("⏳")]
