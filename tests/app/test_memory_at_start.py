"""What a bot loaded before it played costs it nothing afterwards."""

import gc
from collections.abc import Iterator

import pytest

from actors.app.commands.run import keep_what_is_loaded


@pytest.fixture
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
def test_the_collector_looks_no_more_at_what_was_loaded() -> None:
    loaded = [[number] for number in range(1000)]
    keep_what_is_loaded()
    later = [[number] for number in range(1000)]
    looked_at = {id(each) for each in gc.get_objects()}
    assert not looked_at & {id(each) for each in loaded}
    assert looked_at >= {id(each) for each in later}
