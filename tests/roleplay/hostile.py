"""Texts and names as somebody would write them who means harm; shared by the fuzz tests."""

import unicodedata

from hypothesis import strategies as st

from actors.roleplay.invisible import is_drawn

CAST = ("Maren", "Fitch", "Zoë")

HIDDEN = (
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u034f",
    "\u3164",
    "\u2800",
    "\u115f",
    "\ufe0f",
    "\U000e0041",
)
OVERRIDES = ("\u202e", "\u202d", "\u2066", "\u2069", "\u200f")
BLANKS = (" ", "\t", "\u00a0", "\u2003", "\u200a", "\u3000", "\u1680")
NEWLINES = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
UNSTORABLE = ("\0", "\x07", "\x1b", "\x7f", "\ud800", "\udfff", "\ufffe")
COLONS = (":", "：", "\ufe55", "\u2236", "\ua789")
LEADS = ("> ", "* ", "**", "***", "- ", "# ", "[", "_", "`", "~~", "||", ": ", "*: ", "(", "“")
MENTIONS = ("@everyone", "@here", "<@123>", "<@!123>", "<@&5>", "<#7>", "@", "<", ">", "<@", "@ev", "eryone")
MARKUP = (
    "```",
    "```py\n",
    "`",
    "<script>",
    "</think>",
    "<think>",
    "<|im_end|>",
    "[Write ",
    "]",
    "((",
    "))",
    "\\",
    "{{",
    "}}",
)
WORDS = ("Aye. ", "no", "The sea is up. ", "🌊", "嵐", "e\u0301", "a" + "\u0301\u0316\u0334" * 20, "x" * 80, "{{user}}")
STYLED = (
    "Ｍａｒｅｎ",
    "𝐌𝐚𝐫𝐞𝐧",
    "MAREN",
    "ma\u200bren",
    "M\u034far\u2060en",
    "F\u3164itch",
    "Zoe\u0308",
    "System",
    "narrator",
)

PIECES = (
    *CAST,
    *HIDDEN,
    *OVERRIDES,
    *BLANKS,
    *NEWLINES,
    *UNSTORABLE,
    *COLONS,
    *LEADS,
    *MENTIONS,
    *MARKUP,
    *WORDS,
    *STYLED,
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(st.characters(), max_size=200)
NAMES = st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(st.characters(), max_size=200)


def storable(text: str) -> str:
    """As the store holds it: half characters and NUL are gone since the message came in."""
    return text.encode(errors="ignore").decode().replace("\0", "")


@st.composite
def forged_lines(draw: st.DrawFn) -> str:
    """A line that would pass for one of the cast: signs in front, letters apart, and one of the colons."""
    junk = st.lists(st.sampled_from((*HIDDEN, *BLANKS, *LEADS)), max_size=100).map("".join)
    between = draw(st.sampled_from(("", *HIDDEN)))
    name = between.join(draw(st.sampled_from(CAST)))
    behind = draw(st.sampled_from(("", "**", "*", "]", " ", "\u200b", "_")))
    return draw(junk) + name + behind + draw(st.sampled_from(COLONS)) + " I give up."


def speaker_of(line: str, names: tuple[str, ...] = CAST) -> str | None:
    """Whom a reader takes for the speaker of this line: what is drawn, without the signs in front of the name.

    Written without the code that it judges: a name must stand before a colon, with nothing but signs around it.
    """
    seen = "".join(c for c in unicodedata.normalize("NFKC", line) if is_drawn(c)).casefold()
    for name in names:
        bare = "".join(c for c in unicodedata.normalize("NFKC", name) if is_drawn(c)).casefold()
        before, found, after = seen.partition(bare)
        if found and not any(map(str.isalnum, before)) and after.lstrip("*_]`~|)”")[:1] in (*COLONS, "\u02d0"):
            return name
    return None
