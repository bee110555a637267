"""F14: the inspector's cookie is a random id that ends: after half a day, at a logout, and with the process."""

from __future__ import annotations

import pytest

from actors.adapters.inspector.address import parse_public_url
from actors.adapters.inspector.logins import LIFETIME_S, LOGINS_MAX, Logins
from tests.adapters.inspector.stage import Stage
from tests.safety.inspector_place import BEARER, TOKEN, Clock, inspecting

API = "/api/machines"


async def logged_in(stage: Stage, **headers: str) -> tuple[str, str]:
    """(cookie, whole Set-Cookie)."""
    url, form = stage.url("/"), {"token": TOKEN}
    async with stage.client.post(url, data=form, headers=headers, allow_redirects=False) as answer:
        whole = answer.headers["Set-Cookie"]
    return whole.partition(";")[0], whole


async def test_f14_the_cookie_ends_after_half_a_day() -> None:
    clock = Clock()
    async with inspecting(token=TOKEN, now=clock) as stage:
        cookie, whole = await logged_in(stage)
        assert f"Max-Age={LIFETIME_S:.0f}" in whole
        assert (await stage.get(API, Cookie=cookie))[0] == 200
        clock.at += LIFETIME_S + 1
        assert (await stage.get(API, Cookie=cookie))[0] == 401


async def test_f14_two_logins_have_two_ids_and_neither_tells_the_token() -> None:
    async with inspecting(token=TOKEN) as stage:
        first, second = [(await logged_in(stage))[0] for _ in range(2)]
        assert first != second
        assert first.partition("=")[0] == f"ensemble_inspector_{stage.inspector.port}"


async def test_f14_a_logout_ends_one_login_and_leads_to_the_form() -> None:
    async with inspecting(token=TOKEN) as stage:
        first, second = [(await logged_in(stage))[0] for _ in range(2)]
        page = (await stage.get("/", Cookie=first, Accept="text/html"))[1]
        assert '<form method="post" action="./logout">' in page
        url, headers = stage.url("/logout"), {"Cookie": first}
        async with stage.client.post(url, data={}, headers=headers, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "./")
            assert "Max-Age=0" in answer.headers["Set-Cookie"]
        assert (await stage.get("/", Cookie=first, Accept="text/html"))[0] == 401
        assert (await stage.get(API, Cookie=second))[0] == 200


async def test_f14_without_a_cookie_no_logout_is_offered() -> None:
    async with inspecting(token=TOKEN) as stage:
        page = (await stage.get("/responses/r", **BEARER))[1]
        assert '<form method="post" action="../logout" hidden>' in page


async def test_f14_another_sites_page_logs_nobody_out() -> None:
    async with inspecting(token=TOKEN) as stage:
        cookie, _ = await logged_in(stage)
        headers = {"Cookie": cookie, "Origin": "https://evil.example"}
        async with stage.client.post(stage.url("/logout"), data={}, headers=headers) as answer:
            assert answer.status == 403
        assert (await stage.get(API, Cookie=cookie))[0] == 200


async def test_f14_a_restart_ends_every_login() -> None:
    async with inspecting(token=TOKEN) as stage:
        cookie, _ = await logged_in(stage)
    async with inspecting(token=TOKEN) as again:
        renamed = f"ensemble_inspector_{again.inspector.port}={cookie.partition('=')[2]}"
        assert (await again.get(API, Cookie=renamed))[0] == 401


async def test_f14_behind_a_proxy_the_cookie_is_for_the_prefix_and_https_alone() -> None:
    public = parse_public_url("https://example.org/ensemble/")
    async with inspecting(token=TOKEN, public=public) as stage:
        _, whole = await logged_in(stage, Origin="https://example.org", Host="example.org")
        assert all(word in whole for word in ("Path=/ensemble/", "Secure", "HttpOnly", "SameSite=Strict"))


def test_f14_logins_without_end_are_forgotten_oldest_first() -> None:
    logins = Logins(Clock())
    ids = [logins.begin() for _ in range(LOGINS_MAX + 1)]
    assert [logins.is_known(each) for each in ids] == [False] + [True] * LOGINS_MAX


@pytest.mark.parametrize("given", ["", "x", "é"])
def test_f14_an_unknown_id_is_nobodys(given: str) -> None:
    assert not Logins(Clock()).is_known(given)
