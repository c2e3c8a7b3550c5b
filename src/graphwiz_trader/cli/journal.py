"""``graphwiz journal``: read, check and export what happened."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from graphwiz_trader.errors import GraphwizError, did_you_mean
from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.journal.export import export_parquet
from graphwiz_trader.journal.layout import Record, segment_numbers, segment_path, used_bytes
from graphwiz_trader.journal.select import Wanted, as_they_come, in_order, last
from graphwiz_trader.journal.sessions import locate
from graphwiz_trader.journal.text import as_json, kind_name, summary, time_ns_of, time_text
from graphwiz_trader.journal.verify import Verification, verify, verify_segment

app = typer.Typer(no_args_is_help=True, help="Read, check and export what happened.")

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A session's directory, one segment file, or a directory of sessions (the newest is taken).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class JournalArgumentError(GraphwizError):
    """An argument of ``graphwiz journal`` that cannot be used."""


@app.callback()
def _group() -> None:
    """Read, check and export what happened."""


@app.command()
def show(
    file: File,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind, e.g. FILL; may be given again.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on: ISO 8601 (UTC) or nanoseconds.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this time.")] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Stop after this many records.")] = None,
    tail: Annotated[int | None, typer.Option(min=0, help="Only the last so many records.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with new records until the writer ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the records in the order in which they were written. With --json one object per line."""
    wanted = Wanted(frozenset(map(_kind, kind or ())), _time_ns("--since", since), _time_ns("--until", until))
    path = _located(file)
    records: Iterable[Record]
    if follow:
        if path.is_file():
            raise JournalArgumentError(f"--follow needs the session's directory {path.parent}, not one segment of it")
        records = as_they_come(path, wanted, tail)
    else:
        records = in_order(path, wanted) if tail is None else last(path, wanted, tail)
    write = _json_writer() if as_json else _text_writer()
    with suppress(KeyboardInterrupt):  # the way to end --follow
        for record in islice(records, limit):
            write(record)
            if follow:
                sys.stdout.flush()


@app.command("verify")
def verify_command(file: File, as_json: AsJson = False) -> None:
    """Check every record. Exits with 0 when all are intact (also after a kill), with 1 when something is damaged."""
    path = _located(file)
    found = verify_segment(path) if path.is_file() else verify(path)
    if as_json:
        typer.echo(json.dumps(_as_dict(found), indent=2))
    else:
        _print_verification(found)
    if not found.intact:
        raise typer.Exit(1)


@app.command()
def export(
    file: File,
    out: Annotated[Path, typer.Option(help="The Parquet file to write; it must not exist.")],
    as_json: AsJson = False,
) -> None:
    """Write the records to a Parquet file: columns time_ns, kind, source, payload."""
    path = _located(file)
    files = [path] if path.is_file() else [segment_path(path, number) for number in segment_numbers(path)]
    columns = (TextColumn("exporting"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        total_bytes = sum(map(used_bytes, files))
        task = progress.add_task("exporting", total=total_bytes)
        records = in_order(path, Wanted())
        written = export_parquet(records, out, on_group=lambda payload_bytes: progress.advance(task, payload_bytes))
        progress.update(task, completed=total_bytes)
    if as_json:
        typer.echo(json.dumps({"file": str(out), "records": written, "bytes": out.stat().st_size}))
    else:
        typer.echo(f"{written} records in {out} ({out.stat().st_size} bytes)")


def _located(file: Path) -> Path:
    """The journal that is meant. Which one was picked is said on stderr, so that output stays what was asked for."""
    journal = locate(file)
    if journal.choice:
        typer.echo(f"{journal.path}: {journal.choice}", err=True)
    if journal.path.is_dir():
        oldest = segment_numbers(journal.path)[0]
        if oldest > 0:
            typer.echo(f"{journal.path}: the segments before {oldest:08d} were deleted", err=True)
    return journal.path


def _kind(name: str) -> int:
    try:
        return RecordKind[name.upper().replace("-", "_")]
    except KeyError:
        names = [kind.name for kind in RecordKind]
        raise JournalArgumentError(f"no record kind {name!r}; {did_you_mean(name.upper(), names)}") from None


def _time_ns(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return time_ns_of(text)
    except ValueError:
        raise JournalArgumentError(
            f"{option} {text!r} is no time; expected ISO 8601 like 2024-08-08T12:00:00.5, or nanoseconds"
        ) from None


def _json_writer() -> Callable[[Record], object]:
    return lambda record: sys.stdout.write(as_json(record).decode() + "\n")


def _text_writer() -> Callable[[Record], object]:
    """Whole lines into a pipe or file; on a terminal in colour and cut at its edge."""

    def write_plain(record: Record) -> None:
        line = f"{time_text(record.time_ns)} {kind_name(record.kind):<13} {record.source:>3} {summary(record)}\n"
        sys.stdout.write(line)

    def write_in_colour(record: Record) -> None:
        line = Text.assemble(
            (f"{time_text(record.time_ns)} ", "dim"),
            (f"{kind_name(record.kind):<13} ", "bold cyan"),
            (f"{record.source:>3} ", "magenta"),
            summary(record),
        )
        console.print(line, no_wrap=True, overflow="ellipsis")

    console = Console()
    return write_in_colour if console.is_terminal else write_plain


def _as_dict(found: Verification) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "session": found.session,
        "segments": found.segments,
        "records": found.records,
        "counts": {kind_name(kind): count for kind, count in found.counts.items()},
        "first_time_ns": found.first_time_ns,
        "last_time_ns": found.last_time_ns,
        "end": found.end.name.lower(),
        "intact": found.intact,
        "damage": None
        if found.damage is None
        else {"file": str(found.damage.path), "offset": found.damage.offset, "problem": found.damage.problem},
    }


def _print_verification(found: Verification) -> None:
    console = Console(highlight=False)
    table = Table("kind", "records")
    table.columns[1].justify = "right"
    for kind, count in found.counts.items():
        table.add_row(kind_name(kind), f"{count:,}")
    console.print(Text(f"{found.path}, session {found.session}"), table)
    span = "no records"
    if found.first_time_ns is not None and found.last_time_ns is not None:
        span = f"{time_text(found.first_time_ns)} to {time_text(found.last_time_ns)}"
    console.print(Text(f"{found.records:,} records in {found.segments} segments, {span}"), soft_wrap=True)
    if found.damage is None:
        console.print(f"intact, {found.end.value}", style="green")
    else:
        console.print(Text(f"DAMAGED: {found.damage}", "bold red"), soft_wrap=True)
