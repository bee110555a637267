"""Implements the `Model` port with Groq's SDK, for Groq and any other server with OpenAI's chat API."""

from actors.adapters.groq.client import base_url_of
from actors.adapters.groq.completions import GroqModel
from actors.adapters.groq.headers import RateLimits
from actors.adapters.groq.listing import Check

__all__ = ["Check", "GroqModel", "RateLimits", "base_url_of"]
