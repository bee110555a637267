"""Reads character cards: Tavern V1, V2 and V3, from JSON, PNG and CHARX files.

    file ─► PNG text chunk / card.json / the file itself ─► JSON text ─► Card
                                                             └── kept whole in `Card.raw`

Cards come from strangers. Every size is limited, and a file that cannot be a character raises CardError. Any
other oddity is a doubt: the card is read without it, and `Card.raw` keeps it.
Sources: Character Card V2 and V3 specifications.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any, Final

from actors.roleplay import charx, png
from actors.roleplay.card_fields import (
    EXPORT_AGAIN,
    JSON_BYTES_MAX,
    FieldReader,
    UnreadableError,
    fields_of,
    load,
    renamed,
    too_large,
)
from actors.roleplay.card_found import FoundCard, parsed
from actors.roleplay.card_in_png import found_in_png, is_card_text
from actors.roleplay.card_kinds import format_of
from actors.roleplay.card_picture import PICTURE_BYTES_MAX, Member, picture_of
from actors.roleplay.lore.cards import doubts_about_book
from actors.roleplay.macros import unknown_macros
from actors.roleplay.names import NAME_CHARACTERS_MAX, shown_on_one_line

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of a PNG, whose picture is made smaller where Discord needs it; of a CHARX only some members are read."""

LABEL_MAX: Final = 100
"""Of a file's name in an error; names are strangers' text as well."""

SPECS: Final = ("chara_card_v2", "chara_card_v3")
"""The names of the versions in a card; the first version has none."""

PROMPT_TEXTS: Final = (
    "description",
    "personality",
    "scenario",
    "mes_example",
    "system_prompt",
    "post_history_instructions",
)
"""The fields of a card from which a prompt is made, beside the name."""

_MACROS_NAMED_MAX: Final = 5


class CardError(ValueError):
    """A file that cannot be used as a card. The message is for the user: what is wrong, and what to do."""


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
    tags: tuple[str, ...]
    talkativeness: float | None
    raw: str
    aliases: tuple[str, ...] = ()
    """Other names by which people address the character."""

    @property
    def spoken_name(self) -> str:
        """The value of `{{char}}`: the nickname if there is one."""
        return self.nickname or self.name


@dataclass(frozen=True, slots=True)
class CardFile:
    """What a card file holds. `picture` may be of any format; `doubts` are clauses: what is odd, what comes of it."""

    card: Card
    picture: bytes | None
    doubts: tuple[str, ...]


def read_card(data: bytes, filename_hint: str = "") -> tuple[Card, bytes | None]:
    """Return the card in a .json, .png or .charx file, and its picture. Raises CardError, nothing else."""
    found = read_card_file(io.BytesIO(data), filename_hint)
    return found.card, found.picture


def kept_card(card_json: str) -> Card:
    """Return the card in JSON that was imported once, perhaps by an older version that took lorebooks for cards."""
    return _card(_kept(card_json), [])


def kept_picture(card_json: str) -> bytes | None:
    """Return the picture in JSON that was imported once; None for one that only its file had."""
    return _with_icon(_kept(card_json), None)[1]


def _kept(card_json: str) -> FoundCard:
    card = load(card_json.encode())
    return FoundCard("", card, fields_of(card.whole, []), ())


def read_card_file(file: IO[bytes], filename: str = "", *, name: str = "", name_if_none: str = "") -> CardFile:
    """Return what a card file that can be sought in holds. Raises CardError, and what reading raises.

    The file's kind is known by its bytes; `filename` only names it in the error. The picture is the PNG without
    its card, or the main icon embedded in the card. `name` replaces the card's, `name_if_none` stands in for one.
    """
    label = "".join(filter(str.isprintable, filename))[:LABEL_MAX].strip() or "The file"
    try:
        found, picture = _read(file)
        return _named(found, picture, name=name, name_if_none=name_if_none)
    except (UnreadableError, png.PngError, charx.CharxError) as error:
        hint = error.hint if isinstance(error, UnreadableError) else EXPORT_AGAIN
        clause = error if isinstance(error, UnreadableError) else f"{error}."
        raise CardError(f"{label} is not a Tavern card: {clause} {hint}") from error


def _read(file: IO[bytes]) -> tuple[FoundCard, bytes | None]:
    if charx.is_charx(file):
        member = partial(charx.member, file)
        found = parsed("card.json", member("card.json", bytes_max=JSON_BYTES_MAX))
        return _with_icon(found, partial(member, bytes_max=PICTURE_BYTES_MAX))
    file.seek(0)
    data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise too_large("it", FILE_BYTES_MAX, "Export it again with a smaller picture.")
    if data.startswith(png.SIGNATURE):
        return found_in_png(data), png.without_text(data, is_card_text)
    if (other := format_of(data)) is not None:
        raise other
    return _with_icon(parsed("", data), None)


def _with_icon(found: FoundCard, member: Member | None) -> tuple[FoundCard, bytes | None]:
    doubts = list(found.doubts)
    picture = picture_of(found.json.whole, found.fields, member, doubts)
    return replace(found, doubts=tuple(doubts)), picture


def _named(found: FoundCard, picture: bytes | None, *, name: str, name_if_none: str) -> CardFile:
    """The card under its name, or another one."""
    doubts = list(found.doubts)
    card = _card(found, doubts)
    if not name and not shown_on_one_line(card.name):
        name = shown_on_one_line(name_if_none)
        if not name:
            raise UnreadableError("it has no name", "Give it one: `character import --name NAME`.")
        doubts.append(f"it has no name: it is called {name!r}, `character import --name NAME` gives it another one")
    if name:
        card = _card(replace(found, json=renamed(found.json, name), fields={**found.fields, "name": name}), [])
    if len(shown_on_one_line(card.name)) < len(" ".join(card.name.split())) > NAME_CHARACTERS_MAX:
        doubts.append(f"its name is longer than the {NAME_CHARACTERS_MAX} characters that Discord shows: it is cut")
    return CardFile(card, picture, (*doubts, *_doubts_about(found.json.whole, card)))


def _card(found: FoundCard, doubts: list[str]) -> Card:
    read = FieldReader(found.fields, doubts)
    read.note_types()
    return Card(
        name=read.text("name").strip(),
        nickname=read.text("nickname").strip(),
        description=read.text("description"),
        personality=read.text("personality"),
        scenario=read.text("scenario"),
        first_mes=read.text("first_mes"),
        mes_example=read.text("mes_example"),
        system_prompt=read.text("system_prompt"),
        post_history_instructions=read.text("post_history_instructions"),
        alternate_greetings=read.texts("alternate_greetings"),
        group_only_greetings=read.texts("group_only_greetings"),
        creator=read.text("creator"),
        tags=read.texts("tags", separator=","),
        talkativeness=read.talkativeness(),
        raw=found.json.raw,
        aliases=read.aliases(),
    )


def _doubts_about(whole: Mapping[str, Any], card: Card) -> list[str]:
    """Return the doubts about a card as a whole."""
    doubts = []
    spec = whole.get("spec", SPECS[0])
    if spec not in SPECS:
        shown = "".join(filter(str.isprintable, str(spec)))[:LABEL_MAX]
        doubts.append(f"its spec {shown!r} is none that Ensemble knows: it was read as V3, look at it with `show`")
    texts = [getattr(card, name) for name in PROMPT_TEXTS]
    if not any(text.strip() for text in texts):
        doubts.append("it says nothing about the character: the model will know only the name")
    unknown = unknown_macros("\n".join(texts))
    if unknown:
        named = ", ".join("{{" + macro + "}}" for macro in unknown[:_MACROS_NAMED_MAX])
        more = f" and {len(unknown) - _MACROS_NAMED_MAX} more" if len(unknown) > _MACROS_NAMED_MAX else ""
        doubts.append(f"it has macros that Ensemble does not know, left out of the prompt: {named}{more}")
    return [*doubts, *doubts_about_book(whole)]
