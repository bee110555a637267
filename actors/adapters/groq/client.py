"""The SDK's client, pointed at Groq or at any other server that speaks OpenAI's chat API.

as people write it ─► base_url_of ─► http://localhost:11434/v1 ─┐
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
PLACEHOLDER_KEY: Final = "no-key"  # local servers want none, and the SDK refuses to start without one
CONNECT_TIMEOUT_S: Final = 5.0  # TCP and TLS to a server that lives take less than one
_ENDPOINT: Final = "/chat/completions"  # people paste the whole address


class Client(AsyncGroq):
    """The SDK's client whose base URL holds the whole path: the SDK would put `/openai/v1` behind it."""

    async def _prepare_options(self, options: FinalRequestOptions) -> FinalRequestOptions:
        options.url = options.url.removeprefix(SDK_PREFIX)
        return options


def open_client(api_key: str | None, base_url: httpx.URL) -> Client:
    """Build the one client of a process. It never retries, redirects or keeps time: its caller does.

    Raises ValueError for a key that no HTTP header can carry.
    """
    key = (api_key or "").strip() or PLACEHOLDER_KEY
    if not (key.isascii() and key.isprintable()):
        raise ValueError("GROQ_API_KEY has characters that no key has. Copy it again.")
    http_client = DefaultAsyncHttpxClient(
        # A proxy set for the internet knows nothing of this machine's servers.
        trust_env=not is_local(base_url.host),
        # A redirect would be a second request of one try, and would carry the key along.
        follow_redirects=False,
    )
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
    return Client(api_key=key, base_url=base_url, http_client=http_client, max_retries=0, timeout=timeout)


def base_url_of(written: str | None) -> httpx.URL:
    """Return the base URL that `written` means; Groq's own for none.

    An empty path means `/openai/v1` on Groq's host, else `/v1`. Raises ValueError with the mend.
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
    """Say whether `host` is this machine or a neighbour of it: loopback, a private address, a bare name."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
