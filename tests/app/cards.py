"""Tavern cards for tests: small, whole, and in each version's form."""

from __future__ import annotations

import json

from actors.app.shipped_cards import CARDS
from actors.roleplay.card import read_card
from actors.roleplay.card_writing import write_png

EXAMPLES = "<START>\n{{user}}: Who are you?\n{{char}}: Somebody with a rope.\n{{char}}: And a plan."


def v1_json(name: str) -> str:
    return json.dumps(_fields(name))


def v2_json(name: str) -> str:
    return json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": _fields(name) | {"tags": ["sea"]}})


def v3_json(name: str) -> str:
    return json.dumps({"spec": "chara_card_v3", "spec_version": "3.0", "data": _fields(name) | {"nickname": name}})


def png(card_json: str, picture_of: str = "maren") -> bytes:
    """The card in a shipped picture."""
    picture = read_card((CARDS / f"{picture_of}.png").read_bytes())[1]
    assert picture is not None
    return write_png(card_json, picture)


def _fields(name: str) -> dict[str, object]:
    return {
        "name": name,
        "description": f"{name} coils ropes.",
        "personality": "patient",
        "scenario": "",
        "first_mes": "Ahoy.",
        "mes_example": EXAMPLES,
    }
