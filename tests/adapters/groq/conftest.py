"""What the SDK loads at its first request is loaded before the tests, some of which have little time."""

import anyio
import pytest

from actors.adapters.groq import GroqModel
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from tests.fakes.model_server import lists, model_server, says
from tests.fakes.virtual_time import BACKENDS
from tests.patience import PATIENCE_S

PROMPT = Prompt("Alex", "m", (ChatMessage("user", "Hello?", Purpose.HISTORY),), (), 100, seed="r1")


@pytest.fixture(params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend


@pytest.fixture(scope="session", autouse=True)
def _loaded() -> None:
    async def ask() -> None:
        async with model_server(says("One."), lists("m")) as server:
            model = GroqModel(api_key=None, base_url=server.url, models=["m"], timeout_s=PATIENCE_S)
            await model.complete(PROMPT)
            await model.check()
            await model.aclose()

    for backend in BACKENDS:
        anyio.run(ask, backend=backend)
