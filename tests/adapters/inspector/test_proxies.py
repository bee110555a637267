"""The inspector behind a reverse proxy with a prefix, over real sockets: login, cookie, links, stream, API, gates."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from actors.adapters.inspector import AddressError, Inspector, parse_public_url
from actors.adapters.store import SqlStore
from tests.adapters.inspector.stage import Stage, Stream, serving
from tests.contracts.scene import Scene
from tests.fakes.reverse_proxy import CADDY, NGINX, NGINX_WITHOUT_SLASH, TRAEFIK, Manner, reverse_proxy

NAME = "bots.example.org"
PREFIX = "/tools/ensemble"
TOKEN = "correct-horse"
MANNERS = {"nginx": NGINX, "caddy": CADDY, "nginx, prefix left": NGINX_WITHOUT_SLASH, "traefik": TRAEFIK}
LINK = re.compile(r'(?:href|src)="([^"#]+)"')


class AllHere(AbstractResolver):
    """Every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:  # noqa: ANN401
        address = "127.0.0.1"
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@dataclass
class Browser:
    """What a person has: the public address, and a client that keeps cookies and follows links as browsers do."""

    session: aiohttp.ClientSession
    home: URL
    stage: Stage

    async def get(self, link: str, **headers: str) -> tuple[int, str]:
        """A link on the first page; those that lead out of the prefix reach nobody."""
        async with self.session.get(self.home.join(URL(link)), headers=headers) as answer:
            return answer.status, await answer.text()

    async def log_in(self, at: str = "", token: str = TOKEN) -> tuple[URL, int]:
        """Post the form of the page at `at`; where that leads to."""
        headers = {"Origin": str(self.home.origin()), "Accept": "text/html"}
        url = self.home.join(URL(at))
        async with self.session.post(url, data={"token": token}, headers=headers) as answer:
            return answer.url, answer.status


@asynccontextmanager
async def behind(manner: Manner, store: SqlStore, scene: Scene, prefix: str = PREFIX) -> AsyncIterator[Browser]:
    """An inspector on loopback, and a browser that knows only the proxy before it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    public = parse_public_url(f"http://{NAME}:{port}{prefix}/")
    connector = aiohttp.TCPConnector(resolver=AllHere(), force_close=True)
    async with (
        serving(store, scene, token=TOKEN, public=public) as stage,
        reverse_proxy(stage.inspector.port, prefix, manner, port=port),
        aiohttp.ClientSession(connector=connector) as session,
    ):
        yield Browser(session, URL(f"http://{NAME}:{port}{prefix}/"), stage)


@pytest.fixture(params=list(MANNERS.values()), ids=list(MANNERS))
async def browser(request: pytest.FixtureRequest, store: SqlStore, scene: Scene) -> AsyncIterator[Browser]:
    async with behind(request.param, store, scene) as opened:
        yield opened


async def test_b52_the_form_logs_in_and_leads_back_to_the_page_that_was_asked_for(browser: Browser) -> None:
    for page in ("", "responses/r1?x=1"):
        assert (await browser.get(page, Accept="text/html"))[0] == 401
        assert await browser.log_in(page) == (browser.home.join(URL(page)), 200)
        assert (await browser.get("api/machines"))[0] == 200, "the cookie is sent"
        browser.session.cookie_jar.clear()


async def test_b52_the_cookie_goes_to_the_prefix_and_to_nobody_else_on_that_host(browser: Browser) -> None:
    await browser.log_in()
    jar = browser.session.cookie_jar
    assert [len(jar.filter_cookies(browser.home.join(URL(at)))) for at in ("", "events", "/", "/tools/x")] == [
        1,
        1,
        0,
        0,
    ]


@pytest.mark.parametrize("page", ["", "responses/r1"])
async def test_b52_every_link_of_the_form_and_of_the_page_stays_within_the_prefix(browser: Browser, page: str) -> None:
    for is_in in (False, True):
        if is_in:
            await browser.log_in()
        _, body = await browser.get(page, Accept="text/html")
        links = [browser.home.join(URL(page)).join(URL(link)) for link in LINK.findall(body)]
        assert len(links) > 4
        for link in links:
            async with browser.session.get(link) as answer:
                assert answer.status == 200, link


async def test_b52_the_stream_the_api_and_breakpoints_work_through_it(browser: Browser) -> None:
    await browser.log_in()
    line = await browser.stage.line()
    origin = str(browser.home.origin())
    async with browser.session.get(browser.home.join(URL("events")), headers={"Origin": origin}) as answer:
        stream = Stream(answer)
        assert (await stream.event()).name == "snapshot"
        await line.generate()
        assert (await stream.event()).name == "move"
    body = {"character": "Mira"}
    async with browser.session.post(
        browser.home.join(URL("api/breakpoints")), json=body, headers={"Origin": origin}
    ) as set_:
        assert set_.status == 201, await set_.text()
    status, body_text = await browser.get("api/breakpoints")
    assert status == 200
    assert len(json.loads(body_text)["breakpoints"]) == 1


async def test_b52_a_page_of_another_site_is_refused_through_it(browser: Browser) -> None:
    await browser.log_in()
    for origin in ("https://evil.example", f"https://{NAME}", f"http://{NAME}.evil.example", "null"):
        assert (await browser.get("api/machines", Origin=origin))[0] == 403, origin


async def test_b52_a_wrong_token_is_refused_through_it(browser: Browser) -> None:
    assert (await browser.log_in(token="wrong"))[1] == 401
    assert (await browser.get("api/machines"))[0] == 401


async def test_b52_a_prefix_that_the_proxy_leaves_gets_its_missing_slash(store: SqlStore, scene: Scene) -> None:
    async with behind(TRAEFIK, store, scene) as browser:
        await browser.log_in()
        async with browser.session.get(URL(str(browser.home).rstrip("/"))) as answer:
            assert (answer.url, answer.status) == (browser.home, 200)


async def test_b52_it_works_without_a_prefix_under_a_name_of_its_own(store: SqlStore, scene: Scene) -> None:
    async with behind(CADDY, store, scene, prefix="") as browser:
        assert await browser.log_in() == (browser.home, 200)


async def test_b52_headers_of_strangers_make_no_name_and_no_prefix(store: SqlStore, scene: Scene) -> None:
    forged = {
        "X-Forwarded-Host": NAME,
        "X-Forwarded-Prefix": PREFIX,
        "X-Forwarded-Proto": "https",
        "Forwarded": f"host={NAME}",
    }
    async with serving(store, scene, token=TOKEN) as stage:
        assert (await stage.get("/healthz", Host=NAME, **forged))[0] == 403
        assert (await stage.get(f"{PREFIX}/api/machines", Authorization=f"Bearer {TOKEN}", **forged))[0] == 404
        origin = {"Origin": f"https://{NAME}", **forged}
        async with stage.client.post(stage.url("/"), data={"token": TOKEN}, headers=origin) as answer:
            assert answer.status == 403
            assert "INSPECTOR_URL" in await answer.text()


async def test_b52_beside_the_proxy_it_answers_on_loopback_as_before(store: SqlStore, scene: Scene) -> None:
    public = parse_public_url(f"https://{NAME}{PREFIX}/")
    async with serving(store, scene, token=TOKEN, public=public) as stage:
        assert (await stage.get("/metrics", Authorization=f"Bearer {TOKEN}"))[0] == 404, "nothing is measured here"
        assert [(await stage.get(path))[0] for path in ("/healthz", f"{PREFIX}/healthz")] == [200, 200]
        assert (await stage.get("/healthz", Host="evil.example"))[0] == 403
        for origin, secure in ((f"https://{NAME}", True), (f"http://127.0.0.1:{stage.inspector.port}", False)):
            headers = {"Origin": origin}
            async with stage.client.post(
                stage.url("/"), data={"token": TOKEN}, headers=headers, allow_redirects=False
            ) as answer:
                cookie = answer.headers["Set-Cookie"]
            assert ("Secure" in cookie, f"Path={PREFIX}/" in cookie) == (secure, secure)


@pytest.mark.parametrize(
    ("url", "origin", "prefix"),
    [
        ("https://example.org", "https://example.org", ""),
        ("https://example.org:443/x/", "https://example.org", "/x"),
        ("http://EXAMPLE.org:8080/x/y", "http://example.org:8080", "/x/y"),
        ("http://[::1]:80/", "http://[::1]", ""),
    ],
)
def test_b52_a_public_address_is_read_as_browsers_write_it(url: str, origin: str, prefix: str) -> None:
    found = parse_public_url(url)
    assert (found.origin, found.prefix) == (origin, prefix)


@pytest.mark.parametrize(
    "url",
    [
        *("example.org", "/ensemble", "ftp://example.org", "https://", "https://a:b@example.org/"),
        *("https://example.org/?x=1", "https://example.org/#x", "https://example.org/a b", "https://example.org//x"),
        *("https://example.org/page", "https://example.org/api/x/", "https://example.org:x/", "https://[/"),
    ],
)
def test_b52_what_is_no_public_address_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        parse_public_url(url)


def test_b52_a_public_address_needs_a_token(store: SqlStore) -> None:
    with pytest.raises(AddressError, match="set INSPECTOR_TOKEN"):
        Inspector("127.0.0.1:0", None, journal=store, public=parse_public_url(f"https://{NAME}/"))
