"""Character cards: Tavern V1, V2 and V3, from JSON, PNG and CHARX files.

    bytes ─► PNG text chunk / card.json / the file itself ─► JSON text ─► Card
                                                              └── kept whole in `Card.raw`

Cards come from strangers. Every size is limited, and whatever is wrong with the bytes ends as one CardError.
Sources: Character Card V2 and V3 specifications; where they set no limit, ours is a named constant here.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.roleplay import charx, png

FILE_BYTES_MAX = 10 * 1024 * 1024  # the largest upload that every Discord user may make
JSON_BYTES_MAX = 4 * 1024 * 1024  # the largest lorebooks in use are near 2 MB
FIELD_BYTES_MAX = 100 * 1024  # more than any model here reads at once
LIST_ITEMS_MAX = 200  # tags and greetings are read by people
LABEL_MAX = 100  # of a file's name in an error; names are strangers' text as well
_BASE64_BYTES_MAX = JSON_BYTES_MAX * 4 // 3 + 4096  # base64 of the JSON, with line breaks

_KEYWORDS = ("ccv3", "chara")  # the first wins
_ASSET_KEYWORD = "chara-ext-asset_:"
_EXPORT_AGAIN = "Export it again from the program that made it, as PNG or JSON."
_PICTURE_STARTS = (png.SIGNATURE, b"\xff\xd8\xff", b"GIF8", b"RIFF")  # what Discord takes as an avatar
_V1_NAMES = {  # what the oldest writers called them
    "name": "char_name",
    "description": "char_persona",
    "scenario": "world_scenario",
    "first_mes": "char_greeting",
    "mes_example": "example_dialogue",
}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # no database and no UTF-8 takes these
_SPACE = re.compile(rb"\s+")


class CardError(ValueError):
    """A file that cannot be used as a card. The message is for the user: what is wrong, and the mend."""


@dataclass(frozen=True, slots=True)
class Card:
    """A character as its author wrote it; texts still hold their macros.

    `raw` is the JSON text as it was found: unknown extensions and the lorebook survive an export.
    """

    name: str
    nickname: str
    description: str
    personality: str
    scenario: str
    first_mes: str
    mes_example: str
    system_prompt: str
    post_history_instructions: str
    alternate_greetings: tuple[str, ...]
    group_only_greetings: tuple[str, ...]
    creator: str
    creator_notes: str
    character_version: str
    tags: tuple[str, ...]
    talkativeness: float | None
    raw: str

    @property
    def spoken_name(self) -> str:
        """What `{{char}}` stands for: the nickname if there is one."""
        return self.nickname or self.name


def read_card(data: bytes, filename_hint: str = "") -> tuple[Card, bytes | None]:
    """Return the card in a .json, .png or .charx file, and its picture. Raises CardError, nothing else.

    The file's kind is told from its bytes; `filename_hint` only names it in the error.
    The picture is the PNG without its card, or the main icon embedded in the card.
    """
    label = "".join(filter(str.isprintable, filename_hint))[:LABEL_MAX].strip() or "The file"
    try:
        return _read(data)
    except _UnreadableError as error:
        raise CardError(f"{label} is not a Tavern card: {error} {error.mend}") from error


class _UnreadableError(ValueError):
    """One clear clause about what is wrong, and the mend."""

    def __init__(self, clause: str, mend: str = _EXPORT_AGAIN) -> None:
        super().__init__(f"{clause}.")
        self.mend = mend


def _read(data: bytes) -> tuple[Card, bytes | None]:
    if len(data) > FILE_BYTES_MAX:
        raise _too_large("it", FILE_BYTES_MAX, "Export it again with a smaller picture.")
    if data.startswith(png.SIGNATURE):
        try:
            return _parse(_json_in_png(data))[0], png.without_text(data, _is_card_text)
        except png.PngError as error:
            raise _UnreadableError(str(error)) from error
    if charx.is_charx(data):
        return _read_charx(data)
    card, assets = _parse(data)
    return card, _icon(_embedded(assets, None))


def _read_charx(data: bytes) -> tuple[Card, bytes | None]:
    try:
        card, assets = _parse(charx.member(data, "card.json", bytes_max=JSON_BYTES_MAX))
    except charx.CharxError as error:
        raise _UnreadableError(str(error)) from error
    return card, _icon(_embedded(assets, data))


def _json_in_png(data: bytes) -> bytes:
    found: dict[str, png.Chunk] = {}
    for chunk in png.chunks(data):
        found.setdefault(png.keyword(chunk) or "", chunk)
    for keyword in _KEYWORDS:
        if keyword in found:
            return _from_base64(png.text(found[keyword], bytes_max=_BASE64_BYTES_MAX))
    raise _UnreadableError("no 'chara' text in the PNG", "Many sites strip it: download the original card again.")


def _from_base64(text: bytes) -> bytes:
    packed = _SPACE.sub(b"", text)
    if packed.startswith(b"{"):  # some writers leave out the base64
        return text
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error as error:
        raise _UnreadableError("its base64 text is damaged") from error


def _is_card_text(keyword: str) -> bool:
    return keyword in _KEYWORDS or keyword.startswith(_ASSET_KEYWORD)


# The JSON of a card


def _parse(data: bytes) -> tuple[Card, object]:
    """Return the card in JSON bytes, and its `assets` as they stand there."""
    raw, whole = _load(data)
    fields = _fields(whole)
    return _card(fields, raw), fields.get("assets")


def _card(fields: Mapping[str, Any], raw: str) -> Card:
    name = _text(fields, "name").strip()
    if not name:
        raise _UnreadableError("it has no name", "Write one into its 'name' field.")
    return Card(
        name=name,
        nickname=_text(fields, "nickname").strip(),
        description=_text(fields, "description"),
        personality=_text(fields, "personality"),
        scenario=_text(fields, "scenario"),
        first_mes=_text(fields, "first_mes"),
        mes_example=_text(fields, "mes_example"),
        system_prompt=_text(fields, "system_prompt"),
        post_history_instructions=_text(fields, "post_history_instructions"),
        alternate_greetings=_texts(fields, "alternate_greetings"),
        group_only_greetings=_texts(fields, "group_only_greetings"),
        creator=_text(fields, "creator"),
        creator_notes=_text(fields, "creator_notes"),
        character_version=_text(fields, "character_version"),
        tags=_texts(fields, "tags"),
        talkativeness=_talkativeness(fields),
        raw=raw,
    )


def _load(data: bytes) -> tuple[str, dict[str, Any]]:
    if len(data) > JSON_BYTES_MAX:
        raise _too_large("its JSON", JSON_BYTES_MAX, "Take entries out of its lorebook.")
    try:
        raw = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableError("its text is not UTF-8") from error
    try:
        whole = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    except _UnreadableError:
        raise
    except (ValueError, RecursionError) as error:
        raise _UnreadableError("it is neither a PNG, a CHARX nor valid JSON") from error
    if not isinstance(whole, dict):
        raise _UnreadableError("its JSON is not an object")
    return raw, whole


def _refuse_constant(constant: str) -> None:
    """Refuse NaN and Infinity, which Python reads and no other reader of our exports would."""
    raise ValueError(constant)


def _finite(number: str) -> float:
    """Refuse 1e999, which Python reads as Infinity and would then write as such."""
    value = float(number)
    if math.isinf(value):
        raise _UnreadableError("it holds a number too large to be kept", "Correct that number.")
    return value


def _fields(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the object that holds the fields: `data` since V2, everything in V1."""
    data = whole.get("data")
    if isinstance(data, dict):
        return data
    if "spec" in whole:
        raise _UnreadableError("its 'data' is missing")
    return whole | {name: whole[old] for name, old in _V1_NAMES.items() if old in whole and name not in whole}


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if isinstance(value, int | float) and key == "character_version":
        return str(value)  # often written as a bare number
    return _checked("" if value is None else value, key)


def _texts(fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = fields.get(key)
    if values is None:
        return ()
    if not isinstance(values, list):
        raise _UnreadableError(f"its '{key}' is not a list")
    if len(values) > LIST_ITEMS_MAX:
        raise _UnreadableError(f"its '{key}' has more than {LIST_ITEMS_MAX} entries", "Remove some.")
    return tuple(_checked(value, key) for value in values)


def _checked(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise _UnreadableError(f"its '{key}' is not text")
    clean = _UNSTORABLE.sub("", value).replace("\r\n", "\n")
    if len(clean.encode()) > FIELD_BYTES_MAX:
        raise _too_large(f"its '{key}'", FIELD_BYTES_MAX, "Shorten it.")
    return clean


def _talkativeness(fields: Mapping[str, Any]) -> float | None:
    """Return SillyTavern's 0 (shy) to 1 (chatty), or None when it is absent or unreadable."""
    extensions = fields.get("extensions")
    value = extensions.get("talkativeness") if isinstance(extensions, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= 1 else None


def _too_large(what: str, bytes_max: int, mend: str) -> _UnreadableError:
    size = f"{bytes_max // 1024**2} MB" if bytes_max >= 1024**2 else f"{bytes_max // 1024} KB"
    return _UnreadableError(f"{what} is larger than {size}", mend)


# The picture


def _embedded(assets: object, archive: bytes | None) -> bytes | None:
    """Return the bytes of the main icon if the file carries them; addresses are never fetched."""
    uri = _icon_uri(assets)
    if uri.startswith("data:"):
        try:
            return base64.b64decode(uri.partition(",")[2], validate=True)
        except ValueError:
            return None
    path = re.sub(r"^embedd?ed://", "", uri)
    if archive is None or path == uri:
        return None
    try:
        return charx.member(archive, path, bytes_max=FILE_BYTES_MAX)
    except charx.CharxError:
        return None  # a card without its picture is still a card


def _icon_uri(assets: object) -> str:
    icons = [
        asset
        for asset in (assets if isinstance(assets, list) else [])
        if isinstance(asset, dict) and asset.get("type") == "icon" and isinstance(asset.get("uri"), str)
    ]
    icons.sort(key=lambda asset: asset.get("name") != "main")
    return icons[0]["uri"] if icons else ""


def _icon(picture: bytes | None) -> bytes | None:
    return picture if picture is not None and picture.startswith(_PICTURE_STARTS) else None


# Writing


def write_png(card_json: str, picture: bytes) -> bytes:
    """Return the PNG `picture` with the card in it, as V2 and as V3; cards that were in it are gone.

    `card_json` is the JSON text of any version (`Card.raw`). Raises CardError.
    """
    try:
        return png.with_text(picture, _chunks_for(card_json), _is_card_text)
    except png.PngError as error:
        raise CardError(f"The picture cannot hold a card: {error}. Give a PNG picture.") from error
    except _UnreadableError as error:
        raise CardError(f"The card cannot be written: {error} {error.mend}") from error


def _chunks_for(card_json: str) -> dict[str, bytes]:
    data = card_json.encode("utf-8", "surrogatepass")
    _parse(data)
    _, whole = _load(data)
    fields = {**_EMPTY, **_fields(whole)}
    kept = {key: value for key, value in whole.items() if key not in fields} if "data" in whole else {}
    return {
        "chara": _packed({**kept, "spec": "chara_card_v2", "spec_version": "2.0", "data": fields}),
        "ccv3": _packed({**kept, "spec": "chara_card_v3", "spec_version": "3.0", "data": fields}),
    }


def _packed(card: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64encode(json.dumps(card).encode())
    except RecursionError as error:
        raise _UnreadableError("its JSON is nested too deep") from error


_TEXT_FIELDS = (
    "name",
    "description",
    "personality",
    "scenario",
    "first_mes",
    "mes_example",
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
)
_LIST_FIELDS = ("alternate_greetings", "group_only_greetings", "tags")
_EMPTY: Mapping[str, Any] = {  # the fields that V2 and V3 require, for cards older than those
    **dict.fromkeys(_TEXT_FIELDS, ""),
    **{key: [] for key in _LIST_FIELDS},
    "extensions": {},
}
