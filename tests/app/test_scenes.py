"""Scene scripts: found by name or path, read whole, and refused in one line that says what is wrong and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.app import scenes
from actors.app.scenes import SCENE_BYTES_MAX, Scene, SceneError

LEAST = "cast: [Maren]\nlines: [{user: Kim, text: Hello}]\n"


def read(folder: Path, text: str | bytes) -> Scene:
    path = folder / "scene.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return scenes.read(path)


@pytest.mark.parametrize("name", ["storm", "storm.yaml", "examples/storm.yaml", "logbook.yml"])
def test_shipped_scenes_are_found_from_any_folder(name: str, bare: Path) -> None:
    assert scenes.read(scenes.find(name)).lines


def test_a_file_of_one_s_own_comes_before_a_shipped_one_of_its_name(bare: Path) -> None:
    (bare / "storm.yaml").write_text(LEAST)
    assert scenes.find("storm.yaml").resolve() == bare / "storm.yaml"


@pytest.mark.parametrize("name", ["nowhere", "elsewhere/storm.yaml", "storm.txt", "."])
def test_what_is_no_scene_is_refused_with_those_that_are(name: str, bare: Path) -> None:
    with pytest.raises(SceneError, match="shipped scenes: logbook, storm"):
        scenes.find(name)


def test_the_least_scene_has_the_documented_defaults(tmp_path: Path) -> None:
    scene = read(tmp_path, LEAST)
    assert (scene.cast, scene.turns, scene.voice, scene.scenario) == (("Maren",), "everyone", None, "")


def test_white_space_around_a_line_is_no_part_of_it(tmp_path: Path) -> None:
    assert read(tmp_path, "cast: [Maren]\nlines: [{user: ' Kim ', text: ' Hello '}]").lines[0].text == "Hello"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the script: "),
        ("- a list", "the script: "),
        ("cast: [Maren]", "lines: Field required"),
        ("cast: []\nlines: [{user: Kim, text: Hello}]", "cast: "),
        (LEAST + "stage: dark", "stage: Extra inputs are not permitted"),
        (LEAST + "turns: backwards", "turns: Input should be 'natural', 'everyone', 'list', 'pooled' or 'manual'"),
        (LEAST + "voice: telegram", "voice: Input should be 'webhook' or 'embed'"),
        ("cast: [Maren]\nlines: [{user: Kim, text: '  '}]", "lines.0.text: "),
        ("cast: [Maren]\nlines: [{user: Kim, text: '!end'}]", "lines.0.text: a scene cannot contain commands"),
        (f"cast: [Maren]\nlines: [{{user: Kim, text: {'x' * 2001}}}]", "lines.0.text: "),
        ("cast: [Maren\nlines: }", "is not YAML"),
        ("cast: !!python/object/apply:os.getcwd []", "cast: Tuple should have at least 1 item"),
        ("[" * 50_000, "nested too deeply"),
        ("x" * (SCENE_BYTES_MAX + 1), "split the scene"),
        (LEAST.encode("utf-16"), "is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_a_broken_script_is_one_line_with_its_file_and_what_is_wrong(
    text: str | bytes, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SceneError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'scene.yaml'}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"cannot be read \(No such file or directory\)"):
        scenes.read(tmp_path / "scene.yaml")
