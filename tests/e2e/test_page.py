"""The playground's page, as people use it: a real browser, real sockets, a small bot behind."""

import asyncio
import json
import re

import pytest
from playwright.async_api import Page, Route, expect

from actors.playground import FaultPlan, PlaygroundServer

from .conftest import OpenPage, eventually, grave_findings
from .fake_bot import FakeBot

pytestmark = pytest.mark.browser

RICH = (
    "# Title\n**bold** *it* __u__ ~~s~~ ||secret|| `code` <@{bot}> <#{library}>\n> quote\n- one\n  - two\n"
    "```py\nx = 1\n```\n[link](https://example.org/a) [bad](javascript:alert(1)) <b>raw</b>"
)


async def write(page: Page, text: str) -> None:
    """As a person does: into the box, then Enter."""
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


async def test_a_line_written_is_answered_by_two_characters_with_name_and_picture(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    await write(page, "Hello?")
    answers = page.locator("#messages .message.character")
    await expect(answers).to_have_count(2)
    await expect(answers.locator(".name")).to_have_text(["Maren", "Fitch"])
    drawn = "all => all.map(one => one.naturalWidth > 0)"
    await eventually(lambda: answers.locator("img.avatar").evaluate_all(drawn), [True] * 2)
    assert [entry.status for entry in server.ledger.since(only_lines=True)] == [200, 200]
    await expect(page.locator("#tally")).to_have_attribute("data-verdict", "equal")
    await expect(page.locator("#shown")).to_have_text("2")
    await expect(page.locator("#remembered")).to_have_text("2")


NOTE_LIT = """() => {
    globalThis.litStates = new Set();
    new MutationObserver(() => {
        for (const each of document.querySelectorAll(".diagram .lit")) litStates.add(each.dataset.state);
    }).observe(document.querySelector("#line-cards"), { subtree: true, childList: true, attributes: true });
}"""


async def test_a_lost_answer_lights_retrying_and_the_line_comes_once(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    await page.locator("#tab-faults").click()
    await page.locator("#fault-drop_after").fill("100")
    await expect(page.locator("#storm-mark")).to_have_text("100 %")
    await page.wait_for_function("() => document.querySelector('.fault.on')")
    assert server.faults.chances == (("drop_after", 1.0),)
    await page.locator("#tab-lines").click()
    await expect(page.locator("#inspector")).to_be_visible()  # what is over before the page follows is not seen
    await page.evaluate(NOTE_LIT)
    await write(page, "Anyone?")
    await expect(page.locator("#messages .message.character")).to_have_count(2)
    await expect(page.locator(".line-card.delivered")).to_have_count(2)
    await page.wait_for_function("() => litStates.has('Delivered')")
    assert "Retrying" in await page.evaluate("() => [...litStates]")
    newest = page.locator(".line-card").first
    for edge in ("Generating-Sending", "Sending-Retrying", "Retrying-Delivered"):
        await expect(newest.locator(f"[data-edge='{edge}']")).to_have_class(re.compile(r"\btaken\b"))
    await expect(newest.locator(".steps")).to_contain_text("connection reset")
    await expect(page.locator("#tally")).to_have_attribute("data-verdict", "equal")


async def test_a_drawing_that_comes_late_shows_the_line_from_its_first_moves(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page, comes = await open_page(alone=True), asyncio.Event()

    async def late(route: Route) -> None:
        await comes.wait()
        await route.continue_()

    await page.route("**/response.svg?*", late)
    await page.clock.install()  # of the page that is opened next
    await page.reload()
    await page.locator("#tab-lines").click()
    await expect(page.locator("#inspector")).to_be_visible()
    await page.evaluate(NOTE_LIT)
    async with page.expect_request("**/response.svg?*"):
        await write(page, "Anyone?")
    await expect(page.locator("#messages .message.character")).to_have_count(2)
    await page.clock.run_for(10_000)
    comes.set()
    await page.wait_for_function("() => litStates.has('Delivered')")
    assert "Generating" in await page.evaluate("() => [...litStates]")


async def test_a_bot_killed_in_the_middle_of_a_line_says_it_once_after_its_restart(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    await page.locator("#tab-faults").click()
    await page.locator("#kill-amid").click()
    await expect(page.locator("#kill-amid")).to_be_disabled()
    await page.locator(".toast").wait_for()
    await write(page, "Now")
    await expect(page.locator("#bot")).to_have_attribute("data-state", "offline")
    assert bot.state == "stopped"
    await expect(page.locator("#messages .message.character")).to_have_count(1)
    await page.locator("#revive").click()
    await expect(page.locator("#bot")).to_have_attribute("data-state", "online")
    await page.locator("#tab-lines").click()
    await expect(page.locator(".line-card.delivered summary .name")).to_have_text(["Maren"])
    await expect(page.locator("#messages .message.character")).to_have_count(1)
    await expect(page.locator("#tally")).to_have_attribute("data-verdict", "equal")


async def test_markdown_is_shown_as_discord_shows_it_and_html_as_text(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    page = await open_page()
    server.say(
        "tavern", "Sam", RICH.format(bot=server.discord.bot.id, library=server.discord.find_channel("library").id)
    )
    text = page.locator("#messages .message .text")
    for tag, words in {
        "strong": "bold",
        "em": "it",
        "u": "u",
        "s": "s",
        ".text p code": "code",
        "blockquote": "quote",
        "li li": "two",
        "pre code": "x = 1",
        "[role=heading]": "Title",
    }.items():
        await expect(page.locator("#messages .message").locator(tag)).to_have_text(words)
    await expect(text.locator(".mention")).to_have_text(["@Ensemble", "#library"])
    assert await text.locator("a").evaluate_all("all => all.map(one => one.href)") == ["https://example.org/a"]
    await expect(text).to_contain_text("<b>raw</b>")
    await expect(text.locator("b")).to_have_count(0)
    spoiler = text.locator(".spoiler")
    await spoiler.press("Enter")
    await expect(spoiler).to_have_class("spoiler shown")


HOSTILE = (
    "<script>globalThis.ran = 1</script><img src=x onerror='globalThis.ran = 1'>",
    "</p><svg onload=globalThis.ran=1><iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "[x](javascript:globalThis.ran=1) [y](data:text/html,<script>1</script>) <javascript:globalThis.ran=1>",
    "```html\n<script>globalThis.ran = 1</script>\n``` `<b onclick=ran=1>` ||<img src=x onerror=ran=1>||",
    '@everyone <@1> <@&2> <#3> <:x:4> <t:99999999999999:R> <a:"onerror=ran=1:5>',
    "\u2067right to left\u2069 \u200f\u061c\u05d0\u05d1 Z" + "\u0301\u0316" * 60 + " \u200b\u2060\u3164",
    '"\'>{{constructor.constructor("globalThis.ran = 1")()}} ${globalThis.ran = 1} __proto__',
)


async def test_markup_of_people_and_of_characters_is_shown_and_never_run(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    for text in HOSTILE:
        await write(page, text)
    messages = page.locator("#messages .message")
    await expect(messages).to_have_count(3 * len(HOSTILE))  # each is said once and repeated by two characters
    server.say("tavern", server.add_user("<img src=x onerror=ran=1>").name, HOSTILE[0])
    await expect(messages).to_have_count(3 * len(HOSTILE) + 3)
    await expect(messages.locator(".text").first).to_contain_text("<script>globalThis.ran = 1</script><img")
    await expect(messages.locator("script, iframe, svg[onload], [onerror], [onclick]")).to_have_count(0)
    links = await messages.locator(".text a").evaluate_all("all => all.map(one => one.protocol)")
    assert set(links) <= {"http:", "https:"}
    assert await page.evaluate("() => globalThis.ran") is None


async def test_a_hostile_text_is_read_in_no_time(server: PlaygroundServer, open_page: OpenPage) -> None:
    page = await open_page()
    slowest_ms = await page.evaluate(
        """async () => {
            const { parse } = await import("/page/markdown.js");
            const texts = ["*", "_*", "**a ", "|", "[", "<@1", "`a``", "**_~~||", "> ", "- ", "```"].map((one) =>
                one.repeat(4096 / one.length));
            const timed = (text) => { const at = performance.now(); parse(text); return performance.now() - at; };
            const best = (text) => Math.min(timed(text), timed(text), timed(text)); // others use the machine as well
            return Math.max(...texts.map(best));
        }"""
    )
    assert slowest_ms < 500


async def test_a_person_edits_and_deletes_only_his_own_messages(server: PlaygroundServer, open_page: OpenPage) -> None:
    server.say("tavern", "Sam", "Sam's")
    page = await open_page()
    await write(page, "Mine, wrnog")
    mine = page.locator("#messages .message", has_text="Mine")
    await expect(mine).to_have_count(1)
    others = page.locator("#messages .message", has_text="Sam's")
    await expect(others.get_by_role("button", name="Edit")).to_have_count(0)
    await page.locator("#text").press("ArrowUp")
    await page.get_by_role("textbox", name="Edit the message").fill("Mine, wrong")
    await page.keyboard.press("Enter")
    await expect(mine.locator(".text")).to_have_text("Mine, wrong (edited)")
    await mine.hover()
    await mine.get_by_role("button", name="Delete").click()
    await mine.get_by_role("button", name="Delete for good").click()
    await expect(mine).to_have_count(0)
    assert [message.content for message in server.messages("tavern")] == ["Sam's"]


async def test_another_person_writes_replies_and_reacts(server: PlaygroundServer, open_page: OpenPage) -> None:
    server.say("tavern", "Robin", "First")
    page = await open_page()
    await page.get_by_role("radio", name="Kim").check()
    first = page.locator("#messages .message", has_text="First")
    await first.hover()
    await first.get_by_role("button", name="Reply").click()
    await write(page, "Second")
    second = page.locator("#messages .message").nth(1)
    await expect(second.locator(".reply")).to_contain_text("First")
    await second.hover()
    await second.get_by_role("button", name="Add a reaction").click()
    await second.get_by_role("button", name="React with 🔥").click()
    await expect(second.locator(".reaction")).to_have_attribute("aria-pressed", "true")
    (_, said) = server.messages("tavern")
    assert (said.author, said.reply_to, said.reactions) == ("Kim", server.messages("tavern")[0].id, ("🔥",))


A_FRAME = "() => new Promise(requestAnimationFrame)"
AT_END = (
    "() => { const s = document.querySelector('#scroll'); return s.scrollHeight - s.scrollTop - s.clientHeight < 2 }"
)
SCROLLED = "() => document.querySelector('#scroll').scrollTop"
SCROLL_UP = """() => {
    document.querySelector("#scroll").scrollTop = 100;
    return new Promise(requestAnimationFrame);  // by then the page has been told
}"""


async def test_a_new_message_does_not_move_the_reader_of_older_ones(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    for number in range(60):
        server.say("tavern", "Sam", f"Line {number}")
    page = await open_page()
    await eventually(lambda: page.evaluate(AT_END), True)
    await page.evaluate(SCROLL_UP)
    server.say("tavern", "Sam", "Newest")
    newer = page.locator("#newer")
    await expect(newer).to_have_text("1 new message")
    assert await page.evaluate(SCROLLED) == 100
    await newer.click()
    await expect(newer).to_be_hidden()
    await eventually(lambda: page.evaluate(AT_END), True)
    server.say("tavern", "Sam", "Followed")
    await expect(page.locator("#messages .message .text").last).to_have_text("Followed")
    await eventually(lambda: page.evaluate(AT_END), True)


async def test_a_change_that_is_no_message_does_not_move_the_reader_of_older_ones(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    for number in range(60):
        server.say("tavern", "Sam", f"Line {number}")
    page = await open_page()
    await page.evaluate(SCROLL_UP)
    server.faults = FaultPlan.parse(["slow=0.25"])
    await expect(page.locator("#storm-mark")).to_have_text("25 %")
    assert await page.evaluate(SCROLLED) == 100
    await page.set_viewport_size({"width": 1440, "height": 700})
    await page.evaluate(A_FRAME)
    assert await page.evaluate(SCROLLED) == 100


async def test_older_messages_are_fetched_on_request(server: PlaygroundServer, open_page: OpenPage) -> None:
    for number in range(230):
        server.say("tavern", "Sam", f"Line {number}.")
    page = await open_page()
    messages = page.locator("#messages .message")
    await expect(messages).to_have_count(200)
    await page.get_by_role("button", name="Show earlier messages").click()
    await expect(messages).to_have_count(230)
    await expect(messages.first.locator(".text")).to_have_text("Line 0.")
    await expect(page.get_by_role("button", name="Show earlier messages")).to_have_count(0)


async def test_a_page_that_lost_its_stream_comes_back_with_everything(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    page = await open_page()
    server.say("tavern", "Sam", "Before")
    await expect(page.locator("#messages .message")).to_have_count(1)
    server.feed.close()
    server.say("tavern", "Kim", "Meanwhile")
    await expect(page.locator("#messages .message")).to_have_count(2)


async def test_a_card_is_edited_added_by_a_file_and_refused_in_one_sentence(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    await page.locator("#tab-cast").click()
    await expect(page.locator(".card-item strong")).to_have_text(["Fitch", "Maren", "Oriel"])
    await page.get_by_role("button", name="Edit Maren").click()
    await page.get_by_label("Personality").fill("Cheerful, for once.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#card")).to_be_hidden()
    assert server.card_shelf is not None
    maren = next(card for card in await server.card_shelf.list() if card.name == "Maren")
    assert (maren.fields["personality"], maren.has_picture) == ("Cheerful, for once.", True)
    card = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Vesna", "description": "A pilot."}}
    files = page.locator("#card-file")
    await files.set_input_files({"name": "v.json", "mimeType": "application/json", "buffer": json.dumps(card).encode()})
    await expect(page.locator(".card-item strong")).to_have_text(["Fitch", "Maren", "Oriel", "Vesna"])


async def test_a_scene_is_opened_with_those_who_are_chosen(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage
) -> None:
    page = await open_page()
    await page.locator("#tab-cast").click()
    await page.get_by_role("checkbox", name="Oriel plays").uncheck()
    await page.get_by_label("Where are they").fill("A harbour, at dawn.")
    await page.get_by_role("button", name="Open the scene").click()
    await expect(page.locator("#messages .message.bot")).to_contain_text("The scene is open")
    assert server.messages("tavern")[0].content == "!start Fitch Maren -- A harbour, at dawn."
    chip = page.locator("#suggestions button").first
    words = await chip.inner_text()
    await chip.click()
    await expect(page.locator("#text")).to_have_value(words)


async def test_an_outage_is_switched_on_and_off_and_the_faults_come_back(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    server.faults = FaultPlan.parse(["slow=0.25"], seed=4)
    page = await open_page()
    await page.locator("#tab-faults").click()
    outage = page.locator("#outage")
    await outage.click()
    await expect(outage).to_have_attribute("aria-pressed", "true")
    assert server.faults.chances == (("outage", 1.0),)
    await outage.click()
    await expect(outage).to_have_attribute("aria-pressed", "false")
    assert (server.faults.chances, server.faults.seed) == ((("slow", 0.25),), 4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1440])
async def test_no_serious_finding_of_axe_and_nothing_wider_than_the_window(
    server: PlaygroundServer, bot: FakeBot, open_page: OpenPage, width: int, scheme: str
) -> None:
    server.say(
        "tavern", "Sam", RICH.format(bot=server.discord.bot.id, library=server.discord.find_channel("library").id)
    )
    page = await open_page(width, 760, scheme)
    await expect(page.locator("#messages .message.character")).to_have_count(2)
    server.faults = FaultPlan.parse(["slow=0.25"])  # its mark is one more thing that needs room
    await expect(page.locator("#storm-mark")).to_have_text("25 %")
    for panel in ("chat", "lines", "faults", "cast"):
        if width < 720:
            await page.locator(f".switches [data-open={panel}]").click()
        elif panel != "chat":
            await page.locator(f"#tab-{panel}").click()
        assert await grave_findings(page) == []
        wide = "() => [...document.querySelectorAll('#app, #app > *')].filter((e) => e.scrollWidth > e.clientWidth + 1)"
        assert await page.evaluate(wide + ".map((e) => e.id || e.className)") == []


async def test_where_the_understudy_speaks_one_link_says_how_to_set_a_real_model(
    server: PlaygroundServer, open_page: OpenPage
) -> None:
    server.has_model = False
    page = await open_page()
    link = page.locator("#open-models")
    await expect(link).to_be_visible()
    await link.click()
    panel = page.locator("#models")
    await expect(panel).to_be_visible()
    for way in ("GROQ_API_KEY=", "GROQ_BASE_URL=", "python bot.py play --gguf FILE", "docs/models.md"):
        await expect(panel).to_contain_text(way)
    assert await grave_findings(page) == []
    await page.locator("#models-close").click()
    await expect(panel).to_be_hidden()
    assert page.url == server.url + "/"


async def test_with_a_model_no_link_offers_one(server: PlaygroundServer, open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.locator("#channel-name")).not_to_be_empty()
    await expect(page.locator("#understudy")).to_be_hidden()


async def test_everything_is_reached_by_the_keyboard(server: PlaygroundServer, open_page: OpenPage) -> None:
    page = await open_page()
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.locator("#channel-name")).to_have_text("station")
    await page.keyboard.press("Alt+3")
    await expect(page.locator("#panel-faults")).to_be_visible()
    await page.locator("#tab-faults").press("ArrowRight")
    await expect(page.locator("#tab-cast")).to_be_focused()


async def test_a_new_message_is_read_out(server: PlaygroundServer, open_page: OpenPage) -> None:
    page = await open_page()
    server.say("tavern", "Sam", "Listen")
    await expect(page.locator("#said[aria-live=polite] p")).to_have_text("Sam: Listen")
