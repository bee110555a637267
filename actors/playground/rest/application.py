"""Routes of the bot itself: its user, its commands, and its DMs."""

from ..local_discord import LocalDiscord
from ..payloads import application_json, channel_json, member_json, user_json
from ..records import Json
from ..refusals import UNKNOWN_GUILD, UNKNOWN_MEMBER, Refusal, invalid_field
from .call import Answer, Call, Route, as_id


def get_me(discord: LocalDiscord, call: Call) -> Answer:
    return Answer(200, user_json(discord.bot))


def get_user(discord: LocalDiscord, call: Call) -> Answer:
    return Answer(200, user_json(discord.user(call.id("user"))))


def get_application(discord: LocalDiscord, call: Call) -> Answer:
    return Answer(200, application_json(discord))


def get_gateway(discord: LocalDiscord, call: Call) -> Answer:
    starts = {"total": 1_000, "remaining": 1_000, "reset_after": 0, "max_concurrency": 1}
    return Answer(200, {"url": discord.gateway_url, "shards": 1, "session_start_limit": starts})


def open_dm(discord: LocalDiscord, call: Call) -> Answer:
    user = discord.user(as_id("recipient_id", call.fields.get("recipient_id")))
    return Answer(200, channel_json(discord, discord.open_dm(user)))


def get_member(discord: LocalDiscord, call: Call) -> Answer:
    """A member of the guild, with the nickname. Raises 10007 for a person who has left."""
    _guild(discord, call)
    user = discord.users.get(call.id("user"))
    if user is None or user.has_left:
        raise Refusal(UNKNOWN_MEMBER)
    return Answer(200, member_json(discord, user) | {"user": user_json(user)})


def put_commands(discord: LocalDiscord, call: Call) -> Answer:
    """Replaces all commands, of the guild or global; returns them with ids."""
    if not isinstance(call.body, list) or not all(isinstance(each, dict) for each in call.body):
        raise invalid_field("body", "LIST_TYPE_CONVERT", "Only iterables of objects may be used.")
    guild = _guild(discord, call)
    commands = [_command(discord, guild, each) for each in call.body]
    discord.register([each for each in discord.commands if each.get("guild_id") != guild] + commands)
    return Answer(200, commands)


def get_commands(discord: LocalDiscord, call: Call) -> Answer:
    guild = _guild(discord, call)
    return Answer(200, [each for each in discord.commands if each.get("guild_id") == guild])


def _guild(discord: LocalDiscord, call: Call) -> str | None:
    guild = call.params.get("guild")
    if guild is not None and guild != str(discord.guild.id):
        raise Refusal(UNKNOWN_GUILD)
    return guild


def _command(discord: LocalDiscord, guild: str | None, asked: Json) -> Json:
    own = {"id": str(discord.snowflakes.next()), "application_id": str(discord.bot.id), "version": "1"}
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
