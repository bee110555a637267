"""Every setting: its default, its bounds, what empty means; a wrong value is one line that tells no secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.app.cli import app
from actors.app.settings import Settings, SettingsError, load
from actors.roleplay.allowance import ModelLimits

ROOT = Path(__file__).parent.parent.parent

DEFAULTS: dict[str, object] = {
    "DISCORD_TOKEN": None,
    "DISCORD_API_URL": "",
    "DISCORD_GATEWAY_URL": "",
    "GROQ_API_KEY": None,
    "GROQ_BASE_URL": "",
    "GROQ_MODEL": "openai/gpt-oss-120b",
    "GROQ_FALLBACK_MODELS": ("openai/gpt-oss-20b",),
    "MODEL_LIMITS": None,
    "DATABASE_URL": "sqlite:///ensemble.db",
    "DATA_DIR": Path(),
    "COMMAND_PREFIX": "!",
    "VOICE": "webhook",
    "LINKS": "text",
    "DEVELOPERS": (),
    "SCENES_PER_SERVER": 20,
    "SCENES_PER_PERSON": 3,
    "TURNS_PER_PERSON_MINUTE": 12,
    "TOKENS_PER_SERVER_DAY": 0,
    "ALLOW_DMS": False,
    "CHANNELS": (),
    "SEND_ATTEMPTS": 3,
    "GENERATE_ATTEMPTS": 3,
    "BACKOFF_BASE_S": 1.0,
    "SEND_TIMEOUT_S": 15.0,
    "GENERATE_TIMEOUT_S": 60.0,
    "RESPONSE_DEADLINE_S": 300.0,
    "HOLD_MAX_S": 3600.0,
    "BREAKER_FAILURES": 5,
    "BREAKER_PAUSE_S": 60.0,
    "SETTLE_S": 5.0,
    "GATHER_S": 1.2,
    "GATHER_MAX_S": 6.0,
    "TYPING_HOLD_S": 8.0,
    "SPEAKERS_MAX": 2,
    "CONTEXT_TOKENS": 6000,
    "RESPONSE_TOKENS": 700,
    "UNDERSTUDY_TYPING_S": 1.0,
    "STATUS_URL": "https://discordstatus.com/api/v2",
    "INSPECTOR_ADDRESS": "127.0.0.1:8420",
    "INSPECTOR_TOKEN": None,
    "INSPECTOR_URL": "",
    "RECORD_EXCHANGES": True,
    "EXCHANGES_KEEP_DAYS": 7.0,
    "DATA_KEEP_DAYS": 0.0,
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "text",
    "LOG_TEXTS": True,
    "SHARD_COUNT": 1,
    "SHARD_IDS": (),
}
"""The documented variables in the documented order; `.env.example` has the same."""

GOOD: tuple[tuple[str, str, object], ...] = (
    ("DISCORD_API_URL", "http://localhost:8400/api/v10/", "http://localhost:8400/api/v10"),
    ("DISCORD_GATEWAY_URL", "wss://gateway.example", "wss://gateway.example"),
    ("GROQ_BASE_URL", "http://[::1]:11434", "http://[::1]:11434"),
    ("MODEL_LIMITS", " rpm = 30, TPM=8_000 ,rpd=0", ModelLimits(30, 8000)),
    ("GROQ_FALLBACK_MODELS", " one/a, two/b ,, ", ("one/a", "two/b")),
    ("DATABASE_URL", "sqlite:////var/lib/ensemble.db", "sqlite:////var/lib/ensemble.db"),
    ("COMMAND_PREFIX", " ?? ", "??"),
    ("VOICE", "embed", "embed"),
    ("DEVELOPERS", " 80351110224678912,, 1574607266282209283 ", (80351110224678912, 1574607266282209283)),
    ("SCENES_PER_SERVER", "0", 0),
    ("TOKENS_PER_SERVER_DAY", "2000000", 2_000_000),
    ("ALLOW_DMS", "true", True),
    ("CHANNELS", "80351110224678912, 1574607266282209283", (80351110224678912, 1574607266282209283)),
    ("SEND_ATTEMPTS", "20", 20),
    ("GENERATE_ATTEMPTS", "1", 1),
    ("BACKOFF_BASE_S", "0", 0.0),
    ("BREAKER_FAILURES", "0", 0),
    ("SETTLE_S", "0", 0.0),
    ("UNDERSTUDY_TYPING_S", "0", 0.0),
    ("INSPECTOR_ADDRESS", "[::1]:9000", "[::1]:9000"),
    ("RECORD_EXCHANGES", "false", False),
    ("LOG_LEVEL", "debug", "DEBUG"),
    ("LOG_FORMAT", "json", "json"),
)

WRONG: tuple[tuple[str, str, str], ...] = (
    ("DISCORD_API_URL", "localhost:8400", "write it like"),
    ("DISCORD_API_URL", "http://localhost:port", "write it like"),
    ("DISCORD_GATEWAY_URL", "http://localhost/gateway", "write it like ws://"),
    ("GROQ_BASE_URL", "ftp://models", "write it like http://"),
    ("GROQ_BASE_URL", "http://", "write it like http://"),
    ("MODEL_LIMITS", "8000", "write it like rpm=30,tpm=8000"),
    ("MODEL_LIMITS", "tpm=8000,tpm=9000", "a second one"),
    ("MODEL_LIMITS", "tpm=-1", "0 for no limit"),
    ("MODEL_LIMITS", "tps=5", "write it like rpm=30,tpm=8000"),
    ("MODEL_LIMITS", "tpm=1999", "tpm is 2000 at least"),
    ("DATABASE_URL", "ensemble.db", "write it as sqlite:///"),
    ("DATABASE_URL", "postgresql://db/ensemble", "use sqlite:///"),
    ("COMMAND_PREFIX", "ensemble", "at most 5"),
    ("VOICE", "telegram", "'webhook' or 'embed'"),
    ("LINKS", "maybe", "Input should be 'text', 'on' or 'off'"),
    ("DEVELOPERS", "robin", "Copy User ID"),
    ("DEVELOPERS", "80351110224678912;1574607266282209283", "separated by commas"),
    ("DEVELOPERS", "80351110224678912, 7", "write user ids"),
    ("DEVELOPERS", "-80351110224678912", "write user ids"),
    ("SCENES_PER_SERVER", "1.5", "integer"),
    ("TOKENS_PER_SERVER_DAY", "-1", "greater than or equal to 0"),
    ("SCENES_PER_PERSON", "-1", "greater than or equal to 0"),
    ("TURNS_PER_PERSON_MINUTE", "many", "integer"),
    ("ALLOW_DMS", "perhaps", "boolean"),
    ("CHANNELS", "#tavern", "Copy Channel ID"),
    ("SEND_ATTEMPTS", "0", "greater than or equal to 1"),
    ("SEND_ATTEMPTS", "21", "less than or equal to 20"),
    ("SEND_ATTEMPTS", "three", "integer"),
    ("GENERATE_ATTEMPTS", "0", "greater than or equal to 1"),
    ("BACKOFF_BASE_S", "-1", "greater than or equal to 0"),
    ("BACKOFF_BASE_S", "nan", "less than or equal to 60"),
    ("BACKOFF_BASE_S", "inf", "less than or equal to 60"),
    ("SEND_TIMEOUT_S", "0", "greater than 0"),
    ("GENERATE_TIMEOUT_S", "601", "less than or equal to 600"),
    ("RESPONSE_DEADLINE_S", "0", "greater than 0"),
    ("HOLD_MAX_S", "-1", "greater than or equal to 0"),
    ("HOLD_MAX_S", "inf", "less than or equal to 604800"),
    ("BREAKER_FAILURES", "-1", "greater than or equal to 0"),
    ("BREAKER_PAUSE_S", "0", "greater than 0"),
    ("SETTLE_S", "-0.1", "greater than or equal to 0"),
    ("UNDERSTUDY_TYPING_S", "6", "less than or equal to 5"),
    ("EXCHANGES_KEEP_DAYS", "-1", "greater than or equal to 0"),
    ("DATA_KEEP_DAYS", "inf", "less than or equal to 36500"),
    ("GATHER_S", "-1", "greater than or equal to 0"),
    ("GATHER_MAX_S", "601", "less than or equal to 600"),
    ("TYPING_HOLD_S", "61", "less than or equal to 60"),
    ("SPEAKERS_MAX", "0", "greater than or equal to 1"),
    ("CONTEXT_TOKENS", "999", "greater than or equal to 1000"),
    ("RESPONSE_TOKENS", "15", "greater than or equal to 16"),
    ("STATUS_URL", "discordstatus.com", "write it like https://discordstatus.com"),
    ("INSPECTOR_ADDRESS", "8420", "write it as host:port, like 127.0.0.1:8420"),
    ("INSPECTOR_ADDRESS", "127.0.0.1:99999", "write it as host:port, like 127.0.0.1:8420"),
    ("RECORD_EXCHANGES", "sometimes", "boolean"),
    ("LOG_LEVEL", "LOUD", "'DEBUG'"),
    ("INSPECTOR_URL", "example.org/ensemble", "like https://example.org/ensemble/"),
    ("LOG_FORMAT", "xml", "'text' or 'json'"),
    ("LOG_TEXTS", "perhaps", "valid boolean"),
    ("SHARD_COUNT", "0", "greater than or equal to 1"),
    ("SHARD_IDS", "0,1", "SHARD_COUNT - 1 = 0"),
    ("SHARD_IDS", "-1", "from 0"),
    ("SHARD_IDS", "all", "integer"),
)

OFF_WHEN_EMPTY = {"COMMAND_PREFIX": "", "GROQ_FALLBACK_MODELS": (), "STATUS_URL": "", "INSPECTOR_ADDRESS": ""}

SECRET = "s3cr3t-and-long-enough"


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings."""


def shown(settings: Settings, name: str) -> object:
    return getattr(settings, name.lower())


def lines_of(error: pytest.ExceptionInfo[SettingsError]) -> list[str]:
    return str(error.value).split("\n")


def test_without_anything_set_every_default_is_the_documented_one() -> None:
    settings = load()
    assert {name: shown(settings, name) for name in DEFAULTS} == DEFAULTS


def test_the_settings_are_the_documented_ones_in_their_order() -> None:
    assert [name.upper() for name in Settings.model_fields] == list(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_empty_value_counts_as_not_set_unless_it_turns_something_off(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "")
    assert shown(load(), name) == OFF_WHEN_EMPTY.get(name, DEFAULTS[name])


@pytest.mark.parametrize(
    ("url", "timeout_s"),
    [
        ("http://localhost:11434/v1", 240.0),
        ("http://127.0.0.2:8080", 240.0),
        ("http://[::1]:8080/v1", 240.0),
        ("http://0.0.0.0:11434", 240.0),
        ("http://llama.localhost", 240.0),
        ("http://192.168.1.4:11434/v1", 60.0),
        ("https://api.openai.com/v1", 60.0),
    ],
)
def test_b11_a_server_on_this_machine_is_given_longer_where_nothing_else_is_said(
    url: str, timeout_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_BASE_URL", url)
    assert load().generate_timeout_s == timeout_s
    monkeypatch.setenv("GENERATE_TIMEOUT_S", "90")
    assert load().generate_timeout_s == 90.0


@pytest.mark.parametrize(("name", "written", "meant"), GOOD)
def test_a_good_value_is_taken(name: str, written: str, meant: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, written)
    assert shown(load(), name) == meant


@pytest.mark.parametrize(("name", "written", "mend"), WRONG)
def test_a_wrong_value_is_one_line_that_names_the_variable_and_the_mend(
    name: str, written: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, written)
    with pytest.raises(SettingsError) as error:
        load()
    (line,) = lines_of(error)
    assert line.startswith(f"{name}: ")
    assert mend in line


def test_every_setting_with_a_bound_has_its_wrong_values_tested() -> None:
    free = {"DISCORD_TOKEN", "GROQ_API_KEY", "GROQ_MODEL", "GROQ_FALLBACK_MODELS", "DATA_DIR", "INSPECTOR_TOKEN"}
    assert {name for name, _, _ in WRONG} == set(DEFAULTS) - free


def test_several_wrong_values_are_one_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE", "telegram")
    monkeypatch.setenv("SEND_ATTEMPTS", "0")
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(SettingsError) as error:
        load()
    assert [line.split(":")[0] for line in lines_of(error)] == ["VOICE", "SEND_ATTEMPTS", "LOG_FORMAT"]


def test_shards_of_this_process_are_among_all_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARD_COUNT", "4")
    monkeypatch.setenv("SHARD_IDS", "2, 3")
    assert load().shard_ids == (2, 3)


def test_an_inspector_that_others_can_reach_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_ADDRESS", "0.0.0.0:8420")
    with pytest.raises(SettingsError, match=r"^INSPECTOR_TOKEN: set one"):
        load()
    monkeypatch.setenv("INSPECTOR_TOKEN", SECRET)
    assert load().inspector_address == "0.0.0.0:8420"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("DATABASE_URL", f"mysql://bot:{SECRET}@db/ensemble"),
        ("GROQ_BASE_URL", f"htp://user:{SECRET}@models.example/v1"),
        ("DISCORD_API_URL", f"user:{SECRET}@proxy"),
    ],
)
def test_a_secret_in_a_wrong_value_is_not_shown(name: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, written)
    with pytest.raises(SettingsError) as error:
        load()
    assert name in str(error.value)
    assert SECRET not in str(error.value)


def test_secrets_are_known_to_the_log_and_hidden_from_print(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISCORD_TOKEN", "GROQ_API_KEY", "INSPECTOR_TOKEN"):
        monkeypatch.setenv(name, f"{SECRET}-{name}")
    settings = load()
    assert set(settings.secrets) == {f"{SECRET}-{n}" for n in ("DISCORD_TOKEN", "GROQ_API_KEY", "INSPECTOR_TOKEN")}
    assert SECRET not in repr(settings)


def test_passwords_in_addresses_are_secrets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_BASE_URL", f"https://user:{SECRET}@models.example/v1")
    assert SECRET in load().secrets


def test_a_password_beside_the_token_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_API_URL", f"https://user:{SECRET}@proxy.example/api/v10")
    with pytest.raises(SettingsError, match=r"DISCORD_API_URL: .*remove them") as refused:
        load()
    assert SECRET not in str(refused.value)


def test_dotenv_is_read_and_the_environment_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / ".env").write_text('VOICE=embed\nSEND_ATTEMPTS=5\nCOMMAND_PREFIX="?"\nUNKNOWN_WORD=1\n', encoding="utf-8")
    monkeypatch.setenv("SEND_ATTEMPTS", "7")
    settings = load()
    assert (settings.voice, settings.send_attempts, settings.command_prefix) == ("embed", 7, "?")


def test_a_dotenv_that_is_no_text_is_one_line(bare: Path) -> None:
    (bare / ".env").write_bytes("VOICE=wébhook".encode("utf-16"))
    with pytest.raises(SettingsError, match=r"^\.env: .*UTF-8"):
        load()


def test_wrong_settings_end_the_command_line_with_2_and_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARD_COUNT", "0")
    monkeypatch.setenv("VOICE", "telegram")
    done = CliRunner().invoke(app, ["migrate"])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["ensemble", "VOICE"],
        ["ensemble", "SHARD_COUNT"],
    ]


class TestExample:
    """`.env.example`"""

    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    def test_it_names_exactly_the_settings_in_their_order_each_explained(self) -> None:
        lines = self.text.splitlines()
        named = [(at, line) for at, line in enumerate(lines) if re.fullmatch(r"#[A-Z_]+=.*", line)]
        assert [line[1:].split("=")[0] for _, line in named] == list(DEFAULTS)
        assert all(re.match(r"# \S", lines[at - 1]) for at, _ in named)

    def test_uncommented_it_sets_every_default(self, bare: Path) -> None:
        (bare / ".env").write_text(re.sub("(?m)^#(?=[A-Z_]+=)", "", self.text), encoding="utf-8")
        settings = load()
        assert {name: shown(settings, name) for name in DEFAULTS} == DEFAULTS

    def test_copied_as_it_is_it_sets_nothing(self, bare: Path) -> None:
        (bare / ".env").write_text(self.text, encoding="utf-8")
        assert load().model_fields_set == set()
