"""What is installed: every package, and what the packages need beside their code."""

from __future__ import annotations

import configparser
from pathlib import Path

ROOT = Path(__file__).parent.parent


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_is_installed_and_the_examples_under_a_name_of_their_own() -> None:
    # Listed one by one, since `find:` cannot install the folder `examples` under another name.
    folders = {init.parent for name in ("actors", "machines") for init in (ROOT / name).rglob("__init__.py")}
    packages = {folder.relative_to(ROOT).as_posix().replace("/", ".") for folder in folders}
    assert set(setup_cfg()["options"]["packages"].split()) == packages | {"ensemble_examples"}


def test_every_file_beside_the_code_is_named_as_package_data() -> None:
    beside = [
        path
        for name in ("actors", "machines", "examples")
        for path in (ROOT / name).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "sources" not in path.parts
    ]
    patterns: dict[str, str] = dict(setup_cfg()["options.package_data"])
    named = {path for package, globs in patterns.items() for path in _matches(package, globs)}
    assert {path for path in beside if path.name != "py.typed"} - named == set()


def _matches(package: str, globs: str) -> set[Path]:
    if package == "*":
        return set()
    folder = ROOT / ("examples" if package == "ensemble_examples" else package.replace(".", "/"))
    return {path for glob in globs.replace("\n", ",").split(",") if glob.strip() for path in folder.glob(glob.strip())}
