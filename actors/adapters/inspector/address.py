"""Addresses to serve on: `127.0.0.1:8420`, `[::1]:8420`, `localhost:0`."""

from __future__ import annotations

from ipaddress import ip_address
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
