"""The message commands: what each does, what it refuses and how it says so; each once, never in the play."""

from __future__ import annotations

import pytest

from actors.commands import CAST_MAX
from actors.ports import MessageSeen
from actors.redeliveries import ANSWER_MAX
from actors.roleplay.model import ChannelMessage, Character
from actors.roleplay.turns import TurnOrder
from actors.services import Rules
from actors.start_command import BadCommand, Start, parse_start
from tests.fakes.play import CHANNEL, Play, equal_to_the_channel, playing


async def answers_to(play: Play, *texts: str, wait_s: float = 3.0) -> list[str]:
    """What the bot said to each of these messages, one after the other."""
    before = len(play.discord.texts(CHANNEL))
    for text in texts:
        play.say(text)
        await play.quiet(for_s=wait_s)
    return play.discord.texts(CHANNEL)[before:]


# ── parsing ─────────────────────────────────────────────────────────────────────────────────────────

LIST = TurnOrder.LIST


@pytest.mark.parametrize(
    ("rest", "start"),
    [
        ("Ada", Start(("Ada",), None, "")),
        ("Ada Bo", Start(("Ada", "Bo"), None, "")),
        ('"Ada Lovelace" Bo', Start(("Ada Lovelace", "Bo"), None, "")),
        ("“Ada Lovelace” Bo", Start(("Ada Lovelace", "Bo"), None, "")),
        ("„Ada Lovelace“", Start(("Ada Lovelace",), None, "")),
        ("O'Neill D’Artagnan", Start(("O'Neill", "D’Artagnan"), None, "")),
        ("back\\slash #hash", Start(("back\\slash", "#hash"), None, "")),
        ("Ada --turns list", Start(("Ada",), LIST, "")),
        ("--turns LIST Ada", Start(("Ada",), LIST, "")),
        ("Ada -- A storm, and nobody's home", Start(("Ada",), None, "A storm, and nobody's home")),
        ("Ada --turns list -- A storm -- at sea", Start(("Ada",), LIST, "A storm -- at sea")),
        ("Ada --\nA storm\nat sea", Start(("Ada",), None, "A storm\nat sea")),
        ("Ada\n-- A storm", Start(("Ada",), None, "A storm")),
        ("\tAda\n\tBo", Start(("Ada", "Bo"), None, "")),
        ("Ada --", Start(("Ada",), None, "")),
        (
            '"Ada -- Bo" Cy -- a "storm" -- at sea',
            Start(("Ada -- Bo", "Cy"), None, 'a "storm" -- at sea'),
        ),
        ("-- only a scenario", Start((), None, "only a scenario")),
        ("", Start((), None, "")),
    ],
)
def test_a_start_is_read_as_people_write_it(rest: str, start: Start) -> None:
    assert parse_start(rest) == start


@pytest.mark.parametrize(("rest", "why"), [('"Ada', "quote"), ("“Ada", "quote"), ("Ada --turns", "needs an order")])
def test_a_start_that_cannot_be_read_says_why(rest: str, why: str) -> None:
    with pytest.raises(BadCommand, match=why):
        parse_start(rest)


# ── !start ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["!start ada bo", "!start A, b", '!start "Ada" B'])
async def test_a_start_finds_names_by_their_beginning_with_and_without_commas(command: str) -> None:
    async with playing() as play:
        (answer,) = await answers_to(play, command)
        assert answer.startswith("🎭 The scene is open with Ada, Bo.")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("!start Cy", "There is no character named Cy. Characters here: Ada, Bo."),
        ("!start", "with one of: Ada, Bo."),
        ("!start -- a storm", "with one of: Ada, Bo."),
        ('!start "Ada', "A quote is not closed."),
        ("!start Ada --turns backwards", "There is no turn order `backwards`"),
        ("!start Ada --turns", "needs an order"),
        ("!start " + "x" * 1900, "There is no character named"),
    ],
)
async def test_a_start_that_cannot_be_done_says_why_and_opens_nothing(command: str, says: str) -> None:
    async with playing() as play:
        (answer,) = await answers_to(play, command)
        assert answer.startswith("❓")
        assert says in answer
        assert await play.store.session_in(CHANNEL) is None


async def test_too_many_characters_are_refused_and_as_many_as_may_be_are_not() -> None:
    cast = [f"N{n}" for n in range(CAST_MAX + 1)]
    async with playing(cast=cast) as play:
        refused, opened = await answers_to(play, f"!start {' '.join(cast)}", f"!start {' '.join(cast[:-1])}")
        assert f"at most {CAST_MAX} characters" in refused
        assert opened.startswith("🎭")


async def test_names_are_known_in_any_case_and_the_same_name_twice_is_one_character() -> None:
    async with playing(cast=["Ada Lovelace", "Bo"]) as play:
        (answer,) = await answers_to(play, '!start "ADA lovelace" bo “Ada Lovelace”')
        assert "open with Ada Lovelace, Bo." in answer
        assert play.model.label in answer


async def test_the_scenario_reaches_the_model() -> None:
    async with playing() as play:
        await answers_to(play, "!start Ada -- A lighthouse\nin a storm", "Hello?")
        assert "A lighthouse\n> in a storm" in "\n".join(m.content for m in play.model.prompts[0].messages)


async def test_a_second_start_is_refused_and_the_first_scene_goes_on() -> None:
    async with playing() as play:
        _, refused = await answers_to(play, "!start Ada", "!start Bo")
        assert refused.startswith("A scene is open here already.")
        play.say("Hello?")
        await play.quiet()
        assert [name for name, _ in play.discord.character_lines(CHANNEL)] == ["Ada"]


# ── the others ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["!end", "!status", "!cast", "!history"])
async def test_without_a_scene_it_says_how_to_open_one(command: str) -> None:
    async with playing() as play:
        (answer,) = await answers_to(play, command)
        assert "No scene is open here. `!start NAME…` opens one" in answer


async def test_each_says_what_it_is_asked() -> None:
    async with playing(answers=["Good evening."]) as play:
        await answers_to(play, "!start Ada", "Hello?")
        status, cast, history, one, helps = await answers_to(
            play, "!status", "!cast", "!history", "!history 1", "!help"
        )
        assert await play.session_id() in status
        assert "Lines in the history: 2" in status
        assert cast == "Playing here: Ada.\nCharacters to choose from: Ada, Bo."
        assert history == "**Robin**: Hello?\n**Ada**: Good evening."
        assert one == "**Ada**: Good evening."
        for command in ("start", "end", "status", "cast", "history"):
            assert f"`!{command}" in helps


@pytest.mark.parametrize("count", ["0", "51", "-1", "many", "1.5", "5 lines"])
async def test_a_history_of_no_number_of_lines_is_refused(count: str) -> None:
    async with playing() as play:
        await answers_to(play, "!start Ada")
        (answer,) = await answers_to(play, f"!history {count}")
        assert answer.endswith("from 1 to 50.")


async def test_an_answer_fits_into_one_message_and_keeps_the_newest_lines() -> None:
    async with playing(answers=["a" * 1900, "b" * 900, "c" * 600]) as play:
        await answers_to(play, "!start Ada", "one", "two", "three", wait_s=8.0)
        (answer,) = await answers_to(play, "!history 50")
        assert len(answer) <= ANSWER_MAX
        assert answer.endswith("**Ada**: " + "c" * 600)
        assert "**Robin**: three" in answer


async def test_a_history_without_lines_says_so() -> None:
    async with playing() as play:
        assert (await answers_to(play, "!start Ada", "!history"))[1] == "Nothing has been said yet."


# ── what is no command, and who may give one ────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["!", "!roll 2d6", "!startle Ada", "!!", "!\t!start Ada"])
async def test_b49_an_unknown_word_is_a_line_of_the_play(text: str) -> None:
    async with playing() as play:
        assert await answers_to(play, "!start Ada", text) == play.discord.texts(CHANNEL)[:1]
        assert (await play.history())[0] == ("Robin", text)


@pytest.mark.parametrize("text", ["!start\nAda", "!START Ada", "!start\tAda", "!start   Ada  ", "! start Ada"])
async def test_whatever_space_and_case_a_command_is_written_with_it_is_carried_out(text: str) -> None:
    async with playing() as play:
        (answer,) = await answers_to(play, text)
        assert answer.startswith("🎭 The scene is open with Ada.")


async def test_another_prefix_is_another_language() -> None:
    async with playing(rules=Rules(command_prefix="hey ")) as play:
        assert await answers_to(play, "!start Ada") == []
        (answer,) = await answers_to(play, "hey start Ada")
        assert "`hey end` ends it" in answer
        play.say("!end")  # a line as any other now
        await play.quiet()
        assert (await play.history())[0] == ("Robin", "!end")


async def test_an_empty_prefix_turns_commands_off_and_nothing_is_one() -> None:
    async with playing() as first:
        await first.start("Ada")
    async with playing(before=first, rules=Rules(command_prefix="")) as play:
        assert await answers_to(play, "end", "!end") == []
        assert play.session_state() != "Ended"
        assert [text for name, text in await play.history() if name == "Robin"] == ["end", "!end"]


async def test_commands_and_asides_are_neither_remembered_nor_shown_to_a_model() -> None:
    async with playing() as play:
        apart = ("!status", "((brb))", "((over\ntwo lines))", "\\ not for them", "!staus")
        await answers_to(play, "!start Ada", *apart, "Hello?")
        assert [text for name, text in await play.history() if name == "Robin"] == ["Hello?"]
        asked = "\n".join(m.content for prompt in play.model.prompts for m in prompt.messages)
        assert not [text for text in apart if text in asked]


async def test_bots_and_webhooks_are_not_heard() -> None:
    async with playing() as play:
        for extra in ({"is_bot": True}, {"webhook_id": 9}, {"is_bot": True, "webhook_id": 9}):
            for text in ("!start Ada", "Hello?"):
                message = ChannelMessage(5_000, CHANNEL, 7, "Relay", text, play.clock.now(), **extra)
                play.gateway.offer(MessageSeen(message))
        await play.quiet()
        assert play.discord.texts(CHANNEL) == []
        assert await play.store.session_in(CHANNEL) is None


# ── once ────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_command_is_carried_out_once_even_when_its_message_is_seen_again() -> None:
    async with playing() as play:
        for text in ("!start Ada", "!status", "!end", "!start Bo"):
            play.say(text)
            await play.quiet()
        answers = play.discord.texts(CHANNEL)
        commands = [m for m in play.discord.shown if m.text.startswith("!")]
        for message in commands:  # a connection that goes on may replay what it told before
            play.gateway.offer(MessageSeen(message))
        await play.quiet()
        assert play.discord.texts(CHANNEL) == answers
        assert len(answers) == 4
        session = await play.store.session_in(CHANNEL)
        assert session is not None
        assert [member.name for member in session.cast] == ["Bo"]
        await equal_to_the_channel(play)


async def test_an_end_that_meets_a_moving_session_holds() -> None:
    async with playing(latency_s=0.03) as play:
        await play.start("Ada", "Bo")
        play.say("Hello?")
        await play.until(lambda: bool(play.trace.moves), step_s=0.01)
        play.say("!end")
        await play.quiet()
        assert play.session_state() == "Ended"
        assert sum(text.startswith("🎬") for text in play.discord.texts(CHANNEL)) == 1


async def test_a_name_with_quotes_in_it_is_found_by_the_same_name_without_them() -> None:
    async with playing(cast=['Jack "Red" Doe']) as play:
        for number, said in enumerate(('"Jack "Red" Doe"', '"jack red doe"', "“Jack “Red” Doe”")):
            channel_id = CHANNEL + number
            play.say(f"!start {said}", channel_id=channel_id)
            await play.quiet()
            assert play.discord.texts(channel_id)[0].startswith('🎭 The scene is open with Jack "Red" Doe.')


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Re:Zero Emilia", ('"Re:Zero Emilia"', '"rezero emilia"', "“Re:Zero Emilia”")),
        ("D’Artagnan", ("D’Artagnan", "D'Artagnan", "dartagnan")),
        ("Zo\u00eb", ("Zo\u00eb", "Zoe\u0308", "ZOE\u0308")),
        ("The Wandering Cartographer's Guild - Bob", ('"The Wandering Cartographer’s Guild – Bob"',)),
    ],
)
async def test_b38_a_scene_is_opened_with_a_name_as_it_is_written_and_as_a_keyboard_writes_it(
    name: str, asked: tuple[str, ...]
) -> None:
    async with playing(cast=[name, "The Wandering Cartographer's Guild - Alice"]) as play:
        for number, said in enumerate(asked):
            play.say(f"!start {said}", channel_id=CHANNEL + number)
            await play.quiet()
            assert play.discord.texts(CHANNEL + number)[0].startswith(f"🎭 The scene is open with {name}.")


async def test_b39_a_lorebook_that_an_older_version_took_for_a_character_still_speaks() -> None:
    async with playing(cast=[Character("c1", "Coast", '{"name": "Coast", "entries": {}}')]) as play:
        play.say("!start Coast")
        await play.quiet()
        play.say("Hello?")
        await play.quiet()
        await equal_to_the_channel(play)
        assert [entry.name for entry in await play.entries(CHANNEL)][1:] == ["Coast"]
