"""Opens the SDK's client for Groq or any other server with OpenAI's chat API.

the address from the settings ─► base_url_of ─► http://localhost:11434/v1 ─┐
/openai/v1/chat/completions (fixed in the SDK) ─► /chat/completions ─┴─► one request
"""

from __future__ import annotations

import ipaddress
from typing import Final

import httpx
from groq import AsyncGroq, DefaultAsyncHttpxClient
from groq._models import FinalRequestOptions  # the type of the SDK's own hook; it has no public name

GROQ_URL: Final = "https://api.groq.com"
SDK_PREFIX: Final = "/openai/v1"
PLACEHOLDER_KEY: Final = "no-key"  # local servers need no key, but the SDK refuses to start without one
CONNECT_TIMEOUT_S: Final = 5.0  # TCP and TLS to a running server take less than 1 s
_ENDPOINT: Final = "/chat/completions"  # people paste the whole address


class Client(AsyncGroq):
    """The SDK's client with the whole path in its base URL; the SDK itself would append `/openai/v1`."""

    async def _prepare_options(self, options: FinalRequestOptions) -> FinalRequestOptions:
        options.url = options.url.removeprefix(SDK_PREFIX)
        return options


def open_client(api_key: str | None, base_url: httpx.URL) -> Client:
    """Build the one client of a process. It has no retries, redirects or total timeout; the caller sets the time limit.

    Raises ValueError for a key that an HTTP header cannot carry.
    """
    key = (api_key or "").strip() or PLACEHOLDER_KEY
    if not (key.isascii() and key.isprintable()):
        raise ValueError("GROQ_API_KEY contains characters that are not allowed in a key. Copy it again.")
    http_client = DefaultAsyncHttpxClient(
        # A proxy for the internet cannot reach servers on this machine.
        trust_env=not is_local(base_url.host),
        # A redirect would be a second request in one attempt, and would forward the key.
        follow_redirects=False,
    )
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
    return Client(api_key=key, base_url=base_url, http_client=http_client, max_retries=0, timeout=timeout)


def base_url_of(written: str | None) -> httpx.URL:
    """Return the base URL for `written`; Groq's own if it is empty.

    An empty path means `/openai/v1` on Groq's host, else `/v1`. Raises ValueError, which says how to fix the address.
    """
    try:
        url = httpx.URL((written or "").strip() or GROQ_URL)
    except httpx.InvalidURL as error:
        raise ValueError(
            f"GROQ_BASE_URL is not an address ({error}). Write it like http://localhost:11434/v1."
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("GROQ_BASE_URL must begin with http:// or https://, like http://localhost:11434/v1.")
    path = url.path.rstrip("/").removesuffix(_ENDPOINT)
    return url.copy_with(path=path or (SDK_PREFIX if is_groq(url) else "/v1"))


def is_groq(url: httpx.URL) -> bool:
    return url.host == "groq.com" or url.host.endswith(".groq.com")


def is_local(host: str) -> bool:
    """Whether `host` is this machine or in its local network: loopback, a private address, a name without a domain."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
