"""The import rules of docs/architecture.md, read from the imports themselves."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STDLIB = set(sys.stdlib_module_names)
SOURCES = [path for folder in ("machines", "actors") for path in sorted((ROOT / folder).rglob("*.py"))]

IMPURE = {"anyio", "asyncio", "time", "random", "logging", "socket", "secrets", "os", "subprocess", "threading"}
WORLDLY = {"asyncio", "discord", "groq", "aiohttp", "httpx", "sqlite3", "sqlalchemy", "alembic", "psycopg", "trio"}


def imports(path: Path) -> set[str]:
    """The dotted names of all modules that a file imports; relative ones resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def place(path: Path) -> str:
    """Where a file stands: the longest of these folders that holds it."""
    name = path.relative_to(ROOT).as_posix()
    folders = (
        "machines/",
        "actors/roleplay/",
        "actors/ports/",
        "actors/observation/",
        "actors/adapters/",
        "actors/app/",
        "actors/playground/",
        "actors/simulation/",
    )
    return next((folder for folder in folders if name.startswith(folder)), "actors/")


def allowed(path: Path, name: str) -> bool:
    """Whether a file may import `name`, one of ours."""
    within = {
        "machines/": ("machines",),
        "actors/roleplay/": ("machines", "actors.roleplay"),
        "actors/ports/": ("machines", "actors.roleplay", "actors.ports"),
        "actors/observation/": ("machines", "actors.roleplay", "actors.ports", "actors.observation"),
        "actors/playground/": ("actors.playground",),
    }
    where = place(path)
    if where in within:
        return name.startswith(within[where])
    if where == "actors/adapters/":
        own = ".".join(path.relative_to(ROOT).with_suffix("").parts[:3])
        return (
            name.startswith(("machines", "actors.roleplay", "actors.ports", "actors.observation", own))
            or name == "actors.adapters"
        )
    if where == "actors/":
        return not name.startswith(("actors.adapters", "actors.app", "actors.playground", "actors.simulation"))
    if where == "actors/simulation/":
        return not name.startswith(("actors.app", "actors.playground"))
    return True


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    ours = {name for name in imports(path) if top({name}) & {"machines", "actors", "bot", "tests"}}
    packages = {"actors", "machines"}
    assert {name for name in ours - packages if not allowed(path, name)} == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_edges_touch_the_world(path: Path) -> None:
    used = top(imports(path)) - {"actors", "machines", "__future__"}
    match place(path):
        case "machines/":
            assert used <= STDLIB | {"transitions"}
            assert used.isdisjoint(IMPURE)
        case "actors/roleplay/":
            assert used <= STDLIB
            assert used.isdisjoint(IMPURE)
        case "actors/ports/":
            assert used <= STDLIB
            assert used.isdisjoint(WORLDLY | IMPURE)
        case "actors/observation/":
            assert used <= STDLIB | {"anyio"}
            assert used.isdisjoint(WORLDLY)  # views are kept up to date by tasks, so anyio is theirs
        case "actors/playground/":
            assert used <= STDLIB | {"aiohttp"}
        case "actors/simulation/":
            assert used <= STDLIB | {"anyio", "sqlalchemy"}
            assert "asyncio" not in used or path.name == "virtual_time.py"
        case "actors/":
            assert used <= STDLIB | {"anyio"}
            assert used.isdisjoint(WORLDLY)


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if place(path) in ("machines/", "actors/roleplay/")],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_pure_code_awaits_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_supervisor_swallows_every_exception(path: Path) -> None:
    """Elsewhere a broad handler raises again, or hands the error to whom it belongs (across a thread, say)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    broad = [node for node in handlers if node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")]
    assert [ast.unparse(node) for node in broad if not _raises_or_hands_on(node)] == [] or path.name == "supervisor.py"


def _raises_or_hands_on(handler: ast.ExceptHandler) -> bool:
    inside = list(ast.walk(handler))
    hands_on = any(
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == handler.name
        for node in inside
    )
    return hands_on or any(isinstance(node, ast.Raise) for node in inside)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_stay_within_four_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
