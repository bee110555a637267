"""The `StatusPage` port over HTTP: a page of Statuspage's kind, such as discordstatus.com.

    GET {url}/status.json ─► indicator        GET {url}/incidents/unresolved.json ─► names ─► Status

Source: https://discordstatus.com/api.
*Failure modes*: none is raised. A status, a lost connection, the time limit, an answer that is too large and
one that is not of this shape each become a StatusUnknown with its reason.
"""

from __future__ import annotations

import re
from typing import Final

import aiohttp
import anyio
from pydantic import BaseModel, ValidationError

from actors.ports import Indicator, Status, StatusUnknown

TIMEOUT_S: Final = 5.0
"""For both questions together; nobody waits for the answer."""

BYTES_MAX: Final = 256 * 1024
"""An answer of discordstatus.com has a few kilobytes; incidents carry all their updates."""

REDIRECTS_MAX: Final = 3
INCIDENTS_MAX: Final = 3
NAME_MAX: Final = 80
"""Incidents, and characters of each name, that a log line takes."""

_UNPRINTABLE: Final = re.compile(r"[^\w .,:;!?/&+()'’\-–]+")


class _Verdict(BaseModel):
    indicator: Indicator


class _StatusAnswer(BaseModel):
    status: _Verdict


class _Incident(BaseModel):
    name: str


class _IncidentsAnswer(BaseModel):
    incidents: list[_Incident]


class _TooLarge(Exception):
    """More came than a status page has to say."""


class HttpStatusPage:
    """The page at `url`, such as `https://discordstatus.com/api/v2`; each reading has a connection of its own."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    async def read(self) -> Status | StatusUnknown:
        """Ask once. Never raises what a server or a network can cause."""
        try:
            with anyio.fail_after(self._timeout_s):
                return await self._read()
        except TimeoutError:
            return StatusUnknown("timeout")
        except aiohttp.ClientResponseError:
            return StatusUnknown("http")
        except (aiohttp.ClientError, OSError):
            return StatusUnknown("connection")
        except _TooLarge:
            return StatusUnknown("too_large")
        except ValidationError:
            return StatusUnknown("malformed")

    async def _read(self) -> Status:
        async with aiohttp.ClientSession(raise_for_status=True) as client:
            verdict = _StatusAnswer.model_validate_json(await _body(client, f"{self._url}/status.json"))
            unresolved = await _body(client, f"{self._url}/incidents/unresolved.json")
        incidents = _IncidentsAnswer.model_validate_json(unresolved).incidents
        names = [_clean(incident.name) for incident in incidents[:INCIDENTS_MAX]]
        return Status(verdict.status.indicator, tuple(name for name in names if name))


async def _body(client: aiohttp.ClientSession, url: str) -> bytes:
    """The body of a 2xx answer. Raises _TooLarge before more than BYTES_MAX and a chunk of it are held."""
    body = b""
    async with client.get(url, max_redirects=REDIRECTS_MAX) as answer:
        while chunk := await answer.content.read(BYTES_MAX):
            body += chunk
            if len(body) > BYTES_MAX:
                raise _TooLarge
    return body


def _clean(name: str) -> str:
    """One short line of plain words: what stands on the page is somebody else's text."""
    return " ".join(_UNPRINTABLE.sub(" ", name).split())[:NAME_MAX]
