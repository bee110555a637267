"""Loads a developer's machine, named `package.module:MACHINE`, from the working folder or the installed packages.

Failure modes: the module is the developer's program. Any exception becomes one line with its place (OwnCodeFailed); its
output goes to standard error, so that a diagram on standard output stays intact.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, Final

from transitions import Machine

from actors.app.console import printable
from machines.binding import StateMachine

OwnMachine = StateMachine[Any, Any] | Machine

FORM: Final = "package.module:MACHINE, as in door:MACHINE for MACHINE in door.py"


class NoMachine(LookupError):
    """There is no machine of this name; the text says what to write."""


class OwnCodeFailed(Exception):
    """The developer's module raised an exception; the text says which one and where."""


def own_machine(named: str) -> OwnMachine:
    """Return the machine named `named`; a class or function without arguments is called to make it.

    Raises NoMachine and OwnCodeFailed.
    """
    module_name, _, path = named.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        raise NoMachine(f"{named} does not name a machine: write {FORM}")
    with _developers_code(named):
        found: object = _module(module_name)
        for attribute in path.split("."):
            found = _attribute(found, attribute, named)
        made = found if isinstance(found, StateMachine | Machine) or not callable(found) else _made_by(found, named)
    if isinstance(made, StateMachine | Machine):
        return made
    raise NoMachine(f"{named} is not a machine but {_kind(made)}{_machines_in(made, named + '.')}: name {_EXPECTED}")


_EXPECTED: Final = "a StateMachine, a transitions.Machine, or a function without arguments that makes one"


@contextmanager
def _developers_code(named: str) -> Iterator[None]:
    """Put the working folder first on the import path, as `python -m` does, and keep standard output clean."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except NoMachine:
        raise
    except (Exception, SystemExit) as error:
        raise OwnCodeFailed(f"{named}: {_in_one_line(error)}") from error
    finally:
        if folder in sys.path:  # the module may have removed it
            sys.path.remove(folder)


def _in_one_line(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        words, place = f"{type(error).__name__}: {error.msg}", f"{error.filename}, line {error.lineno}"
    else:
        words, place = f"{type(error).__name__}: {error}", _place(error)
    return printable(f"its code raised {' '.join(words.split())} ({place}): correct it, then draw again")


def _place(error: BaseException) -> str:
    """The innermost line of the developer's own code; the libraries that it calls are rarely at fault."""
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(Path.cwd())]
    last = (own or list(frames))[-1]
    return f"{last.filename}, line {last.lineno}"


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(missing + "."):
            raise  # the module exists, but imports a missing one
        raise NoMachine(f"there is no module {missing} {_searched(missing)}, and write {FORM}") from error


def _searched(missing: str) -> str:
    """Say where the module was searched, and what to do."""
    top = missing.partition(".")[0]
    if top == missing:
        return f"in {os.getcwd()} or among the installed packages: run the command in its folder"
    taken = sys.modules[top]
    place = ", ".join(getattr(taken, "__path__", [taken.__file__]))
    return f"in {top}, which was loaded from {place}: rename your module if it is a different one"


def _attribute(found: object, name: str, named: str) -> object:
    if hasattr(found, name):
        attribute: object = getattr(found, name)
        return attribute
    prefix = named.partition(":")[0] + ":" if isinstance(found, ModuleType) else ""
    whose = found.__name__ if isinstance(found, ModuleType) else _kind(found)
    raise NoMachine(f"{whose} has no {name}{_machines_in(found, prefix)}: write the name as it is in the code")


def _machines_in(found: object, prefix: str) -> str:
    """The machines among an object's attributes, in parentheses; empty if there are none."""
    known = getattr(found, "__dict__", {})
    names = [f"{prefix}{name}" for name, each in known.items() if isinstance(each, StateMachine | Machine)]
    return f" (machines in it: {', '.join(names)})" if names else ""


def _made_by(factory: Callable[..., object], named: str) -> object:
    needed = [
        parameter.name
        for parameter in _parameters(factory)
        if parameter.default is Parameter.empty
        and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]
    if needed:
        raise NoMachine(f"{named} cannot be called without {', '.join(needed)}: name {_EXPECTED}")
    return factory()


def _parameters(factory: Callable[..., object]) -> Iterable[Parameter]:
    try:
        return signature(factory).parameters.values()
    except ValueError:  # C functions may have no signature
        return ()


def _kind(found: object) -> str:
    kind = type(found).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
