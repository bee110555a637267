"""Puts the playground's model faults in front of the real model or the understudy.

    prompt ─► the playground's model server ─ a fault ─► that outcome, as the real client reads it
                                             └ passed ─► the model itself

One attempt is one request to the playground and, if that passes, one to the model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from actors.adapters.groq import GroqModel
from actors.playground import PASSED
from actors.ports import Completion, HeldBack, Model, ModelFailed
from actors.roleplay.model import Prompt


class FaultyModel:
    """The `Model` port: returns a fault from `server`, else the answer of `model`."""

    def __init__(self, server: GroqModel, model: Model) -> None:
        self._server = server
        self._model = model

    @property
    def label(self) -> str:
        return self._model.label

    @property
    def models(self) -> tuple[str, ...]:
        return self._model.models

    def window_tokens(self, model: str) -> int | None:
        return self._model.window_tokens(model)

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed | HeldBack:
        met = await self._server.complete(prompt)
        is_passed = isinstance(met, Completion) and met.text == PASSED
        return await self._model.complete(prompt) if is_passed else met


@asynccontextmanager
async def behind_faults(model: Model, url: str | None, *, timeout_s: float) -> AsyncIterator[Model]:
    """Yield the model behind the faults of the playground at `url`; the model itself if `url` is None."""
    if url is None:
        yield model
        return
    server = GroqModel(api_key=None, base_url=url, models=model.models, timeout_s=timeout_s)
    try:
        yield FaultyModel(server, model)
    finally:
        with anyio.CancelScope(shield=True):
            await server.aclose()
