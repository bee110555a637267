"""Converts a typed command, or an entry of a message's menu, to the data of an interaction.

    /debug response id:000abc ─► {name: debug, options: [{name: response, options: [{name: id, value: 000abc}]}]}

Failure modes: a line that fits no command raises ValueError with one sentence that says what would fit.
Source: https://discord.com/developers/docs/interactions/application-commands
"""

from collections.abc import Iterable, Sequence

from .records import Json

CHAT_INPUT, MESSAGE_MENU = 1, 3
SUBCOMMAND, GROUP, STRING = 1, 2, 3


def data_of_line(commands: Iterable[Json], line: str, *, completes: bool = False) -> Json:
    """The interaction's data for a typed command. With `completes`, its last option is still being typed."""
    name, *words = line.removeprefix("/").split() or [""]
    command = _named(commands, name, CHAT_INPUT)
    return _head(command) | {"options": _options(f"/{name}", command, words, completes=completes)}


def data_of_menu(commands: Iterable[Json], name: str, message_id: int) -> Json:
    """The interaction's data for an entry of a message's menu."""
    return _head(_named(commands, name, MESSAGE_MENU)) | {"target_id": str(message_id)}


def _named(commands: Iterable[Json], name: str, kind: int) -> Json:
    """Finds a command; the guild's own takes precedence over a global one of the same name, as on Discord."""
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
    """Reads the options in order; `name:value` sets one by its name."""
    free = {each["name"]: each for each in known}
    told: list[Json] = []
    for word in words or ([""] if completes else []):
        name, colon, value = word.partition(":")
        if not colon or name not in free:
            name, value = next(iter(free), ""), word
        if name not in free:
            raise ValueError(f"`{path}` takes no more than {len(known)} options")
        if free.pop(name)["type"] != STRING:
            raise ValueError(f"`{name}` is not a text option: the playground supports text options only")
        told.append({"name": name, "type": STRING, "value": value})
    missing = [name for name, option in free.items() if option.get("required")]
    if missing and not completes:
        raise ValueError(f"`{path}` needs: {', '.join(missing)}")
    if completes and told:
        told[-1]["focused"] = True
    return told
