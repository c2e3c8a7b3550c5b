"""The terminal view: the trader's state as a full screen that redraws, and as a summary when a run is over.

The supervisor draws it from the journal; trading does not know that anybody looks.
"""

from __future__ import annotations

from types import TracebackType

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.layout import Layout
from rich.live import Live
from rich.table import Table
from rich.text import Text

from graphwiz_trader.observers import terminal_panels as panels
from graphwiz_trader.observers.state import TraderState

SILENT_AFTER_S = 2.0
"""A living trader writes ten pulses a second; after this long without a record it is said to be silent."""
_FRAME = 3  # a panel's two border rows and its table's header
_WIDE_FROM = 130


class TerminalView:
    """Draws states on an alternate screen for as long as the `with` block lasts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def __enter__(self) -> TerminalView:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.__exit__(exc_type, exc_value, traceback)

    def show(self, state: TraderState, *, silent_s: float) -> None:
        """Draws the state; `silent_s` is how long the journal has been silent."""
        width, height = self._console.size
        self._live.update(screen(state, silent_s=silent_s, width=width, height=height), refresh=True)


def screen(state: TraderState, *, silent_s: float, width: int, height: int) -> RenderableType:
    """The whole screen for a terminal of this size, in characters."""
    wide = width >= _WIDE_FROM
    book_rows = min(len(state.books) + _FRAME, max(_FRAME + 2, height // 3))
    position_rows = min(len(state.positions) + _FRAME, max(_FRAME + 1, height // 5))
    root = Layout()
    root.split_column(
        Layout(_header(state, silent_s), size=1),
        Layout(panels.top_of_book(state, with_venues=not wide), size=book_rows),
        Layout(name="measures", size=7),
        Layout(name="events"),
    )
    if wide:
        _wide(root, state, height, position_rows)
    else:
        _narrow(root, state, height, position_rows)
    return root


def _wide(root: Layout, state: TraderState, height: int, position_rows: int) -> None:
    root["measures"].split_row(
        Layout(panels.venues(state), ratio=30),
        Layout(panels.pnl(state), ratio=24),
        Layout(panels.risk(state), ratio=19),
        Layout(panels.latency(state), ratio=36),
        Layout(panels.strategies(state), ratio=31),
    )
    root["events"].split_row(Layout(name="left"), Layout(name="right"))
    root["left"].split_column(
        Layout(panels.opportunities(state, height)),
        Layout(panels.positions(state), size=position_rows),
    )
    root["right"].split_column(
        Layout(panels.orders(state, height), ratio=2),
        Layout(panels.notices(state, height), ratio=1),
    )


def _narrow(root: Layout, state: TraderState, height: int, position_rows: int) -> None:
    root["measures"].split_row(
        Layout(panels.pnl(state), ratio=5),
        Layout(panels.risk(state), ratio=5),
        Layout(panels.latency(state), ratio=9),
    )
    root["events"].split_row(Layout(name="left", ratio=9), Layout(name="right", ratio=11))
    root["left"].split_column(
        Layout(panels.opportunities(state, height, compact=True)),
        Layout(panels.positions(state, compact=True), size=position_rows),
    )
    root["right"].update(panels.orders(state, height, compact=True))


def summary(state: TraderState) -> RenderableType:
    """What a run came to, for printing after it."""
    if not state.records:
        return Text("The journal holds no records.", "yellow")
    seconds = max(0.0, (state.time_ms - state.started_ms) / 1000)
    counts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    counts.add_column(style="dim")
    counts.add_column(justify="right")
    ended = f"ended: {state.end_reason}" if state.ended else "not closed in order"
    for name, value in (
        ("session", f"{state.session} ({state.mode}, {seconds:.1f} s, {ended})"),
        ("frames", f"{state.counts.frames:,} ({state.counts.refused:,} refused)"),
        ("opportunities", f"{state.counts.opportunities:,}"),
        ("orders", f"{state.counts.orders:,} ({state.counts.fills:,} fills, {state.open_orders} still open)"),
        ("risk", Text.assemble(panels.breaker(state), f" ({state.counts.refusals:,} refusals)")),
    ):
        counts.add_row(name, value)
    measures = ((panels.pnl(state), 28), (panels.latency(state), 46), (panels.strategies(state), 54))
    parts: list[RenderableType] = [counts, Columns([Constrain(panel, width) for panel, width in measures])]
    if any(row.position.size.strip("-0.") for row in state.positions):
        parts.append(panels.positions(state))
    if state.refusals_by_reason:
        reasons = ", ".join(f"{reason} x{count:,}" for reason, count in state.refusals_by_reason.items())
        parts.append(Text(f"refused: {reasons}", "dim"))
    if state.unreadable:
        kinds = ", ".join(f"{kind} x{count:,}" for kind, count in state.unreadable.items())
        parts.append(Text(f"unreadable records: {kinds}", "yellow"))
    return Group(*parts)


def _header(state: TraderState, silent_s: float) -> RenderableType:
    bar = Table.grid(expand=True)
    bar.add_column(no_wrap=True)
    bar.add_column(justify="right", no_wrap=True)
    age_s = max(0, state.time_ms - state.started_ms) // 1000
    running = f"{age_s // 3600}:{age_s // 60 % 60:02}:{age_s % 60:02}"
    left = Text.assemble(
        ("GraphWiz Trader ", "bold"), (f"{state.mode} ", "cyan"), (state.session, "dim"), f"  {running}"
    )
    bar.add_row(left, _liveness(state, silent_s))
    return bar


def _liveness(state: TraderState, silent_s: float) -> Text:
    if state.ended:
        return Text(f"session ended: {state.end_reason}", "bold yellow")
    if not state.records:
        return Text("waiting for the trader", "yellow")
    if silent_s > SILENT_AFTER_S:
        return Text(f"no word from the trader for {silent_s:.0f} s", "bold white on red")
    rate = Text(f"{state.rates.frames:,.0f} frames/s  ", "dim")
    return rate.append_text(Text("running", "bold green"))
