"""Reads the files that people attach to messages, from Discord's CDN only, bounded in size and in time.

Failure modes: another host, a redirect, an error's status, a timeout and too many bytes are refusals in words.
"""

from __future__ import annotations

from typing import Final

import aiohttp
from yarl import URL

from actors.ports.files import FileRefused

CDN: Final = frozenset({URL("https://cdn.discordapp.com"), URL("https://media.discordapp.net")})
"""Where attachments are (Discord's reference, "Attachment Object", "CDN Endpoints")."""

TIMEOUT_S: Final = 10.0
"""Messages of the same channel wait that long at most."""

ELSEWHERE: Final = FileRefused("The file was not read: it is not on Discord. Attach it to your message.")
UNREADABLE: Final = FileRefused("The file could not be read from Discord. Attach it again.")


class CdnFiles:
    """The port Files: asks Discord's CDN, and the other server at `api_url` if the bot plays on one."""

    def __init__(self, api_url: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._origins = CDN if api_url is None else CDN | {URL(api_url).origin()}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def fetch(self, url: str, *, bytes_max: int) -> bytes | FileRefused:
        asked = self._allowed(url)
        if asked is None:
            return ELSEWHERE
        try:
            # A session of its own: files are rare, and no cookie or connection is kept.
            async with (
                aiohttp.ClientSession(timeout=self._timeout, auto_decompress=False) as session,
                session.get(asked, allow_redirects=False) as answer,
            ):
                return await _read(answer, bytes_max)
        except (aiohttp.ClientError, TimeoutError):
            return UNREADABLE

    def _allowed(self, url: str) -> URL | None:
        """The URL if its server may be asked; it may name no user."""
        try:
            asked = URL(url)
            origin = asked.origin()
        except ValueError:
            return None
        return asked if origin in self._origins and asked.user is None and asked.password is None else None


async def _read(answer: aiohttp.ClientResponse, bytes_max: int) -> bytes | FileRefused:
    if answer.status != 200:
        return UNREADABLE
    read = bytearray()
    async for chunk in answer.content.iter_any():
        read += chunk
        if len(read) > bytes_max:
            return FileRefused(f"The file is larger than {bytes_max // 1024} KB. Leave some of it out.")
    return bytes(read)
