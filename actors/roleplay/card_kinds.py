"""Files that are taken for cards and are none: each named as what it is, with what to do about it.

Pictures without a card are known by their first bytes; lorebooks, presets, chats and the other files that
SillyTavern and its kin keep as JSON are known by the fields that only they have.
Sources: SillyTavern's default content (presets of each kind), `world-info.js`, `chats.js`; NovelAI's,
Agnai's and RisuAI's export files.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from actors.roleplay.card_fields import UnreadableError

_GET_THE_CARD: Final = "Pictures lose their card when a site converts them: download the original PNG or JSON."
_UNPACK: Final = "Unpack it, and import the card in it."
_AS_CARD: Final = "Export the character itself as PNG, JSON or CHARX."

# ── by the first bytes ──────────────────────────────────────────────────────────────────────────────

_Formats = tuple[tuple[int, bytes, str, str], ...]
_FORMATS: Final[_Formats] = (  # where, what stands there, what it is, what to do
    (0, b"\xff\xd8\xff", "a JPEG picture", _GET_THE_CARD),
    (8, b"WEBP", "a WebP picture", _GET_THE_CARD),
    (0, b"GIF8", "a GIF picture", _GET_THE_CARD),
    (4, b"ftypavi", "an AVIF picture", _GET_THE_CARD),
    (4, b"ftyphei", "a HEIC picture", _GET_THE_CARD),
    (4, b"ftypmif1", "a HEIC picture", _GET_THE_CARD),
    (0, b"\xff\x0a", "a JPEG XL picture", _GET_THE_CARD),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture", _GET_THE_CARD),
    (0, b"BM", "a BMP picture", _GET_THE_CARD),
    (0, b"II*\0", "a TIFF picture", _GET_THE_CARD),
    (0, b"MM\0*", "a TIFF picture", _GET_THE_CARD),
    (0, b"<svg", "an SVG picture", _GET_THE_CARD),
    (0, b"<!doctype html", "a web page", "Download the card itself: the page's own button, not *Save as*."),
    (0, b"<html", "a web page", "Download the card itself: the page's own button, not *Save as*."),
    (0, b"%PDF", "a PDF file", _AS_CARD),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (0, b"\x1f\x8b", "a GZIP archive", _UNPACK),
    (257, b"ustar", "a TAR archive", _UNPACK),
)
HEAD_BYTES: Final = 512
"""Bytes of a file that are looked at."""


def format_of(data: bytes) -> UnreadableError | None:
    """What a file is that is neither PNG, CHARX nor JSON; None if its first bytes say nothing."""
    head = data[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n") if data[:1] in b"\xef \t\r\n<" else data[:HEAD_BYTES]
    for at, mark, what, hint in _FORMATS:
        found = head[at : at + len(mark)]
        if found == mark or (mark[:1] == b"<" and found.lower() == mark):
            return UnreadableError(f"it is {what}", hint)
    return None


# ── by the fields ───────────────────────────────────────────────────────────────────────────────────

_OF_CHARACTERS: Final = frozenset(
    {
        *("first_mes", "mes_example", "personality", "alternate_greetings", "post_history_instructions"),
        *("char_name", "char_persona", "char_greeting", "example_dialogue", "world_scenario"),
    }
)
"""Only a character has these; one of them is enough, whatever else is in the file."""

_LOREBOOK_HINT: Final = (
    "A lorebook is no character: attach it to its character in the program that made it, and export that."
)
_PRESET_HINT: Final = "Settings of a model are no character; Ensemble's own are in its `.env`."
_OTHER_HINT: Final = "It holds no character. " + _AS_CARD
_CHAT_HINT: Final = "A chat is no character. " + _AS_CARD

_Whole = Mapping[str, Any]
_SAMPLERS: Final = frozenset(
    {
        *("temp", "temperature", "top_p", "top_k", "top_a", "min_p", "typical", "typical_p", "tfs", "rep_pen"),
        *("repetition_penalty", "rep_pen_range", "rep_pen_slope", "sampler_order", "sampler_priority", "genamt"),
        *("max_length", "min_length", "frequency_penalty", "presence_penalty", "openai_max_context"),
    }
)
_SAMPLERS_MIN: Final = 3
_OF_SYSTEM_PROMPTS: Final = frozenset({"name", "content", "post_history"})


def _has(*names: str) -> Callable[[_Whole], bool]:
    return lambda whole: all(name in whole for name in names)


def _is_lorebook(whole: _Whole) -> bool:
    data = whole.get("data")
    if str(whole.get("spec", "")).startswith("lorebook") or "lorebookVersion" in whole:
        return True
    return _are_entries(whole.get("entries")) or (isinstance(data, dict) and _are_entries(data.get("entries")))


def _are_entries(value: object) -> bool:
    return isinstance(value, dict | list)


def _is_risu_lorebook(whole: _Whole) -> bool:
    return whole.get("type") == "risu" and isinstance(whole.get("data"), list)


def _is_sampler_preset(whole: _Whole) -> bool:
    return len(_SAMPLERS & whole.keys()) >= _SAMPLERS_MIN or (
        isinstance(whole.get("parameters"), dict) and "presetVersion" in whole
    )


_KINDS: Final[tuple[tuple[Callable[[_Whole], bool], str, str], ...]] = (
    (_is_lorebook, "a lorebook (world info)", _LOREBOOK_HINT),
    (_is_risu_lorebook, "a lorebook (world info)", _LOREBOOK_HINT),
    (_has("chat_metadata"), "a chat", _CHAT_HINT),
    (_has("user_name", "character_name"), "a chat", _CHAT_HINT),
    (_has("mes", "is_user"), "a chat", _CHAT_HINT),
    (lambda whole: isinstance(whole.get("messages"), list), "a chat", _CHAT_HINT),
    (lambda whole: isinstance(whole.get("data_visible"), list), "a chat", _CHAT_HINT),
    (_has("histories"), "a chat", _CHAT_HINT),
    (lambda whole: whole.get("type") == "risuChat", "a chat", _CHAT_HINT),
    (_has("savedsettings"), "a saved story of KoboldAI", _CHAT_HINT),
    (_has("scriptName", "findRegex"), "a regex script", _OTHER_HINT),
    (_has("qrList"), "a set of quick replies", _OTHER_HINT),
    (_has("quickReplySlots"), "a set of quick replies", _OTHER_HINT),
    (_has("main_text_color"), "a theme", _OTHER_HINT),
    (_has("blur_strength"), "a theme", _OTHER_HINT),
    (_has("prompt_order"), "a chat-completion preset", _PRESET_HINT),
    (_has("chat_completion_source"), "a chat-completion preset", _PRESET_HINT),
    (_has("input_sequence"), "an instruct template", _PRESET_HINT),
    (_has("story_string"), "a context template", _PRESET_HINT),
    (_has("instruct", "context"), "a set of instruct templates", _PRESET_HINT),
    (_has("prefix", "suffix", "separator"), "a reasoning template", _PRESET_HINT),
    (_is_sampler_preset, "a sampler preset (text completion)", _PRESET_HINT),
    (_has("personas", "persona_descriptions"), "a backup of personas", _OTHER_HINT),
    (_has("power_user"), "SillyTavern's settings", _OTHER_HINT),
    (lambda whole: isinstance(whole.get("members"), list), "a group of characters", _OTHER_HINT),
    (lambda whole: whole.get("type") == "risuModule", "a RisuAI module", _OTHER_HINT),
    (lambda whole: whole.keys() <= _OF_SYSTEM_PROMPTS and "content" in whole, "a system prompt", _PRESET_HINT),
)


def other_kind(whole: _Whole) -> UnreadableError | None:
    """What a JSON file is instead of a card; None if it may be one."""
    data = whole.get("data")
    names = whole.keys() | (data.keys() if isinstance(data, dict) else set())
    if str(whole.get("spec", "")).startswith("chara_card") or names & _OF_CHARACTERS:
        return None
    return next((UnreadableError(f"it is {what}", hint) for test, what, hint in _KINDS if test(whole)), None)


def kind_of_list(values: list[Any]) -> UnreadableError | None:
    """What a JSON file is that is a list: of regex scripts, of a chat's messages, of characters."""
    first = next((each for each in values if isinstance(each, dict)), None)
    if first is None:
        return None
    found = other_kind(first)
    if found is None:
        return UnreadableError("it is a list, not one card", "Import each of its characters as a file of its own.")
    return UnreadableError(f"it is a list, whose first entry is {found.clause.removeprefix('it is ')}", found.hint)
