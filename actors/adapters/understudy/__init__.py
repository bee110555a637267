"""The `Model` port without a model: what speaks when there is neither a key nor a server."""

from actors.adapters.understudy.model import Understudy

__all__ = ["Understudy"]
