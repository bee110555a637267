"""Runs a model's file on this machine: llama.cpp's server as a child process, started again when it ends."""

from actors.adapters.llama.file import BadModelFile, ModelFile, read_model_file
from actors.adapters.llama.process import LocalModel, ModelNotLoaded, is_installed, local_model

__all__ = [
    "BadModelFile",
    "LocalModel",
    "ModelFile",
    "ModelNotLoaded",
    "is_installed",
    "local_model",
    "read_model_file",
]
