"""Where the sources make facts and read effects of the machines, found by reading their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args, get_type_hints

ROOT = Path(__file__).resolve().parents[2]
Name = tuple[str, str]
"""(module, class) of a fact or an effect."""


def product_sources() -> Iterator[str]:
    """Everything that runs in the bot; the simulation makes facts of its own only to check them."""
    for path in sorted((ROOT / "actors").rglob("*.py")):
        if "simulation" not in path.parts and "playground" not in path.parts:
            yield path.read_text(encoding="utf-8")
    yield from (path.read_text(encoding="utf-8") for path in sorted((ROOT / "machines").glob("*.py")))


def facts_of(module: ModuleType) -> set[Name]:
    """The members of a machine's `Fact`."""
    return {(kind.__module__, kind.__name__) for kind in get_args(module.Fact)}


def effects_of(*modules: ModuleType) -> set[Name]:
    """What the tables' steps give back, by their annotations."""
    given = [get_type_hints(step)["return"] for module in modules for row in module.TABLE for step in row.do]
    kinds = {kind for each in given for kind in get_args(each) or (each,)} - {type(None)}
    return {(kind.__module__, kind.__name__) for kind in kinds}


def made_in(source: str) -> set[Name]:
    """Classes of machines that this source calls."""
    return {name for use, name in _uses(source) if use == "made"}


def read_in(source: str) -> set[Name]:
    """Classes of machines that this source asks for: in a `case`, or as the second argument of `isinstance`."""
    return {name for use, name in _uses(source) if use == "read"}


def _uses(source: str) -> Iterator[tuple[Literal["made", "read"], Name]]:
    tree = ast.parse(source)
    known = dict(_imported(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]):
                yield from (("read", name) for each in ast.walk(kinds) if (name := _resolved(each, known)))
            case ast.Call(func=called) if name := _resolved(called, known):
                yield "made", name
            case ast.MatchClass(cls=called) if name := _resolved(called, known):
                yield "read", name


def _imported(tree: ast.AST) -> Iterator[tuple[str, Name]]:
    """What each local name means: a class of a machine's module, or (with an empty class) the module itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "machines":
            yield from ((alias.asname or alias.name, (f"machines.{alias.name}", "")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("machines."):
            yield from ((alias.asname or alias.name, (str(node.module), alias.name)) for alias in node.names)


def _resolved(node: ast.AST, known: dict[str, Name]) -> Name | None:
    match node:
        case ast.Name(id=local) if local in known and known[local][1]:
            return known[local]
        case ast.Attribute(value=ast.Name(id=local), attr=attr) if local in known and not known[local][1]:
            return known[local][0], attr
        case _:
            return None
