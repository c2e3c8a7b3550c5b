"""What ``graphwiz record`` shows: rates while it runs, totals when it has ended."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphwiz_trader.assembly.recording_sink import ExchangeFigures, RecordingFigures

_MB = 1e6


class RecordingView:
    """Turns figures into rates: each call is given later ones, and shows what came since the last."""

    def __init__(self) -> None:
        self._last: RecordingFigures | None = None

    def table(self, figures: RecordingFigures) -> RenderableType:
        """A table with a row an exchange, and what is wrong below it."""
        rates = self._rates(figures)
        numbers = ("frames", "frames/s", "MB/s", "on disk", "ratio", "refused", "lost", "books")
        table = _table(("exchange", "lines"), numbers)
        for exchange, now in figures.exchanges.items():
            frames, raw, disk = rates[exchange]
            table.add_row(
                exchange,
                Text(f"{now.lines_up} up", "green") if now.lines_up else Text("down", "bold red"),
                f"{now.frames:,}",
                f"{frames:,.0f}",
                f"{raw / _MB:.2f}",
                f"{disk / _MB:.2f}",
                _ratio(now),
                Text(f"{now.refused:,}", "yellow" if now.refused else ""),
                Text(f"{now.lost:,}", "bold white on red" if now.lost else ""),
                f"{now.trusted_books}/{now.books}",
            )
        head = Text.assemble(("recording ", "bold"), figures.directory, (f"  {_clock(figures.seconds)}", "dim"))
        return Group(head, table, Text(_tables(figures), "dim"), *_warnings(figures))

    def line(self, figures: RecordingFigures) -> str:
        """The same in one line, for logs."""
        rates = self._rates(figures)
        parts = []
        for exchange, now in figures.exchanges.items():
            frames, raw, disk = rates[exchange]
            lines = f"{now.lines_up} up" if now.lines_up else "DOWN"
            parts.append(
                f"{exchange} {lines} {frames:,.0f} frames/s {raw / _MB:.2f} MB/s "
                f"({disk / _MB:.2f} on disk) {now.refused:,} refused {now.lost:,} lost"
            )
        return "; ".join([_clock(figures.seconds), *parts, *(text.plain for text in _warnings(figures))])

    def _rates(self, figures: RecordingFigures) -> dict[str, tuple[float, float, float]]:
        """By exchange: (frames, raw bytes, bytes on disk) a second since the last look."""
        last, self._last = self._last, figures
        seconds = max(figures.seconds - (last.seconds if last else 0.0), 1e-9)
        rates = {}
        for exchange, now in figures.exchanges.items():
            was = last.exchanges[exchange] if last else None
            rates[exchange] = (
                (now.frames - (was.frames if was else 0)) / seconds,
                (now.raw_bytes - (was.raw_bytes if was else 0)) / seconds,
                (now.disk_bytes - (was.disk_bytes if was else 0)) / seconds,
            )
        return rates


def summary(figures: RecordingFigures, why: str) -> RenderableType:
    """What was recorded, when it has ended."""
    table = _table(("exchange",), ("frames", "frames/s", "MB", "on disk", "ratio", "files", "refused", "lost"))
    for exchange, now in figures.exchanges.items():
        table.add_row(
            exchange,
            f"{now.frames:,}",
            f"{now.frames / max(figures.seconds, 1e-9):,.0f}",
            f"{now.raw_bytes / _MB:,.2f}",
            f"{now.disk_bytes / _MB:,.2f}",
            _ratio(now),
            f"{now.segments:,}",
            f"{now.refused:,}",
            f"{now.lost:,}",
        )
    head = Text(f"recorded to {figures.directory} for {_clock(figures.seconds)}, ended: {why}")
    return Group(head, table, Text(_tables(figures), "dim"), *_warnings(figures))


def _table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """An empty table that fits 80 columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _warnings(figures: RecordingFigures) -> list[Text]:
    found = []
    for exchange, now in figures.exchanges.items():
        if now.line_breaks:
            found.append(Text(f"{exchange}: lines broke {now.line_breaks:,} times", "yellow"))
    lost = sum(exchange.lost for exchange in figures.exchanges.values())
    if lost:
        found.append(
            Text(
                f"{lost:,} FRAMES ARE MISSING: the disk could not keep up; record to a faster one", "bold white on red"
            )
        )
    if figures.tables is not None and figures.tables.lost:
        rows = sum(figures.tables.lost.values())
        found.append(
            Text(
                f"{rows:,} ROWS ARE MISSING in {figures.tables.place} ({figures.tables.last_failure}); "
                "the raw frames have them",
                "bold white on red",
            )
        )
    elif figures.tables is not None and figures.tables.last_failure:
        found.append(Text(f"{figures.tables.place}: {figures.tables.last_failure}; trying again", "yellow"))
    return found


def _tables(figures: RecordingFigures) -> str:
    if figures.tables is None:
        return "raw frames alone"
    rows = ", ".join(f"{count:,} rows of {table}" for table, count in sorted(figures.tables.rows.items()))
    return f"{figures.tables.place}: {rows or 'no rows yet'}"


def _ratio(exchange: ExchangeFigures) -> str:
    return f"{exchange.raw_bytes / exchange.disk_bytes:.1f}" if exchange.disk_bytes else "-"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
