"""Facts in the journal: each comes back as it was, whatever is in it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from machines.facts import FACTS, Fact, fact_record, revive

ANY_FACT = st.sampled_from(sorted(FACTS)).flatmap(lambda name: st.from_type(FACTS[name]))


@given(ANY_FACT)
def test_a_fact_comes_back_from_the_journal_as_it_was(fact: Fact) -> None:
    written = json.dumps(fact_record(fact))
    back = revive(type(fact).__name__, json.loads(written))
    assert repr(back) == repr(fact)  # NaN is not equal to itself
