"""Ensemble: hands over to the application."""

from actors.app.cli import app as main

if __name__ == "__main__":
    main(prog_name="bot.py")
