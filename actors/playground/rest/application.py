"""The bot itself: who it is, its commands, and its direct conversations."""

from ..payloads import application_json, channel_json, member_json, user_json
from ..records import Json
from ..refusals import UNKNOWN_GUILD, UNKNOWN_MEMBER, Refusal, invalid_field
from ..world import World
from .call import Answer, Call, Route, as_id


def get_me(world: World, call: Call) -> Answer:
    return Answer(200, user_json(world.bot))


def get_user(world: World, call: Call) -> Answer:
    return Answer(200, user_json(world.user(call.id("user"))))


def get_application(world: World, call: Call) -> Answer:
    return Answer(200, application_json(world))


def get_gateway(world: World, call: Call) -> Answer:
    starts = {"total": 1_000, "remaining": 1_000, "reset_after": 0, "max_concurrency": 1}
    return Answer(200, {"url": world.gateway_url, "shards": 1, "session_start_limit": starts})


def open_dm(world: World, call: Call) -> Answer:
    user = world.user(as_id("recipient_id", call.fields.get("recipient_id")))
    return Answer(200, channel_json(world, world.open_dm(user)))


def get_member(world: World, call: Call) -> Answer:
    """A person of the guild, with the nickname; whoever has left is none."""
    _guild(world, call)
    user = world.users.get(call.id("user"))
    if user is None or user.has_left:
        raise Refusal(UNKNOWN_MEMBER)
    return Answer(200, member_json(world, user) | {"user": user_json(user)})


def put_commands(world: World, call: Call) -> Answer:
    """Replaces all commands, of the guild or global; they are given ids and sent back."""
    if not isinstance(call.body, list) or not all(isinstance(each, dict) for each in call.body):
        raise invalid_field("body", "LIST_TYPE_CONVERT", "Only iterables of objects may be used.")
    guild = _guild(world, call)
    commands = [_command(world, guild, each) for each in call.body]
    world.register([each for each in world.commands if each.get("guild_id") != guild] + commands)
    return Answer(200, commands)


def get_commands(world: World, call: Call) -> Answer:
    guild = _guild(world, call)
    return Answer(200, [each for each in world.commands if each.get("guild_id") == guild])


def _guild(world: World, call: Call) -> str | None:
    guild = call.params.get("guild")
    if guild is not None and guild != str(world.guild.id):
        raise Refusal(UNKNOWN_GUILD)
    return guild


def _command(world: World, guild: str | None, asked: Json) -> Json:
    own = {"id": str(world.snowflakes.next()), "application_id": str(world.bot.id), "version": "1"}
    defaults = {"type": 1, "description": "", "default_member_permissions": None, "nsfw": False}
    return defaults | asked | own | ({} if guild is None else {"guild_id": guild})


ROUTES = (
    Route("GET", "/users/@me", get_me),
    Route("GET", "/users/{user}", get_user),
    Route("POST", "/users/@me/channels", open_dm),
    Route("GET", "/guilds/{guild}/members/{user}", get_member),
    Route("GET", "/oauth2/applications/@me", get_application),
    Route("GET", "/gateway/bot", get_gateway),
    Route("PUT", "/applications/{application}/commands", put_commands),
    Route("GET", "/applications/{application}/commands", get_commands),
    Route("PUT", "/applications/{application}/guilds/{guild}/commands", put_commands),
    Route("GET", "/applications/{application}/guilds/{guild}/commands", get_commands),
)
