"""docs/models.md names servers, settings and reasons as they are. To bring it up to date:

python -m tests.app.test_models_page
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actors.app.settings import load
from actors.roleplay.model_reasons import MEANINGS
from tests.adapters.groq.server_forms import SERVERS, Server

PAGE = Path(__file__).parent.parent.parent / "docs" / "models.md"
BLOCK = re.compile(r"(<!-- reasons -->\n)(.*?)(<!-- end -->)", re.DOTALL)
SECTION = re.compile(r"^### (.+?)\n\n```\n(.*?)```\n\n(.+?)(?=^##)", re.MULTILINE | re.DOTALL)


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def reasons() -> str:
    heads = ("reason", "whose", "its name", "the next attempt", "hint")
    rows = [
        (f"`{reason}`", each.whose.value, each.name, each.then.value, each.hint) for reason, each in MEANINGS.items()
    ]
    lines = (heads, ("---",) * len(heads), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def test_the_page_has_every_reason_as_the_code_has_it() -> None:
    found = BLOCK.search(page())
    assert found is not None
    assert found[2] == reasons()


def test_the_page_has_the_servers_that_are_tried_and_no_other() -> None:
    shown = {name: tuple(lines.splitlines()) for name, lines, _ in SECTION.findall(page())}
    assert shown == {server.name: server.dotenv for server in SERVERS}


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_the_three_lines_of_each_server_are_good_settings(server: Server, bare: Path) -> None:
    assert len(server.dotenv) == 3
    (bare / ".env").write_text("\n".join(server.dotenv).replace("…", "abc"), encoding="utf-8")
    settings = load()
    assert settings.groq_model == next(line for line in server.dotenv if "_MODEL=" in line).partition("=")[2]
    assert settings.generate_timeout_s == (240.0 if "localhost" in server.url else 60.0)
    assert settings.groq_api_key is not None or settings.groq_base_url


def write() -> None:
    PAGE.write_text(BLOCK.sub(lambda found: found[1] + reasons() + found[3], page()), encoding="utf-8")


if __name__ == "__main__":
    write()
