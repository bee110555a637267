"""Texts that Discord blocks: real server, real client, real core."""

from __future__ import annotations

import pytest

from tests.reliability.stage import performing


@pytest.mark.parametrize("fault", ["http_400_200000", "http_400_200001", "http_400_240000", "http_403_20009"])
async def test_b13_what_discord_blocks_twice_is_announced_as_blocked(fault: str) -> None:
    async with performing("webhook") as stage:
        stage.server.next_lines(fault, fault)
        stage.say()
        await stage.until_over()
        (notice,) = stage.notices
        assert notice.endswith("(Discord blocked the text)")
