"""The order `natural`: each rule of who answers a turn, and the draws of the orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.addressing import Addressee, Heard, addressed
from actors.roleplay.turns import Before, Drawn, Member, TurnOrder, draw, handed_over

MAREN = Addressee("maren", ("Maren",))
FITCH = Addressee("fitch", ("Fitch",))
ILSE = Addressee("ilse", ("Captain Ilse Brandt", "The Captain's Shadow"))
ROSE = Addressee("rose", ("Rose Miller", "Rosie"))
LIRIEL = Addressee("li", ("李明", "Élodie de la Cour", "Łucja"))
TOM = Addressee("tom", ("Tom Miller",))
CAST = (MAREN, FITCH, ILSE, ROSE, LIRIEL, TOM)

NAMED = {
    "fitch, are you there?": ("fitch",),  # rule 2: the full name, in any case
    "FITCH!": ("fitch",),
    "Ｆｉｔｃｈ!": ("fitch",),  # in any width
    "Fitch's lamp": ("fitch",),
    "Fitchburg is far": (),  # whole words only
    "afitch": (),
    "Rosie?": ("rose",),  # an alias
    "rosie?": ("rose",),
    "captain ilse brandt!": ("ilse",),
    "elodie de la cour": ("li",),  # without accents
    "Elodie?": ("li",),
    "李明，你好": ("li",),  # a script without spaces
    "Ilse, look": ("ilse",),  # rule 3: a single word of a name, as it is written
    "ilse, look": (),
    "Captain!": (),  # a title
    "The boat is called rose": (),
    "Rose, look": ("rose",),
    "Miller!": (),  # two have it
    "de la": (),
    "Cour": ("li",),
    "Tom Miller and Rose Miller": ("tom", "rose"),  # rule 4: in the order in which they are addressed
    "Ilse and Fitch, and Ilse again": ("ilse", "fitch"),
    "nobody at all": (),
    "": (),
}


@pytest.mark.parametrize("text", NAMED)
def test_a_text_addresses_whom_it_names(text: str) -> None:
    assert addressed([Heard(1, text)], CAST) == NAMED[text]


def test_a_reply_addresses_the_character_of_the_line_before_those_it_names() -> None:
    assert addressed([Heard(1, "Ask Fitch.", replies_to="maren")], CAST) == ("maren", "fitch")
    assert addressed([Heard(1, "Hm.", replies_to="somebody who left")], CAST) == ()


def test_the_messages_of_a_turn_address_in_their_order() -> None:
    messages = [Heard(1, "Fitch?"), Heard(2, "Or Maren."), Heard(3, "Fitch!")]
    assert addressed(messages, CAST) == ("fitch", "maren")


def test_a_name_inside_of_a_longer_one_is_the_longer_one() -> None:
    assert addressed([Heard(1, "Rose Miller")], (Addressee("short", ("Rose",)), ROSE)) == ("rose",)


# ── who answers when nobody is addressed ────────────────────────────────────────────────────────────


def member(name: str, talkativeness: float = 0.5) -> Member:
    return Member(Addressee(name, (name,)), talkativeness)


def natural(*cast: Member, seed: str = "s", last: str | None = None, text: str = "Hm.", most: int = 2) -> str:
    drawn = draw(TurnOrder.NATURAL, cast, [Heard(1, text)], Before(last), seed=seed, speakers_max=most)
    return " ".join(drawn.speakers)


# With the seed "s", a draws 0.953, b 0.350, c 0.022 and d 0.114.


def test_those_below_their_talkativeness_answer_the_nearest_first() -> None:
    eager = [member(name, 1.0) for name in "abcd"]
    assert natural(*eager, most=4) == "c d b a"
    assert natural(*eager) == "c d", "at most SPEAKERS_MAX"
    assert natural(*eager, most=1) == "c"
    assert natural(member("c", 0.03), member("d", 1.0)) == "d c", "by draw / talkativeness"
    assert natural(member("a", 0.5), member("b", 0.5)) == "b", "who draws above it is silent"


def test_the_last_speaker_is_left_out_if_another_one_answers() -> None:
    assert natural(member("c", 1.0), member("d", 1.0), last="c") == "d"
    assert natural(member("c", 1.0), member("a", 0.1), last="c") == "c"


def test_somebody_answers_where_nobody_drew() -> None:
    assert natural(member("a", 0.1), member("b", 0.3)) == "b", "the lowest draw / talkativeness"
    assert natural(member("a", 0.0), member("b", 0.0)) == "a", "the first of a cast that never talks"
    assert natural(member("a", 0.1), member("b", 0.0)) == "a"


def test_all_who_are_addressed_answer_and_nobody_else() -> None:
    assert natural(*(member(name, 0.0) for name in "abcd"), text="c, b, d!", most=1, last="c") == "c b d"


# ── the draws ───────────────────────────────────────────────────────────────────────────────────────


@given(
    order=st.sampled_from(TurnOrder),
    talk=st.lists(st.floats(0, 1), min_size=1, max_size=8),
    texts=st.lists(st.text("abc, ABC", max_size=20), min_size=1, max_size=3),
    seed=st.text(max_size=8),
    last=st.integers(0, 8),
    spoken=st.sets(st.integers(0, 8)),
)
def test_the_same_seed_gives_the_same_speakers_each_of_the_cast_and_once(
    order: TurnOrder, talk: list[float], texts: list[str], seed: str, last: int, spoken: set[int]
) -> None:
    cast = [member(chr(97 + at), value) for at, value in enumerate(talk)]
    messages = [Heard(at, text) for at, text in enumerate(texts)]
    before = Before(chr(97 + last), (chr(97 + last),), tuple(chr(97 + at) for at in sorted(spoken)))
    drawn = draw(order, cast, messages, before, seed=seed)
    assert drawn == draw(order, list(cast), list(messages), before, seed=seed)
    assert len(set(drawn.speakers)) == len(drawn.speakers)
    assert set(drawn.speakers) <= {each.id for each in cast}
    assert drawn.speakers or order is TurnOrder.MANUAL


def test_another_cause_gives_other_speakers() -> None:
    cast = [member(name) for name in "abcdefgh"]
    assert len({natural(*cast, seed=f"s/{cause}") for cause in range(50)}) > 10


def pooled(cast: str, before: Before, seed: str = "s") -> Drawn:
    return draw(TurnOrder.POOLED, [member(name) for name in cast], [], before, seed=seed)


def test_a_pool_draws_each_once_a_round_and_a_newcomer_counts_as_unspoken() -> None:
    before = Before()
    spoke: list[str] = []
    for turn in range(9):
        drawn = pooled("abc", before, seed=str(turn))
        before = Before(None, drawn.speakers, drawn.round)
        spoke += drawn.speakers
    assert [sorted(spoke[at : at + 3]) for at in (0, 3, 6)] == [["a", "b", "c"]] * 3
    assert pooled("abcd", Before("c", ("c",), ("a", "b"))).speakers == ("d",)
    assert pooled("bc", Before("c", ("c",), ("a",))).speakers == ("b",), "who left is not waited for"


def test_a_list_goes_on_after_the_last_one_that_answered() -> None:
    def after(last: str | None) -> tuple[str, ...]:
        return draw(TurnOrder.LIST, [member(name) for name in "abc"], [], Before(last), seed="s").speakers

    assert [after(last) for last in (None, "a", "b", "c", "gone")] == [("a",), ("b",), ("c",), ("a",), ("a",)]


# ── handing over ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("speakers", "begun", "to", "then"),
    [
        ("a", 1, "c", "ac"),
        ("abc", 1, "c", "acb"),
        ("ab", 1, "b", "ab"),
        ("ab", 2, "a", "aba"),
        ("abcd", 2, "e", "abecd"),
    ],
)
def test_a_handed_over_turn_goes_on_with_that_character(speakers: str, begun: int, to: str, then: str) -> None:
    assert "".join(handed_over(tuple(speakers), begun=begun, to=to)) == then
