"""The `Model` port on Groq's SDK: Groq itself, or any server that speaks OpenAI's chat API."""

from actors.adapters.groq.client import base_url_of
from actors.adapters.groq.headers import RateLimits
from actors.adapters.groq.listing import Check
from actors.adapters.groq.model import GroqModel

__all__ = ["Check", "GroqModel", "RateLimits", "base_url_of"]
