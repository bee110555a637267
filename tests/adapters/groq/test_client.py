"""Addresses as people write them, and what goes to Groq itself."""

import httpx
import pytest

from actors.adapters.groq import base_url_of
from actors.adapters.groq.client import is_groq, is_local
from actors.adapters.groq.headers import seconds


@pytest.mark.parametrize(
    ("written", "url"),
    [
        (None, "https://api.groq.com/openai/v1"),
        (" ", "https://api.groq.com/openai/v1"),
        ("https://api.groq.com/", "https://api.groq.com/openai/v1"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1"),
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/chat/completions", "http://localhost:11434/v1"),
        ("https://example.com/api/v1", "https://example.com/api/v1"),
    ],
)
def test_an_address_is_taken_as_people_write_it(written: str | None, url: str) -> None:
    assert str(base_url_of(written)) == url


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "192.168.1.4", "ollama", "box.local", "a.localhost"])
def test_this_machine_and_its_neighbours_are_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["api.groq.com", "8.8.8.8", "example.com"])
def test_the_internet_is_not_local(host: str) -> None:
    assert not is_local(host)


@pytest.mark.parametrize(("url", "expected"), [("https://api.groq.com", True), ("https://notgroq.com", False)])
def test_groq_is_known_by_its_domain(url: str, expected: bool) -> None:
    assert is_groq(httpx.URL(url)) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("7", 7), ("0.5", 0.5), ("7.66s", 7.66), ("2m59.5s", 179.5), ("1h0m5s", 3605), ("120ms", 0.12), ("1m", 60)],
)
def test_waits_are_read_as_seconds_and_as_go_durations(written: str, expected: float) -> None:
    assert seconds(written) == pytest.approx(expected)


@pytest.mark.parametrize("written", [None, "", "nan", "inf", "-1", "1e9", "5 minutes", "s", "Wed, 21 Oct 2026"])
def test_anything_else_is_no_wait(written: str | None) -> None:
    assert seconds(written) is None
