"""The page's files, as they lie in `page/`: no build step, nothing from another host."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import Final

FILES: Final = "/page/"
"""Where the page's own files are served: they hold nothing of anybody, so no token is asked for them."""

FOLDER: Final = Path(__file__).parent / "page"
KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def index_page(*, is_deep: bool, has_texts: bool) -> str:
    """The page; `is_deep` for an address one folder down, `has_texts` where the texts of lines may be read.

    Its links are relative, so that it works under a prefix as well: the playground serves it at `/inspector/`.
    """
    page = _read("index.html")
    if is_deep:
        page = page.replace('="./', '="../')
    return page.replace('data-texts="no"', 'data-texts="yes"') if has_texts else page


def login_page(trouble: str, *, depth: int) -> str:
    """The form that asks for the token, at an address `depth` folders down; it works under a prefix as well."""
    page = _read("login.html").replace('="./', f'="{"../" * depth or "./"}')
    return page.replace('role="alert"></p>', f'role="alert">{escape(trouble)}</p>')


def page_file(name: str) -> tuple[bytes, str] | None:
    """(body, type) of a stylesheet, a script or a picture of the page; None where there is none."""
    path = FOLDER / name
    if path.parent != FOLDER or path.suffix not in KINDS or not path.is_file():
        return None
    return path.read_bytes(), KINDS[path.suffix]


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
