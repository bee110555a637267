"""The card in a PNG's texts, of which there may be two: V3's `ccv3` and the older `chara`.

Programs that know V3 write both alike. One that knows only V2 changes `chara` and leaves `ccv3` as it was; a
damaged text says nothing. So the one that is good and newer is taken, and a doubt names both.
"""

import base64
import binascii
import re
from dataclasses import replace
from typing import Final

from actors.roleplay import png
from actors.roleplay.card_fields import JSON_BYTES_MAX, UnreadableError
from actors.roleplay.card_found import FoundCard, parsed

V3: Final = "ccv3"
V2: Final = "chara"
PLACES: Final = (V3, V2)
_LOREBOOK: Final = "naidata"
_ASSET: Final = "chara-ext-asset_:"
_BASE64_BYTES_MAX: Final = JSON_BYTES_MAX * 4 // 3 + 4096  # base64 of the JSON, with line breaks
_SPACE: Final = re.compile(rb"\s+")
_COMPARED: Final = (
    *("name", "description", "personality", "scenario", "first_mes", "mes_example"),
    *("system_prompt", "post_history_instructions", "alternate_greetings"),
)
"""Where these are the same, both texts are one character; V3 has more fields than V2."""

_SAID: Final = ("description", "personality", "scenario", "mes_example")
_STRIPPED: Final = "Many sites strip it: download the original card again."
_NO_CHARACTER: Final = "A lorebook is no character: export the character itself as PNG or JSON."

Damage = UnreadableError | png.PngError


def is_card_text(keyword: str) -> bool:
    """Whether a PNG's text of this keyword belongs to a card."""
    return keyword in PLACES or keyword.startswith(_ASSET)


def found_in_png(data: bytes) -> FoundCard:
    """The card in a PNG. Raises UnreadableError and PngError."""
    found: dict[str, FoundCard] = {}
    damaged: dict[str, Damage] = {}
    for chunk in png.chunks(data):
        place = png.keyword(chunk) or ""
        if place in PLACES and place not in found:
            read = _read(place, chunk)
            if isinstance(read, FoundCard):
                found[place] = read
            else:
                damaged.setdefault(place, read)
        elif place == _LOREBOOK:
            damaged[place] = UnreadableError("it is a lorebook (world info) of NovelAI", _NO_CHARACTER)
    if not found:
        raise next(iter(damaged.values()), UnreadableError("no 'chara' text in the PNG", _STRIPPED))
    return _chosen(found, {place: error for place, error in damaged.items() if place not in found})


def _read(place: str, chunk: png.Chunk) -> FoundCard | Damage:
    try:
        return parsed(place, _from_base64(png.text(chunk, bytes_max=_BASE64_BYTES_MAX)))
    except (UnreadableError, png.PngError) as error:
        return error


def _from_base64(text: bytes) -> bytes:
    packed = _SPACE.sub(b"", text)
    if packed.startswith(b"{"):  # some writers leave out the base64
        return text
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error as error:
        raise UnreadableError("its base64 text is damaged") from error


def _chosen(found: dict[str, FoundCard], damaged: dict[str, Damage]) -> FoundCard:
    newer = found.get(V3) or found[V2]
    doubts = [_damage(place, error, newer) for place, error in damaged.items() if place in PLACES]
    if len(found) == len(PLACES):
        newer = _newer(found[V3], found[V2])
        doubts += _difference(newer, found[V2 if newer.place == V3 else V3])
    return replace(newer, doubts=(*newer.doubts, *doubts))


def _newer(v3: FoundCard, v2: FoundCard) -> FoundCard:
    """The older form where it differs: V3's is what a program without V3 left as it was. Unless it is only a stub."""
    dates = [each.fields.get("modification_date") for each in (v3, v2)]
    if all(isinstance(date, int) for date in dates) and dates[0] != dates[1]:
        return v3 if dates[0] > dates[1] else v2  # type: ignore[operator]
    says_something = any(v2.fields.get(key) for key in _SAID)
    return v2 if _differing(v3, v2) and says_something else v3


def _differing(one: FoundCard, other: FoundCard) -> list[str]:
    return [key for key in _COMPARED if (one.fields.get(key) or None) != (other.fields.get(key) or None)]


def _difference(newer: FoundCard, older: FoundCard) -> list[str]:
    keys = _differing(newer, older)
    if not keys:
        return []
    return [
        f"it holds two cards, which differ in {', '.join(keys)}: {_name(newer)} in its '{newer.place}' text was taken, "
        f"{_name(older)} in its '{older.place}' text was not; if that is the newer one, save the card again in the "
        "program that made it"
    ]


def _damage(place: str, error: Damage, newer: FoundCard) -> str:
    why = str(error).rstrip(".")
    return f"its '{place}' text cannot be used ({why}): {_name(newer)} in its '{newer.place}' text was taken"


def _name(card: FoundCard) -> str:
    name = card.fields.get("name")
    return repr("".join(filter(str.isprintable, str(name or "a card without a name")))[:80])
