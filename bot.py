"""Entry point of Ensemble: loads the application and runs its command line."""

from __future__ import annotations

import gc
import sys

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells: 128 plus the signal's number."""


def main(prog_name: str | None = None) -> None:
    """Run the command line, for `python bot.py` and the installed `ensemble`."""
    try:
        # Loaded modules are never garbage. Looking through them took a third of a short command's time.
        gc.disable()
        # Imported here: loading takes a second, and Ctrl-C during it must not print a traceback.
        from actors.app.cli import app
        from actors.app.interruption import end_interrupted, hear_sigterm

        gc.freeze()
        gc.enable()
        hear_sigterm()
        try:
            app(prog_name=prog_name)
        except SystemExit as ended:
            if ended.code == INTERRUPTED:  # Typer's exit code for Ctrl-C
                end_interrupted()
            raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main("bot.py")
