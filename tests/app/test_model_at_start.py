"""`run` looks at its model while it starts: what is wrong is one line in the log, and nothing waits for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from actors.playground import PlaygroundServer
from tests.app.processes import started
from tests.app.test_running import settings_for, wait_until
from tests.fakes.model_server import DROPS, HANGS, Answer, ModelServer, lists, model_server, refuses
from tests.patience import PATIENCE_S

KEY = "a-k3y-of-a-model"


def with_model(answer: Answer, work: Callable[[PlaygroundServer, ModelServer], None]) -> None:
    """Run blocking `work` beside a playground server and a model server of the test's own."""

    async def main() -> None:
        async with PlaygroundServer() as server, model_server(otherwise=lambda _: answer) as model:
            await anyio.to_thread.run_sync(work, server, model)

    anyio.run(main)


def settings_of(server: PlaygroundServer, model: ModelServer) -> dict[str, str]:
    named = {"GROQ_MODEL": "mine", "GROQ_FALLBACK_MODELS": "", "GROQ_API_KEY": KEY}
    return settings_for(server, GROQ_BASE_URL=model.url, **named)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lists("b"),
            "mine: not in the server's list of models. "
            "Set GROQ_MODEL and GROQ_FALLBACK_MODELS to listed models, such as: b.",
        ),
        (refuses(401), "127.0.0.1 refused the key. Put a key for 127.0.0.1 into GROQ_API_KEY."),
        (DROPS, "127.0.0.1 cannot be reached. Start it, or check GROQ_BASE_URL."),
    ],
)
def test_what_doctor_would_find_is_a_warning_and_it_plays_on(answer: Answer, words: str, tmp_path: Path) -> None:
    def work(server: PlaygroundServer, model: ModelServer) -> None:
        with started(tmp_path, "run", until="Ready: ", **settings_of(server, model)) as (process, _):
            wait_until(lambda: f"WARNING - model: {words}\n" in log_of(tmp_path))
            assert process.poll() is None
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        assert log_of(tmp_path).count("model: ") == 1
        assert KEY not in log_of(tmp_path)

    with_model(answer, work)


@pytest.mark.parametrize("answer", [lists("mine"), HANGS])
def test_a_model_that_is_listed_or_does_not_answer_yet_is_no_line_and_no_wait(answer: Answer, tmp_path: Path) -> None:
    def work(server: PlaygroundServer, model: ModelServer) -> None:
        with started(tmp_path, "run", until="Ready: ", **settings_of(server, model)) as (process, _):
            wait_until(lambda: bool(model.requests))
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        assert [(request.method, request.path) for request in model.requests] == [("GET", "/v1/models")]
        assert "model: " not in log_of(tmp_path)

    with_model(answer, work)


def log_of(folder: Path) -> str:
    return (folder / "stderr").read_text(encoding="utf-8")
