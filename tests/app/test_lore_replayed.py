"""`replay` tells which entries of lorebooks fired, and why others did not, from the journal or from a file."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from actors.adapters.inspector import recorded_view
from actors.adapters.store import open_store
from actors.app.cli import app
from actors.observation.exchange_view import exchange_view
from machines.facts import Generated
from tests.contracts.scene import NOW, open_scene
from tests.contracts.test_store_exchanges import GENERATED, tell

TOLD = [
    "Lore: 1 of 8 entries fired.",
    "+ lamp (Coast), before the character, by lamp: 3 tokens",
    "- storm (Coast): no key was said",
    "… and 6 more did not",
    "Key /(a+)+$/: it took too long.",
]


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


async def _keep() -> str:
    async with open_store("sqlite:///ensemble.db") as store:
        scene = await open_scene(store)
        await scene.hear(11)
        line = await (await scene.line()).start(at=NOW)
        await tell(line, Generated(NOW + 1, ("Hi",)), GENERATED)
        recorded = await store.recorded(line.response.id)
        assert recorded is not None
        kept = [exchange_view(seq, each) for seq, each in await store.exchanges(line.response.id)]
        view = recorded_view(recorded) | {"exchanges": kept}
        (Path() / "saved.json").write_text(json.dumps(view), encoding="utf-8")
        return line.response.id


def test_the_lore_of_a_line_is_replayed() -> None:
    response_id = anyio.run(_keep)
    for wanted in (response_id, "saved.json"):
        done = CliRunner().invoke(app, ["replay", wanted])
        assert done.exit_code == 0, done.output
        assert done.stdout.splitlines()[-len(TOLD) :] == TOLD
