"""Serve the page's files from `page/` without a build step; nothing is loaded from another host."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import Final

FILES: Final = "/page/"
"""Path of the page's files. They need no token, because they hold no data."""

FOLDER: Final = Path(__file__).parent / "page"
KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def index_page(*, is_deep: bool, has_texts: bool, may_log_out: bool) -> str:
    """Return the page; `is_deep` for an address one folder down, `has_texts` if the texts of lines may be read,
    `may_log_out` for a browser that has a cookie.

    Its links are relative, so that it also works under a prefix: the playground serves it at `/inspector/`.
    """
    page = _read("index.html")
    if may_log_out:
        page = page.replace('action="./logout" hidden', 'action="./logout"')
    if is_deep:
        page = page.replace('="./', '="../')
    return page.replace('data-texts="no"', 'data-texts="yes"') if has_texts else page


def login_page(trouble: str, *, depth: int) -> str:
    """Return the form that asks for the token, for an address `depth` folders down; it also works under a prefix."""
    page = _read("login.html").replace('="./', f'="{"../" * depth or "./"}')
    return page.replace('role="alert"></p>', f'role="alert">{escape(trouble)}</p>')


def page_file(name: str) -> tuple[bytes, str] | None:
    """Return (body, type) of a stylesheet, script or picture of the page; None if there is no such file."""
    path = FOLDER / name
    if path.parent != FOLDER or path.suffix not in KINDS or not path.is_file():
        return None
    return path.read_bytes(), KINDS[path.suffix]


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
