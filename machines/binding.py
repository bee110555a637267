"""Binds tables to the library `transitions`: a table becomes a machine that refuses every move that is not in it.

    table (a tuple of Row) ─► StateMachine ─► advance(subject, fact) ─► Step (source, dest, effects)
                                                    └─► IllegalMove if no row fits

One `transitions.Machine` serves all subjects of its kind. It holds no model, so nothing leaks and a move takes
microseconds. Only the library's synchronous core is used: `AsyncMachine` swallows cancellation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from transitions import EventData, Machine, MachineError
from transitions import State as _LibraryState

START: Final = "[*]"
"""The initial pseudostate, as UML and Mermaid write it: the state of a subject before its first fact."""


class Subject(Protocol):
    """An object that a machine moves; its state is in `_state`, where the library reads and writes it."""

    _state: str


S = TypeVar("S", bound=Subject)
E = TypeVar("E")
F = TypeVar("F")
E_co = TypeVar("E_co", covariant=True)

Guard = Callable[[S, F], bool]
Do = Callable[[S, F], E | None]


@dataclass(frozen=True, slots=True, init=False)
class Row(Generic[S, E]):
    """One row of a table: on `fact` in `source`, if all of `when` and none of `unless` hold, go to `dest`.

    The functions in `do` run in order, before the state changes; each may change the subject's fields and return an
    effect. Guards and steps take the subject and the row's fact, and effects are the machine's: mypy refuses a row with
    another fact's step, or with an effect that no handler knows.
    """

    fact: type
    source: str
    dest: str
    when: tuple[Guard[S, Any], ...]
    unless: tuple[Guard[S, Any], ...]
    do: tuple[Do[S, Any, E], ...]

    def __init__(
        self,
        fact: type[F],
        source: str,
        dest: str,
        when: tuple[Guard[S, F], ...] = (),
        unless: tuple[Guard[S, F], ...] = (),
        do: tuple[Do[S, F, E], ...] = (),
    ) -> None:
        # Written by hand, because only a method's own type variable ties guards and steps to the fact. A type variable
        # of the class would become Any by the annotation of the table, whose rows have many facts.
        values = {"fact": fact, "source": source, "dest": dest, "when": when, "unless": unless, "do": do}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def fact_name(self) -> str:
        return self.fact.__name__

    @property
    def guard(self) -> str:
        """The guard in words, as diagrams print it; empty if the row always applies."""
        held = [in_words(guard) for guard in self.when] + [f"not {in_words(guard)}" for guard in self.unless]
        return ", ".join(held)

    @property
    def effects(self) -> str:
        """The row's `do` functions in words, in order."""
        return ", ".join(in_words(do) for do in self.do)


@dataclass(frozen=True, slots=True)
class Step(Generic[E_co]):
    """The result of one fact; `dest` is None if a guard refused it or no row exists."""

    fact: object
    source: str
    dest: str | None
    effects: tuple[E_co, ...] = ()


class IllegalMove(Exception):
    """No row of the table allows this fact in this state; the subject has not changed."""

    def __init__(self, machine: str, step: Step[object], *, refused: bool) -> None:
        why = "every guard refused" if refused else "there is no such row"
        super().__init__(f"{machine}: {type(step.fact).__name__} in {step.source}: {why}")
        self.step = step
        self.refused = refused


class NoState(TypeError):
    """A subject without a valid state of the machine: a programmer's error."""

    def __init__(self, machine: StateMachine[Any, Any], subject: object) -> None:
        kind, example = type(subject).__name__, f'`_state: str = "{machine.initial}"`'
        states = ", ".join(machine.states)
        if hasattr(subject, "_state"):
            found = f"{kind}._state is {subject._state!r}, which is no state of this machine"
            super().__init__(f"{machine.name}: {found}: set it to one of {states}")
        else:
            super().__init__(f"{machine.name}: {kind} has no attribute _state: give it one, such as {example}")


class StateMachine(Generic[S, E]):
    """A machine built from its table; diagrams and tests read `name`, `states`, `final` and `table`."""

    def __init__(
        self,
        name: str,
        *,
        states: Sequence[str],
        final: Sequence[str],
        table: tuple[Row[S, E], ...],
        initial: str = START,
    ) -> None:
        self.name = name
        # Plain strings everywhere: the library keys Enum members by name, but databases hold values.
        self.states = tuple(str(state) for state in states)
        self.final = frozenset(str(state) for state in final)
        self.table = table
        self.initial = str(initial)
        self._refuse_unknown_states()
        known = self.states if self.initial in self.states else (self.initial, *self.states)
        self._machine = Machine(
            model=None,
            states=[_LibraryState(state, final=state in self.final) for state in known],
            initial=self.initial,
            auto_transitions=False,
            send_event=True,
            model_attribute="_state",
            finalize_event=_note_step,
            name=name,
        )
        for row in table:
            self._machine.add_transition(
                trigger=row.fact.__name__,
                source=str(row.source),
                dest=str(row.dest),
                conditions=[_asks(guard) for guard in row.when],
                unless=[_asks(guard) for guard in row.unless],
                before=[_carries(do) for do in row.do],
            )

    def _refuse_unknown_states(self) -> None:
        # The library looks up a state only when a subject moves there, so it would find a mistyped one late.
        known = {self.initial, *self.states} if self.initial == START else set(self.states)
        used = {self.initial, *self.final, *(str(state) for row in self.table for state in (row.source, row.dest))}
        if used - known:
            unknown, states = ", ".join(sorted(used - known)), ", ".join(self.states)
            raise ValueError(
                f"{self.name}: the table names {unknown}, but the states are {states}: correct the table or the states"
            )

    @property
    def facts(self) -> frozenset[str]:
        """The names of the facts that the library knows."""
        return frozenset(self._machine.events)

    def advance(self, subject: S, fact: object) -> Step[E]:
        """Move `subject` by one fact.

        Raises IllegalMove if no row fits, for a missing row and for a refusing guard alike: the library raises for the
        first and returns False for the second. Raises NoState for a subject without a state of this machine.
        """
        state: object = getattr(subject, "_state", None)
        if not isinstance(state, str) or state not in self._machine.states:
            raise NoState(self, subject)
        event = self._machine.events.get(type(fact).__name__)
        if event is None:
            raise IllegalMove(self.name, Step(fact, subject._state, None), refused=False)
        tape: _Tape[E] = _Tape()
        try:
            moved = event.trigger(subject, fact, tape)
        except MachineError as error:
            raise IllegalMove(self.name, Step(fact, subject._state, None), refused=False) from error
        if not moved or tape.step is None:
            raise IllegalMove(self.name, tape.step or Step(fact, subject._state, None), refused=True)
        return tape.step


class _Tape(Generic[E]):
    """The results of one trigger: filled by the row's callbacks, completed by `finalize_event`."""

    __slots__ = ("effects", "step")

    def __init__(self) -> None:
        self.effects: list[E] = []
        self.step: Step[E] | None = None


def _asks(guard: Guard[Any, Any]) -> Callable[[EventData], bool]:
    def ask(event: EventData) -> bool:
        fact, _ = event.args
        return guard(event.model, fact)

    return ask


def _carries(do: Do[Any, Any, Any]) -> Callable[[EventData], None]:
    def carry(event: EventData) -> None:
        fact, tape = event.args
        effect = do(event.model, fact)
        if effect is not None:
            tape.effects.append(effect)

    return carry


def _note_step(event: EventData) -> None:
    # The only callback that sees legal, refused and illegal facts. The library swallows its exceptions, so it only
    # records. After a success `event.state` is already the destination, so the source comes from the transition.
    fact, tape = event.args
    if event.result and event.transition is not None:
        tape.step = Step(fact, event.transition.source, event.transition.dest, tuple(tape.effects))
    else:
        tape.step = Step(fact, event.state.name, None)


def in_words(step: str | Callable[..., object]) -> str:
    """A guard or a step (a function or its name) in words, as diagrams print it."""
    while isinstance(step, partial):
        step = step.func
    name = step.rpartition(".")[2] if isinstance(step, str) else getattr(step, "__name__", type(step).__name__)
    return name.strip("_<>").replace("_", " ")
