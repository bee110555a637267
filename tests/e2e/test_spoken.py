"""What a screen reader is given: words, without marks, and nothing that a spoiler hides."""

import aiohttp
import pytest
from playwright.async_api import expect

from actors.playground import PlaygroundServer

from .conftest import OpenPage, findings

pytestmark = pytest.mark.browser

SPOKEN = {
    "*knocks twice* Hello, **anybody**?": "knocks twice Hello, anybody?",
    "***Both*** __under__ ~~gone~~ `code`": "Both under gone code",
    "||the butler||, she says": "spoiler, she says",
    "# Title\nSaid.": "Title. Said.",
    "-# small\n> quoted\n> words": "small. Quote: quoted words",
    "- one\n  - two\n- three": "one. two. three",
    "1. first\n2. second": "first. second",
    "```py\nx = 1\n```": "Code: x = 1",
    "[the *map*](https://example.org/a)": "the map",
    "See https://example.org/a?b=c#d.": "See link to example.org.",
    "<https://example.org/a>": "link to example.org",
    "<:sad_cat:123> <a:wave:456>": "sad cat wave",
    r"\*not a gesture\*": "*not a gesture*",
    "2 * 3 * 4 and snake_case": "2 * 3 * 4 and snake_case",
    "<b>raw</b>": "<b>raw</b>",
    "@everyone": "@everyone",
    "<@&5> <@999> <#999>": "@role @somebody #somewhere",
    "": "",
}


@pytest.mark.parametrize(("written", "spoken"), SPOKEN.items())
async def test_a_voice_reads_words_and_no_marks(open_page: OpenPage, written: str, spoken: str) -> None:
    page = await open_page()
    names = "{ user: () => null, channel: () => null }"
    said = await page.evaluate(
        f"async (text) => (await import('/page/markdown_words.js')).spoken(text, {names})", written
    )
    assert said == spoken


async def test_a_new_message_is_read_out_in_words_with_the_names_that_it_mentions(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    page = await open_page()
    library = server.discord.find_channel("library").id
    server.say("tavern", "Sam", f"*bows* **You**, <@{server.discord.bot.id}>? In <#{library}>: ||gold||")
    await expect(page.locator("#said p")).to_have_text("Sam: bows You, @Ensemble? In #library: spoiler")


async def test_a_line_in_an_embed_is_read_out_with_who_says_it(server: PlaygroundServer, open_page: OpenPage) -> None:
    page = await open_page()
    url = f"{server.api_url}/channels/{server.discord.find_channel('tavern').id}/messages"
    body = {"embeds": [{"title": "💬 Maren", "description": "*She nods.* **Aye.**"}]}
    headers = {"Authorization": f"Bot {server.token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=body) as answer:
        assert answer.status == 200
    await expect(page.locator("#said p")).to_have_text("Ensemble: 💬 Maren She nods. Aye.")


async def test_a_long_message_is_cut_between_words_where_it_is_read_out(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    page = await open_page()
    server.say("tavern", "Sam", "lantern " * 100)
    said = page.locator("#said p")
    await expect(said).to_contain_text("…")
    words = (await said.inner_text()).removeprefix("Sam: ").removesuffix("…").split()
    assert {*words} == {"lantern"}
    assert len(words) < 100


async def test_a_reply_quotes_words_and_its_arrow_is_drawn_only(server: PlaygroundServer, open_page: OpenPage) -> None:
    first = server.say("tavern", "Sam", "*waves* ||secret|| **Hi**")
    server.say("tavern", "Kim", "Hello", reply_to=first.id)
    page = await open_page()
    await expect(page.get_by_role("button", name="Sam waves spoiler Hi", exact=True)).to_be_visible()
    assert await findings(page) == []
