"""Ensemble: hands over to the application."""

from __future__ import annotations

import gc
import sys

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended, as shells count it: 128 and the signal's number."""


def main(prog_name: str | None = None) -> None:
    """The command line, as `python bot.py` and as the installed `ensemble`."""
    try:
        # All that is loaded stays. To look for garbage in it, now and at the end, took a third of a short command.
        gc.disable()
        # Only here: to load everything takes a second, and Ctrl-C in it is no fault of the program.
        from actors.app.cli import app
        from actors.app.interruption import end_interrupted, hear_sigterm

        gc.freeze()
        gc.enable()
        hear_sigterm()
        try:
            app(prog_name=prog_name)
        except SystemExit as ended:
            if ended.code == INTERRUPTED:  # what Typer makes of Ctrl-C
                end_interrupted()
            raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main("bot.py")
