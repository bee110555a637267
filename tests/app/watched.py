"""A viewer at a terminal without a terminal: the real application over a real database and a real inspector."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import anyio
from resvg_py import svg_to_bytes
from textual.pilot import Pilot

from actors.adapters.inspector.inspector import SHUTDOWN_S
from actors.adapters.store import SqlStore, open_store
from actors.adapters.terminal.times import Times
from actors.adapters.terminal.watch import Watch
from actors.app.settings import load
from actors.app.watch_sources import Watching
from machines.facts import Fact, Generated, GenerationFailed, SendRefused, Sent
from tests.adapters.inspector.stage import SECRET, Stage, serving
from tests.contracts.scene import NOW, Scene, open_scene
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parent.parent.parent
PICTURE_WIDE = 1440
FONT = "DejaVu Sans Mono"
"""Of the machine that makes the pictures: the bot brings no font of one width."""


AGAIN_S = 1.5 * SHUTDOWN_S
"""A server that has ended in this very process may leave a connection open that comes in while it ends."""

SVG = "{http://www.w3.org/2000/svg}"
CELL_WIDE = 12.2
"""A character of Textual's screenshots, in their pixels."""

SMALL, WIDE, LARGE = (80, 24), (118, 22), (120, 40)

STILL_S = 0.05
"""Longer than it takes until the next painting."""


@dataclass
class Viewer:
    """Somebody who looks at the screen and presses keys."""

    pilot: Pilot[None]
    app: Watch
    clock: list[float]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    @property
    def screen(self) -> str:
        """What stands on it, line by line."""
        rows: dict[float, dict[int, str]] = {}
        for text in ElementTree.fromstring(self.app.export_screenshot()).iter(f"{SVG}text"):
            if "clip-path" in text.attrib:  # else it is the window's title
                first = round(float(text.get("x", 0)) / CELL_WIDE)
                row = rows.setdefault(float(text.get("y", 0)), {})
                row.update(enumerate((text.text or "").rstrip("\n"), first))
        lines = ("".join(row.get(column, " ") for column in range(max(row, default=0) + 1)) for row in rows.values())
        return "\n".join(lines).replace("\xa0", " ")

    def picture(self, name: str) -> None:
        """Take a picture for the documentation, where it was asked for."""
        folder = os.environ.get("PICTURES")
        if folder:
            drawn = svg_to_bytes(
                self.app.export_screenshot(), width=PICTURE_WIDE, monospace_family=FONT, font_family=FONT
            )
            (ROOT / folder / f"{name}.png").write_bytes(bytes(drawn))

    async def sees(self, *words: str, without: str | None = None) -> str:
        """Wait until all of it stands on the screen, on one line or broken at a blank; the screen."""

        def holds(shown: str) -> bool:
            flat = " ".join(shown.split())
            return all(word in shown or word in flat for word in words) and not (without and without in shown)

        return await self.until(holds)

    async def until(self, holds: Callable[[str], bool]) -> str:
        """The screen that holds, once it stands still: it is painted piece by piece."""
        shown = before = ""
        try:
            with anyio.fail_after(PATIENCE_S):
                while not (holds(shown := self.screen) and shown == before):
                    before = shown
                    await self.pilot.pause(STILL_S)
        except TimeoutError:
            raise AssertionError(f"it does not come; the screen is\n{shown}") from None
        return shown


@asynccontextmanager
async def viewing(
    folder: Path, *, size: tuple[int, int] = SMALL, now: float = NOW + 30, **settings: object
) -> AsyncIterator[Viewer]:
    """Somebody looks, with these settings, at the time `now`; where a bot is lost it is soon asked again."""
    clock = [now]
    chosen = load(_env_file=None, data_dir=folder, **({"inspector_address": ""} | settings))
    source = Watching(chosen, now=lambda: clock[0], again_s=AGAIN_S)
    app = Watch(source, Times(now=lambda: clock[0], paint_s=0.02))
    async with app.run_test(size=size) as pilot:
        yield Viewer(pilot, app, clock)


@dataclass
class Bot:
    """A process with a database, whose inspector can be stopped and started again on its port."""

    store: SqlStore
    scene: Scene
    now: Callable[[], float]
    port: int = 0
    token: str | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Stage]:
        address = f"127.0.0.1:{self.port}"
        async with serving(self.store, self.scene, address=address, token=self.token, now=self.now) as stage:
            self.port = stage.inspector.port
            yield stage

    async def elsewhere(self) -> Scene:
        """Another session, where somebody speaks meanwhile."""
        return await open_scene(self.store, number=200, channel_id=501)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def a_bot(folder: Path, *, now: float = NOW + 30) -> AsyncIterator[Bot]:
    async with open_store("sqlite:///ensemble.db", folder=folder) as store:
        yield Bot(store, await open_scene(store), lambda: now)


@dataclass
class Played:
    """The ids of what `play` leaves behind."""

    delivered: str
    failed: str
    waiting: str


async def play(bot: Bot) -> Played:
    """Three lines in the journal: delivered, failed for good, and one that Discord has asked to wait for 20 s."""
    delivered = await _line(bot, 11, Generated(NOW + 1, ("x",)), Sent(NOW + 2.5, 902, "x"))
    failed = await _line(bot, 12, GenerationFailed(NOW + 3, "too_large", final=True))
    refused = SendRefused(NOW + 26, "rate_limit", 429, retry_after_s=20.0)
    waiting = await _line(bot, 13, Generated(NOW + 4, (SECRET, SECRET)), Sent(NOW + 5, 905, SECRET), refused)
    return Played(delivered, failed, waiting)


async def _line(bot: Bot, message_id: int, *facts: Fact) -> str:
    await bot.scene.hear(message_id, SECRET)
    line = await (await bot.scene.line()).start(at=NOW)
    for fact in facts:
        await line.tell(fact)
        if line.response.texts:
            await line.keep_intent()
    return line.response.id
