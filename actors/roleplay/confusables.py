"""Compares names as the eye does: letters of other scripts that look like Latin ones are the same letter.

    fold      "Ｍａｒｅｎ", "*maren*", "Ma\\u200bren"  ─► maren      width, style, case, signs
    skeleton  "Mаrеn" with Cyrillic а and е        ─► maren      the letters' shapes too, without accents

A name has both as its keys: the skeleton depends on the case of letters such as the Greek N, and the fold does not.
Source: Unicode Technical Standard 39, "Confusable Detection", and its file confusables.txt. Of that, the letters and
digits of one character that resemble a letter of ASCII; small capitals, and lower case where it has the same shape, are
added. The file as a library (confusable-homoglyphs) is untyped and reads 0.9 MB at its import.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache
from typing import Final

from actors.roleplay.invisible import BLANK_LETTERS, MARKS

FOLDED_MAX: Final = 512
"""Names kept in the cache: each prompt needs the same few."""

_LOOKALIKES: Final = {
    "a": "ɑΑαАаᎪᗅᴀꓮ",
    "b": "ƀƂƃƄɓʙΒБВЬвѢѣҌҍᏏᏴᑲᑳᖯᗷꓐꞴ",
    "c": "ȼϲϹСсҪҫᏟᴄⲤⲥꓚꮯ",
    "d": "ÐĐđƉƌɖɗԁᎠᏧᑯᗞᗪᴅꓒꓓ",
    "e": "ɆɇΕεЕеҽҿᎬᴇⴹꓰꬲ",
    "f": "ƑƒϜքᖴᵮẝꓝꜰꞘꞙꬵ",
    "g": "ƍǤǥɠɡɢԌցᏀᏳᶃꓖ",
    "h": "ĦħɦʜΗНнћҢһӇӉհᎻᏂᏲᕼⱧⲎꓧꚕ",
    "i": "ıɨɩɪιіӏᎥᵻᵼꙇꭵ",
    "j": "ɈɉͿϳЈјᎫᒍᴊꓙꞲ",
    "k": "ƙΚκКкҚҞᏦᛕᴋⱩⲔꓗꝀ",
    "l": "ŁłƖƗƚǀɫɭʟΙІӀ۱ᏞᒪᛁⲒⳐⵏꓡꓲ",
    "m": "ɱΜϺМмӍᎷᗰᛖᴍⲘꓟꭑ",
    "n": "ƝƞɲɳɴΝηπпոռᵰⲚꓠ",
    "o": "ØøƟɵΘΟθοσОоѲѳӨөՕօ۵०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᎾᏫᴏᴑⲞⲟⴱⵁⵔꓳꝊꝋꬽꬾꭴꮎꮻ",
    "p": "ƥΡρРрᏢᑭᴘᵽⲢⲣꓑ",
    "q": "ʠԛգզⵕ",
    "r": "ƦɍɼɽʀгғᎡᏒᖇᴦᵲⲅꓣꭇꭈꮁ",
    "s": "ƽʂЅѕՏᏕᏚᵴꓢꜱꮪ",
    "t": "ŦŧƫƭƮȾΤτТтҬᎢᴛᵵⲦꓔ",
    "u": "ɄʋυՍսሀᏌᑌᴜᵾꓴꞟꭎꭒꮜ",
    "v": "νѴѵ۷Ꮩᐯᴠⴸꓦꛟꮩ",
    "w": "ɯωѡѽԜԝաᎳᏔᴡꓪꝡꮃ",
    "x": "ΧχХхҲᕁᕽᚷⲬⵝꓫꞳ",
    "y": "ƴɎɏɣʏΥγУуҮүҰұყᎩᎽᶌỿⲨꓬꭚ",
    "z": "ƵƶȤȥʐΖᏃᴢᵶꓜꮓ",
}
_ENCLOSED: Final = (0x1F150, 0x1F170, 0x1F1E6)
"""Where the circled and squared letters and the flags' letters begin, A to Z; the other enclosed ones are NFKC's."""

_LETTERS: Final = str.maketrans(
    {other: letter for letter, others in _LOOKALIKES.items() for other in others}
    | {chr(first + at): letter for first in _ENCLOSED for at, letter in enumerate(string.ascii_lowercase)}
)
_ALIKE: Final = str.maketrans("i10", "llo")  # I, l and 1; O and 0
_MARKS: Final = re.compile(f"[{MARKS}]")
_SIGNS: Final = re.compile(rf"[\W_{BLANK_LETTERS}]+")


def keys(name: str) -> frozenset[str]:
    """Return both keys of a name: two names with a common key may be taken for one another."""
    return frozenset((fold(name), skeleton(name)))


@lru_cache(maxsize=FOLDED_MAX)
def fold(name: str) -> str:
    """Return the part of a name that identifies its owner: letters and digits, wide and styled ones as plain."""
    return _letters(unicodedata.normalize("NFKC", name).casefold())


@lru_cache(maxsize=FOLDED_MAX)
def skeleton(name: str) -> str:
    """Return a fold in which letters of one shape are one letter, and accents are gone."""
    letters = _letters(name.casefold() if name.isascii() else _as_latin(name))
    return letters.translate(_ALIKE).replace("rn", "m").replace("vv", "w")


def _as_latin(name: str) -> str:
    # Translated before each step: NFKD makes another letter of the lunate sigma, and case folding of the Greek N.
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", name.translate(_LETTERS)))
    return unicodedata.normalize("NFKC", bare.translate(_LETTERS).casefold().translate(_LETTERS))


def _letters(plain: str) -> str:
    return _SIGNS.sub("", plain) or plain.strip()
