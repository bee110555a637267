"""The servers of docs/models.md: their three lines of `.env`, and answers in the form in which each gives them.

Sources: the servers' own documentation and error tables, and reports in their issue trackers; keys and ids are made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.fakes.model_server import Answer, gives, refuses

SAID: Final = "The lamp turns, and I with it."


@dataclass(frozen=True, slots=True)
class Form:
    """One answer of a server, and what it means: a reason and a wait, or the line (`reason` empty)."""

    answer: Answer
    reason: str = ""
    wait_s: float = 0.0
    words: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """`url`: what GROQ_BASE_URL comes to; Groq needs none."""

    name: str
    dotenv: tuple[str, ...]
    url: str
    forms: tuple[Form, ...]


def said(content: object = SAID, finish_reason: object = "stop", **more: Any) -> Answer:  # noqa: ANN401 - any JSON
    """A completion; `more` are fields of the message, but for `usage`, `choice` and `body`."""
    usage = more.pop("usage", {"prompt_tokens": 40, "completion_tokens": 9, "total_tokens": 49})
    choice, body = more.pop("choice", {}), more.pop("body", {})
    message = {"role": "assistant", "content": content, **more}
    choices = [{"index": 0, "message": message, "finish_reason": finish_reason, **choice}]
    return gives(
        {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage} | body
    )


GROQ: Final = Server(
    "Groq",
    ("GROQ_API_KEY=gsk_…", "GROQ_MODEL=openai/gpt-oss-120b", "GROQ_FALLBACK_MODELS=openai/gpt-oss-20b"),
    "https://api.groq.com/openai/v1",
    (
        Form(said(body={"x_groq": {"id": "req_1"}, "usage_breakdown": None, "service_tier": "on_demand"})),
        Form(said("<think>\nplan\n</think>\n\n" + SAID)),
        Form(
            refuses(
                429,
                "Rate limit reached for model `openai/gpt-oss-120b` in organization `org_01abc2def` on tokens per"
                " minute (TPM): Limit 8000, Used 7512, Requested 1460. Please try again in 7.29s.",
                code="rate_limit_exceeded",
                headers={"retry-after": "8", "x-ratelimit-reset-tokens": "7.29s"},
            ),
            "rate_limit",
            8.0,
            "in organization `…` on tokens",
        ),
        Form(
            refuses(
                429,
                "Rate limit reached for model `m` on tokens per day (TPD): Limit 200000, Used 199990, Requested 1460."
                " Please try again in 10m26.4s.",
                code="rate_limit_exceeded",
            ),
            "rate_limit",
            626.4,
        ),
        Form(
            refuses(413, "Request too large for model `m` on tokens per minute (TPM)", code="rate_limit_exceeded"),
            "too_large",
        ),
        Form(
            gives(
                {
                    "error": {
                        "message": "Tool choice is none, but model called a tool",
                        "type": "invalid_request_error",
                        "code": "tool_use_failed",
                        "failed_generation": '{"name": "look"}',
                    }
                },
                status=400,
            ),
            "broken_answer",
        ),
        Form(refuses(400, "Failed to generate JSON.", code="json_validate_failed"), "broken_answer"),
        Form(gives({"error": {"message": "No.", "failed_generation": "Aye."}}, status=400), "broken_answer"),
        Form(refuses(400, "The model `m` has been decommissioned", code="model_decommissioned"), "model_missing"),
        Form(refuses(498, "Flex tier capacity exceeded", code="capacity_exceeded"), "overloaded"),
        Form(refuses(401, "Invalid API Key", code="invalid_api_key"), "credentials"),
        Form(
            refuses(
                500,
                "Internal Server Error",
                headers={"x-ratelimit-remaining-tokens": "799000", "x-ratelimit-reset-tokens": "7.66s"},
            ),
            "overloaded",
        ),
    ),
)

OPENAI: Final = Server(
    "OpenAI",
    ("GROQ_BASE_URL=https://api.openai.com/v1", "GROQ_API_KEY=sk-…", "GROQ_MODEL=gpt-5-mini"),
    "https://api.openai.com/v1",
    (
        Form(said(refusal=None, annotations=[], body={"service_tier": "default", "system_fingerprint": None})),
        Form(said(None, refusal="I'm sorry, I can't help with that."), "filtered", words="I'm sorry"),
        Form(said("", "length"), "length"),
        Form(
            gives(
                {
                    "error": {
                        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
                        " 'max_completion_tokens' instead.",
                        "type": "invalid_request_error",
                        "param": "max_tokens",
                        "code": "unsupported_parameter",
                    }
                },
                status=400,
            ),
            "unsupported",
            words="Use 'max_completion_tokens' instead",
        ),
        Form(
            refuses(429, "You exceeded your current quota, please check your plan.", code="insufficient_quota"), "quota"
        ),
        Form(
            refuses(
                429,
                "Rate limit reached for gpt-5-mini in organization org-abc123 on requests per min (RPM): Limit 3,"
                " Used 3, Requested 1. Please try again in 20s.",
                code="rate_limit_exceeded",
            ),
            "rate_limit",
            20.0,
        ),
        Form(refuses(401, "Incorrect API key provided: sk-ab12****wxyz.", code="invalid_api_key"), "credentials"),
        Form(refuses(404, "The model `gpt-9` does not exist", code="model_not_found"), "model_missing"),
        Form(
            refuses(
                400,
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
                code="context_length_exceeded",
            ),
            "too_large",
        ),
        Form(
            gives(
                {
                    "error": {
                        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content"
                        " management policy.",
                        "type": None,
                        "param": "prompt",
                        "code": "content_filter",
                        "status": 400,
                        "innererror": {"code": "ResponsibleAIPolicyViolation"},
                    }
                },
                status=400,
            ),
            "filtered",
        ),
        Form(refuses(503, "The engine is currently overloaded, please try again later"), "overloaded"),
    ),
)


def _extra(name: str) -> object:
    return [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}]


MISTRAL: Final = Server(
    "Mistral",
    ("GROQ_BASE_URL=https://api.mistral.ai/v1", "GROQ_API_KEY=…", "GROQ_MODEL=mistral-small-latest"),
    "https://api.mistral.ai/v1",
    (
        Form(said(tool_calls=None, prefix=False)),
        Form(
            said([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": SAID}])
        ),
        Form(said("[THINK]plan[/THINK]" + SAID)),
        Form(said("", "model_length"), "length"),
        Form(
            gives(
                {
                    "object": "error",
                    "message": {"detail": _extra("stop")},
                    "type": "invalid_request_error",
                    "param": None,
                    "code": None,
                },
                status=422,
            ),
            "unsupported",
            words="Extra inputs are not permitted",
        ),
        Form(
            gives(
                {"object": "error", "message": "Invalid model: m", "type": "invalid_model", "code": "1500"}, status=400
            ),
            "model_missing",
        ),
        Form(
            gives(
                {"object": "error", "message": "Service tier capacity exceeded for this model.", "code": "3505"},
                status=429,
            ),
            "rate_limit",
        ),
        Form(gives({"detail": "Unauthorized"}, status=401), "credentials", words="Unauthorized"),
    ),
)


def _google(code: int, status: str, message: str, *details: object) -> Answer:
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return gives([{"error": error}], status=code)


GEMINI: Final = Server(
    "Gemini",
    (
        "GROQ_BASE_URL=https://generativelanguage.googleapis.com/v1beta/openai",
        "GROQ_API_KEY=AIza…",
        "GROQ_MODEL=gemini-2.5-flash",
    ),
    "https://generativelanguage.googleapis.com/v1beta/openai",
    (
        Form(said(extra_content={"google": {"thought_signature": "x"}})),
        Form(said(None, "length"), "length"),
        Form(said(None, "content_filter: PROHIBITED_CONTENT"), "filtered"),
        Form(said(None, "SAFETY"), "filtered"),
        Form(said(None, "RECITATION"), "filtered"),
        Form(said(None, "MALFORMED_FUNCTION_CALL"), "broken_answer"),
        Form(
            _google(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},
            ),
            "credentials",
        ),
        Form(
            _google(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing details.",
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
            ),
            "rate_limit",
            34.0,
        ),
        Form(_google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."), "overloaded"),
        Form(_google(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1main"), "model_missing"),
        Form(
            _google(
                400,
                "INVALID_ARGUMENT",
                "The input token count (40000) exceeds the maximum number of tokens allowed (32768).",
            ),
            "too_large",
        ),
        Form(
            _google(400, "INVALID_ARGUMENT", 'Invalid JSON payload received. Unknown name "stop": Cannot find field.'),
            "unsupported",
        ),
    ),
)

OPENROUTER: Final = Server(
    "OpenRouter",
    (
        "GROQ_BASE_URL=https://openrouter.ai/api/v1",
        "GROQ_API_KEY=sk-or-…",
        "GROQ_MODEL=mistralai/mistral-small-3.2-24b-instruct",
    ),
    "https://openrouter.ai/api/v1",
    (
        Form(said(reasoning=None, choice={"native_finish_reason": "stop", "logprobs": None}, body={"provider": "X"})),
        Form(gives({"id": "x", "error": {"message": "Upstream rate limited", "code": 429}}), "rate_limit"),
        Form(
            gives(
                {
                    "error": {
                        "message": "Provider returned error",
                        "code": 429,
                        "metadata": {
                            "raw": '{"error": {"message": "limited, please retry after 12 seconds"}}',
                            "provider_name": "X",
                        },
                    }
                }
            ),
            "rate_limit",
            12.0,
            "limited, please retry",
        ),
        Form(
            said("She opened the", "error", choice={"error": {"code": 502, "message": "Upstream failed"}}), "overloaded"
        ),
        Form(gives({"error": {"code": 502, "message": "Bad gateway"}}), "overloaded"),
        Form(refuses(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"), "quota"),
        Form(
            gives(
                {
                    "error": {
                        "code": 403,
                        "message": 'm requires moderation on X. Your input was flagged for "violence".',
                        "metadata": {"reasons": ["violence"], "flagged_input": "x", "provider_name": "X"},
                    }
                },
                status=403,
            ),
            "filtered",
        ),
        Form(refuses(404, "No endpoints found for m."), "model_missing"),
        Form(refuses(400, "m is not a valid model ID"), "model_missing"),
        Form(said("", "stop", choice={"native_finish_reason": "SAFETY"}), "filtered"),
    ),
)

OLLAMA: Final = Server(
    "Ollama",
    ("GROQ_BASE_URL=http://localhost:11434/v1", "GROQ_MODEL=llama3.2", "GROQ_FALLBACK_MODELS="),
    "http://localhost:11434/v1",
    (
        Form(said(body={"system_fingerprint": "fp_ollama"})),
        Form(said("", reasoning=SAID), "reasoning_only", words="`reasoning`"),
        Form(
            gives(
                {
                    "error": {
                        "message": "model 'm' not found",
                        "type": "not_found_error",
                        "param": None,
                        "code": None,
                    }
                },
                status=404,
            ),
            "model_missing",
        ),
        Form(
            gives({"error": {"message": "llama runner process has terminated", "type": "api_error"}}, status=500),
            "overloaded",
        ),
        Form(gives({"error": "the input length exceeds the context length"}, status=400), "too_large"),
        Form(gives({"error": "model requires more system memory than is available"}, status=500), "overloaded"),
    ),
)

LLAMA_CPP: Final = Server(
    "llama.cpp",
    ("GROQ_BASE_URL=http://localhost:8080/v1", "GROQ_MODEL=any", "GROQ_FALLBACK_MODELS="),
    "http://localhost:8080/v1",
    (
        Form(said(body={"timings": {"prompt_n": 12, "predicted_per_second": 50.1}, "__verbose": None})),
        Form(said("", reasoning_content=SAID), "reasoning_only"),
        Form(
            gives({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, status=503),
            "overloaded",
        ),
        Form(
            gives(
                {
                    "error": {
                        "code": 400,
                        "message": "the request exceeds the available context size, try increasing it",
                        "type": "exceed_context_size_error",
                        "n_prompt_tokens": 5407,
                        "n_ctx": 2048,
                    }
                },
                status=400,
            ),
            "too_large",
        ),
        Form(
            gives(
                {
                    "error": {
                        "code": 500,
                        "message": "While executing CallExpression at line 19, column 27: Jinja Exception: Conversation"
                        " roles must alternate user/assistant/user/assistant/...",
                        "type": "server_error",
                    }
                },
                status=500,
            ),
            "unsupported",
        ),
    ),
)

LM_STUDIO: Final = Server(
    "LM Studio",
    ("GROQ_BASE_URL=http://localhost:1234/v1", "GROQ_MODEL=qwen2.5-7b-instruct", "GROQ_FALLBACK_MODELS="),
    "http://localhost:1234/v1",
    (
        Form(said(body={"stats": {}, "system_fingerprint": "m"})),
        Form(said("<|channel|>analysis<|message|>plan<|end|><|start|>assistant<|channel|>final<|message|>" + SAID)),
        Form(
            gives(
                {
                    "error": "Trying to keep the first 6547 tokens when context the overflows. However, the model is"
                    " loaded with context length of only 4096 tokens, which is not enough."
                },
                status=400,
            ),
            "too_large",
        ),
        Form(
            gives(
                {
                    "error": {
                        "message": "No models loaded. Please load a model in the developer page or use the `lms load`.",
                        "type": "invalid_request_error",
                        "param": "model",
                        "code": "model_not_found",
                    }
                },
                status=404,
            ),
            "model_missing",
        ),
        Form(
            gives({"error": "The model has crashed without additional information. (Exit code: 1)"}, status=400),
            "bad_request",
        ),
    ),
)

VLLM: Final = Server(
    "vLLM",
    ("GROQ_BASE_URL=http://localhost:8000/v1", "GROQ_MODEL=Qwen/Qwen3-8B", "GROQ_FALLBACK_MODELS="),
    "http://localhost:8000/v1",
    (
        Form(said(reasoning_content=None, tool_calls=[], choice={"stop_reason": None}, body={"prompt_logprobs": None})),
        Form(said(None, reasoning_content=SAID), "reasoning_only"),
        Form(
            gives(
                {
                    "object": "error",
                    "message": "This model's maximum context length is 4096 tokens. However, you requested 6700 tokens"
                    " (6000 in the messages, 700 in the completion).",
                    "type": "BadRequestError",
                    "param": None,
                    "code": 400,
                },
                status=400,
            ),
            "too_large",
        ),
        Form(
            gives(
                {
                    "error": {
                        "message": "'max_tokens' or 'max_completion_tokens' is too large: 700. This model's maximum"
                        " context length is 4096 tokens and your request has 3500 input tokens.",
                        "type": "BadRequestError",
                        "code": 400,
                    }
                },
                status=400,
            ),
            "too_large",
        ),
        Form(
            gives(
                {"object": "error", "message": "The model `m` does not exist.", "type": "NotFoundError", "code": 404},
                status=404,
            ),
            "model_missing",
        ),
        Form(
            gives(
                {"object": "error", "message": str(_extra("max_tokens")), "type": "BadRequestError", "code": 400},
                status=400,
            ),
            "unsupported",
        ),
        Form(
            gives({"object": "error", "message": "System role not supported", "type": "BadRequestError"}, status=400),
            "unsupported",
        ),
        Form(
            gives({"error": {"message": "Unexpected token 200002 while expecting start token 200006"}}, status=500),
            "broken_answer",
        ),
    ),
)

KOBOLDCPP: Final = Server(
    "KoboldCpp",
    ("GROQ_BASE_URL=http://localhost:5001/v1", "GROQ_MODEL=koboldcpp", "GROQ_FALLBACK_MODELS="),
    "http://localhost:5001/v1",
    (
        Form(said(body={"model": "koboldcpp/model"}, usage={"prompt_tokens": 0, "completion_tokens": 0})),
        Form(said(SAID + "<end_of_turn>\n<start_of_turn>user\nAnd then?", "length")),
        Form(said("<|channel>thought\nplan\n<channel|>" + SAID)),
        Form(
            gives(
                {"detail": {"msg": "Server is busy; please try again later.", "type": "service_unavailable"}},
                status=503,
            ),
            "overloaded",
        ),
    ),
)

TABBY: Final = Server(
    "TabbyAPI",
    ("GROQ_BASE_URL=http://localhost:5000/v1", "GROQ_API_KEY=…", "GROQ_MODEL=any"),
    "http://localhost:5000/v1",
    (
        Form(said(choice={"eos_reason": None, "logprobs": None}, usage={"prompt_tokens": 40, "prompt_time": 0.5})),
        Form(gives({"detail": "Invalid API key"}, status=401), "credentials"),
        Form(
            gives(
                {"detail": [{"loc": ["body", "max_tokens"], "msg": "Input should be …", "type": "int_type"}]},
                status=422,
            ),
            "unsupported",
        ),
        Form(
            gives(
                {"error": {"message": "Request length 71599 + 2048 is greater than max_seq_len 65536", "trace": "…"}},
                status=503,
            ),
            "too_large",
        ),
        Form(gives({"detail": "No models are currently loaded."}, status=400), "model_missing"),
    ),
)

SERVERS: Final = (*(GROQ, OPENAI, MISTRAL, GEMINI, OPENROUTER, OLLAMA, LLAMA_CPP, LM_STUDIO, VLLM, KOBOLDCPP, TABBY),)
