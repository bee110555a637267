"""Hostile messages through the real actors: commands, lines that Discord alters, names that draw nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.redeliveries import ANSWER_MAX
from actors.roleplay.model import OutboundKind
from actors.start_command import BadCommand, Start, parse_start
from tests.fakes.play import CHANNEL, equal_to_the_channel, playing
from tests.fakes.virtual_time import run_virtually
from tests.roleplay.hostile import NAMES, PIECES, TEXTS, storable

WORDS = st.sampled_from(("--turns", "--", '"', "“", "everyone", "list", "Ada", " ", "\n", "\\", "#", "'"))
STARTS = st.lists(WORDS | st.sampled_from(PIECES), max_size=20).map("".join) | TEXTS


@given(STARTS)
def test_any_text_behind_start_is_a_start_or_a_bad_command(rest: str) -> None:
    try:
        start = parse_start(rest)
    except BadCommand:
        return
    assert isinstance(start, Start)
    assert len("".join(start.names)) <= len(rest)
    assert start.scenario in rest


COMMANDS = st.builds(
    lambda word, rest: storable(f"!{word}{rest}")[:4000],
    st.sampled_from(("start ", "START ", "end", "status", "cast", "history ", "history 9", "help", "nonsense ", "")),
    STARTS | st.sampled_from(("9" * 3900, "-1", "٣", "²", "1.5", "0", "51", "Ada " * 990)),
)


@settings(max_examples=25)
@given(st.lists(COMMANDS, min_size=1, max_size=8))
def test_any_command_is_answered_once_at_most_and_crashes_nothing(commands: list[str]) -> None:
    async def main() -> None:
        async with playing() as play:
            for command in commands:
                before = len(play.discord.texts(CHANNEL))
                play.say(command)
                await play.quiet(for_s=3.0)
                answers = play.discord.texts(CHANNEL)[before:]
                assert len(answers) <= 1
                assert all(0 < len(answer) <= ANSWER_MAX and answer.strip() for answer in answers)
            assert play.trace.crashes == []

    run_virtually("asyncio", main)


HOSTILE_LINES = (
    "@\u202eeveryone Aye \u2066there\u2069.",
    "Z" + "\u0301\u0316\u0334" * 100 + "algo comes.",
    "Zero\u200bwidth\u2060 and \u00adsoft\ufeff.",
    "e\u0301 and \u212b and \u1e9b\u0323.",
    "Aye.\u2028It is.\x0bSo it is.\u0085",
    "🏴\U000e0067\U000e0062\U000e007f 👩‍🚀 \ufe0f1\u20e3",
    "x" * 2000 + "\u200b" * 300 + " y" * 40,
)


def strip_most(text: str) -> str:
    """The worst that Discord is known to do to a message."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Mn", "Me", "Cs"))
    return unicodedata.normalize("NFC", "".join(kept)).strip()


@pytest.mark.parametrize("kind", [OutboundKind.WEBHOOK, OutboundKind.EMBED])
@pytest.mark.parametrize("text", HOSTILE_LINES)
async def test_a_line_that_discord_alters_is_found_again_and_comes_once(text: str, kind: OutboundKind) -> None:
    async with playing() as play:
        play.discord.kind, play.discord.alter = kind, strip_most
        await play.start("Ada")
        play.model.answers.append(text)
        play.discord.faults.extend(["stored_then_cut"] * 2)
        play.say("Hi")
        await play.quiet()
        assert "".join(text for _, text in play.discord.character_lines(CHANNEL)).count(strip_most(text)[-1]) > 0
        lines = [post for post in play.discord.posts if post.kind is kind]
        assert len(lines) == len(play.discord.character_lines(CHANNEL)), "a line was sent twice"
        assert play.trace.crashes == []
        await equal_to_the_channel(play)


@settings(max_examples=25)
@given(st.lists(st.tuples(NAMES, TEXTS), min_size=1, max_size=6))
def test_any_person_and_any_message_is_answered_and_the_history_is_what_the_channel_shows(
    said: list[tuple[str, str]],
) -> None:
    async def main() -> None:
        async with playing() as play:
            await play.start("Ada")
            for name, text in said:
                if storable(text).strip():
                    play.say(storable(text)[:4000], name=storable(name))
                    await play.quiet(for_s=3.0)
            assert play.trace.crashes == []

    run_virtually("asyncio", main)
