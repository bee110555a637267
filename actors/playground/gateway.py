"""Serves the gateway: WebSocket connections, and the sessions that outlive them.

    World ─event─► Gateway ─► Session (seq, replay) ─► Connection (outbox, zlib-stream) ─► client

A session whose connection is lost keeps collecting events, so that a client that resumes misses none.
Source: https://discord.com/developers/docs/events/gateway
"""

import asyncio
import hmac
import json
from collections.abc import Callable
from enum import IntEnum

from aiohttp import WSMsgType, web

from .connection import Connection
from .connections import Bounds
from .dispatch import Intent
from .events import Event
from .input import parsed
from .local_discord import LocalDiscord
from .payloads import application_flags, guild_json, member_json, user_json
from .records import Json
from .session import Session

HEARTBEAT_INTERVAL_MS = 41_250
SESSIONS_MAX = 64
"""Beyond this the oldest session without a connection is forgotten."""
FRAME_MAX = 4_096
"""Discord closes a connection that sends a longer frame."""
CLOSE_TIMEOUT_S = 1.0
"""How long a closing connection waits for the client's own close."""
ENDING_CODES = (1000, 1001)
"""A client that closes with one of these codes will not resume."""


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Close(IntEnum):
    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SHARD = 4010
    DISALLOWED_INTENTS = 4014


class Gateway:
    """Accepts clients, and sends them the world's events."""

    def __init__(self, discord: LocalDiscord, token: str, bounds: Bounds) -> None:
        self.refusing = False
        """While set, every handshake is answered with 503."""
        self.refusals = 0
        """How many handshakes were refused."""
        self._discord = discord
        self._token = token
        self._bounds = bounds
        self._connections: dict[Connection, Session | None] = {}
        self._sessions: dict[str, Session] = {}
        self._watcher: Callable[[], None] | None = None
        self._connected, self._alone = asyncio.Event(), asyncio.Event()
        self._alone.set()
        discord.subscribe(self._publish)

    @property
    def connected(self) -> int:
        """How many clients have identified or resumed and are still connected."""
        return sum(session is not None for session in self._connections.values())

    def watch(self, watcher: Callable[[], None]) -> None:
        """Calls `watcher` whenever `connected` may have changed."""
        self._watcher = watcher

    async def wait_connected(self) -> None:
        """Waits until a client has identified or resumed."""
        await self._connected.wait()

    async def wait_alone(self) -> None:
        """Waits until no client is connected."""
        await self._alone.wait()

    def close_all(self, code: int = Close.UNKNOWN_ERROR) -> int:
        """Closes every connection with a code; returns how many. Their sessions can be resumed."""
        for connection in self._connections:
            connection.close(code)
        return len(self._connections)

    def ask_reconnect(self) -> None:
        """Sends op 7: clients reconnect and resume."""
        self._send_all(Op.RECONNECT, None)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Sends op 9; unless resumable, the sessions are dropped and clients must identify again."""
        self._send_all(Op.INVALID_SESSION, resumable)
        if not resumable:
            self._sessions.clear()
            for connection in self._connections:
                self._attach(connection, None)

    def dispatch(self, name: str, body: Json) -> None:
        """Sends every client any event, also one that Discord does not document."""
        for session in self._sessions.values():
            session.dispatch(name, body)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serves one client from its handshake to its close."""
        if self.refusing:
            self.refusals += 1
            return web.Response(status=503)
        if len(self._connections) >= self._bounds.sockets:
            return web.Response(status=503)
        socket = web.WebSocketResponse(compress=False, timeout=CLOSE_TIMEOUT_S)
        await socket.prepare(request)
        connection = Connection(socket, request.query.get("compress"))
        self._attach(connection, None)
        writer = asyncio.create_task(connection.write_all())
        late = asyncio.get_running_loop().call_later(self._bounds.identify_s, self._end_stranger, connection)
        try:
            connection.send(_frame(Op.HELLO, {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}))
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._receive(connection, message.data)
        finally:
            late.cancel()
            self._leave(connection, socket.close_code)
            await _end(writer, connection)
        return socket

    def _end_stranger(self, connection: Connection) -> None:
        """Closes a connection that has not identified."""
        if self._connections[connection] is None:
            connection.close(Close.NOT_AUTHENTICATED)

    def _receive(self, connection: Connection, text: str | bytes) -> None:
        if len(text) > FRAME_MAX:
            return connection.close(Close.DECODE_ERROR)
        try:
            frame = parsed(text)
        except ValueError:
            return connection.close(Close.DECODE_ERROR)
        if not isinstance(frame, dict) or "op" not in frame:
            return connection.close(Close.DECODE_ERROR)
        op, body = frame["op"], frame.get("d")
        if op == Op.HEARTBEAT:
            return connection.send(_frame(Op.HEARTBEAT_ACK, None))
        if op in (Op.IDENTIFY, Op.RESUME):
            return self._enter(connection, op, body if isinstance(body, dict) else {})
        session = self._connections[connection]
        if session is None:
            return connection.close(Close.NOT_AUTHENTICATED)
        if op == Op.REQUEST_MEMBERS:
            return session.dispatch("GUILD_MEMBERS_CHUNK", self._members(body if isinstance(body, dict) else {}))
        if op not in (Op.PRESENCE, Op.VOICE_STATE):
            return connection.close(Close.UNKNOWN_OPCODE)
        return None

    def _enter(self, connection: Connection, op: int, body: Json) -> None:
        if self._connections[connection] is not None:
            return connection.close(Close.ALREADY_AUTHENTICATED)
        if not hmac.compare_digest(str(body.get("token")).encode(), self._token.encode()):
            return connection.close(Close.AUTHENTICATION_FAILED)
        return self._identify(connection, body) if op == Op.IDENTIFY else self._resume(connection, body)

    def _identify(self, connection: Connection, body: Json) -> None:
        intents = Intent(_whole(body.get("intents")))
        if Intent.MESSAGE_CONTENT in intents and not self._discord.message_content:
            return connection.close(Close.DISALLOWED_INTENTS)
        number, count = _shard(body.get("shard"))
        if not 0 <= number < count:
            return connection.close(Close.INVALID_SHARD)
        session = Session(intents, (number, count))
        self._sessions[session.id] = session
        self._forget_oldest()
        self._attach(connection, session)
        return self._welcome(session)

    def _resume(self, connection: Connection, body: Json) -> None:
        session, seq = self._sessions.get(str(body.get("session_id"))), _whole(body.get("seq"))
        if session is None or not session.can_replay(seq):
            return connection.send(_frame(Op.INVALID_SESSION, False))
        if session.connection is not None:
            session.connection.close(Close.UNKNOWN_ERROR)
            self._attach(session.connection, None)
        self._attach(connection, session)
        session.replay(seq)
        return session.dispatch("RESUMED", {}, is_kept=False)

    def _welcome(self, session: Session) -> None:
        discord = self._discord
        number, count = session.shard
        is_here = (discord.guild.id >> 22) % count == number and not discord.guild.without_bot
        guilds = [discord.guild] if is_here else []
        ready = {
            "v": 10,
            "user": user_json(discord.bot),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": discord.gateway_url,
            "application": {"id": str(discord.bot.id), "flags": application_flags(discord)},
            "shard": [number, count],
        }
        session.dispatch("READY", ready)
        users = list(discord.users.values()) if Intent.GUILD_MEMBERS in session.intents else [discord.bot]
        for guild in guilds if Intent.GUILDS in session.intents and not discord.guild.is_out else []:
            session.dispatch("GUILD_CREATE", guild_json(discord, guild, users))

    def _members(self, asked: Json) -> Json:
        """The answer to op 8: members by id, or by the beginning of their names."""
        ids = {str(user_id) for user_id in asked.get("user_ids") or ()}
        query = str(asked.get("query") or "").lower()
        found = [
            user
            for user in self._discord.users.values()
            if not user.has_left and (str(user.id) in ids if ids else user.name.lower().startswith(query))
        ]
        return {
            "guild_id": str(self._discord.guild.id),
            "members": [member_json(self._discord, user) | {"user": user_json(user)} for user in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "nonce": asked.get("nonce"),
        }

    def _publish(self, event: Event) -> None:
        for session in self._sessions.values():
            session.publish(self._discord, event)

    def _send_all(self, op: Op, body: object) -> None:
        for connection, session in self._connections.items():
            if session is not None:
                connection.send(_frame(op, body))

    def _attach(self, connection: Connection, session: Session | None) -> None:
        earlier = self._connections.get(connection)
        if earlier is not None:
            earlier.connection = None
        self._connections[connection] = session
        if session is not None:
            session.connection = connection
        self._note_connected()

    def _leave(self, connection: Connection, close_code: int | None) -> None:
        session = self._connections.pop(connection)
        if session is not None:
            session.connection = None
            if close_code in ENDING_CODES and not connection.closed_by_us:
                self._sessions.pop(session.id, None)
        self._note_connected()

    def _note_connected(self) -> None:
        met, unmet = (self._connected, self._alone) if self.connected else (self._alone, self._connected)
        met.set()
        unmet.clear()
        if self._watcher is not None:
            self._watcher()

    def _forget_oldest(self) -> None:
        detached = [session for session in self._sessions.values() if session.connection is None]
        for session in detached[: max(0, len(self._sessions) - SESSIONS_MAX)]:
            del self._sessions[session.id]


async def _end(writer: asyncio.Task[None], connection: Connection) -> None:
    """Waits until our own close was sent with its code; if the client closed, stops the writer."""
    if connection.closed_by_us:
        await writer
    else:
        writer.cancel()


def _whole(value: object) -> int:
    """The value if it is a whole number from 0 on; else 0."""
    return value if isinstance(value, int) and value >= 0 else 0


def _shard(value: object) -> tuple[int, int]:
    """(number, count): (0, 1) if the client names no shard, (0, 0) if what it names is invalid."""
    match value:
        case None:
            return 0, 1
        case [int(number), int(count)]:
            return number, count
        case _:
            return 0, 0


def _frame(op: Op, body: object) -> str:
    return json.dumps({"op": op, "d": body, "s": None, "t": None})
