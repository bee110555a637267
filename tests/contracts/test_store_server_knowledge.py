"""What every store promises about model servers: what was learnt of each model is there after a restart."""

from __future__ import annotations

from actors.adapters.store import SqlStore
from tests.contracts.scene import NOW


async def test_what_was_learnt_last_of_each_model_of_a_server_is_kept(store: SqlStore) -> None:
    assert await store.server_knowledge("http://one/v1") == {}
    await store.keep_server_knowledge("http://one/v1", "large", "{}", at=NOW)
    await store.keep_server_knowledge("http://one/v1", "small", '{"window_tokens": 2050}', at=NOW)
    await store.keep_server_knowledge("http://two/v1", "large", '{"system": "FIRST"}', at=NOW)
    await store.keep_server_knowledge("http://one/v1", "large", '{"refused": ["stop"]}', at=NOW + 1)
    assert await store.server_knowledge("http://one/v1") == {
        "large": '{"refused": ["stop"]}',
        "small": '{"window_tokens": 2050}',
    }
