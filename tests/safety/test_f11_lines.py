"""F11: what a character posts passes no rule about links that binds members, and does not fill the channel."""

from __future__ import annotations

import re
import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.settings import load
from actors.generation import SHORTENED
from actors.ports import Noted
from actors.roleplay.links import Links, with_links
from actors.roleplay.parts import LINES_MAX, PARTS_MAX, split
from actors.roleplay.speech import TEXT_CHARACTERS_MAX, Line, clean
from actors.services import Rules
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing
from tests.fakes.virtual_time import virtually
from tests.pace import pace_s
from tests.roleplay.hostile import HIDDEN

CLICKED: Final = re.compile(
    r"[a-z]*://|discord(?:app)?\.(?:gg|com|gift|new)[/\\]|</[^<>\n]{1,90}:\d+>|<(?:id|mailto|tel|sms):|<\+\d",
    re.IGNORECASE,
)
"""What Discord makes a link of, or a button."""

PIECES: Final = st.lists(
    st.sampled_from(
        [
            "https",
            "http",
            ":",
            "/",
            "//",
            "://",
            "discord",
            ".",
            "gg",
            "com",
            "</",
            "<",
            ">",
            "end:1>",
            "a",
            " ",
            "[",
            "]",
            "(",
            ")",
            "\n",
            "mailto:",
            "\\",
            "+1",
            "@",
            "1",
            "id:",
            *list(HIDDEN),
        ]
    )
).map("".join)


def seen(text: str) -> str:
    """As Discord shows it at the worst: without what hides between letters."""
    return "".join(c for c in text if c not in HIDDEN)


@pytest.mark.parametrize(
    ("text", "as_text", "off"),
    [
        ("See https://evil.example/login.", "See evil.example/login.", "See "),
        ("[https://discord.com](https://evil.example) yes", "[discord.com](evil.example) yes", " yes"),
        ("[proof](https://evil.example) yes", "[proof](evil.example) yes", "proof yes"),
        ("[proof](<HTTPS://evil.example> 'hm') yes", "[proof](<evil.example> 'hm') yes", "proof yes"),
        ("Join discord.gg/abc now", "Join discord.gg abc now", "Join  now"),
        ("Join https://discord.com/invite/abc now", "Join discord.com invite/abc now", "Join  now"),
        ("</end:1> then", "/end:1> then", "/end:1> then"),
        *(
            (text, shown, shown)
            for text, shown in (
                ("Go <id:home>, <mailto:a@b.example>, <+15551234>", "Go id:home>, mailto:a@b.example>, +15551234>"),
            )
        ),
        ("hthttps://tps://evil.example", "evil.example", ""),
        ("steam://run/1 discord://x", "run/1 x", " "),
    ],
)
def test_f11_links_are_read_or_removed_as_the_setting_says(text: str, as_text: str, off: str) -> None:
    assert with_links(text, Links.TEXT) == as_text
    assert with_links(text, Links.OFF) == off
    assert with_links(text, Links.ON) == text


@pytest.mark.parametrize("text", ["At 10:30, and/or 3:1 </3", "a:b c/d", "(see: there)", "<3 you", "Discord. Good."])
def test_f11_what_is_no_link_stays_as_it_is(text: str) -> None:
    assert with_links(text, Links.TEXT) == with_links(text, Links.OFF) == text


@pytest.mark.parametrize(
    ("text", "as_text"),
    [
        ('[a](https://e.org "a title")', '[a](e.org "a title")'),
        ("<https://e.org> <<https://e.org>>", "<e.org> <<e.org>>"),
        ("[a][1]\n\n[1]: https://e.org", "[a][1]\n\n[1]: e.org"),
        ("[[a]](https://e.org) [b]((https://e.org))", "[[a]](e.org) [b]((e.org))"),
        ("[a](ht\u200btps://e.org) dis\u200bcord.gg/\u200babc", "[a](ht\u200be.org) dis\u200bcord.gg abc"),
        ("[a](<https://e.org>\n)", "[a](<e.org>\n)"),
        ("# See https://e.org", "# See e.org"),
        ("discordapp.com/invite/x DISCORD.GG\\x", "discordapp.com invite/x DISCORD.GG x"),
        ("</end:1> </a b:1>", "/end:1> /a b:1>"),
        ("<#1> <t:1:R> <:a:1> <a:b:2>", "<#1> <t:1:R> <:a:1> <a:b:2>"),  # a channel's name, a time, emoji: harmless
    ],
)
def test_f11_every_form_of_a_link_is_only_read(text: str, as_text: str) -> None:
    assert with_links(text, Links.TEXT) == as_text
    assert CLICKED.findall(seen(with_links(text, Links.OFF))) == []


@pytest.mark.parametrize("before", range(1980, 2001))
@pytest.mark.parametrize("link", ["[a](https://evil.example)", "</end:1>", "discord.gg/abc"])
def test_f11_no_link_is_put_together_by_a_cut_between_two_messages(before: int, link: str) -> None:
    shown = cleaned("x" * before + link + " and more, of some length." * 20).text
    assert len(split(shown)) > 1
    for part in (*split(shown), "\n".join(split(shown))):
        assert CLICKED.findall(seen(part)) == []


@given(PIECES, st.sampled_from([Links.TEXT, Links.OFF]))
def test_f11_nothing_can_be_clicked_whatever_hides_between_the_letters(text: str, links: Links) -> None:
    shown = with_links(text, links)
    assert CLICKED.findall(seen(shown)) == []
    assert with_links(shown, Links.TEXT) == shown
    assert len(shown) <= len(text)


@pytest.mark.parametrize(
    "unit", ["a", "a://", "<", "</", "[", "[a](b://", "https:", "discord.gg/", ":", "a.", "</a", "<\u200b"]
)
@pytest.mark.parametrize("links", Links)
def test_f11_a_long_hostile_text_is_read_once(unit: str, links: Links) -> None:
    began = time.process_time()
    with_links(unit * (TEXT_CHARACTERS_MAX // len(unit)), links)
    assert time.process_time() - began < 2 * pace_s()


def test_f11_a_line_that_is_only_a_link_is_empty_where_links_are_off() -> None:
    cleaned = clean("https://e.org", name="A", others=(), own_last_lines=(), cut_by_length=False, links=Links.OFF)
    assert not isinstance(cleaned, Line)


@virtually
@pytest.mark.parametrize("links", [Links.TEXT, Links.ON])
async def test_f11_a_character_posts_its_link_as_the_setting_says(links: Links) -> None:
    says = "[https://discord.com](https://evil.example) and discord.gg/abc, </end:1>."
    async with playing(answers=[says], rules=Rules(links=links)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
        ((_, line),) = play.discord.character_lines(CHANNEL)
        assert bool(CLICKED.search(line)) is (links is Links.ON)
        await equal_to_the_channel(play)


@virtually
@pytest.mark.parametrize(
    "says", ["a\n" * 10_000, "The sea is up. " * 3000, "x" * 30_000, "a b\n\n" * 4000, "🚩" * 15_000]
)
async def test_f11_a_model_run_wild_fills_four_messages_and_sixty_lines_at_most(says: str) -> None:
    async with playing(answers=[says]) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
        lines = play.discord.character_lines(CHANNEL)
        assert 1 <= len(lines) <= PARTS_MAX == 4
        assert sum(text.count("\n") + 1 for _, text in lines) <= LINES_MAX == 60
        await equal_to_the_channel(play)


def cleaned(text: str) -> Line:
    line = clean(text, name="A", others=(), own_last_lines=(), cut_by_length=False)
    assert isinstance(line, Line)
    return line


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("The sea is up. " * 1000, "is up."),
        ("The sea is up.\n\n" * 300, "is up."),
        ("**The sea is up. ** " * 1000, "is up."),
        ("*She waits.* The sea is *up, and higher, still.* " * 400, "*"),
        ("海が荒れている。" * 2000, "。"),
        ("Row upon row\n" * 100, "Row upon row"),
        ("First.\n" + "row upon row upon row\n" * 2000, "row upon row upon row"),
        ("```\nrow upon row\n" + "x = 1  # a comment of some length\n" * 50 * 10, "some length"),
    ],
)
def test_f11_what_does_not_fit_is_left_out_behind_a_whole_sentence_or_row_and_says_so(text: str, end: str) -> None:
    line = cleaned(text)
    assert line.is_shortened
    assert line.text.endswith(end)
    assert text.startswith(line.text)
    assert len(split(line.text)) <= PARTS_MAX
    assert line.text.count("\n") >= LINES_MAX - 2 or len(line.text) > 2000 * (PARTS_MAX - 2)


@pytest.mark.parametrize("text", ["The sea is up.", "Row\n" * LINES_MAX, "The sea is up. " * 500, "````\na\n````"])
def test_f11_what_fits_is_not_shortened(text: str) -> None:
    assert cleaned(text) == Line(text.strip())


def test_f11_thoughts_take_no_room_of_a_line() -> None:
    assert cleaned(f"<think>{'plan' * 3}\n" * 80 + "</think>\nThe sea is up.") == Line("The sea is up.")


@given(
    st.lists(
        st.sampled_from(
            ["a ", "word. ", "\n", "\n\n", "*", "**", "||", "`", "```\n", "> ", "# ", "🚩", "。", "[a](b) "]
        )
    )
)
def test_f11_every_text_fits_and_cleaning_it_again_changes_nothing(pieces: list[str]) -> None:
    first = clean("".join(pieces) * 400, name="A", others=(), own_last_lines=(), cut_by_length=False)
    if isinstance(first, Line):
        assert len(split(first.text)) <= PARTS_MAX
        assert first.text.count("\n") < LINES_MAX
        assert cleaned(first.text) == Line(first.text)


async def is_cut_by_length(play: Play, response_id: str) -> bool:
    (asked,) = (exchange.asked for _, exchange in await play.store.exchanges(response_id) if exchange.asked)
    return asked.is_cut_by_length


@virtually
async def test_f11_a_shortened_line_is_logged_and_its_exchange_says_so() -> None:
    says = "The sea is up. " * 1000
    async with playing(answers=[says, "Quiet now."], rules=Rules(records_exchanges=True)) as play:
        await play.start("Ada")
        play.say("Hello?")
        await play.quiet()
        play.say("And now?")
        await play.quiet()
        (noted,) = (event for event in play.trace.events if isinstance(event, Noted) and event.words == SHORTENED)
        shortened, whole = (entry.response_id for entry in await play.entries() if entry.response_id is not None)
        assert noted.response_id == shortened
        assert [await is_cut_by_length(play, line) for line in (shortened, whole)] == [True, False]
        await equal_to_the_channel(play)


@pytest.mark.parametrize("wrong", ["maybe", "true"])
def test_f11_a_wrong_setting_names_what_it_may_be(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKS", wrong)
    with pytest.raises(Exception, match="LINKS: Input should be 'text', 'on' or 'off'"):
        load()
