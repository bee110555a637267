"""A playground with its small bot, and a headless Chromium that looks at it."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

from actors.adapters.clock import SystemClock
from actors.adapters.store.engine.opening import memory_store
from actors.app.card_shelf import StoreCardShelf
from actors.app.characters import add_shipped
from actors.playground import PlaygroundServer
from tests.patience import PATIENCE_S

from .bot_process import ROOT
from .fake_bot import FakeBot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Seen:
    """What a page must not do: complain on its console, or ask another host."""

    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def watch(self, page: Page, *, own: str) -> None:
        """From now on, of this page; what it asks must begin with `own`, or be its own data."""

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(message.text)

        def on_request(request: Request) -> None:
            if not request.url.startswith((own, "data:", "blob:")):
                self.elsewhere.append(request.url)

        page.on("console", on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", on_request)


Scheme = Literal["light", "dark"]
OpenPage = Callable[..., Awaitable[Page]]
OpenAt = Callable[..., Awaitable[Page]]

WAIT_MS = PATIENCE_S * 1000
"""For whatever a page is to show: a machine may be slow, and a test that passes does not wait for it."""
POLL_S = 0.02
GRAVE = ("serious", "critical")

expect.set_options(timeout=WAIT_MS)


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[PlaygroundServer]:
    store, clock = memory_store(), SystemClock()
    await add_shipped(store, clock)
    async with PlaygroundServer() as server:
        server.card_shelf = StoreCardShelf(store, clock)
        yield server
    await store.aclose()


@pytest.fixture
async def bot(server: PlaygroundServer) -> AsyncIterator[FakeBot]:
    bot = FakeBot(server)
    server.bot_control = bot
    await bot.start()
    await server.gateway.wait_connected()
    yield bot
    await bot.kill()


@pytest.fixture(scope="package")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGS])
        yield browser
        await browser.close()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@dataclass
class Window:
    """A window of the browser, for whoever needs a tab: a window of one's own takes three times as long."""

    context: BrowserContext
    blank: Page
    """Keeps the window open."""

    async def forget(self, page: Page) -> None:
        """Close the tab, and leave nothing of what its host kept."""
        origin = urlsplit(page.url)._replace(path="", query="", fragment="").geturl()
        await page.close()
        session = await self.context.new_cdp_session(self.blank)
        await session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage,cookies"})
        await session.detach()


@pytest.fixture(scope="package")
async def window(browser: Browser) -> Window:
    context = await browser.new_context()
    return Window(context, await context.new_page())


@pytest.fixture
async def open_at(browser: Browser, window: Window, seen: Seen) -> AsyncIterator[OpenAt]:
    """Opens an address; at the end no page may have complained, or asked another host than its own.

    The pages are closed then, and would complain of a server that has ended before: a test whose server ends within
    it closes its page first (`async with`). Who sets the clock, which a window's pages share, opens his page `alone`.
    """
    pages: list[Page] = []

    async def opened(
        url: str, width: int = 1440, height: int = 900, scheme: Scheme = "light", *, alone: bool = False
    ) -> Page:
        page = await (browser if alone else window.context).new_page()
        pages.append(page)
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)
        seen.watch(page, own="/".join(url.split("/")[:3]) + "/")
        page.set_default_timeout(WAIT_MS)
        await page.goto(url)
        return page

    yield opened
    for page in pages:
        await window.forget(page)
    assert (seen.complaints, seen.elsewhere) == ([], [])


@pytest.fixture
async def open_page(server: PlaygroundServer, open_at: OpenAt) -> OpenPage:
    """Opens the playground's page in a window of a given size, as `open_at` does."""

    async def opened(width: int = 1440, height: int = 900, scheme: Scheme = "light", *, alone: bool = False) -> Page:
        page = await open_at(server.page_url, width, height, scheme, alone=alone)
        await page.wait_for_selector("#app.filled")
        return page

    return opened


async def eventually(read: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until what is read is what is wanted: for what `expect` has no words for."""
    until = time.monotonic() + WAIT_MS / 1000
    while (found := await read()) != wanted and time.monotonic() < until:  # noqa: ASYNC110 - pages signal nothing
        await asyncio.sleep(POLL_S)
    assert found == wanted


async def picture(page: Page, name: str) -> None:
    """Take a picture for the documentation, where it was asked for."""
    folder = os.environ.get("PICTURES")
    if folder:
        await page.screenshot(path=ROOT / folder / f"{name}.png")


async def grave_findings(page: Page) -> list[str]:
    """Grave findings of axe. What it finds in order is not told apart, which takes as long again."""
    found = await Axe().run(page, options={"resultTypes": ["violations"]})
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}"
        for each in found.response["violations"]
        if each["impact"] in GRAVE
    ]


async def findings(page: Page) -> list[str]:
    """Grave findings of axe, and how much wider than the window the page is."""
    grave = await grave_findings(page)
    wider = await page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    return grave if wider <= 0 else [*grave, f"{wider} px wider than the window"]
