"""``graphwiz record``: keep what the exchanges send, as raw frames and as Parquet tables. No orders."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.live import Live

from graphwiz_trader.assembly.recorder import RecordingSession, Settings
from graphwiz_trader.cli.recording_view import RecordingView, summary
from graphwiz_trader.cli.streams import stream_address, stream_keys
from graphwiz_trader.config import ExchangeConfig, HftConfig, default_file, load
from graphwiz_trader.recording.errors import RecorderError
from graphwiz_trader.recording.segments import Rotation
from graphwiz_trader.venues.base import Endpoints

app = typer.Typer()

_REDRAW_S = 0.5
_LINE_S = 5.0
"""How often a plain line is written where there is no terminal."""
_SWITCH_S = 0.0002
"""The frames' receive times are taken by a thread that shares Python's lock with the one that writes and the one that
draws: it waits for the lock no longer than this, not Python's 5 ms."""


@app.command()
def record(
    out: Annotated[Path, typer.Option(help="The directory to record to; an earlier recording in it is continued.")],
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Default: config/hft.yaml if it is there.")
    ] = None,
    duration: Annotated[float, typer.Option(min=0, help="Stop after so many seconds; 0 records until Ctrl-C.")] = 0.0,
    parquet: Annotated[
        str | None, typer.Option(help="Where the tables go, any URL that fsspec knows. Default: OUT/parquet.")
    ] = None,
    raw_only: Annotated[bool, typer.Option("--raw-only", help="No tables.")] = False,
    venues: Annotated[
        str, typer.Option(help="Addresses as JSON, as `graphwiz exchange serve` prints them; else the configuration's.")
    ] = "",
    segment_mib: Annotated[float, typer.Option(min=0.01, help="A new file after so many MiB on disk …")] = 256,
    segment_minutes: Annotated[float, typer.Option(min=0.01, help="… or after so many minutes.")] = 60,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; - for standard output.")
    ] = None,
) -> None:
    """Record the configured exchanges until SIGTERM or Ctrl-C. `graphwiz replay OUT` replays what was recorded."""
    if raw_only and parquet:
        raise typer.BadParameter("choose one of --raw-only and --parquet")
    config = load(config_file or default_file())
    tables = "" if raw_only else parquet or str(out.absolute() / "parquet")
    rotation = Rotation(bytes=round(segment_mib * (1 << 20)), seconds=segment_minutes * 60)
    where = Settings(out, tables, rotation)
    session = RecordingSession(config, _endpoints(config, venues), where, api_keys=stream_keys(config))
    console = Console(stderr=True)
    sys.setswitchinterval(_SWITCH_S)
    with _shown(session, console):
        why = uvloop.run(session.run(duration))
    assert session.recorded is not None
    figures = session.recorded.figures()
    console.print(summary(figures, why))
    if json_file is not None:
        text = msgspec.json.format(msgspec.json.encode({"ended": why, **msgspec.structs.asdict(figures)}), indent=1)
        if str(json_file) == "-":
            typer.echo(text.decode())
        else:
            json_file.write_bytes(text + b"\n")
    if not figures.is_complete:
        raise typer.Exit(1)


def _endpoints(config: HftConfig, venues: str) -> dict[str, Endpoints]:
    """Where each exchange is reached. A recorder sends no orders, so that its exchanges may be anywhere."""
    found = {
        exchange: Endpoints(
            s.endpoints.rest, s.endpoints.stream, orders="", backup_stream=s.endpoints.backup_stream or ""
        )
        for exchange, s in config.market_data.exchanges.items()
        if s.endpoints is not None
    }
    if venues:
        try:
            for exchange, addresses in json.loads(venues).items():
                wanted = config.market_data.exchanges.get(exchange) or ExchangeConfig()
                stream = stream_address(addresses, wanted.format)
                found[exchange] = Endpoints(rest=addresses["rest"], stream=stream, orders="")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecorderError(
                f"--venues is no table of addresses ({error!r}); "
                'expected {"binance": {"rest": "http…", "stream": "ws…"}}'
            ) from None
    return found


@contextmanager
def _shown(session: RecordingSession, console: Console) -> Iterator[None]:
    """Show the rates while the block runs: a live table, or a line now and then where there is no terminal."""
    done = threading.Event()
    drawing = threading.Thread(target=_draw, args=(session, console, done), name="view", daemon=True)
    drawing.start()
    try:
        yield
    finally:
        done.set()
        drawing.join()


def _draw(session: RecordingSession, console: Console, done: threading.Event) -> None:
    view = RecordingView()
    if not console.is_terminal:
        while not done.wait(_LINE_S):
            if session.recorded is not None:
                console.print(view.line(session.recorded.figures()), highlight=False, soft_wrap=True)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not done.wait(_REDRAW_S):
            if session.recorded is not None:
                live.update(view.table(session.recorded.figures()), refresh=True)
