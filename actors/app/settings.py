"""Reads and checks the settings from the environment and `.env`; each wrong value is one line with its variable."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from actors.adapters.inspector import is_loopback, parse_address, parse_public_url
from actors.roleplay.allowance import ModelLimits, parsed
from actors.roleplay.gathering import Gathering
from actors.roleplay.links import Links
from actors.roleplay.quotas import COMMANDS_PER_MINUTE, Quotas
from actors.roleplay.turns import SPEAKERS_MAX
from actors.services import Rules
from machines.response import Limits

MEANT_WHEN_EMPTY: Final = frozenset({"command_prefix", "status_url", "inspector_address", "groq_fallback_models"})
"""An empty value turns these off; any other empty variable counts as not set."""


HTTP_EXAMPLES: Final = {
    "discord_api_url": "http://127.0.0.1:8400/api/v10",
    "groq_base_url": "http://localhost:11434/v1",
    "status_url": "https://discordstatus.com/api/v2",
}


USER_ID: Final = re.compile(r"[1-9][0-9]{14,19}")
"""A Discord id: a timestamp that counts from 2015, so it has at least 15 digits (Discord's reference, "Snowflakes")."""

SHOWN_MAX: Final = 60
"""Characters of a wrong value that are shown in its error."""

SECRET: Final = frozenset({"DISCORD_TOKEN", "GROQ_API_KEY", "INSPECTOR_TOKEN", "DATABASE_URL"})
"""Values that are never shown, even if they are wrong."""


DAY_S: Final = 86_400.0

TOKEN_CHARACTERS_MIN: Final = 16
MAKE_TOKEN: Final = 'python -c "import secrets; print(secrets.token_urlsafe(24))"'


DOTENV: Final = ".env"


WITHOUT_LIMITS: Final = MappingProxyType(
    {
        "SCENES_PER_SERVER": "0",
        "SCENES_PER_PERSON": "0",
        "TURNS_PER_PERSON_MINUTE": "0",
        "TOKENS_PER_SERVER_DAY": "0",
        "ALLOW_DMS": "true",
        "CHANNELS": "",
    }
)
"""The variables of a place in which nobody has to be limited, such as the playground."""


class _ParserWords(logging.Filter):
    """Adds the file's name to the parser's warning, and drops repeats: a command reads the file up to three times."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[object] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        is_new = record.args not in self._told
        self._told.add(record.args)
        record.msg = f"{DOTENV}: line %s cannot be read and is ignored: write it as NAME=value"
        return is_new


logging.getLogger("dotenv.main").addFilter(_ParserWords())


class SettingsError(Exception):
    """Some settings are wrong; the text has one line for each: its variable and how to fix it."""


GENERATE_TIMEOUT_HERE_S: Final = 240.0
"""Default for a server on this machine: without a GPU, a prompt of 6,000 tokens takes minutes."""


class Settings(BaseSettings):
    """All variables of the README's table, in its order."""

    model_config = SettingsConfigDict(env_file=DOTENV, env_file_encoding="utf-8", extra="ignore")

    discord_token: SecretStr | None = None
    discord_api_url: str = ""
    discord_gateway_url: str = ""

    groq_api_key: SecretStr | None = None
    groq_base_url: str = ""
    groq_model: str = "openai/gpt-oss-120b"
    groq_fallback_models: Annotated[tuple[str, ...], NoDecode] = ("openai/gpt-oss-20b",)
    model_limits: Annotated[ModelLimits | None, NoDecode] = None

    database_url: str = "sqlite:///ensemble.db"
    data_dir: Path = Path()

    command_prefix: str = Field("!", max_length=5)
    voice: Literal["webhook", "embed"] = "webhook"
    links: Links = Links.TEXT
    developers: Annotated[tuple[int, ...], NoDecode] = ()

    scenes_per_server: int = Field(20, ge=0, le=100_000)
    scenes_per_person: int = Field(3, ge=0, le=100_000)
    turns_per_person_minute: int = Field(12, ge=0, le=1000)
    tokens_per_server_day: int = Field(0, ge=0, le=10**12)
    allow_dms: bool = False
    channels: Annotated[tuple[int, ...], NoDecode] = ()

    send_attempts: int = Field(3, ge=1, le=20)
    generate_attempts: int = Field(3, ge=1, le=20)
    backoff_base_s: float = Field(1.0, ge=0, le=60)
    send_timeout_s: float = Field(15.0, gt=0, le=300)
    generate_timeout_s: float = Field(60.0, gt=0, le=600)
    response_deadline_s: float = Field(300.0, gt=0, le=86_400)
    hold_max_s: float = Field(3600.0, ge=0, le=604_800)
    breaker_failures: int = Field(5, ge=0, le=1000)
    breaker_pause_s: float = Field(60.0, gt=0, le=3600)
    settle_s: float = Field(5.0, ge=0, le=300)

    gather_s: float = Field(1.2, ge=0, le=60)
    gather_max_s: float = Field(6.0, ge=0, le=600)
    typing_hold_s: float = Field(8.0, ge=0, le=60)
    speakers_max: int = Field(SPEAKERS_MAX, ge=1, le=10)
    context_tokens: int = Field(6000, ge=1000, le=1_000_000)
    response_tokens: int = Field(700, ge=16, le=100_000)
    understudy_typing_s: float = Field(1.0, ge=0, le=5)

    status_url: str = "https://discordstatus.com/api/v2"
    inspector_address: str = "127.0.0.1:8420"
    inspector_token: SecretStr | None = None
    inspector_url: str = ""
    record_exchanges: bool = True
    exchanges_keep_days: float = Field(7.0, ge=0, le=36_500)
    data_keep_days: float = Field(0.0, ge=0, le=36_500)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    log_texts: bool = True
    shard_count: int = Field(1, ge=1, le=10_000)
    shard_ids: Annotated[tuple[int, ...], NoDecode] = ()

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: dict[str, object]) -> dict[str, object]:
        # `NAME=` in a .env means "not set", except for MEANT_WHEN_EMPTY.
        return {name: value for name, value in values.items() if value != "" or name in MEANT_WHEN_EMPTY}

    @field_validator("*", mode="before")
    @classmethod
    def _is_one_line(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip().isprintable():
            raise ValueError("it contains an invisible character; type it again, on one line")
        return value

    @field_validator("discord_token", "groq_api_key", "inspector_token", mode="before")
    @classmethod
    def _fits_a_header(cls, value: object) -> object:
        if isinstance(value, str) and not _is_plain(value.strip()):
            raise ValueError("it contains a space or a character that no key has; copy it again")
        return value.strip() if isinstance(value, str) else value

    @field_validator("command_prefix", mode="before")
    @classmethod
    def _strip(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("groq_fallback_models", "shard_ids", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value

    @field_validator("model_limits", mode="before")
    @classmethod
    def _are_limits(cls, value: object) -> object:
        return parsed(value) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("discord_api_url", "groq_base_url", "status_url")
    @classmethod
    def _is_http(cls, value: str, info: ValidationInfo) -> str:
        return _checked_url(value, ("http", "https"), HTTP_EXAMPLES[str(info.field_name)])

    @field_validator("discord_api_url")
    @classmethod
    def _leaves_room_for_the_token(cls, value: str) -> str:
        if "@" in urlsplit(value).netloc:
            raise ValueError("a user name and password cannot be sent together with the bot's token: remove them")
        return value

    @field_validator("discord_gateway_url")
    @classmethod
    def _is_websocket(cls, value: str) -> str:
        return _checked_url(value, ("ws", "wss"), "ws://127.0.0.1:8400/gateway")

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: str) -> str:
        if value.startswith(("postgresql:", "postgres:", "postgresql+")):
            raise ValueError("PostgreSQL is not supported yet; use sqlite:///ensemble.db")
        if not value.startswith("sqlite:///"):
            raise ValueError("write it as sqlite:///ensemble.db, or with four slashes for an absolute path")
        return value

    @field_validator("inspector_token")
    @classmethod
    def _cannot_be_guessed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < TOKEN_CHARACTERS_MIN:
            raise ValueError(f"it has fewer than {TOKEN_CHARACTERS_MIN} characters; make one: {MAKE_TOKEN}")
        return value

    @field_validator("inspector_address")
    @classmethod
    def _can_be_served_on(cls, value: str) -> str:
        if value:
            parse_address(value)
        return value

    @field_validator("inspector_url")
    @classmethod
    def _can_be_opened(cls, value: str) -> str:
        if value:
            parse_public_url(value)
        return value

    @field_validator("shard_ids")
    @classmethod
    def _are_shards(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(shard < 0 for shard in value):
            raise ValueError("shards count from 0; remove negative ones")
        return value

    @field_validator("developers", mode="before")
    @classmethod
    def _are_people(cls, value: object) -> object:
        words = [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value
        if isinstance(words, list) and not all(USER_ID.fullmatch(word) for word in words):
            raise ValueError("write user ids, separated by commas (in Discord: Developer Mode, Copy User ID)")
        return words

    @field_validator("channels", mode="before")
    @classmethod
    def _are_channels(cls, value: object) -> object:
        words = [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value
        if isinstance(words, list) and not all(USER_ID.fullmatch(word) for word in words):
            raise ValueError("write channel ids, separated by commas (in Discord: Developer Mode, Copy Channel ID)")
        return words

    @model_validator(mode="after")
    def _waits_longer_for_this_machine(self) -> Settings:
        if "generate_timeout_s" not in self.model_fields_set and _is_here(self.groq_base_url):
            self.generate_timeout_s = GENERATE_TIMEOUT_HERE_S
            self.model_fields_set.discard("generate_timeout_s")  # it is still a default
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must never be logged or shown."""
        held = (self.discord_token, self.groq_api_key, self.inspector_token)
        keys = [secret.get_secret_value() for secret in held if secret is not None]
        addresses = (self.discord_api_url, self.discord_gateway_url, self.groq_base_url, self.status_url)
        passwords = [urlsplit(address).password for address in addresses]
        return tuple(filter(None, (*keys, *passwords)))

    def rules(self) -> Rules:
        """Return the settings that the actors need."""
        limits = Limits(
            send_attempts=self.send_attempts,
            generate_attempts=self.generate_attempts,
            backoff_base_s=self.backoff_base_s,
            settle_s=self.settle_s,
            deadline_s=self.response_deadline_s,
            hold_max_s=self.hold_max_s,
        )
        return Rules(
            limits=limits,
            command_prefix=self.command_prefix,
            context_tokens=self.context_tokens,
            speakers_max=self.speakers_max,
            gathering=Gathering(self.gather_s, self.gather_max_s, self.typing_hold_s),
            response_tokens=self.response_tokens,
            records_exchanges=self.record_exchanges,
            links=self.links,
            quotas=self.quotas(),
            exchanges_keep_s=self.exchanges_keep_days * DAY_S,
            scenes_keep_s=self.data_keep_days * DAY_S if self.data_keep_days else None,
        )

    def quotas(self) -> Quotas:
        """Return the limits of what people and servers may cost."""
        return Quotas(
            scenes_per_server=self.scenes_per_server,
            scenes_per_person=self.scenes_per_person,
            turns_per_person_minute=self.turns_per_person_minute,
            tokens_per_server_day=self.tokens_per_server_day,
            commands_per_minute=COMMANDS_PER_MINUTE,
            allows_dms=self.allow_dms,
            channels=frozenset(self.channels),
        )


def load(**overrides: object) -> Settings:
    """Read the environment and `.env`. Raises SettingsError with one line per wrong value."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type] # pydantic checks the values, whatever they are
    except ValidationError as error:
        raise SettingsError("\n".join(_line(dict(problem)) for problem in error.errors())) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{DOTENV}: is not UTF-8 text; save it as UTF-8.") from error
    if together := _wrong_together(settings):
        raise SettingsError("\n".join(together))
    return settings


def _wrong_together(settings: Settings) -> list[str]:
    """One line for each wrong combination of values."""
    lines = []
    if any(shard >= settings.shard_count for shard in settings.shard_ids):
        lines.append(f"SHARD_IDS: use shards from 0 to SHARD_COUNT - 1 = {settings.shard_count - 1}.")
    address = settings.inspector_address
    if address and settings.inspector_token is None and not is_loopback(parse_address(address)[0]):
        why = f"since INSPECTOR_ADDRESS ({address}) is open to other machines"
        lines.append(f"INSPECTOR_TOKEN: set one, {why}: {MAKE_TOKEN}")
    url = settings.inspector_url
    if url and settings.inspector_token is None and not is_loopback(parse_public_url(url).host):
        lines.append(f"INSPECTOR_TOKEN: set one, since INSPECTOR_URL ({url}) is open to other machines.")
    return lines


def _line(problem: dict[str, object]) -> str:
    location = problem["loc"]
    name = str(location[0]).upper() if isinstance(location, tuple) and location else "settings"
    words = str(problem["msg"]).removeprefix("Value error, ")
    # A URL may contain a password before its host.
    is_secret = name in SECRET or "@" in str(problem["input"])
    shown = "" if is_secret or not location else f" (it is {str(problem['input'])[:SHOWN_MAX]!r})"
    return f"{name}: {words}{shown}."


def _is_here(url: str) -> bool:
    """Whether the server at `url` is on this machine."""
    host = urlsplit(url).hostname or ""
    return is_loopback(host) or host in ("0.0.0.0", "::") or host.endswith(".localhost")


def _is_plain(value: str) -> bool:
    """Whether the value can be sent in a request unchanged: visible ASCII without spaces."""
    return value.isascii() and value.isprintable() and " " not in value


def _checked_url(value: str, schemes: tuple[str, ...], example: str) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        is_good = (
            _is_plain(value)
            and parts.scheme in schemes
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError(f"this is not a valid {'/'.join(schemes)} URL; write it like {example}")
    return value.rstrip("/")
