"""Writes a card into a PNG picture, as V2 and as V3."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from actors.roleplay import png
from actors.roleplay.card import CardError, read_card
from actors.roleplay.card_fields import LIST_FIELDS, TEXT_FIELDS, UnreadableError
from actors.roleplay.card_found import parsed
from actors.roleplay.card_in_png import is_card_text


def write_png(card_json: str, picture: bytes) -> bytes:
    """Return the PNG `picture` with the card in it, as V2 and as V3; cards that were in it are gone.

    `card_json` is the JSON text of any version (`Card.raw`). Raises CardError.
    """
    try:
        return png.with_text(picture, _chunks_for(card_json), is_card_text)
    except png.PngError as error:
        raise CardError(f"The picture cannot hold a card: {error}. Give a PNG picture.") from error
    except UnreadableError as error:
        raise CardError(f"The card cannot be written: {error} {error.hint}") from error


def _chunks_for(card_json: str) -> dict[str, bytes]:
    data = card_json.encode("utf-8", "surrogatepass")
    read_card(data)  # refuses what could not be read again
    found = parsed("", data)
    whole, fields = found.json.whole, {**_EMPTY, **found.fields}
    kept = {key: value for key, value in whole.items() if key not in fields} if "data" in whole else {}
    return {
        "chara": _packed({**kept, "spec": "chara_card_v2", "spec_version": "2.0", "data": fields}),
        "ccv3": _packed({**kept, "spec": "chara_card_v3", "spec_version": "3.0", "data": fields}),
    }


def _packed(card: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64encode(json.dumps(card).encode())
    except RecursionError as error:
        raise UnreadableError("its JSON is nested too deep") from error


_EMPTY: Mapping[str, Any] = {  # the fields that V2 and V3 require, for cards older than those
    **dict.fromkeys(TEXT_FIELDS, ""),
    **{key: [] for key in LIST_FIELDS},
    "extensions": {},
}
