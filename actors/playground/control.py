"""Serves the control API under `/_control/`: the methods of `PlaygroundServer`, for another process.

    GET    state                              guild, channels, users, webhooks, faults, connected clients
    GET    messages?channel=&with_deleted=1   POST messages {channel, user, text, reply_to?}
    PATCH  messages/{id} {text}               DELETE messages/{id}
    DELETE messages {channel, messages: ["id", …]}   all at once, as a moderator's purge
    POST   reactions {message, user, emoji, on?}
    POST   presses {message, user, button}    a button by its custom id; answers {id}
    POST   commands {channel, user, text}     a typed command; answers {id}; {completes: true}: still being typed
    POST   choices {message, user, command}   an entry of a message's menu by its name; answers {id}
    GET    requests?since=&only_lines=1       the ledger
    PUT    members {user, nick?, global_name?, has_left?, moderates?}    a person's names in the guild, and its role
    POST   users {name}   channels {name}   threads {channel, name, user, on?}
    DELETE channels/{name or id}              DELETE webhooks/{id}
    PATCH  webhooks/{id} {channel, told?}     a moderator moves it to that channel; told: false sends no event
    PUT    permissions {permission, allowed, channel?}           of a thread: in it alone, without an event
    PUT    threads/{name or id} {archived, locked}                 PUT refused_names {words: ["here"], named?}
    PUT    membership {do: "remove"} {do: "invite"} {do: "outage"} {do: "recovery"}   of the bot in its guild
    PUT    faults {faults: ["KIND=P", …], seed?, speed?}
    PUT    model_faults {faults: ["KIND=P", …], seed?}             of the model, for a bot that this playground runs
    PUT    dialect {order?, page?, …}         how another server differs from Discord (`dialect.py`); {} is Discord
    POST   script {faults: ["reset", null, …], requests?}          each used once, for lines or a sort of request
    POST   gateway {do: "close", code?} {do: "reconnect"} {do: "invalidate", resumable?} {do: "refuse", on?}
                   {do: "dispatch", name, body}
    POST   hold (arm)   GET hold?timeout_s= (waits: {message_id} or 204)   DELETE hold (release)

Failure modes: 400 with a message for a wrong request, Discord's own 404 for an unknown object. Requests of another
site's page in the user's browser are refused: the host must be loopback and the origin ours (else 403), and a body
must be declared as JSON (else 400).
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from .control_requests import Handler, asked, checked, number, path_id, text
from .dialect import Dialect
from .faults import FaultPlan
from .gateway import Close
from .input import finite
from .ledger import Entry
from .model_faults import ModelFaultPlan
from .payloads import channel_json, user_json, webhook_json
from .records import Json
from .screen import shown_json
from .wire import json_response

if TYPE_CHECKING:
    from .server import PlaygroundServer

PREFIX = "/_control"
HOLD_TIMEOUT_S, HOLD_TIMEOUT_MAX_S = 30.0, 300.0


def mount_control(app: web.Application, server: "PlaygroundServer") -> None:
    """Adds the control API to the application."""
    control = _Control(server)
    routes: dict[tuple[str, str], Handler] = {
        ("GET", "state"): control.state,
        ("GET", "messages"): control.messages,
        ("POST", "messages"): control.say,
        ("PATCH", "messages/{message}"): control.edit,
        ("DELETE", "messages/{message}"): control.delete,
        ("DELETE", "messages"): control.purge,
        ("POST", "reactions"): control.react,
        ("POST", "presses"): control.press,
        ("POST", "commands"): control.command,
        ("POST", "choices"): control.choose,
        ("GET", "requests"): control.requests,
        ("POST", "users"): control.add_user,
        ("PUT", "members"): control.change_member,
        ("POST", "channels"): control.add_channel,
        ("POST", "threads"): control.add_thread,
        ("PUT", "threads/{thread}"): control.close_thread,
        ("DELETE", "channels/{channel}"): control.delete_channel,
        ("DELETE", "webhooks/{webhook}"): control.delete_webhook,
        ("PATCH", "webhooks/{webhook}"): control.move_webhook,
        ("PUT", "permissions"): control.permit,
        ("PUT", "membership"): control.set_membership,
        ("PUT", "refused_names"): control.refuse_names,
        ("PUT", "faults"): control.set_faults,
        ("PUT", "model_faults"): control.set_model_faults,
        ("PUT", "dialect"): control.set_dialect,
        ("POST", "script"): control.write_script,
        ("POST", "gateway"): control.steer_gateway,
        ("POST", "hold"): control.hold,
        ("GET", "hold"): control.wait_held,
        ("DELETE", "hold"): control.release,
    }
    for (method, path), handler in routes.items():
        app.router.add_route(method, f"{PREFIX}/{path}", checked(handler))


class _Control:
    """One method per route; each calls the server."""

    def __init__(self, server: "PlaygroundServer") -> None:
        self._server = server
        self._discord = server.discord

    async def state(self, request: web.Request) -> web.StreamResponse:
        discord = self._discord
        channels = [each for each in discord.channels.values() if not each.deleted]
        webhooks = [each for each in discord.webhooks.values() if not each.deleted]
        return json_response(
            {
                "api_url": self._server.api_url,
                "gateway_url": self._server.gateway_url,
                "guild": {"id": str(discord.guild.id), "name": discord.guild.name},
                "bot": user_json(discord.bot),
                "users": [user_json(user) for user in discord.users.values() if not user.bot],
                "channels": [channel_json(discord, each) for each in channels],
                "webhooks": [webhook_json(discord, each, with_creator=False) for each in webhooks],
                "faults": asdict(self._server.faults),
                "connected": self._server.gateway.connected,
            }
        )

    async def messages(self, request: web.Request) -> web.StreamResponse:
        with_deleted = request.query.get("with_deleted") == "1"
        found = self._server.messages(request.query.get("channel"), with_deleted=with_deleted)
        return json_response([shown_json(each) for each in found])

    async def say(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        reply_to = fields.get("reply_to")
        said = self._server.say(
            text(fields, "channel"),
            text(fields, "user"),
            text(fields, "text"),
            reply_to=None if reply_to is None else number("reply_to", reply_to),
        )
        return json_response(shown_json(said), 201)

    async def edit(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        return json_response(shown_json(self._server.edit(path_id(request, "message"), text(fields, "text"))))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        self._server.delete(path_id(request, "message"))
        return web.Response(status=204)

    async def purge(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        ids = fields.get("messages")
        if not isinstance(ids, list):
            raise ValueError('`messages` must be a list of ids, e.g. ["1234"]')
        self._server.purge(text(fields, "channel"), [number("messages", each) for each in ids])
        return web.Response(status=204)

    async def react(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        message_id = number("message", fields.get("message"))
        user, emoji = text(fields, "user"), text(fields, "emoji")
        self._server.react(message_id, user, emoji, on=fields.get("on", True) is True)
        return web.Response(status=204)

    async def press(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        message_id = number("message", fields.get("message"))
        pressed = self._server.press(message_id, text(fields, "user"), text(fields, "button"))
        return json_response({"id": str(pressed.id)}, 201)

    async def command(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        use = self._server.complete if fields.get("completes") is True else self._server.command
        used = use(text(fields, "channel"), text(fields, "user"), text(fields, "text"))
        return json_response({"id": str(used.id)}, 201)

    async def choose(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        message_id = number("message", fields.get("message"))
        chosen = self._server.choose(message_id, text(fields, "user"), text(fields, "command"))
        return json_response({"id": str(chosen.id)}, 201)

    async def requests(self, request: web.Request) -> web.StreamResponse:
        since = number("since", request.query.get("since", "0"))
        only_lines = request.query.get("only_lines") == "1"
        return json_response([_entry_json(each) for each in self._server.ledger.since(since, only_lines=only_lines)])

    async def add_user(self, request: web.Request) -> web.StreamResponse:
        user = self._server.add_user(text(await asked(request), "name"))
        return json_response(user_json(user), 201)

    async def change_member(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        names = {name: text(fields, name) if fields.get(name) else None for name in ("nick", "global_name")}
        self._server.name_member(text(fields, "user"), names["nick"], global_name=names["global_name"])
        self._server.appoint(text(fields, "user"), moderates=fields.get("moderates") is True)
        user = self._server.leave(text(fields, "user"), left=fields.get("has_left") is True)
        return json_response(user_json(user) | {"nick": user.nick})

    async def add_channel(self, request: web.Request) -> web.StreamResponse:
        channel = self._server.add_channel(text(await asked(request), "name"))
        return json_response(channel_json(self._discord, channel), 201)

    async def add_thread(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        on = fields.get("on")
        thread = self._server.add_thread(
            text(fields, "channel"),
            text(fields, "name"),
            text(fields, "user"),
            on=None if on is None else number("on", on),
        )
        return json_response(channel_json(self._discord, thread), 201)

    async def delete_channel(self, request: web.Request) -> web.StreamResponse:
        self._server.delete_channel(request.match_info["channel"])
        return web.Response(status=204)

    async def delete_webhook(self, request: web.Request) -> web.StreamResponse:
        self._server.delete_webhook(path_id(request, "webhook"))
        return web.Response(status=204)

    async def move_webhook(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        is_told = fields.get("told", True) is True
        self._server.move_webhook(path_id(request, "webhook"), text(fields, "channel"), is_told=is_told)
        return web.Response(status=204)

    async def permit(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        allowed = fields.get("allowed")
        if not isinstance(allowed, bool):
            raise ValueError("`allowed` must be true or false")
        self._server.permit(text(fields, "permission"), allowed, channel=fields.get("channel"))
        return web.Response(status=204)

    async def close_thread(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        archived, locked = fields.get("archived") is True, fields.get("locked") is True
        self._server.close_thread(request.match_info["thread"], archived=archived, locked=locked)
        return web.Response(status=204)

    async def set_membership(self, request: web.Request) -> web.StreamResponse:
        steps: dict[str, Callable[[], None]] = {
            "remove": self._discord.remove_bot,
            "invite": self._discord.invite_bot,
            "outage": partial(self._discord.set_outage, True),
            "recovery": partial(self._discord.set_outage, False),
        }
        do = text(await asked(request), "do")
        if do not in steps:
            raise ValueError(f"unknown `do` {do!r}; known: {', '.join(steps)}")
        steps[do]()
        return web.Response(status=204)

    async def refuse_names(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        words = fields.get("words")
        if not isinstance(words, list):
            raise ValueError('`words` must be a list, e.g. ["here"]')
        self._server.refuse_names(*map(str, words), are_named=fields.get("named", True) is True)
        return web.Response(status=204)

    async def set_faults(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        texts = fields.get("faults")
        if not isinstance(texts, list):
            raise ValueError('`faults` must be a list, e.g. ["drop_after=0.3"]')
        seed = number("seed", fields.get("seed", self._server.faults.seed))
        self._server.faults = FaultPlan.parse(
            map(str, texts), seed=seed, speed=finite("speed", fields.get("speed", 1.0))
        )
        return json_response(asdict(self._server.faults))

    async def set_model_faults(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        texts = fields.get("faults")
        if not isinstance(texts, list):
            raise ValueError('`faults` must be a list, e.g. ["http_503=0.3"]')
        seed = number("seed", fields.get("seed", self._server.model_faults.seed))
        self._server.model_faults = ModelFaultPlan.parse(map(str, texts), seed=seed)
        return json_response(asdict(self._server.model_faults))

    async def set_dialect(self, request: web.Request) -> web.StreamResponse:
        self._discord.dialect = Dialect.of(await asked(request))
        return json_response(asdict(self._discord.dialect))

    async def write_script(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        kinds = fields.get("faults")
        if not isinstance(kinds, list):
            raise ValueError('`faults` must be a list, e.g. ["reset", null, "stored_502"]')
        named = tuple(None if kind is None else str(kind) for kind in kinds)
        if "requests" in fields:
            self._server.next_requests(text(fields, "requests"), *named)
        else:
            self._server.next_lines(*named)
        return web.Response(status=204)

    async def steer_gateway(self, request: web.Request) -> web.StreamResponse:
        fields = await asked(request)
        gateway = self._server.gateway
        match fields.get("do"):
            case "close":
                gateway.close_all(number("code", fields.get("code", int(Close.UNKNOWN_ERROR))))
            case "reconnect":
                gateway.ask_reconnect()
            case "invalidate":
                gateway.invalidate(resumable=fields.get("resumable") is True)
            case "refuse":
                gateway.refusing = fields.get("on", True) is True
            case "dispatch":
                gateway.dispatch(text(fields, "name"), fields.get("body", {}))
            case other:
                raise ValueError(f"unknown `do` {other!r}; known: close, reconnect, invalidate, refuse, dispatch")
        return web.Response(status=204)

    async def hold(self, request: web.Request) -> web.StreamResponse:
        self._server.hold.arm()
        return web.Response(status=204)

    async def wait_held(self, request: web.Request) -> web.StreamResponse:
        """Answers as soon as a line is held; 204 after the timeout."""
        asked_s = finite("timeout_s", request.query.get("timeout_s", HOLD_TIMEOUT_S))
        try:
            async with asyncio.timeout(min(asked_s, HOLD_TIMEOUT_MAX_S)):
                message_id = await self._server.hold.wait_caught()
        except TimeoutError:
            return web.Response(status=204)
        return json_response({"message_id": str(message_id)})

    async def release(self, request: web.Request) -> web.StreamResponse:
        self._server.hold.release()
        return web.Response(status=204)


def _entry_json(entry: Entry) -> Json:
    """The entry with its ids as strings, since they are too large for JavaScript."""
    ids = {
        name: None if value is None else str(value)
        for name, value in (("channel_id", entry.channel_id), ("message_id", entry.message_id))
    }
    return asdict(entry) | ids
