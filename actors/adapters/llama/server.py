"""The child process: serves one model with llama.cpp on loopback until its standard input ends.

The first line of standard input is a JSON object (see `process.py`): a key on the command line or in the environment
would be readable by others. It prints its port when the model is loaded. Needs the extra `local`.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import Final
from urllib.parse import urlsplit

ERRORS: Final = 1
"""llama.cpp's level of its log, on standard error."""


def main() -> None:
    """Load, serve, and end with standard input. Exits with 1 if the model cannot be loaded."""
    llama = importlib.import_module("xllamacpp")
    asked = json.loads(sys.stdin.readline())
    params = llama.CommonParams()  # llama.cpp's own defaults, but for what is set here (its tools/server/README.md)
    params.model.path, params.model_alias = asked["path"], {asked["name"]}
    params.hostnames, params.port = [asked["host"]], asked["port"]
    params.api_keys = [asked["key"]]
    # One request at a time has the whole window; by default, several would share it.
    params.n_ctx, params.n_parallel = asked["context_tokens"], 1
    params.ui = params.endpoint_slots = False
    params.verbosity = ERRORS
    # A terminal sends Ctrl-C to us as well. It ends the loading at once; later, our parent decides.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        server = llama.Server(params)
    except RuntimeError:
        sys.exit(1)  # llama.cpp has printed why
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(urlsplit(server.listening_address).port, flush=True)
    sys.stdin.read()
    os._exit(0)  # otherwise an answer that is being written would be finished first, which can take minutes


if __name__ == "__main__":
    main()
