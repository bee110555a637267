"""Odd settings and scene scripts: a valid value, or one clear line that tells no secret."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yarl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.app import scenes
from actors.app.scenes import SceneError
from actors.app.settings import SECRET, Settings, SettingsError, load
from tests.pace import pace_s
from tests.roleplay.hostile import PIECES

VARIABLES = tuple(name.upper() for name in Settings.model_fields)
PLANTED = "s3cr3t-PLANTED"
ODD = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
    st.lists(st.sampled_from([piece for piece in PIECES if "\0" not in piece]), max_size=5)
    .map("".join)
    .map(lambda text: text.encode(errors="ignore").decode()),
    st.sampled_from(
        [
            "nan",
            "inf",
            "-0",
            "1e400",
            "9" * 5000,
            "0x10",
            "1_000",
            "٣",
            "true",
            "null",
            "[]",
            "{}",
            "http://[::1",
            "ws://:80",
        ]
    ),
    st.builds(
        lambda scheme, host, rest: f"{scheme}://{host}{rest}",
        st.sampled_from(["http", "https", "ws", "wss", "HTTP", "sqlite"]),
        st.sampled_from(["localhost", "a b", "a\nb", "℀", "[::1]", "%zz", "u:p@h", "h:0", "h:99999", "", "ü.example"]),
        st.sampled_from(["", "/", "/api v10", ":x", "?q=\t", "#"]),
    ),
)

# `bare` and `monkeypatch` are not made anew for each example: every example sets what it reads.
quickly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@quickly
@given(st.sampled_from(VARIABLES), ODD)
def test_any_value_is_taken_or_refused_in_one_line(
    bare: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(name, value)
        try:
            taken = load()
        except SettingsError as error:
            lines = str(error).split("\n")
            assert len(lines) == 1
            assert lines[0].split(":")[0] in VARIABLES
            assert len(lines[0]) < 400
        else:
            taken.rules()
            for address in (taken.discord_api_url, taken.discord_gateway_url, taken.groq_base_url, taken.status_url):
                assert not address or yarl.URL(address).host


@quickly
@given(st.sampled_from(sorted(SECRET)), ODD, ODD)
def test_a_secret_is_in_no_message(
    bare: Path, monkeypatch: pytest.MonkeyPatch, name: str, before: str, after: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(name, f"{before}{PLANTED}{after}")
        patch.setenv("VOICE", "telegram")
        with pytest.raises(SettingsError) as error:
            load()
    assert PLANTED not in str(error.value)


@quickly
@given(st.lists(st.tuples(st.sampled_from(VARIABLES), ODD), max_size=6), st.binary(max_size=30))
def test_any_dotenv_is_read_or_refused_in_a_line_for_each_variable(
    bare: Path, pairs: list[tuple[str, str]], tail: bytes
) -> None:
    text = "".join(f"{name}={value}\n" for name, value in pairs)
    (bare / ".env").write_bytes(text.encode() + tail)
    try:
        load()
    except SettingsError as error:
        named = {line.split(":")[0] for line in str(error).split("\n")}
        assert named <= {*VARIABLES, ".env"}


@pytest.mark.parametrize("name", ["DISCORD_TOKEN", "GROQ_API_KEY", "INSPECTOR_TOKEN"])
@pytest.mark.parametrize("written", ["abc def", "“abc”", "abc\u200bdef", "abc\ndef"])
def test_a_key_that_no_request_can_carry_is_refused_without_being_shown(
    name: str, written: str, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, written)
    with pytest.raises(SettingsError, match=rf"^{name}: it contains ") as error:
        load()
    assert "abc" not in str(error.value)


def test_blanks_around_a_key_are_no_part_of_it(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", " abc\n")
    key = load().groq_api_key
    assert key is not None
    assert key.get_secret_value() == "abc"


def test_a_nul_in_a_dotenv_is_one_line(bare: Path) -> None:
    (bare / ".env").write_bytes(b"DATA_DIR=a\0b\n")
    with pytest.raises(SettingsError, match=r"^DATA_DIR: it contains an invisible character"):
        load()


@pytest.mark.parametrize("address", ["http://a b", "http://a\nb.example", "http://ü.example", "http://a\u200bb"])
def test_an_address_that_no_request_can_carry_is_refused(
    address: str, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert urlsplit(address).hostname, "the standard library takes it"
    monkeypatch.setenv("STATUS_URL", address)
    with pytest.raises(SettingsError, match=r"^STATUS_URL: "):
        load()


# ── scenes ──────────────────────────────────────────────────────────────────────────────────────────

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        LAUGHS + "cast: *m\nlines: *m\n",
        "cast: &a [*a]\nlines: *a\n",
        "cast: [Maren]\nlines: &a [*a, *a]\n",
        "[" * 5000,
        "{a: " * 5000,
        "cast: [Maren]\nlines: [{user: Kim, text: !!python/object/apply:os.system [ls]}]",
        "cast: [Maren]\nlines: [{user: Kim, text: &t " + "x" * 3000 + "}]",
        "cast: [" + "Maren, " * 100_000 + "]\nlines: []",
        "\0",
        "a: " + "9" * 6000,
        "- " * 20_000,
    ],
)
def test_a_scene_that_is_a_bomb_is_one_line_in_seconds(text: str, tmp_path: Path) -> None:
    (tmp_path / "bomb.yaml").write_text(text)
    began = time.process_time()
    with pytest.raises(SceneError) as error:
        scenes.read(tmp_path / "bomb.yaml")
    # Half a minute where it was chosen. Unbounded it would be minutes; coverage alone makes it five times slower.
    assert time.process_time() - began < 1200 * pace_s()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            (
                "cast",
                "lines",
                ": ",
                "[",
                "]",
                "{",
                "}",
                "&a ",
                "*a",
                "\n",
                "- ",
                "Kim",
                "<<",
                "'",
                "!!set ",
                "!!int ",
                "!!bool ",
                "!!timestamp ",
                "2001-99-99",
            )
        )
    )
)
def test_any_text_is_a_scene_or_a_scene_error(tmp_path: Path, pieces: list[str]) -> None:
    (tmp_path / "any.yaml").write_text("".join(pieces))
    with pytest.raises(SceneError):
        scenes.read(tmp_path / "any.yaml")
