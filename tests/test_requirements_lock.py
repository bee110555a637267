"""`requirements.lock` pins what a release installs: everything that setup.cfg asks for, in its ranges, with hashes.

`.ci/wheel` installs a wheel with it. To write it anew: `bash .ci/lock --upgrade`.
"""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib.metadata import requires
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).parent.parent
EXTRAS: Final = ("terminal", "trace")
PIN: Final = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ \\]+)( ; [^\\\n]+?)?( \\\n    --hash=sha256:[0-9a-f]{64})+$",
    re.MULTILINE,
)
TEXT: Final = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS: Final = {pin["name"]: Version(pin["version"]) for pin in PIN.finditer(TEXT)}


def asked() -> list[Requirement]:
    """What setup.cfg asks for, with the extras of a release."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lists = [setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in EXTRAS)]
    return [Requirement(line) for text in lists for line in text.split("\n") if line]


@pytest.mark.parametrize("requirement", asked(), ids=lambda each: each.name)
def test_each_requirement_is_pinned_within_its_range(requirement: Requirement) -> None:
    pinned = PINS.get(canonicalize_name(requirement.name))
    assert pinned is not None, "run: bash .ci/lock"
    assert pinned in requirement.specifier, "run: bash .ci/lock"


def test_it_holds_pins_with_hashes_and_nothing_else() -> None:
    assert PINS
    rest = PIN.sub("", TEXT)
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []


def test_what_the_pinned_packages_ask_for_is_pinned_too() -> None:
    needed = {canonicalize_name(each.name) for each in asked()}
    waiting = [(each.name, each.extras) for each in asked()]
    while waiting:
        name, extras = waiting.pop()
        for each in map(Requirement, requires(name) or ()):
            if not _applies(each, extras) or canonicalize_name(each.name) in needed:
                continue
            needed.add(canonicalize_name(each.name))
            waiting.append((each.name, each.extras))
    assert needed <= PINS.keys()


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))
