"""`!missing` and *Did not come* through the whole bot, over real sockets."""

from __future__ import annotations

from actors.adapters.discord.interactions import DID_NOT_COME
from actors.playground import Voice
from actors.playground.events import Event
from actors.playground.interactions import EPHEMERAL, Whisper
from tests.reliability.stage import CHANNEL, NAME, Stage, performing


async def answer_to(stage: Stage, text: str, *, reply_to: int | None = None) -> str:
    said = stage.server.say(CHANNEL, "Robin", text, reply_to=reply_to)

    def answers() -> list[str]:
        later = [m for m in stage.server.messages(CHANNEL) if m.id > said.id and m.voice is Voice.BOT]
        return [m.content for m in later if m.content.startswith("🔎")]

    await stage.until(lambda: bool(answers()))
    return answers()[0]


async def test_m4_who_misses_a_line_is_told_what_became_of_it_and_is_counted() -> None:
    whispers: list[Whisper] = []

    def hear(event: Event) -> None:
        if isinstance(event.subject, Whisper):
            whispers.append(event.subject)

    async with performing("webhook") as stage:
        stage.server.discord.subscribe(hear)
        arrived = stage.say("And what comes now?")
        await stage.until_over()
        stage.begin()
        stage.server.next_lines("http_400")
        lost = stage.say("And now?")
        await stage.until_over()
        newest = await answer_to(stage, "!missing")
        assert f"- **{NAME}** did not come (<t:" in newest
        assert f"- **{NAME}** came <t:" in await answer_to(stage, "!missing", reply_to=arrived.id)
        aside = stage.server.say(CHANNEL, "Robin", "((a word between us))")
        assert "began no turn" in await answer_to(stage, "!missing", reply_to=aside.id)

        await stage.until(lambda: bool(stage.server.discord.commands))
        stage.server.choose(lost.id, "Sam", DID_NOT_COME)
        await stage.until(lambda: any(each.message.content for each in whispers))
        (shown,) = [each for each in whispers if each.message.content]
        assert shown.message.content == newest
        assert shown.message.flags & EPHEMERAL
        assert shown.user_id == stage.server.discord.find_user("Sam").id

        found = await stage.store.reliability(since=0.0)
        assert dict(found.missing) == {"failed": 2, "delivered": 1, "unknown": 1}
        assert not [event for event in stage.trace.errors if "crashed" in event.words]
