"""The audit finds nothing where nothing differs, and names each single change as exactly what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.audit import Allowed, Difference, Kind, amendments, differences
from actors.roleplay.model import Amendment, ChannelMessage, KnownMessage, Line, Outbound, OutboundKind

ROOM = 42
NAMES = st.sampled_from(["Robin", "Ada", "Bo"])
TEXTS = st.text("ab é*\n", min_size=1).filter(lambda text: bool(text.strip()))


@dataclass(frozen=True)
class Played:
    """A channel and its history, made of the same lines."""

    channel: tuple[ChannelMessage, ...]
    history: tuple[Line, ...]

    @property
    def owned(self) -> list[int]:
        return [message_id for line in self.history for message_id, _ in line.messages]

    def differences(self, allowed: Allowed | None = None) -> tuple[Difference, ...]:
        return differences(self.channel, self.history, allowed=allowed)


def said(message_id: int, name: str, text: str) -> ChannelMessage:
    return ChannelMessage(message_id, ROOM, 7, name, text, 0.0)


def spoken(message_id: int, name: str, text: str, *, webhook_id: int | None = 77) -> ChannelMessage:
    return ChannelMessage(
        message_id, ROOM, 1, name, text, 0.0, is_ours=True, is_bot=True, webhook_id=webhook_id, is_embed=not webhook_id
    )


def no_line(message_id: int, number: int) -> ChannelMessage:
    """What stands in a channel and is no part of the play."""
    kinds = (
        said(message_id, "Robin", "!status"),
        said(message_id, "Robin", "((brb))"),
        said(message_id, "Robin", "\\aside"),
        said(message_id, "Robin", " "),
        replace(said(message_id, "Counter", "1,000 members!"), is_bot=True),
        replace(said(message_id, "Proxy", "Hello"), webhook_id=5, is_bot=True),
        replace(spoken(message_id, "Ensemble", "The scene is open."), webhook_id=None, is_embed=False),
    )
    return kinds[number % len(kinds)]


@st.composite
def played(draw: st.DrawFn, lines_min: int = 0) -> Played:
    channel: list[ChannelMessage] = []
    history: list[Line] = []
    message_id = 0
    for number in range(draw(st.integers(lines_min, 6))):
        message_id += 2
        channel.append(no_line(message_id - 1, draw(st.integers(0, 6))))
        name, texts, voice = (
            draw(NAMES),
            draw(st.lists(TEXTS, min_size=1, max_size=3)),
            draw(st.sampled_from([77, None])),
        )
        is_user = len(texts) == 1 and draw(st.booleans())
        ids = [message_id + 2 * each for each in range(len(texts))]  # somebody may speak between two parts
        message_id = ids[-1]
        for part_id, text in zip(ids, texts, strict=True):
            channel.append(said(part_id, name, text) if is_user else spoken(part_id, name, text, webhook_id=voice))
        history.append(Line(name, tuple(zip(ids, texts, strict=True)), None if is_user else f"r{number}"))
    return Played(tuple(channel), tuple(history))


def a_message(play: Played, data: st.DataObject) -> ChannelMessage:
    """One that belongs to a line."""
    owned = play.owned
    return data.draw(st.sampled_from([message for message in play.channel if message.id in owned]))


@given(played())
def test_where_nothing_differs_nothing_is_named(play: Played) -> None:
    assert play.differences() == ()


@given(played(lines_min=1), st.data())
def test_a_message_that_is_gone_is_missing(play: Played, data: st.DataObject) -> None:
    gone = a_message(play, data)
    left = replace(play, channel=tuple(message for message in play.channel if message != gone))
    assert left.differences() == (Difference(Kind.MISSING, gone.id, gone.name, gone.text, None),)


@given(played(lines_min=1), st.data())
def test_a_line_that_the_history_lacks_is_extra(play: Played, data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(play.history))
    left = replace(play, history=tuple(line for line in play.history if line != lost))
    assert left.differences() == tuple(Difference(Kind.EXTRA, i, lost.name, None, text) for i, text in lost.messages)


@given(played(), TEXTS, st.sampled_from([said, spoken]))
def test_a_message_that_is_nobodys_is_extra(play: Played, text: str, speak: object) -> None:
    stranger = (said if speak is said else spoken)(999, "Cy", text)
    more = replace(play, channel=(*play.channel, stranger))
    assert more.differences() == (Difference(Kind.EXTRA, 999, "Cy", None, text),)


@given(played(lines_min=1), TEXTS, st.data())
def test_a_message_with_another_text_is_altered(play: Played, text: str, data: st.DataObject) -> None:
    old = a_message(play, data)
    new = replace(old, text=old.text + text)
    changed = replace(play, channel=tuple(new if message == old else message for message in play.channel))
    assert changed.differences() == (Difference(Kind.ALTERED, old.id, old.name, old.text, new.text),)


@given(played(lines_min=2), st.data())
def test_two_lines_that_stand_the_wrong_way_round_are_out_of_order(play: Played, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(play.history) - 2))
    lines = list(play.history)
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    older = play.history[first]
    ((message_id, text), *_) = older.messages
    swapped = replace(play, history=tuple(lines))
    assert swapped.differences() == (Difference(Kind.OUT_OF_ORDER, message_id, older.name, text, text),)


@given(played(lines_min=2), st.randoms(use_true_random=False))
def test_a_shuffled_history_is_out_of_order_and_nothing_else(play: Played, random: object) -> None:
    lines = list(play.history)
    random.shuffle(lines)  # type: ignore[attr-defined] # hypothesis's own Random
    found = {each.kind for each in replace(play, history=tuple(lines)).differences()}
    assert found == (set() if tuple(lines) == play.history else {Kind.OUT_OF_ORDER})


def test_parts_that_stand_the_wrong_way_round_are_out_of_order() -> None:
    channel = (spoken(1, "Ada", "Two."), spoken(2, "Ada", "One."))
    found = differences(channel, (Line("Ada", ((2, "One."), (1, "Two.")), "r"),))
    assert found == (Difference(Kind.OUT_OF_ORDER, 1, "Ada", "Two.", "Two."),)


def test_what_is_accounted_for_or_on_its_way_is_no_difference() -> None:
    on_its_way = Outbound(OutboundKind.WEBHOOK, ROOM, "Ada", "Hello.", "n", watermark=1, webhook_id=77)
    channel = (spoken(2, "Ada", "Hello."), spoken(3, "Bo", "Bye."), spoken(4, "Cy", "Hello."))
    allowed = Allowed(frozenset({3}), (on_its_way,))
    assert [each.message_id for each in differences(channel, (), allowed=allowed)] == [4]


def test_a_user_is_only_heard_until_the_end() -> None:
    channel = (said(2, "Robin", "Heard?"), said(3, "Robin", "After the end."), spoken(4, "Ada", "A late copy."))
    assert [each.message_id for each in differences(channel, (), allowed=Allowed(heard_until=2))] == [2, 4]


def test_what_a_read_shows_otherwise_or_not_at_all_is_amended() -> None:
    known = [KnownMessage(1, "Same.", 0.0), KnownMessage(2, "Old.", 0.0), KnownMessage(3, "Gone.", 0.0)]
    seen = [said(1, "Robin", "Same."), said(2, "Robin", "New."), said(4, "Robin", "Unheard.")]
    assert amendments(known, seen) == (Amendment(2, "New."), Amendment(3, None))
