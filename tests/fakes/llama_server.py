"""A real llama.cpp server on a small model, in a process of its own: `python -m tests.fakes.llama_server FILE.gguf`.

It prints its address and serves until its standard input ends. Needs `xllamacpp`.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

CONTEXT_TOKENS: Final = 4096
THREADS: Final = 2


def main(model: str) -> None:
    llama = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = model
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_ctx, params.n_parallel = CONTEXT_TOKENS, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.warmup = params.ui = False
    params.verbosity = -1
    server = llama.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
