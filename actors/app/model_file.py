"""Connects the playground's bot to a model's file that runs on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from actors.adapters.llama import BadModelFile, ModelFile, is_installed, local_model, read_model_file
from actors.app.settings import Settings

INSTALL = "pip install -e '.[local]'"


def checked_model(path: Path) -> ModelFile:
    """Check what can be checked before anything starts. Raises BadModelFile."""
    file = read_model_file(path)
    if not is_installed():
        raise BadModelFile(f"llama.cpp is not installed: {INSTALL}")
    return file


@asynccontextmanager
async def model_variables(
    file: ModelFile | None, settings: Settings, say: Callable[[str], None]
) -> AsyncIterator[dict[str, str]]:
    """Serve the model while the block runs; yields the bot's settings for it, none without a file.

    Raises ModelNotLoaded.
    """
    if file is None:
        yield {}
        return
    say(f"Loading {file.name} …")
    window = settings.context_tokens + settings.response_tokens
    async with local_model(file, context_tokens=window, say=say) as model:
        say(f"{model.name} runs on this machine.")
        yield {
            "GROQ_BASE_URL": model.url,
            "GROQ_API_KEY": model.key,
            "GROQ_MODEL": model.name,
            "GROQ_FALLBACK_MODELS": "",
            "MODEL_LIMITS": "",
        }
