"""Addresses to serve on (`127.0.0.1:8420`, `[::1]:8420`, `localhost:0`), and the one that a proxy makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit


class AddressError(ValueError):
    """No address that can be served on; the words say how to write one."""


def parse_address(address: str) -> tuple[str, int]:
    """(host, port); port 0 picks one. Raises AddressError."""
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.netloc != address or "@" in address:
        raise AddressError("write it as host:port, like 127.0.0.1:8420")
    return host, port


PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
"""Folders as every proxy and every browser writes them, so that nobody has to decode them."""

OWN: Final = frozenset({"api", "events", "healthz", "metrics", "page", "readyz", "responses"})
"""Under such a prefix nobody could tell a page of the inspector's from one of its open files."""


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """Where people reach the inspector through a proxy: `https://example.org/ensemble/`."""

    origin: str
    """As browsers write it."""

    host: str
    prefix: str
    """`/ensemble`, or nothing."""

    is_https: bool


def parse_public_url(url: str) -> PublicUrl:
    """Raises AddressError for what is no address of a page."""
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
"""Which browsers leave out of an Origin."""


def is_loopback(host: str) -> bool:
    """Whether `host` (a name, or an address without brackets) is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(authority: str) -> str | None:
    """The host in a Host header; None where it is none."""
    try:
        return urlsplit(f"//{authority}").hostname
    except ValueError:
        return None
