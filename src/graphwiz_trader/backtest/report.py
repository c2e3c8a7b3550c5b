"""What a replay comes to: its figures as JSON, and the same as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.pulse import Pulse

BOOK_LEVELS = 50
Report = dict[str, Any]


def report(
    *,
    books: OrderBookManager,
    pulse: Pulse,
    frames: Mapping[str, int],
    refused: Mapping[str, int],
    decision_hash: str,
    seconds: float,
) -> Report:
    """The figures of a finished replay; ``frames`` and ``refused`` by exchange."""
    by_exchange: dict[str, Any] = {}
    for book in books:
        entry = {**book.depth(BOOK_LEVELS), "trusted": book.is_trusted}
        by_exchange.setdefault(book.instrument.exchange, {})[book.instrument.symbol] = entry
    return {
        "frames": dict(frames),
        "refused": dict(refused),
        "books": by_exchange,
        "opportunities": pulse.counts.opportunities,
        "decisions": pulse.counts.decisions,
        "orders": pulse.counts.orders,
        "fills": pulse.counts.fills,
        "refusals": pulse.counts.refusals,
        "pnl": {
            "realised": pulse.pnl.realised,
            "unrealised": pulse.pnl.unrealised,
            "fees": pulse.pnl.fees,
            "net": pulse.pnl.net,
        },
        "decision_hash": decision_hash,
        "seconds": round(seconds, 3),
    }


def table(figures: Report) -> RenderableType:
    """The figures as a person reads them."""
    books = Table(title="Books at the end", title_justify="left")
    for column, justify in (("exchange", "left"), ("symbol", "left"), ("bid", "right"), ("ask", "right")):
        books.add_column(column, justify=justify)  # type: ignore[arg-type]
    books.add_column("trusted")
    for exchange, symbols in figures["books"].items():
        for symbol, book in symbols.items():
            best = [f"{side[0][1]} @ {side[0][0]}" if side else "—" for side in (book["bids"], book["asks"])]
            books.add_row(exchange, symbol, *best, "yes" if book["trusted"] else "[bold red]no")
    totals = Table(title="Replay", title_justify="left", show_header=False)
    totals.add_column(style="dim")
    totals.add_column(justify="right")
    for exchange, count in figures["frames"].items():
        totals.add_row(f"frames {exchange}", f"{count:,} ({figures['refused'][exchange]:,} refused)")
    rate = sum(figures["frames"].values()) / max(figures["seconds"], 1e-9)
    totals.add_row("time", f"{figures['seconds']:.2f} s ({rate:,.0f} frames/s)")
    for name in ("opportunities", "decisions", "refusals", "orders", "fills"):
        totals.add_row(name, f"{figures[name]:,}")
    for name, amount in figures["pnl"].items():
        totals.add_row(f"pnl {name}", amount)
    totals.add_row("decision hash", figures["decision_hash"])
    return Group(books, totals)
