"""Parse the address to listen on (`127.0.0.1:8420`, `[::1]:8420`, `localhost:0`) and the public URL behind a proxy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit


class AddressError(ValueError):
    """The address is invalid; the words say how to write one."""


def parse_address(address: str) -> tuple[str, int]:
    """Return (host, port); port 0 means any free port. Raises AddressError."""
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.netloc != address or "@" in address:
        raise AddressError("write it as host:port, like 127.0.0.1:8420")
    return host, port


PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
"""Folders in characters that no proxy or browser percent-encodes, so that the path needs no decoding."""

OWN: Final = frozenset({"api", "events", "healthz", "metrics", "page", "readyz", "responses"})
"""The inspector's own folders: a prefix with such a name would make its pages ambiguous."""


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """The address of the inspector behind a proxy, such as `https://example.org/ensemble/`."""

    origin: str
    """As browsers send it in the Origin header."""

    host: str
    prefix: str
    """`/ensemble`, or empty."""

    is_https: bool


def parse_public_url(url: str) -> PublicUrl:
    """Parse the address that people open. Raises AddressError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    prefix = parts.path.rstrip("/")
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc) and url.isascii()
    if parts.scheme not in DEFAULT_PORTS or not host or not is_plain or not PREFIX.fullmatch(prefix):
        raise AddressError("write the address that people open, like https://example.org/ensemble/")
    if prefix.partition("/")[2].partition("/")[0] in OWN:
        raise AddressError(f"{prefix} is a folder of the inspector's own: let the proxy serve it under another one")
    named = f"[{host}]" if ":" in host else host
    shown_port = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return PublicUrl(f"{parts.scheme}://{named}{shown_port}", host, prefix, parts.scheme == "https")


DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""Ports that browsers leave out of an Origin."""


def is_loopback(host: str) -> bool:
    """Return whether `host` (a name, or an address without brackets) is a loopback address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(authority: str) -> str | None:
    """Return the host in a Host header; None if the header is malformed."""
    try:
        return urlsplit(f"//{authority}").hostname
    except ValueError:
        return None
