"""Implements the `Model` port without a model, for use when neither a key nor a server is configured."""

from actors.adapters.understudy.speaker import Understudy

__all__ = ["Understudy"]
