"""A bounded mailbox keeps order and says no when it is full."""

from __future__ import annotations

import pytest

from actors.mailbox import Mailbox


def test_what_is_offered_is_taken_in_that_order() -> None:
    mailbox: Mailbox[int] = Mailbox(3)
    assert [mailbox.offer_nowait(n) for n in (1, 2, 3)] == [True, True, True]
    assert [mailbox.take_nowait() for _ in range(3)] == [1, 2, 3]


def test_a_full_mailbox_says_so_and_keeps_what_it_has() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    assert [mailbox.offer_nowait(n) for n in (1, 2, 3)] == [True, True, False]
    assert len(mailbox) == 2
    assert mailbox.take_nowait() == 1
    assert mailbox.offer_nowait(4)
    assert [mailbox.take_nowait(), mailbox.take_nowait()] == [2, 4]


def test_what_must_come_first_gets_in_even_when_it_is_full() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    mailbox.offer_nowait(1)
    mailbox.offer_first_nowait(0)
    assert [mailbox.take_nowait(), mailbox.take_nowait()] == [0, 1]


def test_an_empty_mailbox_gives_nothing() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    with pytest.raises(IndexError):
        mailbox.take_nowait()
