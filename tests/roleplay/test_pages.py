"""A read by pages shows every message once, oldest first, and ends on every server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.pages import PagedRead


@dataclass(frozen=True, slots=True)
class Shown:
    id: int


Server = Callable[[int], list[Shown]]
IDS = st.lists(st.integers(1, 10_000), unique=True, max_size=60).map(sorted)


def read(server: Server, after: int, *, full_page: int | None = None) -> tuple[list[int], int]:
    """What a whole read shows, and how many pages it asked for."""
    reading, pages = PagedRead[Shown](after, full_page=full_page), 1
    while reading.take(server(reading.after)):
        pages += 1
    return [message.id for message in reading.messages], pages


@given(ids=IDS, after=st.integers(0, 10_000), size=st.integers(1, 70), overlap=st.integers(0, 5), seed=st.integers())
def test_e2_every_order_every_size_and_every_overlap_show_each_message_once_and_oldest_first(
    ids: list[int], after: int, size: int, overlap: int, seed: int
) -> None:
    random = Random(seed)

    def server(after: int) -> list[Shown]:
        newer = [id_ for id_ in ids if id_ > after]
        older = [id_ for id_ in ids if id_ <= after]
        page = [*older[len(older) - overlap :], *newer[:size]] if overlap else newer[:size]
        random.shuffle(page)
        return [Shown(id_) for id_ in page]

    newer = [id_ for id_ in ids if id_ > after]
    shown, pages = read(server, after)
    assert shown == newer
    assert pages <= len(newer) // size + 2


@given(pages=st.lists(st.lists(st.integers(1, 50), max_size=8), max_size=30), after=st.integers(0, 50))
def test_e2_a_read_ends_whatever_a_server_answers(pages: list[list[int]], after: int) -> None:
    script = iter(pages)

    def server(after: int) -> list[Shown]:
        return [Shown(id_) for id_ in next(script, [])]

    shown, asked = read(server, after)
    assert shown == sorted(set(shown))
    assert all(id_ > after for id_ in shown)
    assert asked <= len(shown) + 1


def test_e2_a_message_that_a_page_shows_twice_is_as_it_was_shown_last() -> None:
    @dataclass(frozen=True, slots=True)
    class Edited:
        id: int
        text: str

    reading = PagedRead[Edited](0)
    assert reading.take([Edited(2, "before"), Edited(1, ""), Edited(2, "after")])
    assert reading.messages == [Edited(1, ""), Edited(2, "after")]


@given(ids=IDS, size=st.integers(1, 70))
def test_e2_where_pages_are_filled_a_short_one_is_the_last_and_costs_no_further_request(
    ids: list[int], size: int
) -> None:
    def server(after: int) -> list[Shown]:
        return [Shown(id_) for id_ in reversed([id_ for id_ in ids if id_ > after][:size])]

    shown, pages = read(server, 0, full_page=size)
    assert shown == ids
    assert pages == len(ids) // size + 1
