"""Reads and checks scene scripts: YAML with the cast and the users' lines.

Every value is a text: YAML's numbers and dates are not computed. A file is at most 100 KB, and cards are beside it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from actors.app.named_files import opened, size_of
from actors.roleplay.turns import SCRIPT_ORDER, TurnOrder

SCENE_BYTES_MAX = 100_000
"""Two thousand lines: far above any script written by hand."""


class SceneError(Exception):
    """The scene cannot be played; the text is one line: what is wrong and how to fix it."""


class SceneLine(BaseModel):
    """One line of a user."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    user: str = Field(min_length=1, max_length=32)
    text: str = Field(min_length=1, max_length=2000)

    @field_validator("text")
    @classmethod
    def _is_no_command(cls, value: str) -> str:
        if value.startswith("!"):
            raise ValueError("a scene cannot contain commands; the rehearsal opens and ends it, so delete the line")
        return value


class Scene(BaseModel):
    """A script; `cast` names shipped characters, or card files in the script's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cast: tuple[str, ...] = Field(min_length=1, max_length=10)
    turns: TurnOrder = SCRIPT_ORDER
    voice: Literal["webhook", "embed"] | None = None
    scenario: str = Field("", max_length=1500)
    lines: tuple[SceneLine, ...] = Field(min_length=1, max_length=10_000)

    @field_validator("voice", mode="before")
    @classmethod
    def _is_given(cls, value: object) -> object:
        return value or None


def find(script: str) -> Path:
    """Return the script's file: the given path, else the shipped scene of that name. Raises SceneError."""
    path = Path(script)
    if path.is_file():
        return path
    shipped = {Path(entry.name).stem: entry for entry in _shipped()}
    if path.stem in shipped and path.suffix in ("", ".yaml", ".yml") and path.parent in (Path(), Path("examples")):
        return shipped[path.stem]
    raise SceneError(f"there is no scene {script!r}; shipped scenes: {', '.join(sorted(shipped))}")


def read(path: Path) -> Scene:
    """Read and check a script. Raises SceneError, which says what is wrong and where."""
    try:
        with opened(path) as file:
            if size_of(file) > SCENE_BYTES_MAX:
                raise SceneError(f"{path}: larger than {SCENE_BYTES_MAX // 1000} KB; split the scene")
            text = file.read(SCENE_BYTES_MAX).decode()
        # Not yaml.safe_load: it computes numbers, such as 1:1:1 to the base of 60, in quadratic time.
        return Scene.model_validate(yaml.load(text, yaml.BaseLoader))
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SceneError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise SceneError(f"{path}: is not YAML ({_one_line(str(error))})") from error
    except RecursionError as error:
        raise SceneError(f"{path}: is nested too deeply; see the shipped scenes for the form") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the script"
        words = problem["msg"].removeprefix("Value error, ")
        raise SceneError(f"{path}: {where}: {words}; see the shipped scenes for the form") from error


def _shipped() -> list[Path]:
    folder = resources.files("ensemble_examples")
    return [Path(str(entry)) for entry in folder.iterdir() if entry.name.endswith(".yaml")]


def _one_line(text: str) -> str:
    return " ".join(text.split())
