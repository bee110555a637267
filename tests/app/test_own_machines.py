"""`diagram package.module:MACHINE`: a developer's own machine is drawn, or one line says what to write."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.app.cli import app

NUMBERS = count()
SHOP = """
from transitions import Machine
from transitions.extensions import HierarchicalMachine
print("loaded")
def make():
    return Machine(states=["cart", "paid"], initial="cart", transitions=[["pay", "cart", "paid"]])
class Order:
    def __init__(self):
        self.machine = make()
class Own(Machine):
    def __init__(self):
        super().__init__(states=["cart", "paid"], initial="cart", transitions=[["pay", "cart", "paid"]])
def sized(size): ...
def broken():
    raise ValueError("two\\nlines\\x1b[2J")
def leaves():
    raise SystemExit(3)
MACHINE, order, number = make(), Order(), 7
NESTED = HierarchicalMachine(states=["a", {"name": "b", "children": ["x"]}], initial="a")
"""


@pytest.fixture
def shop(bare: Path) -> Iterator[str]:
    """A module of a new name in the working folder: what was imported once stays."""
    name = f"own_shop_{next(NUMBERS)}"
    (bare / f"{name}.py").write_text(SHOP, encoding="utf-8")
    yield name
    sys.modules.pop(name, None)


def diagram(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["diagram", *arguments])


@pytest.mark.parametrize("found", ["MACHINE", "make", "Own", "order.machine"])
def test_a_machine_is_found_as_an_instance_a_factory_a_class_and_an_attribute(shop: str, found: str) -> None:
    done = diagram(f"{shop}:{found}")
    assert (done.exit_code, done.stdout.splitlines()[3]) == (0, "  pay ─► paid")
    assert done.stderr == "loaded\n"


@pytest.mark.parametrize(
    ("ending", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("mmd", b"stateDiagram-v2"), ("dot", b"digraph")]
)
def test_it_is_drawn_in_every_format(shop: str, ending: str, begins: bytes, bare: Path) -> None:
    assert diagram(f"{shop}:MACHINE", "-o", f"shop.{ending}").exit_code == 0
    assert (bare / f"shop.{ending}").read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("named", "code", "words"),
    [
        ("{}:nothing", 2, "{} has no nothing (machines in it: {}:MACHINE, {}:NESTED)"),
        ("{}:number", 2, "{}:number is not a machine but an int"),
        ("{}:order", 2, "{}:order is not a machine but an Order (machines in it: {}:order.machine)"),
        ("{}:sized", 2, "{}:sized cannot be called without size"),
        ("{}:NESTED", 2, "{}:NESTED: its state b contains states (x)"),
        ("{}:broken", 1, "{}:broken: its code raised ValueError: two lines[2J ("),
        ("{}:leaves", 1, "{}:leaves: its code raised SystemExit: 3 ("),
        ("{}.py:MACHINE", 2, "there is no module {}.py in {}, "),
        ("nowhere_at_all:MACHINE", 2, "there is no module nowhere_at_all in "),
        ("machines.nowhere:MACHINE", 2, "there is no module machines.nowhere in machines, which was loaded from "),
        ("./{}:MACHINE", 2, "./{}:MACHINE does not name a machine: write package.module:MACHINE"),
        ("{}:", 2, "{}: does not name a machine: write package.module:MACHINE"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_with_what_to_do(shop: str, named: str, code: int, words: str) -> None:
    done = diagram(named.replace("{}", shop))
    line = done.stderr.removeprefix("loaded\n")
    assert (done.exit_code, done.stdout, len(line.splitlines())) == (code, "", 1)
    assert line.startswith("ensemble: " + words.replace("{}", shop))


@pytest.mark.parametrize(
    ("source", "words"),
    [("import not_installed_anywhere", "ModuleNotFoundError"), ("1 / 0", "ZeroDivisionError"), ("def", "SyntaxError")],
)
def test_a_module_that_raises_at_import_is_one_line_with_its_place(bare: Path, source: str, words: str) -> None:
    name = f"own_broken_{next(NUMBERS)}"
    (bare / f"{name}.py").write_text(source, encoding="utf-8")
    done = diagram(f"{name}:MACHINE")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert f"its code raised {words}" in done.stderr
    assert f"{name}.py, line 1)" in done.stderr


def test_one_of_ours_keeps_its_layout_under_its_long_name() -> None:
    assert diagram("machines.response:MACHINE", "--format", "svg").stdout == diagram("--format", "svg").stdout


def test_a_diagram_that_is_too_large_for_a_picture_says_which_format_to_take(bare: Path) -> None:
    name = f"own_large_{next(NUMBERS)}"
    states = "[f'{\"x\" * 300} {n}' for n in range(30)]"
    (bare / f"{name}.py").write_text(
        f"from transitions import Machine\nM = Machine(states={states}, initial=None, model=None, name='large')\n"
        "M.add_ordered_transitions()\nM.add_transition('back', '*', M.states and list(M.states)[0])\n"
    )
    done = diagram(f"{name}:M", "-o", "large.png")
    assert (done.exit_code, done.stderr) == (2, "ensemble: large is too large for a PNG: draw it as svg\n")
