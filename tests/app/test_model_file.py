"""`play --gguf`: what is wrong with the file or the options is said before anything starts."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.app.processes import run_bot


def refusal(folder: Path, *options: str) -> str:
    done = run_bot(folder, "play", "--no-open", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert not (folder / "playground").exists()
    return done.stderr


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    words = "ensemble: small.gguf does not exist; docs/models.md names models to download\n"
    assert refusal(tmp_path, "--gguf", "small.gguf") == words


def test_a_model_without_a_bot_is_refused(tmp_path: Path) -> None:
    words = "ensemble: --no-bot starts no bot, so --gguf has nobody to speak for: leave one of them out\n"
    assert refusal(tmp_path, "--no-bot", "--gguf", "small.gguf") == words


@pytest.mark.skipif(find_spec("xllamacpp") is not None, reason="the extra `local` is installed")
def test_without_the_extra_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    assert (
        refusal(tmp_path, "--gguf", "small.gguf") == "ensemble: llama.cpp is not installed: pip install -e '.[local]'\n"
    )
