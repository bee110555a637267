"""The bot's commands as people use them: a typed line, or an entry of a message's menu, becomes what the bot is told.

    /debug response id:000abc ─► {name: debug, options: [{name: response, options: [{name: id, value: 000abc}]}]}

Failure modes: a line that no command fits is a ValueError with one sentence that says what would.
Source: https://discord.com/developers/docs/interactions/application-commands
"""

from collections.abc import Iterable, Sequence

from .records import Json

CHAT_INPUT, MESSAGE_MENU = 1, 3
SUBCOMMAND, GROUP, STRING = 1, 2, 3


def data_of_line(commands: Iterable[Json], line: str, *, completes: bool = False) -> Json:
    """What the bot is told of a typed command. With `completes`, its last option is being typed."""
    name, *words = line.removeprefix("/").split() or [""]
    command = _named(commands, name, CHAT_INPUT)
    return _head(command) | {"options": _options(f"/{name}", command, words, completes=completes)}


def data_of_menu(commands: Iterable[Json], name: str, message_id: int) -> Json:
    """What the bot is told when somebody chooses an entry of a message's menu."""
    return _head(_named(commands, name, MESSAGE_MENU)) | {"target_id": str(message_id)}


def _named(commands: Iterable[Json], name: str, kind: int) -> Json:
    """Of two with one name, the guild's own goes before the global one, as on Discord."""
    fitting = [each for each in commands if each["name"] == name and each["type"] == kind]
    if not fitting:
        raise ValueError(f"the bot has no command `{name}`")
    return max(fitting, key=lambda each: "guild_id" in each)


def _head(command: Json) -> Json:
    return {name: command[name] for name in ("id", "name", "type", "guild_id") if name in command}


def _options(path: str, holder: Json, words: Sequence[str], *, completes: bool) -> list[Json]:
    known = holder.get("options") or []
    inner = {each["name"]: each for each in known if each["type"] in (SUBCOMMAND, GROUP)}
    if not inner:
        return _values(path, known, words, completes=completes)
    chosen = inner.get(words[0]) if words else None
    if chosen is None:
        raise ValueError(f"`{path}` is followed by one of: {', '.join(inner)}")
    told = _options(f"{path} {words[0]}", chosen, words[1:], completes=completes)
    return [{"name": chosen["name"], "type": chosen["type"], "options": told}]


def _values(path: str, known: Sequence[Json], words: Sequence[str], *, completes: bool) -> list[Json]:
    """The options in their order; `name:value` names one."""
    free = {each["name"]: each for each in known}
    told: list[Json] = []
    for word in words or ([""] if completes else []):
        name, colon, value = word.partition(":")
        if not colon or name not in free:
            name, value = next(iter(free), ""), word
        if name not in free:
            raise ValueError(f"`{path}` takes no more than {len(known)} options")
        if free.pop(name)["type"] != STRING:
            raise ValueError(f"`{name}` is no text: the playground has only options of text")
        told.append({"name": name, "type": STRING, "value": value})
    missing = [name for name, option in free.items() if option.get("required")]
    if missing and not completes:
        raise ValueError(f"`{path}` needs: {', '.join(missing)}")
    if completes and told:
        told[-1]["focused"] = True
    return told
