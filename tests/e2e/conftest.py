"""A playground with its small bot, and a headless Chromium that looks at it."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

from actors.adapters.clock import SystemClock
from actors.adapters.store.opening import memory_store
from actors.app.card_shelf import StoreCardShelf
from actors.app.characters import add_shipped
from actors.playground import PlaygroundServer

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


OpenPage = Callable[..., Awaitable[Page]]
OpenAt = Callable[..., Awaitable[Page]]

WAIT_MS = 30_000
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Of module scope, since one browser serves all tests: starting one takes seconds."""
    return "asyncio"


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


@pytest.fixture(scope="module")
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


@pytest.fixture
async def open_page(browser: Browser, server: PlaygroundServer, seen: Seen) -> AsyncIterator[OpenPage]:
    """Opens the page in a window of a given size; at the end it must have kept to itself, without complaint."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.complaints.append(message.text)

    def on_request(request: Request) -> None:
        if not request.url.startswith((server.url + "/", "data:", "blob:")):
            seen.elsewhere.append(request.url)

    async def opened(width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        size = {"width": width, "height": height}
        context = await browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        page = await context.new_page()
        page.on("console", on_console)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", on_request)
        page.set_default_timeout(5000)
        await page.goto(server.url + "/")
        await page.wait_for_selector("#app.filled")
        return page

    yield opened
    assert (seen.complaints, seen.elsewhere) == ([], [])


@pytest.fixture
async def open_at(browser: Browser, seen: Seen) -> AsyncIterator[OpenAt]:
    """Opens an address; at the end no page may have complained, or asked another host than its own."""

    async def opened(url: str, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        size = {"width": width, "height": height}
        context = await browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        page = await context.new_page()
        origin = "/".join(url.split("/")[:3]) + "/"
        page.on(
            "console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(origin) else seen.elsewhere.append(asked.url))
        page.set_default_timeout(WAIT_MS)
        await page.goto(url)
        return page

    yield opened
    assert (seen.complaints, seen.elsewhere) == ([], [])


async def picture(page: Page, name: str) -> None:
    """Take a picture for the documentation, where it was asked for."""
    folder = os.environ.get("PICTURES")
    if folder:
        await page.screenshot(path=ROOT / folder / f"{name}.png")


async def findings(page: Page) -> list[str]:
    """Grave findings of axe, and how much wider than the window the page is."""
    found = await Axe().run(page)
    grave = [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}"
        for each in found.response["violations"]
        if each["impact"] in GRAVE
    ]
    wider = await page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    return grave if wider <= 0 else [*grave, f"{wider} px wider than the window"]
