"""``graphwiz replay``: the engine over recordings, directly or through real sockets, or over a journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from graphwiz_trader.assembly.fees import recorded_fees_ppm
from graphwiz_trader.assembly.replays import direct_replay, journal_replay
from graphwiz_trader.assembly.socket_replay import socket_replay
from graphwiz_trader.backtest.recordings import Recording, RecordingError
from graphwiz_trader.backtest.replay import Progress as Advance
from graphwiz_trader.backtest.report import Report, table
from graphwiz_trader.backtest.survey import survey, wires
from graphwiz_trader.cli.recording_sources import files_of
from graphwiz_trader.config import default_file, load
from graphwiz_trader.journal.sessions import locate
from graphwiz_trader.recording.reader import segments_in

app = typer.Typer()

_HELP = """Run the engine over recordings or a journal.

SOURCE is EXCHANGE=FILE, as often as needed: exchange ids as ccxt spells them (binance, binanceusdm, binancecoinm,
okx), files of raw frames with the time each was received, plain, gzipped or in zstd. Several files of one
exchange are merged by that time.

SOURCE may also be the directory of a recording that `graphwiz record` has made, or EXCHANGE=SEGMENT for a part of it.

SOURCE may instead be the directory of a journal: its inputs are fed to the engine again, which must decide the same.
"""


class Through(StrEnum):
    """What the frames pass through on their way to the engine."""

    SOCKETS = "sockets"


@app.command(help=_HELP)
def replay(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…")],
    through: Annotated[
        Through | None, typer.Option(help="A local exchange sends the frames over WebSocket at their recorded pace.")
    ] = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="Straight into the engine, as fast as it goes (the default).")
    ] = False,
    speed: Annotated[
        float, typer.Option(min=0, help="Through sockets: times the recorded pace; 0 is as fast as it goes.")
    ] = 1.0,
    latency_ms: Annotated[
        float, typer.Option(min=0, max=60_000, help="Direct: how long an order takes to a venue, and its answer back.")
    ] = 1.0,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Default: config/hft.yaml if it is there.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; - for standard output.")
    ] = None,
) -> None:
    """See _HELP."""
    if through and direct:
        raise typer.BadParameter("choose one of --through sockets and --direct")
    console = Console(stderr=True)
    config = load(config_file or default_file())
    journal = _journal_of(sources)
    if journal is not None:
        _replay_journal(journal, console, json_file)
        return
    recording = Recording(files_of(sources))
    with _progress(console, "reading") as advance:
        instruments = survey(recording, recorded_fees_ppm(recording.exchanges, config), advance)
    if through:
        _refuse_other_words(recording)
        with _progress(console, "replaying through sockets") as advance:
            figures = socket_replay(config, instruments, recording, speed=speed, progress=advance)
        console.print(f"journal: {figures['journal']}", highlight=False)
    else:
        with _progress(console, "replaying") as advance:
            direct_core = direct_replay(
                config, instruments, latency_ms=latency_ms, wires=wires(recording), market_lines=recording.lines
            )
            figures = direct_core.run(recording, advance)
    _warn(recording, figures, console)
    _show(figures, console, json_file)


def _refuse_other_words(recording: Recording) -> None:
    """Simulated exchanges send recorded frames as they are, over the streams that speak an exchange's own words."""
    for exchange, wire in wires(recording).items():
        raise RecordingError(f"{exchange} was recorded in the words of {wire}; replay it with --direct")


def _warn(recording: Recording, figures: Report, console: Console) -> None:
    """Say what of the recording could not be used, and why."""
    for path, damage in recording.damaged.items():
        console.print(f"[yellow]{path} ends in the middle ({damage}); what stands before was used")
    for exchange, count in figures["frames"].items():
        if count and figures["refused"][exchange] == count:
            console.print(
                f"[yellow]every frame of {exchange} was refused; expected lines `<receive time in ns> <frame>` "
                "with frames of that exchange"
            )
    for exchange, count in figures.get("unused_snapshots", {}).items():
        console.print(
            f"[yellow]{count} snapshots of {exchange} do not say whose they are, and their file holds several symbols; "
            "give each symbol a file of its own"
        )


def _replay_journal(directory: Path, console: Console, json_file: Path | None) -> None:
    with _progress(console, "replaying") as advance:
        result = journal_replay(directory, advance)
    figures = {
        **result.figures,
        "recorded_decision_hash": result.recorded_hash,
        "recorded_decisions": result.recorded_decisions,
        "same_decisions": result.is_same,
    }
    _show(figures, console, json_file)
    if not result.is_same:
        console.print("[bold red]the engine decided otherwise than the journal says")
        raise typer.Exit(1)
    console.print(f"the same {result.recorded_decisions:,} decisions as recorded")


def _show(figures: Report, console: Console, json_file: Path | None) -> None:
    """The table where figures are not asked for as JSON on standard output, and the file."""
    to_output = str(json_file) == "-"
    (console if to_output else Console()).print(table(figures))
    if json_file is not None:
        text = json.dumps(figures, indent=1)
        if to_output:
            typer.echo(text)
        else:
            json_file.write_text(text + "\n", encoding="utf-8")


def _journal_of(sources: list[str]) -> Path | None:
    """The journal's directory when the only source is one."""
    if len(sources) == 1 and "=" not in sources[0] and not segments_in(Path(sources[0])):
        return locate(Path(sources[0])).path
    return None


@contextmanager
def _progress(console: Console, what: str) -> Iterator[Advance]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=None)
        yield lambda frames: progress.advance(task, frames)
