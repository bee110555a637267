"""Who may look, over real sockets: names, pages, tokens and headers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from actors.adapters.inspector import AddressError, Inspector, parse_address
from actors.adapters.inspector.login import COOKIE
from actors.adapters.store import SqlStore
from tests.adapters.inspector.stage import Stage, serving
from tests.contracts.scene import Scene

TOKEN = "correct horse"
PLAYGROUND = "http://127.0.0.1:8400"
API = "/api/machines"


@pytest.fixture
async def guarded(store: SqlStore, scene: Scene) -> AsyncIterator[Stage]:
    async with serving(store, scene, address="0.0.0.0:0", token=TOKEN) as stage:
        yield stage


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost:8420", "[::1]:1", "127.0.0.1:9"])
async def test_loopback_answers_under_its_own_names(stage: Stage, name: str) -> None:
    assert (await stage.get(API, Host=name))[0] == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8420", "[", "0.0.0.0"]
)
async def test_loopback_does_not_answer_under_a_foreign_name(stage: Stage, name: str) -> None:
    for path in (API, "/events", "/readyz"):
        assert (await stage.get(path, Host=name))[0] in (400, 403)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
async def test_a_foreign_page_reads_nothing(stage: Stage, origin: str) -> None:
    status, _, headers = await stage.get(API, Origin=origin)
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


async def test_its_own_page_reads_it(stage: Stage) -> None:
    assert (await stage.get(API, Origin=f"http://127.0.0.1:{stage.inspector.port}"))[0] == 200


async def test_a_page_that_was_let_in_may_read_and_embed_it_and_no_other(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, origins=(PLAYGROUND,)) as stage:
        status, _, headers = await stage.get(API, Origin=PLAYGROUND)
        assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (200, PLAYGROUND, "Origin")
        assert f"frame-ancestors 'self' {PLAYGROUND}" in headers["Content-Security-Policy"]
        async with stage.events(Origin=PLAYGROUND) as stream:
            assert stream.response.headers["Access-Control-Allow-Origin"] == PLAYGROUND
        assert (await stage.get(API, Origin="http://127.0.0.1:8401"))[0] == 403


async def test_every_answer_forbids_what_a_page_does_not_need(stage: Stage) -> None:
    for path in (API, "/api/responses", "/events", "/nowhere", "/healthz", "/api/machines/response.svg"):
        async with stage.client.get(stage.url(path)) as response:
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src ")
            assert ("'unsafe-inline'" in policy) == path.endswith(".svg")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("address", ["0.0.0.0:8420", "192.0.2.1:80", "example.org:80", "[::]:80"])
@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_only_loopback_is_served(address: str, token: str | None, store: SqlStore) -> None:
    with pytest.raises(AddressError, match="set INSPECTOR_TOKEN"):
        Inspector(address, token, journal=store)


@pytest.mark.parametrize(
    "address", ["", "8420", "127.0.0.1", ":80", "127.0.0.1:x", "http://a:1", "a@b:1", "a:1/x", "::1:8"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(AddressError, match="host:port"):
        parse_address(address)


NO_TOKEN = [
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": TOKEN},
    {"Authorization": f"Basic {TOKEN}"},
    {"Cookie": f"{COOKIE}_8420={TOKEN}"},
]


@pytest.mark.parametrize("headers", NO_TOKEN)
async def test_without_the_token_nothing_is_told(guarded: Stage, headers: dict[str, str]) -> None:
    for path in (API, "/events", "/api/responses", "/nowhere", f"{API}?token=wrong"):
        assert (await guarded.get(path, **headers))[0] == 401


async def test_probes_need_no_token(guarded: Stage) -> None:
    assert [(await guarded.get(path))[0] for path in ("/healthz", "/readyz")] == [200, 503]


async def test_a_bearer_is_let_in(guarded: Stage) -> None:
    assert (await guarded.get(API, Authorization=f"Bearer {TOKEN}"))[0] == 200


async def test_a_browser_without_the_token_is_given_a_form_and_its_style(guarded: Stage) -> None:
    for path in ("/", "/responses/r1"):
        status, body, headers = await guarded.get(path, Accept="text/html,*/*;q=0.8")
        assert (status, headers["Content-Type"]) == (401, "text/html; charset=utf-8")
        assert '<form method="post">' in body
        assert "form-action 'self'" in headers["Content-Security-Policy"]
    assert (await guarded.get("/page/base.css"))[0] == 200


async def test_the_form_turns_the_token_into_a_cookie_and_leads_to_the_page_that_was_asked_for(guarded: Stage) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        url = guarded.url("/responses/r1?x=1")
        async with browser.post(url, data={"token": f" {TOKEN} "}, allow_redirects=False) as first:
            assert (first.status, first.headers["Location"]) == (303, "./r1?x=1")
            cookie = first.headers["Set-Cookie"]
        async with browser.get(guarded.url(API)) as second:
            assert second.status == 200
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict"))
    assert TOKEN not in cookie


async def test_two_bots_of_one_machine_are_looked_at_with_one_browser(
    guarded: Stage, store: SqlStore, scene: Scene
) -> None:
    jar = aiohttp.CookieJar(unsafe=True)  # like a browser's, it tells hosts apart and not their ports
    async with serving(store, scene, token="another") as other, aiohttp.ClientSession(cookie_jar=jar) as browser:
        for stage, token in ((guarded, TOKEN), (other, "another")):
            async with browser.post(stage.url("/"), data={"token": token}) as let_in:
                assert let_in.status == 200
        for stage in (guarded, other):
            async with browser.get(stage.url(API)) as answer:
                assert answer.status == 200


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example", "//evil.example?x=1", "/%2F/evil.example"])
async def test_the_form_leads_to_no_other_host(guarded: Stage, path: str) -> None:
    url = URL(guarded.url(path), encoded=True)
    async with guarded.client.post(url, data={"token": TOKEN}, allow_redirects=False) as answer:
        assert answer.status == 303
        assert url.join(URL(answer.headers["Location"], encoded=True)).host == url.host


@pytest.mark.parametrize("fields", [{"token": "wrong"}, {"token": ""}, {}, {"token": "é"}])
async def test_a_wrong_token_is_told_and_sets_no_cookie(guarded: Stage, fields: dict[str, str]) -> None:
    headers = {"Accept": "text/html"}
    async with guarded.client.post(guarded.url("/"), data=fields, headers=headers, allow_redirects=False) as answer:
        assert (answer.status, answer.headers.get("Set-Cookie")) == (401, None)
        assert "That is not the token." in await answer.text()


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "application/x-www-form-urlencoded; charset=nosuch", "text/plain", "image/png"],
)
@pytest.mark.parametrize("body", [b"token=%FF\xff", b"\xff", b"&" * 10_000])
async def test_what_no_form_of_ours_sends_is_no_token_and_no_fault_of_ours(
    guarded: Stage, content_type: str, body: bytes
) -> None:
    headers = {"Content-Type": content_type}
    async with guarded.client.post(guarded.url("/"), data=body, headers=headers) as answer:
        assert answer.status == 401


async def test_the_token_in_an_address_opens_nothing(guarded: Stage) -> None:
    status, _, headers = await guarded.get(f"{API}?token={TOKEN.replace(' ', '%20')}")
    assert (status, headers.get("Set-Cookie")) == (401, None)


async def test_a_form_of_another_page_is_refused(guarded: Stage) -> None:
    headers = {"Origin": "https://evil.example"}
    async with guarded.client.post(guarded.url("/"), data={"token": TOKEN}, headers=headers) as answer:
        assert answer.status == 403


async def test_another_origin_is_refused_even_with_the_token(guarded: Stage) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example"}
    assert (await guarded.get(API, **headers))[0] == 403
