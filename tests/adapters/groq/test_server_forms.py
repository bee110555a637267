"""Each server of docs/models.md, in the form of its own answers, over real sockets with the real client."""

from __future__ import annotations

import pytest

from actors.adapters.groq import GroqModel, base_url_of
from actors.ports.language_model import Completion, ModelFailed
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from actors.roleplay.speech import Line, clean
from tests.adapters.groq.server_forms import SAID, SERVERS, Form, Server
from tests.fakes.model_server import model_server
from tests.patience import PATIENCE_S

PROMPT = Prompt(
    character="Maren",
    model="m",
    messages=(
        ChatMessage("system", "You are Maren.", Purpose.CARD),
        ChatMessage("user", "Robin: Hello?", Purpose.HISTORY),
        ChatMessage("system", "[Write Maren's next line only.]", Purpose.INSTRUCTION),
    ),
    stop=("\nRobin:",),
    completion_tokens_max=700,
    seed="r1",
)
FORMS = [
    pytest.param(form, id=f"{server.name}-{number}") for server in SERVERS for number, form in enumerate(server.forms)
]


@pytest.mark.parametrize("form", FORMS)
async def test_an_answer_in_a_servers_own_form_is_understood(form: Form) -> None:
    async with model_server(form.answer) as server:
        model = GroqModel(api_key=None, base_url=server.url, models=["m"], timeout_s=PATIENCE_S)
        outcome = await model.complete(PROMPT)
        await model.aclose()
    if not form.reason:
        assert isinstance(outcome, Completion), outcome
        said = clean(
            outcome.text, name="Maren", others=("Robin",), own_last_lines=(), cut_by_length=outcome.cut_by_length
        )
        assert said == Line(SAID)
        return
    assert isinstance(outcome, ModelFailed), outcome
    assert str(outcome.reason) == form.reason
    assert outcome.retry_after_s == pytest.approx(form.wait_s)
    assert form.words in outcome.words


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_the_address_in_dotenv_is_the_one_that_is_asked(server: Server) -> None:
    written = next((line.partition("=")[2] for line in server.dotenv if line.startswith("GROQ_BASE_URL=")), None)
    assert str(base_url_of(written)) == server.url
