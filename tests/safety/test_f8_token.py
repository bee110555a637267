"""F8: the inspector's token is long, and guesses at it are slow and told of once."""

from __future__ import annotations

import pytest

from actors.adapters.inspector.guesses import ADDRESSES_MAX, FREE, PAUSE_MAX_S, Guesses
from actors.app.settings import SettingsError, load
from tests.safety.inspector_place import BEARER, TOKEN, Clock, Told, inspecting

API = "/api/machines"
WRONG = {"Authorization": "Bearer wrong"}


@pytest.mark.parametrize("token", ["a", "123456789012345"])
def test_f8_a_short_token_is_refused_with_the_way_to_make_one(token: str) -> None:
    with pytest.raises(SettingsError, match=r"^INSPECTOR_TOKEN: it has fewer than 16 characters; make one: python -c"):
        load(_env_file=None, inspector_token=token)


def test_f8_a_token_of_16_characters_is_taken() -> None:
    assert load(_env_file=None, inspector_token="1234567890123456").inspector_token is not None


async def test_f8_after_wrong_tokens_an_address_waits_and_the_log_says_it_once() -> None:
    clock, told = Clock(), Told()
    async with inspecting(token=TOKEN, now=clock, log=told) as stage:
        assert [(await stage.get(API, **WRONG))[0] for _ in range(FREE)] == [401] * FREE
        status, words, headers = await stage.get(API, **BEARER)
        assert (status, words, headers["Retry-After"]) == (429, "Too many wrong tokens. Try again in 1 s.\n", "1")
        form = await stage.client.post(stage.url("/"), data={"token": "wrong"})
        assert form.status == 429
        clock.at += 1
        assert (await stage.get(API, **BEARER))[0] == 200
        assert (await stage.get(API, **WRONG))[0] == 401
        assert (await stage.get(API, **WRONG))[2]["Retry-After"] == "2"
        assert told.lines == ["The inspector got a wrong token from 127.0.0.1."]
        clock.at += 61
        await stage.get(API, **WRONG)
        assert told.lines[1:] == [
            f"The inspector got a wrong token from 127.0.0.1 ({FREE} more since the last such line)."
        ]
        assert "wrong" not in "".join(told.lines).replace("a wrong token", "")


async def test_f8_who_is_logged_in_does_not_notice_another_s_guesses() -> None:
    async with inspecting(token=TOKEN, now=Clock()) as stage:
        async with stage.client.post(stage.url("/"), data={"token": TOKEN}, allow_redirects=False) as answer:
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        for _ in range(FREE + 3):
            await stage.get(API, **WRONG)
        assert (await stage.get(API, Cookie=cookie))[0] == 200


async def test_f8_asking_without_a_token_is_no_guess() -> None:
    async with inspecting(token=TOKEN, now=Clock()) as stage:
        for headers in ({}, {"Cookie": f"ensemble_inspector_{stage.inspector.port}=old"}) * FREE:
            assert (await stage.get(API, **headers))[0] == 401
        assert (await stage.get(API, **BEARER))[0] == 200


def test_f8_an_hour_of_guesses_is_some_seventy() -> None:
    clock = Clock(0.0)
    guesses, tried = Guesses(clock), 0
    while clock.at < 3600:
        if guesses.wait_s("192.0.2.1") > 0:
            clock.at += 0.01
        else:
            guesses.note("192.0.2.1")
            tried += 1
    assert tried <= FREE + 6 + 3600 / PAUSE_MAX_S


def test_f8_addresses_without_end_are_forgotten() -> None:
    guesses = Guesses(Clock())
    for n in range(ADDRESSES_MAX + 50):
        for _ in range(FREE):
            guesses.note(f"address {n}")
    assert guesses.wait_s("address 0") == 0
    assert guesses.wait_s(f"address {ADDRESSES_MAX + 49}") > 0
    assert len(guesses._wrong) == ADDRESSES_MAX
