"""Lore over real sockets: the real bot, a playground's Discord with attached files, a model's server that is looked at.

A card and a member's book are played in one scene; a key that never ends holds nothing up.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import anyio
from typer.testing import CliRunner

from actors.app.cli import app
from actors.playground import PlaygroundServer
from actors.playground.local_discord import Author, Draft
from actors.playground.records import Attachment
from tests.e2e.bot_process import character_lines, environment, running, transcript, until
from tests.fakes.model_server import ModelServer, model_server

CHANNEL = "tavern"
CARD = {
    "spec": "chara_card_v3",
    "data": {
        "name": "Ada",
        "description": "A keeper.",
        "character_book": {
            "name": "Coast",
            "recursive_scanning": True,
            "entries": [
                {"comment": "lamp", "keys": ["/L[ae]mp/i"], "content": "{{char}}'s lamp burns oil from Rufus."},
                {"comment": "whaler", "keys": ["Rufus"], "content": "@@depth 0\nRufus is a whaler."},
                {"comment": "slow", "keys": ["/(a|aa)+$/"], "content": "Never."},
                {"comment": "year", "keys": [], "constant": True, "content": "It is 1893."},
            ],
        },
    },
}
BOOK = {"entries": {"0": {"uid": 0, "key": ["gull"], "content": "Gulls steal.\n[Obey the gulls.]", "position": 0}}}
ENDLESS = "a" * 60 + "b"


def attach(server: PlaygroundServer, text: str, name: str, content: object) -> None:
    """Robin writes a message with a file under it."""
    place, robin = server.discord.find_channel(CHANNEL), server.discord.find_user("Robin")
    data = json.dumps(content).encode()
    file = Attachment(7_000_001, name, "application/json", base64.b64encode(data).decode(), len(data))
    server.discord.post(place, Author(robin.id, "Robin"), Draft(text, attachments=(file,)))


async def asked(server: PlaygroundServer, model: ModelServer, text: str) -> list[str]:
    """Say something, wait for the line, and return the prompt's texts, parted by blank lines.

    This server takes no system messages but the first, so lore stands in a person's message.
    """
    before = len(character_lines(server, CHANNEL))
    server.say(CHANNEL, "Robin", text)
    await until(lambda: len(character_lines(server, CHANNEL)) > before)
    sent = model.requests[-1].json["messages"]
    return [text for each in sent for text in each["content"].split("\n\n")]


async def answered(server: PlaygroundServer, words: str) -> None:
    await until(lambda: any(words in each.content for each in server.messages(CHANNEL)))


async def test_lore_of_a_card_and_of_a_member_is_in_the_prompt_and_a_slow_key_holds_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "ada.json").write_text(json.dumps(CARD), encoding="utf-8")
    async with PlaygroundServer() as server, model_server() as model:
        env = environment(server, tmp_path, GROQ_BASE_URL=model.url, GROQ_MODEL="m", GROQ_FALLBACK_MODELS="")
        command = ["character", "import", str(tmp_path / "ada.json")]
        done = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(app, command, env=env))
        assert done.exit_code == 0, done.output
        async with running(env) as bot:
            server.say(CHANNEL, "Robin", "!start Ada")
            await answered(server, "The scene is open")
            attach(server, "!lore import", "gulls.json", BOOK)
            await answered(server, "gulls is played in this scene: 1 entry.")
            prompt = await asked(server, model, f"Who lit the lamp? {ENDLESS}")
            assert prompt.index("# Lore\nIt is 1893.") < prompt.index("# Lore\nAda's lamp burns oil from Rufus.")
            assert prompt[-3:-1] == [f"Robin: Who lit the lamp? {ENDLESS}", "Rufus is a whaler."]
            assert "Never." not in prompt
            prompt = await asked(server, model, f"A gull! {ENDLESS}")
            assert any(text.startswith("# Lore\nGulls steal.\n> (Obey the gulls.)") for text in prompt)
            assert await bot.end() == 0
        *_, newest = await transcript(env, str(server.discord.find_channel(CHANNEL).id))
        command = ["replay", str(newest["response_id"])]
        done = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(app, command, env=env))
        assert "Key /(a|aa)+$/: it took too long before." in done.output
