"""Tells the story of one response to people: its path through the machine, its attempts, and the crashes.

Generating            +0.000 s  Started
  └► Sending          +1.204 s  Generated(2 parts)
       wire           +1.310 s  webhook 00000000000a1.1: cut_after
     ☠ crash          +1.512 s
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from sqlalchemy import Connection, select

from actors.adapters.store.engine.schema import move
from actors.simulation.virtual_time import EPOCH
from actors.simulation.watch import Broken, Watch
from machines import response as machine
from machines.diagrams.notations import text

TEXT_MAX: Final = 60


def tell(connection: Connection, watch: Watch, broken: Broken) -> str:
    """The broken invariant, the path of the response concerned, and the machine's table."""
    headline = f"✗ {broken.invariant}: {broken.words}"
    if broken.response_id is None:
        deaths = ", ".join(f"{at - EPOCH:.3f} s" for at in watch.deaths)
        return f"{headline}\n\nThis concerns the session, not a single response. Processes died at: {deaths or 'never'}"
    steps = sorted(_steps(connection, watch, broken.response_id), key=lambda step: step[0])
    if not steps:
        return headline
    began, ended = steps[0][0], steps[-1][0]
    steps += [(at, "  ☠ the process died") for at in watch.deaths if began <= at <= ended]
    path = [f"  {at - EPOCH:10.3f} s  {words}" for at, words in sorted(steps, key=lambda step: step[0])]
    taken = {row[:3] for row in _rows(connection, broken.response_id)}
    return "\n".join((headline, "", f"response {broken.response_id}", *path, "", _table(taken)))


def digest(connection: Connection, watch: Watch) -> str:
    """A fingerprint of all moves, requests and deaths, with their times."""
    hashed = blake2b(digest_size=16)
    for row in connection.execute(select(move).order_by(move.c.response_id, move.c.seq)):
        hashed.update(repr(tuple(row)).encode())
    for wire in watch.on_wire:
        hashed.update(repr(wire).encode())
    hashed.update(repr(watch.deaths).encode())
    return hashed.hexdigest()


def _rows(connection: Connection, response_id: str) -> list[tuple[str, str, str, float, str, int, int]]:
    columns = (move.c.source, move.c.fact, move.c.dest, move.c.at, move.c.fields, move.c.part, move.c.attempt)
    wanted = select(*columns).where(move.c.response_id == response_id).order_by(move.c.seq)
    return [(str(row[0]), str(row[1]), str(row[2]), *row[3:]) for row in connection.execute(wanted)]


def _steps(connection: Connection, watch: Watch, response_id: str) -> Iterator[tuple[float, str]]:
    for source, fact, dest, at, fields, part, attempt in _rows(connection, response_id):
        yield at, f"{source:<10} ─► {dest:<10} {fact}({_facts(fields)})  part {part}, attempt {attempt}"
    for wire in watch.on_wire:
        if wire.nonce.partition(".")[0] == response_id:
            says = wire.outcome if wire.kind == "answer" else f"{wire.kind} leaves ({wire.fault or 'no fault'})"
            yield wire.at, f"  wire {wire.nonce}: {says}"


def _facts(fields: str) -> str:
    known = {name: value for name, value in json.loads(fields).items() if name != "at" and value not in (None, 0, "")}
    return ", ".join(f"{name}={str(value)[:TEXT_MAX]}" for name, value in known.items())


def _table(taken: set[tuple[str, str, str]]) -> str:
    """The machine's table, with the taken rows marked."""
    marks = {(source, f"{fact} ", dest) for source, fact, dest in taken}
    drawn: list[str] = []
    state = ""
    for line in text(machine.MACHINE).splitlines():
        if line and not line.startswith(" "):
            state = line.partition(" ")[0]
        is_taken = any(source == state and fact in line and f"─► {dest}" in line for source, fact, dest in marks)
        drawn.append(f"►{line[1:]}" if is_taken else line)
    return "\n".join(drawn)
