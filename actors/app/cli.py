"""The command line: registers the commands, each a function in its own file under `commands/`."""

from __future__ import annotations

from typing import Annotated

import typer

from actors.app.commands import (
    audit,
    backup,
    character,
    diagram,
    doctor,
    forget,
    migrate,
    play,
    prune,
    rehearse,
    replay,
    report,
    run,
    simulate,
    transcript,
    watch,
)
from actors.app.console import read_settings
from actors.app.version import own_version

app = typer.Typer(
    name="ensemble",
    help="AI characters that play with people in Discord. Each line arrives exactly once, or a notice says so.",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"ensemble {own_version()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
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
app.command()(backup.backup)
app.command()(forget.forget)
app.command()(prune.prune)
app.command()(doctor.doctor)
app.add_typer(character.app, name="character")
