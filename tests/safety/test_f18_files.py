"""F18: a file that a person names costs no more than its bound, and never a wait."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.app.cli import app
from actors.app.scenes import SCENE_BYTES_MAX, SceneError, read
from tests.pace import pace_s

PACES_MAX = 120
"""Of 0.025 s; a script of 100 KB in lists alone costs forty of them in PyYAML."""

SCRIPT = "cast: [Maren]\nlines:\n  - {user: Robin, text: Hello}\n"


def script(folder: Path, text: str, name: str = "scene.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


BOMBS = {
    "base 60": "scenario: " + "1:" * 49_990 + "1",
    "a flow list": "cast: [" + "a," * 49_990 + "]",
    "nested lists": "cast: " + "[" * 99_000,
    "aliases": "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(9)) + SCRIPT,
    "merge keys": "a: &a {user: Robin}\n" + "b: {<<: [" + "*a," * 20_000 + "]}\n",
    "a long number": "scenario: " + "9" * 99_000,
    "a long key": "? " + "a" * 99_000 + "\n: b",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_f18_a_script_that_is_a_bomb_is_refused_in_time(bomb: str, tmp_path: Path) -> None:
    path = script(tmp_path, BOMBS[bomb])
    began = time.thread_time()
    with pytest.raises(SceneError):
        read(path)
    assert time.thread_time() - began < PACES_MAX * pace_s()


def test_f18_a_script_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = script(tmp_path, SCRIPT)
    os.truncate(path, 300_000_000)
    with pytest.raises(SceneError, match="larger than 100 KB; split the scene"):
        read(path)
    os.truncate(path, SCENE_BYTES_MAX + 1)
    with pytest.raises(SceneError, match="larger than 100 KB"):
        read(path)


@pytest.mark.parametrize("value", ["42", "yes", "2026-12-01", "1:30", "null"])
def test_f18_what_looks_like_a_number_or_a_date_is_a_text(value: str, tmp_path: Path) -> None:
    scene = read(script(tmp_path, f"cast: [Maren]\nlines:\n  - {{user: Robin, text: {value}}}\n"))
    assert scene.lines[0].text == value


def other_kinds(folder: Path) -> dict[str, Path]:
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    return {"pipe": folder / "pipe.json", "device": Path("/dev/zero"), "folder": folder / "folder.json"}


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_f18_a_script_that_is_no_regular_file_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="cannot be read"):
        read(other_kinds(tmp_path)[kind])


@pytest.mark.parametrize("command", [("character", "import"), ("replay",), ("rehearse",)])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_f18_no_command_waits_for_what_is_no_regular_file(kind: str, command: tuple[str, ...], tmp_path: Path) -> None:
    path = other_kinds(tmp_path)[kind]
    done = CliRunner().invoke(app, [*command, str(path)], env={"DATA_DIR": str(tmp_path)}, catch_exceptions=False)
    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.output


@pytest.mark.parametrize("cast", ["../outside.json", "/etc/hostname.json", "a/../../outside.json", "link.json"])
def test_f18_a_card_outside_of_the_scripts_folder_is_refused(cast: str, tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    folder.mkdir()
    outside = script(tmp_path, '{"name": "Outsider", "description": "x"}', "outside.json")
    (folder / "link.json").symlink_to(outside)
    path = script(folder, SCRIPT.replace("[Maren]", f'["{cast}"]'))
    done = CliRunner().invoke(app, ["rehearse", str(path)], env={"DATA_DIR": str(tmp_path)}, catch_exceptions=False)
    assert done.exit_code == 2
    assert "outside of the script's folder; put the card beside" in done.output
