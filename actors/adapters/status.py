"""The `StatusPage` port over HTTP: reads a Statuspage site such as discordstatus.com.

    GET {url}/status.json ────────────────────────┐
    GET {url}/incidents/unresolved.json ──────────┤
    GET {url}/scheduled-maintenances/active.json ─┼─► the readable parts of each ─► one Status
    GET {url}/summary.json (components) ──────────┘

All are requested at once and independently: one answer may hold what another lacks.
Source: https://discordstatus.com/api.
*Failure modes*: none is raised. An HTTP error, a lost connection, a timeout, an answer that is too large and a
malformed answer each leave that part out. If no part is left, the result is StatusUnknown with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Final

import aiohttp
import anyio
from pydantic import BaseModel, BeforeValidator, ValidationError

from actors.ports import Indicator, Status, StatusUnknown
from actors.ports.status import INDICATORS, worst

TIMEOUT_S: Final = 5.0
"""Limit for each part; nobody waits for the answer."""

BYTES_MAX: Final = 256 * 1024
"""Answers of discordstatus.com have a few KB, its summary some dozens; incidents hold all their updates."""

REDIRECTS_MAX: Final = 3
INCIDENTS_MAX: Final = 3
NAME_MAX: Final = 80
"""Number of incidents, and characters of each name, in a log line."""

PARTS: Final = ("status.json", "incidents/unresolved.json", "scheduled-maintenances/active.json", "summary.json")
"""The first holds the page's own verdict; the last repeats all of them, with the components."""

OVER: Final = frozenset({"resolved", "postmortem", "completed"})
UNDER_WAY: Final = frozenset({"in_progress", "verifying"})
"""States of incidents and of maintenances; a summary also has maintenances that are only planned."""

MAINTENANCE: Final = "under_maintenance"
COMPONENTS: Final[dict[str, Indicator]] = {
    MAINTENANCE: "maintenance",
    "degraded_performance": "minor",
    "partial_outage": "minor",
    "major_outage": "major",
}
"""Verdict for a component's state, used if the page's own verdict cannot be read."""

_UNPRINTABLE: Final = re.compile(r"[^\w .,:;!?/&+()'’\-–]+")


_Word = Annotated[str, BeforeValidator(lambda given: given if isinstance(given, str) else "")]
_Impact = Annotated[Indicator, BeforeValidator(lambda given: given if given in INDICATORS else "none")]


class _Verdict(BaseModel):
    indicator: Indicator


class _Incident(BaseModel):
    """An incident, or a maintenance."""

    name: str
    status: _Word = ""
    impact: _Impact = "none"


class _Component(BaseModel):
    name: str
    status: str
    group: bool = False


def _one(given: object) -> object:
    return next(iter(_readable(_Verdict)([given]) or ()), None)


def _readable(kind: type[BaseModel]) -> Callable[[object], list[BaseModel] | None]:
    """Return a parser that keeps a list's valid entries; it returns None for no list, or if every entry is invalid."""

    def read(given: object) -> list[BaseModel] | None:
        found: list[BaseModel] = []
        for each in given if isinstance(given, list) else ():
            try:
                found.append(kind.model_validate(each))
            except ValidationError:
                continue  # an invalid entry counts as absent
        return found if found or given == [] else None

    return read


class _Answer(BaseModel):
    """Any part of the page: each has some of these fields, a summary has all. None: absent or unreadable."""

    status: Annotated[_Verdict | None, BeforeValidator(_one)] = None
    incidents: Annotated[list[_Incident] | None, BeforeValidator(_readable(_Incident))] = None
    scheduled_maintenances: Annotated[list[_Incident] | None, BeforeValidator(_readable(_Incident))] = None
    components: Annotated[list[_Component] | None, BeforeValidator(_readable(_Component))] = None

    @property
    def says_nothing(self) -> bool:
        return self == _Answer()


class _TooLarge(Exception):
    """The answer is larger than BYTES_MAX."""


class _SaysNothing(Exception):
    """The answer has no field of a status page."""


class HttpStatusPage:
    """The page at `url`, such as `https://discordstatus.com/api/v2`; each read opens its own connections."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    async def read(self) -> Status | StatusUnknown:
        """Read all parts once. Never raises for errors of the server or the network."""
        read: dict[str, _Answer | str] = {}
        async with aiohttp.ClientSession(raise_for_status=True) as client, anyio.create_task_group() as group:
            for part in PARTS:
                group.start_soon(self._read, client, part, read)
        answers = [answer for part in PARTS if isinstance(answer := read[part], _Answer)]
        failures = {part: reason for part in PARTS if isinstance(reason := read[part], str)}
        return _merged(answers, failures) if answers else StatusUnknown(failures[PARTS[0]])

    async def _read(self, client: aiohttp.ClientSession, part: str, read: dict[str, _Answer | str]) -> None:
        """Put the answer, or the reason why there is none, into `read`."""
        try:
            with anyio.fail_after(self._timeout_s):
                read[part] = _answer(await _body(client, f"{self._url}/{part}"))
        except TimeoutError:
            read[part] = "timeout"
        except aiohttp.ClientResponseError:
            read[part] = "http"
        except (aiohttp.ClientError, OSError):
            read[part] = "connection"
        except _TooLarge:
            read[part] = "too_large"
        except (ValidationError, _SaysNothing):
            read[part] = "malformed"


async def _body(client: aiohttp.ClientSession, url: str) -> bytes:
    """The body of a 2xx answer. Raises _TooLarge before it holds more than BYTES_MAX and one chunk."""
    body = b""
    async with client.get(url, max_redirects=REDIRECTS_MAX) as answer:
        while chunk := await answer.content.read(BYTES_MAX):
            body += chunk
            if len(body) > BYTES_MAX:
                raise _TooLarge
    return body


def _answer(body: bytes) -> _Answer:
    answer = _Answer.model_validate_json(body)
    if answer.says_nothing:
        raise _SaysNothing
    return answer


def _merged(answers: list[_Answer], failures: Mapping[str, str]) -> Status:
    """Take the page's own verdict, else that of its components; an incident or a maintenance may make it worse."""
    incidents = [one for each in answers for one in each.incidents or () if one.status not in OVER]
    under_way = [one for each in answers for one in each.scheduled_maintenances or () if one.status in UNDER_WAY]
    affected = [one for each in answers for one in each.components or () if one.status in COMPONENTS and not one.group]
    own = next((each.status.indicator for each in answers if each.status is not None), None)
    is_maintained = under_way or any(one.status == MAINTENANCE for one in affected)
    maintenance: Indicator = "maintenance" if is_maintained else "none"
    verdict = own or worst(*(COMPONENTS[one.status] for one in affected))
    indicator = worst(verdict, maintenance, *(one.impact for one in incidents))
    states = (f"{one.name}: {one.status.replace('_', ' ')}" for one in affected)
    names = _few((*(one.name for one in (*incidents, *under_way)), *states))
    return Status(indicator, names, tuple(f"{part}: {reason}" for part, reason in failures.items()))


def _few(names: Iterable[str]) -> tuple[str, ...]:
    """The first INCIDENTS_MAX different names, cleaned."""
    clean = dict.fromkeys(filter(None, map(_clean, names)))
    return tuple(clean)[:INCIDENTS_MAX]


def _clean(name: str) -> str:
    """Reduce a name to one short line of plain characters, because the page is untrusted text."""
    return " ".join(_UNPRINTABLE.sub(" ", name).split())[:NAME_MAX]
