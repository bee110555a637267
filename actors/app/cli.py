"""The command line: one function a command, each in its own file under `commands/`."""

from __future__ import annotations

import typer

from actors.app.commands import (
    audit,
    character,
    diagram,
    doctor,
    migrate,
    play,
    rehearse,
    replay,
    report,
    run,
    simulate,
    transcript,
    watch,
)
from actors.app.console import read_settings

app = typer.Typer(
    name="ensemble",
    help="AI characters that play with people in Discord: every line arrives exactly once, or the channel is told.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Without a command: `run` if DISCORD_TOKEN is set, else `play`."""
    if context.invoked_subcommand is None:
        if read_settings().discord_token is not None:
            run.run()
        else:
            play.play()


app.command()(run.run)
app.command()(play.play)
app.command()(rehearse.rehearse)
app.command()(simulate.simulate)
app.command()(transcript.transcript)
app.command()(audit.audit)
app.command()(report.report)
app.command()(diagram.diagram)
app.command()(replay.replay)
app.command()(watch.watch)
app.command()(migrate.migrate)
app.command()(doctor.doctor)
app.add_typer(character.app, name="character")
