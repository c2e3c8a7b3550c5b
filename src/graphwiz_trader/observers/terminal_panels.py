"""The terminal's building blocks: one function per panel, from the trader's state to something rich can draw."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from rich import box
from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from graphwiz_trader.hft.performance import Percentiles
from graphwiz_trader.observers.state import TraderState

UNKNOWN = "–"  # noqa: RUF001 - an en dash stands for a number nobody knows yet
_TRUST_STYLES = {"live": "green", "syncing": "yellow", "stale": "yellow", "crossed": "red", "broken": "red"}
_ORDER_STYLES = {"filled": "green", "open": "cyan", "sent": "cyan", "unknown": "bold yellow", "rejected": "red"}
_SIDE_STYLES = {"buy": "green", "sell": "red"}


def top_of_book(state: TraderState, *, with_venues: bool = False) -> RenderableType:
    """Every book's best prices, spread and trust; the venues' own figures in the title where they have no panel."""
    table = _table("venue", "symbol", "trust", ">bid size", ">bid", ">ask", ">ask size", ">bps", ">age", ">upd/s")
    for book in state.books:
        table.add_row(
            _name(book.exchange),
            _name(book.symbol),
            _name(book.trust, _TRUST_STYLES.get(book.trust, "")),
            Text(size(book.bid_size), "dim"),
            Text(book.bid or UNKNOWN, "green"),
            Text(book.ask or UNKNOWN, "red"),
            Text(size(book.ask_size), "dim"),
            UNKNOWN if book.spread_bps is None else f"{book.spread_bps:.3f}",
            UNKNOWN if book.age_ms is None else milliseconds(book.age_ms),
            f"{book.updates_per_s:,.0f}",
        )
    title = "Top of book"
    if with_venues:
        title += "".join(f" · {v.exchange} {v.live}/{v.books} live {v.frames_per_s:,.0f}/s" for v in state.venues)
    return _panel(table, title)


def venues(state: TraderState) -> RenderableType:
    """What each exchange sends over how many lines, how its clock stands, how many of its books may be traded on."""
    table = _table("venue", ">live", ">lines", ">/s", ">clock")
    for venue in state.venues:
        table.add_row(
            _name(venue.exchange),
            Text(f"{venue.live}/{venue.books}", "green" if venue.live == venue.books else "yellow"),
            Text(f"{venue.lines_up}", "" if venue.lines_up else "bold red"),
            f"{venue.frames_per_s:,.0f}",
            UNKNOWN if venue.clock_offset_ms is None else f"{venue.clock_offset_ms:+.0f}ms",
        )
    return _panel(table, "Venues")


def pnl(state: TraderState) -> RenderableType:
    """The session's result in quote currency."""
    table = _pairs()
    table.add_row("net", money(state.pnl.net, bold=True))
    table.add_row("realised", money(state.pnl.realised))
    table.add_row("unrealised", money(state.pnl.unrealised))
    table.add_row("fees", plain_money(state.pnl.fees))
    return _panel(table, "PnL")


def risk(state: TraderState) -> RenderableType:
    """Breaker, exposure and what was refused."""
    table = _pairs()
    table.add_row("breaker", breaker(state))
    table.add_row("exposure", plain_money(state.risk.exposure, 0))
    table.add_row("limit", plain_money(state.risk.max_exposure, 0))
    table.add_row("open orders", str(state.open_orders))
    table.add_row("refusals", f"{state.counts.refusals:,}")
    return _panel(table, "Risk")


def latency(state: TraderState) -> RenderableType:
    """Latency percentiles since the session began."""
    table = _table("", ">p50", ">p99", ">p99.9", ">max")
    for name, spread in (
        ("frame", state.latency.processing_ns),
        ("order", state.latency.order_ns),
        ("answer", state.latency.round_trip_ns),
    ):
        table.add_row(_name(name), *_latency_cells(spread))
    return _panel(table, "Latency (answers simulated)" if state.mode == "paper" else "Latency")


def positions(state: TraderState, *, compact: bool = False) -> RenderableType:
    """What is held, per book."""
    table = _table("venue", "symbol", ">size", *(() if compact else (">average", ">realised")), ">unrealised")
    for row in state.positions:
        held = row.position
        unrealised = UNKNOWN if held.unrealised is None else money(held.unrealised)
        flat = not held.size.strip("-0.")
        average = UNKNOWN if flat or held.average_price is None else plain_money(held.average_price, 2)
        more = () if compact else (average, money(held.realised))
        table.add_row(_name(row.exchange), _name(row.symbol), held.size, *more, unrealised)
    return _panel(table, "Positions")


def opportunities(state: TraderState, rows: int, *, compact: bool = False) -> RenderableType:
    """The newest differences between venues, after fees."""
    title = f"Opportunities ({state.counts.opportunities:,})"
    if compact:
        table = _table("symbol", "buy → sell", ">bps")
        for seen in state.opportunities[:rows]:
            table.add_row(_name(seen.symbol), _name(f"{seen.buy} → {seen.sell}"), f"{seen.net_bps:.2f}")
        return _panel(table, title)
    table = _table("time", "symbol", "buy", ">at", "sell", ">at", ">bps")
    for seen in state.opportunities[:rows]:
        table.add_row(
            _name(clock(seen.time_ms)),
            _name(seen.symbol),
            _name(seen.buy, "green"),
            seen.buy_price,
            _name(seen.sell, "red"),
            seen.sell_price,
            f"{seen.net_bps:.2f}",
        )
    return _panel(table, title)


def orders(state: TraderState, rows: int, *, compact: bool = False) -> RenderableType:
    """The newest orders and what became of them."""
    columns = ("venue", "symbol", "side", ">price", ">size", "state")
    table = _table(*columns) if compact else _table("time", *columns, ">filled")
    for order in state.orders[:rows]:
        cells = (
            _name(order.exchange),
            _name(order.symbol),
            _name(order.side, _SIDE_STYLES.get(order.side, "")),
            order.price,
            size(order.size),
            _name(order.state, _ORDER_STYLES.get(order.state, "dim")),
        )
        if compact:
            table.add_row(*cells)
        else:
            table.add_row(_name(clock(order.time_ms)), *cells, size(order.filled))
    return _panel(table, f"Orders ({state.counts.orders:,}, {state.counts.fills:,} fills)")


def strategies(state: TraderState) -> RenderableType:
    """Each strategy's own account of how it does."""
    table = _table("strategy", ">trades", ">PnL", ">wins")
    for strategy in state.strategies:
        wins = f"{strategy.win_rate:.0%}" if strategy.trades else UNKNOWN
        table.add_row(
            _name(strategy.name, "" if strategy.active else "dim"),
            f"{strategy.trades:,}",
            money(strategy.pnl),
            wins,
        )
    return _panel(table, "Strategies")


def notices(state: TraderState, rows: int) -> RenderableType:
    """What was unusual, and the newest refusals of risk."""
    lines = [
        (n.time_ms, Text(f"{n.kind} {n.what}" + (f" x{n.count:,}" if n.count > 1 else ""), "yellow"))
        for n in state.notices
    ]
    lines += [
        (e.time_ms, Text(f"risk {e.event}: {e.reason} {e.detail}", "" if e.event == "refused" else "bold red"))
        for e in state.risk_events
    ]
    table = _table("time", "what")
    for time_ms, line in sorted(lines, key=lambda entry: -entry[0])[:rows]:
        table.add_row(_name(clock(time_ms)), line)
    return _panel(table, "Notices")


def breaker(state: TraderState) -> Text:
    """``ok`` in green or ``TRIPPED`` with its reason."""
    if state.risk.state == "ok":
        return Text("ok", "green")
    return Text(f"{state.risk.state.upper()} {state.risk.reason}".strip(), "bold white on red")


def money(text: str, *, bold: bool = False) -> Text:
    """Decimal text with four decimals and its sign, green or red."""
    shown = plain_money(text)
    if not text.strip("-0."):
        return Text(shown, "bold" if bold else "")
    style = "red" if text.startswith("-") else "green"
    return Text(shown if shown.startswith("-") else f"+{shown}", f"bold {style}" if bold else style)


def plain_money(text: str, decimals: int = 4) -> str:
    """Decimal text rounded for the eye; what is no number is shown as it is."""
    try:
        return f"{Decimal(text):,.{decimals}f}"
    except InvalidOperation:
        return text


def size(text: str | None) -> str:
    """A size without the zeros at its end."""
    if text is None:
        return UNKNOWN
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(nanoseconds: float | None) -> str:
    """A latency in the unit that keeps it short: ``8.2µs``, ``1.4ms``."""
    if nanoseconds is None:
        return UNKNOWN
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            value = nanoseconds / size
            return f"{value:.0f}{unit}" if value >= 100 else f"{value:.1f}{unit}"
    return f"{nanoseconds:.0f}ns"


def milliseconds(value: float) -> str:
    """An age: ``3ms`` below a second, ``12.0s`` above."""
    return f"{value:.0f}ms" if value < 1000 else f"{value / 1000:.1f}s"


def clock(time_ms: int) -> str:
    """Time of day, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%H:%M:%S")


def _latency_cells(spread: Percentiles) -> tuple[str, ...]:
    if not spread.count:
        return (UNKNOWN,) * 4
    return tuple(duration(value) for value in (spread.p50, spread.p99, spread.p999, spread.max))


def _table(*columns: str) -> Table:
    """A plain table; a column named ``>x`` holds figures, right-aligned, and keeps its width before names do."""
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name in columns:
        figures = name.startswith(">")
        table.add_column(
            name.lstrip(">"),
            justify="right" if figures else "left",
            no_wrap=figures,
            min_width=0 if figures else 5,
            overflow="ellipsis",
        )
    return table


def _name(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _pairs() -> Table:
    table = Table(box=None, expand=True, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    return table


def _panel(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align="left", box=box.ROUNDED, border_style="bright_black", padding=(0, 1))
