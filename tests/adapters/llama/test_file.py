"""A model's file is checked before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.adapters.llama import BadModelFile, ModelFile, read_model_file


def file_of(folder: Path, content: bytes) -> Path:
    path = folder / "Small-Instruct.Q4_K_M.gguf"
    path.write_bytes(content)
    return path


def test_a_model_is_named_after_its_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"GGUF\x03\x00\x00\x00 and tensors")
    assert read_model_file(path) == ModelFile(path, "Small-Instruct.Q4_K_M")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not in GGUF format; a model for llama.cpp has the ending .gguf"),
        (b"GGUF", "is not in GGUF format; a model for llama.cpp has the ending .gguf"),
        (b"PK\x03\x04 weights", "is not in GGUF format; a model for llama.cpp has the ending .gguf"),
        (b"GGUF\x01\x00\x00\x00", "has version 1 of GGUF, which llama.cpp cannot read; download a newer one"),
        (b"GGUF\x00\x00\x00\x03", "has version 50331648 of GGUF, which llama.cpp cannot read; download a newer one"),
    ],
)
def test_another_file_is_refused_and_the_error_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    path = file_of(tmp_path, content)
    with pytest.raises(BadModelFile) as refused:
        read_model_file(path)
    assert str(refused.value) == f"{path} {words}"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match=r"does not exist; docs/models\.md names models to download"):
        read_model_file(tmp_path / "absent.gguf")
    with pytest.raises(BadModelFile, match="is not a regular file"):
        read_model_file(tmp_path)
