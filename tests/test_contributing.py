"""CONTRIBUTING.md names files, tests and modules that exist."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TOP = "actors|machines|ops|tests|docs|\\.ci"
PATHS = sorted(
    {each.rstrip("/.") for each in re.findall(rf"(?<![\w/.])(?:{TOP})/[\w./]*", PAGE)}
    - {"actors/adapters/X", "tests/adapters/X"}
)
MODULES = sorted(set(re.findall(r"python -m ((?:ops|tests)\.\w+)", PAGE)))
NAMES = {
    "actors/roleplay/turns.py": (
        "TurnOrder",
        "draw",
        "hands_over",
        "speakers_min",
        "speaker_count",
        "meaning",
        "meanings",
    ),
    "tests/roleplay/test_turns.py": ("ANSWERS",),
    "actors/app/settings.py": ("Settings",),
    "tests/app/test_settings.py": ("DEFAULTS",),
    "tests/adapters/test_metrics.py": ("LABELS", "played"),
    "tests/test_ops.py": ("PLAYED",),
    "actors/adapters/log/formats.py": ("_FIELDS",),
    "actors/roleplay/command_words.py": ("COMMANDS",),
    "actors/commands.py": ("_handlers", "_help"),
}
"""What the page names in a file."""


def test_it_names_enough() -> None:
    assert len(PATHS) > 40
    assert len(MODULES) >= 5


@pytest.mark.parametrize("path", PATHS)
def test_a_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_exists(module: str) -> None:
    assert find_spec(module) is not None


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in NAMES.items() for name in names])
def test_a_name_is_on_the_page_and_in_its_file(path: str, name: str) -> None:
    assert path in PAGE
    assert f"`{name}" in PAGE
    assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", ["turn order", "setting", "metric", "field to the log", "fault", "command"])
def test_each_task_has_its_files_and_its_tests(task: str) -> None:
    section = re.search(rf"\n## Add a {task}\n(.*?)(?=\n## )", PAGE, re.DOTALL)
    assert section is not None
    assert "1. " in section[1]
    assert "Tests that hold it: `tests/" in section[1]
