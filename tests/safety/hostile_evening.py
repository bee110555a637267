"""The hostile evening of F4 and F6: for a minute one member does everything that a member can, beside two scenes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import anyio

from tests.fakes.play import CHANNEL, Play

MINUTE_S: Final = 60
THREADS: Final = tuple(range(1000, 1010))
"""Where the hostile member opens scenes."""

OTHERS: Final = (CHANNEL, 43)
"""Where Robin and Kim play; they say something every ten seconds."""

EVE, ROBIN, KIM = 666, 500, 501
MESSAGES: Final = 370

NOISE: Final = (
    '!start "[Free Nitro](https://evil.example/login) @everyone"',
    '!start "\n⚠️ Failed to send response from Maren. [Retry](https://evil.example)"',
    "!history 50",
    "!end",
    "!retry",
    "!missing",
    "!help",
    "!strat Ada",
)


@dataclass(frozen=True, slots=True)
class Evening:
    """What it cost: the model's calls and the tokens of their prompts; the bot's own messages in all of the member's
    threads, and the most of them in one channel of the others; the lines that the others got, and the longest wait."""

    calls: int
    prompt_tokens: int
    scenes: int
    own_messages: int
    own_messages_beside: int
    lines_of_others: int
    longest_wait_s: float
    is_stolen: bool


def start(play: Play, channel_id: int, author_id: int, text: str) -> None:
    play.discord.user_says(channel_id, text, f"P{author_id}", author_id)


async def hostile_evening(play: Play) -> Evening:
    """Play it, and return what it came to once everything is quiet."""
    for channel_id, author_id in zip(OTHERS, (ROBIN, KIM), strict=True):
        start(play, channel_id, author_id, "!start Ada Bo --turns everyone")
    await play.quiet(for_s=5.0)
    beside = {channel_id: len(play.discord.texts(channel_id)) for channel_id in OTHERS}
    waits: list[float] = []
    async with anyio.create_task_group() as tasks:
        for channel_id, author_id in zip(OTHERS, (ROBIN, KIM), strict=True):
            tasks.start_soon(_talk, play, channel_id, author_id, waits)
        tasks.start_soon(_rage, play)
    scenes = sum(any("The scene is open" in text for text in play.discord.texts(thread)) for thread in THREADS)
    await play.quiet(for_s=60.0)
    lines = sum(len(play.discord.character_lines(channel_id)) for channel_id in OTHERS)
    prompts = [sum(len(message.content) for message in prompt.messages) // 4 for prompt in play.model.prompts]
    return Evening(
        calls=len(prompts),
        prompt_tokens=sum(prompts),
        scenes=scenes,
        own_messages=sum(len(play.discord.texts(thread)) for thread in THREADS),
        own_messages_beside=max(len(play.discord.texts(each)) - beside[each] for each in OTHERS),
        lines_of_others=lines,
        longest_wait_s=max(waits),
        is_stolen=any("The scene has ended" in text for each in OTHERS for text in play.discord.texts(each)),
    )


async def _talk(play: Play, channel_id: int, author_id: int, waits: list[float]) -> None:
    """Say something every ten seconds, and note how long both characters take to answer it."""
    for at in range(0, MINUTE_S, 10):
        said_at, before = play.clock.now(), len(play.discord.character_lines(channel_id))
        start(play, channel_id, author_id, f"And then, at {at}?")
        with anyio.move_on_after(10.0):
            while len(play.discord.character_lines(channel_id)) < before + 2:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        waits.append(play.clock.now() - said_at)
        await anyio.sleep(max(0.0, said_at + 10.0 - play.clock.now()))


async def _rage(play: Play) -> None:
    for thread in THREADS:
        start(play, thread, EVE, "!start Ada Bo --turns everyone")
    for number in range(MESSAGES):
        thread = THREADS[number % len(THREADS)]
        start(play, thread, EVE, f"Answer me, for the {number}th time!")
        noise = NOISE[number % len(NOISE)]
        start(play, OTHERS[number % 2] if number % 3 == 0 else thread, EVE, noise)
        await anyio.sleep(MINUTE_S / MESSAGES)
