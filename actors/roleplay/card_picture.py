"""The picture that a card brings: its main icon, from the archive or from the JSON itself.

Addresses are never fetched. What is said of a picture that could not be had is a doubt, for a card without its
picture is still a card.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from actors.roleplay import charx

PICTURE_BYTES_MAX: Final = 10 * 1024 * 1024
"""Of an icon; a picture that is larger than Discord takes is made smaller by whoever shows it."""

_EMBEDDED: Final = re.compile(r"^embedd?ed://")
_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_AVATARS: Final = ("avatar_base64", "avatar", "avatar_uri", "image_base64", "image")
"""Where programs without assets keep the picture: as base64, or as a data URI."""

_PICTURE_LETTERS_MIN: Final = 64  # shorter ones are a word such as "none", or a file's name
_STARTS: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM")
_SPACE: Final = re.compile(r"\s+")
_URL_SAFE: Final = str.maketrans("-_", "+/")

Member = Callable[[str], bytes]
"""Reads a file of the card's archive. Raises CharxError."""


def picture_of(
    whole: Mapping[str, Any], fields: Mapping[str, Any], member: Member | None, doubts: list[str]
) -> bytes | None:
    """The bytes of the picture, of whatever format; None, with a doubt where one was meant."""
    found: list[str] = []
    for uri in (*_icons(fields.get("assets")), *_avatars(whole, fields)):
        picture = _read(uri, member, found)
        if picture is not None and is_picture(picture):
            return picture
        if picture is not None:
            found.append("its picture is of a format that cannot be shown: it has none")
    doubts += found[:1]
    return None


def is_picture(data: bytes) -> bool:
    """Whether the bytes begin like a picture that Discord shows, or that can be converted for it."""
    return data.startswith(_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or data[4:8] == b"ftyp"


def _icons(assets: object) -> list[str]:
    """The addresses of the icons, the main one first."""
    icons = [
        asset
        for asset in (assets if isinstance(assets, list) else [])
        if isinstance(asset, dict) and asset.get("type") == "icon" and isinstance(asset.get("uri"), str)
    ]
    icons.sort(key=lambda asset: asset.get("name") != "main")
    return [icon["uri"] for icon in icons]


def _avatars(whole: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    extensions = fields.get("extensions")
    for place in (fields, extensions if isinstance(extensions, dict) else {}, whole):
        for key in _AVATARS:
            value = place.get(key)
            if isinstance(value, str) and (len(value) >= _PICTURE_LETTERS_MIN or _SCHEME.match(value)):
                yield value


def _read(uri: str, member: Member | None, doubts: list[str]) -> bytes | None:
    path = _EMBEDDED.sub("", uri)
    if path != uri:
        return None if member is None else _member(path, member, doubts)
    if uri[:5].lower() == "data:":
        return _decoded(uri.partition(",")[2], doubts)
    if not _SCHEME.match(uri):
        return _decoded(uri, doubts)
    if uri.lower().startswith(("http:", "https:")):
        doubts.append("its picture is on the web and is not fetched: export the card as PNG to have it")
    return None


def _member(path: str, member: Member, doubts: list[str]) -> bytes | None:
    try:
        return member(path)
    except charx.CharxError as error:
        why = "".join(filter(str.isprintable, str(error)))
        doubts.append(f"its picture cannot be read ({why}): it has none")
        return None


def _decoded(text: str, doubts: list[str]) -> bytes | None:
    packed = _SPACE.sub("", text).rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        doubts.append("its picture cannot be read (its base64 is damaged): it has none")
        return None
