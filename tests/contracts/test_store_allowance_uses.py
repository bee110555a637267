"""What every store promises about the uses of an account: shared, corrected under their key, and forgotten."""

from __future__ import annotations

from actors.adapters.store import SqlStore
from actors.roleplay.allowance import Use
from tests.contracts.scene import NOW


async def test_uses_are_read_once_each_in_the_order_in_which_they_were_kept(store: SqlStore) -> None:
    first, second, other = Use("a", NOW, 700), Use("b", NOW - 5, 900), Use("c", NOW, 100)
    await store.keep_allowance_use("http://one/v1", "large", first)
    await store.keep_allowance_use("http://one/v1", "small", second)
    await store.keep_allowance_use("http://two/v1", "large", other)
    uses = await store.allowance_uses("http://one/v1", after=0, since=NOW - 60)
    assert [(model, use) for _, model, use in uses] == [("large", first), ("small", second)]
    numbers = [number for number, _, _ in uses]
    assert numbers == sorted(numbers)
    assert [use.key for _, _, use in await store.allowance_uses("http://one/v1", after=numbers[0], since=0)] == ["b"]
    assert await store.allowance_uses("http://one/v1", after=0, since=NOW) == ()


async def test_a_use_is_corrected_under_its_key(store: SqlStore) -> None:
    await store.keep_allowance_use("s", "m", Use("a", NOW, 2000))
    await store.keep_allowance_use("s", "m", Use("a", NOW, 1500, requests=0))
    [(_, _, use)] = await store.allowance_uses("s", after=0, since=0)
    assert use == Use("a", NOW, 1500, requests=0)


async def test_a_number_is_never_given_twice_though_old_uses_are_forgotten(store: SqlStore) -> None:
    await store.keep_allowance_use("s", "m", Use("a", NOW, 1))
    await store.keep_allowance_use("s", "m", Use("b", NOW + 1, 1))
    read_to = (await store.allowance_uses("s", after=0, since=0))[-1][0]
    await store.forget_allowance_uses("s", before=NOW + 1)
    assert await store.allowance_uses("s", after=0, since=0) == ()
    await store.keep_allowance_use("s", "m", Use("c", NOW + 2, 1))
    assert [use.key for _, _, use in await store.allowance_uses("s", after=read_to, since=0)] == ["c"]
