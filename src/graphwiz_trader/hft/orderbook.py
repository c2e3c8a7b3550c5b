"""Books as people and strategies see them: one exchange's book of one symbol, and all of them side by side.

The numbers live in the kernels' arrays; an ``OrderBook`` is a window on one row, an ``OrderBookManager`` on all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphwiz_trader.hft.events import MarketTrade, Opportunity, Side, Stream, Trust
from graphwiz_trader.hft.instruments import UNIT_DECIMALS, Instrument, Instruments, decimals_of
from graphwiz_trader.hft.kernels.book import LIVE
from graphwiz_trader.hft.kernels.jit import direct
from graphwiz_trader.hft.kernels.ladder import copy_levels, level_lots, reaches
from graphwiz_trader.hft.kernels.layout import (
    ASK,
    BID,
    HISTORY,
    SEQUENCE_CHAINED,
    SEQUENCE_FUTURES,
    SEQUENCE_SPOT,
    Array,
    new_books,
)
from graphwiz_trader.hft.kernels.signals import SCAN_ARGUMENTS, scan_crosses, walk_cross
from graphwiz_trader.hft.records import ClockOffset

IMBALANCE_LEVELS = 10
_MS = 1_000_000
_SEQUENCE_RULES = {"binance": SEQUENCE_SPOT, "binanceusdm": SEQUENCE_FUTURES, "binancecoinm": SEQUENCE_FUTURES}


class OrderBook:
    """One symbol's book on one exchange. Prices in ticks and sizes in lots unless a name says otherwise."""

    def __init__(self, books: Array, instrument: Instrument) -> None:
        self._books = books
        self._row = books[instrument.book]
        # Views of single fields: reading an element costs a tenth of asking the record for it.
        self._trust = _elements(books["trust"][instrument.book : instrument.book + 1])
        self._top_ticks = _elements(self._row["top_ticks"])
        self._top_lots = _elements(self._row["top_lots"])
        self.instrument = instrument
        self.clock: ClockOffset | None = None
        """How its venue's clock stands to ours; None until it was measured."""

    @property
    def trust(self) -> Trust:
        return Trust(self._trust[0])

    @property
    def is_trusted(self) -> bool:
        return self._trust[0] == LIVE

    @property
    def last_update_id(self) -> int:
        return int(self._row["last_id"])

    @property
    def received_ns(self) -> int:
        """When its last update came."""
        return int(self._row["received_ns"])

    @property
    def exchange_time_ns(self) -> int:
        """When the venue made its last update, by the venue's clock (see ``clock``)."""
        return int(self._row["event_ms"]) * _MS

    def heard(self, stream: Stream) -> tuple[int, int]:
        """When a stream last said something new: (by the venue's clock, as received) in ns; 0 for what is not known.

        It is not known before the book began, after a line broke, and, by the venue's clock, where it does not say.
        """
        return int(self._row["heard_ms"][stream]) * _MS, int(self._row["heard_ns"][stream])

    @property
    def silent_streams(self) -> tuple[Stream, ...]:
        """Those that have said nothing new for longer than is usual for this symbol."""
        return tuple(stream for stream in Stream if self._row["is_silent"][stream])

    @property
    def updates(self) -> int:
        """Messages that have changed it since the session began."""
        return int(self._row["updates"])

    @property
    def best_bid(self) -> tuple[int, int] | None:
        """(ticks, lots), or None while there is no bid."""
        ticks: int = self._top_ticks[BID]
        return (ticks, self._top_lots[BID]) if ticks else None

    @property
    def best_ask(self) -> tuple[int, int] | None:
        """(ticks, lots), or None while there is no ask."""
        ticks: int = self._top_ticks[ASK]
        return (ticks, self._top_lots[ASK]) if ticks else None

    @property
    def mid2_ticks(self) -> int:
        """Bid plus ask, twice the mid, exactly; 0 while a side is empty."""
        bid: int = self._top_ticks[BID]
        ask: int = self._top_ticks[ASK]
        return bid + ask if bid and ask else 0

    @property
    def mid_price(self) -> float | None:
        """In quote currency."""
        mid2 = self.mid2_ticks
        return mid2 * float(self._row["tick_size"]) / 2 if mid2 else None

    @property
    def spread_ticks(self) -> int | None:
        bid: int = self._top_ticks[BID]
        ask: int = self._top_ticks[ASK]
        return ask - bid if bid and ask else None

    @property
    def spread(self) -> float | None:
        """In quote currency."""
        ticks = self.spread_ticks
        return None if ticks is None else ticks * float(self._row["tick_size"])

    @property
    def spread_bps(self) -> float | None:
        """The spread over the mid."""
        ticks = self.spread_ticks
        return None if ticks is None else ticks * 20_000 / self.mid2_ticks

    @property
    def imbalance(self) -> float | None:
        """(bids - asks) / (bids + asks) by size over the top ten levels a side: 1 is all bids."""
        bids = sum(lots for _, lots in self.levels(Side.BUY, IMBALANCE_LEVELS))
        asks = sum(lots for _, lots in self.levels(Side.SELL, IMBALANCE_LEVELS))
        return (bids - asks) / (bids + asks) if bids + asks else None

    def levels(self, side: Side, depth: int | None = None) -> list[tuple[int, int]]:
        """The best ``depth`` levels (all without it), best first, as (ticks, lots)."""
        count = int(self._row["count"][side])
        if depth is not None:
            count = min(count, depth)
        ticks = np.empty(count, np.int64)
        lots = np.empty(count, np.int64)
        copy_levels(self._books, self.instrument.book, int(side), ticks, lots)
        return list(zip(ticks.tolist(), lots.tolist(), strict=True))

    def lots_at(self, side: Side, ticks: int) -> int:
        """The size of one level, 0 when there is none."""
        return int(level_lots(self._books, self.instrument.book, int(side), ticks))

    def reaches(self, side: Side, ticks: int) -> bool:
        """Whether a price is in view: a level stands there or at a worse price. Beyond, nobody knows what stands."""
        return bool(reaches(self._books, self.instrument.book, int(side), ticks))

    @property
    def last_trade(self) -> MarketTrade:
        """The market's last trade; its id is 0 while there was none."""
        row = self._row
        taker = Side.SELL if row["trade_is_sell"] else Side.BUY
        times = self.heard(Stream.TRADES)
        return MarketTrade(int(row["trade_id"]), int(row["trade_ticks"]), int(row["trade_lots"]), taker, *times)

    def depth(self, levels: int) -> dict[str, list[tuple[str, str]]]:
        """The best levels of both sides as decimal text: ``{"bids": [(price, size), …], "asks": …}``."""
        price, size = self.instrument.price_text, self.instrument.size_text
        return {
            name: [(price(ticks), size(lots)) for ticks, lots in self.levels(side, levels)]
            for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
        }


class OrderBookManager:
    """Every book of a session, by exchange and symbol, and what can be seen only across them."""

    def __init__(self, instruments: Instruments, *, max_book_age_ms: int = 2_000, max_skew_ms: int = 2_000) -> None:
        self.instruments = instruments
        self.records = new_books(len(instruments))
        """The kernels' array, one row a book."""
        self._max_age_ns = max_book_age_ms * 1_000_000
        self._max_skew_ns = max_skew_ms * 1_000_000
        self._books = tuple(OrderBook(self.records, instrument) for instrument in instruments)
        for instrument in instruments:
            _write_rules(self.records[instrument.book], instrument)
        self._trusts = tuple(_elements(self.records["trust"][row : row + 1]) for row in range(len(instruments)))
        self._top_ticks = tuple(_elements(self.records["top_ticks"][row]) for row in range(len(instruments)))
        self.peers = tuple(np.array(instruments.same_symbol(i.book), np.int64) for i in instruments)
        """For each book, the rows of the same symbol elsewhere."""
        self._scan = direct(scan_crosses, SCAN_ARGUMENTS)
        self._net_bps = tuple(np.zeros((len(peers), 2)) for peers in self.peers)
        self._has_peers = [len(peers) > 0 for peers in self.peers]
        self._found = [0] * len(instruments)
        self._walked = np.zeros(4, np.int64)

    def __getitem__(self, book: int) -> OrderBook:
        return self._books[book]

    def __iter__(self) -> Iterator[OrderBook]:
        return iter(self._books)

    def get(self, exchange: str, symbol: str) -> OrderBook:
        """Raises KeyError naming the known pairs."""
        return self._books[self.instruments.find(exchange, symbol).book]

    def note_clock(self, exchange: str, clock: ClockOffset) -> None:
        """What an exchange's times mean from now on: by them, an update older than a book may be makes none live."""
        late_ns = self._max_age_ns + clock.error_ns - clock.offset_ns
        for instrument in self.instruments.on_exchange(exchange):
            self._books[instrument.book].clock = clock
            self.records[instrument.book]["late_ns"] = late_ns

    def is_tradable(self, book: int) -> bool:
        return self._trusts[book][0] == LIVE

    def mid2_ticks(self, book: int) -> int:
        """Twice the mid of the newest top of book; 0 while a side is empty."""
        top = self._top_ticks[book]
        bid, ask = top[BID], top[ASK]
        return bid + ask if bid and ask else 0

    def price_history(self, exchange: str, symbol: str) -> list[tuple[int, float]]:
        """The last 1,000 different mids, oldest first: (received ns, price in quote currency)."""
        row = self.records[self.instruments.find(exchange, symbol).book]
        count = int(row["history_count"])
        order = np.arange(max(0, count - HISTORY), count) % HISTORY
        prices: npt.NDArray[np.float64] = row["history_mid2"][order] * (row["tick_size"] / 2)
        return list(zip(row["history_ns"][order].tolist(), prices.tolist(), strict=True))

    def scan(self, book: int, now_ns: int) -> int:
        """Look for crosses between this book and its peers: how many net more than nothing, fees paid."""
        if not self._has_peers[book]:
            return 0
        found = self._found[book] = self._scan(
            self.records, self.peers[book], book, now_ns, self._max_age_ns, self._max_skew_ns, self._net_bps[book]
        )
        return found

    def crosses(self, book: int) -> Sequence[tuple[int, int, float]]:
        """(buy book, sell book, net bps at the top) of every direction that the last ``scan`` found profitable."""
        if not self._found[book]:
            return ()
        found = []
        for peer, nets in zip(self.peers[book].tolist(), self._net_bps[book].tolist(), strict=True):
            if nets[0] > 0:
                found.append((book, peer, nets[0]))
            if nets[1] > 0:
                found.append((peer, book, nets[1]))
        return found

    def walk(self, buy_book: int, sell_book: int, min_bps: float) -> tuple[int, int, int, int]:
        """(worst buy ticks, worst sell ticks, buy lots, sell lots) shown while each unit still nets ``min_bps``."""
        walk_cross(self.records, buy_book, sell_book, min_bps, self._walked)
        buy_ticks, sell_ticks, buy_lots, sell_lots = self._walked.tolist()
        return buy_ticks, sell_ticks, buy_lots, sell_lots

    def opportunity(self, buy_book: int, sell_book: int, net_bps: float, now_ns: int) -> Opportunity:
        """A cross, sized by the visible depth of both sides."""
        buy_ticks, sell_ticks, buy_lots, sell_lots = self.walk(buy_book, sell_book, 0.0)
        buy, sell = self.instruments[buy_book], self.instruments[sell_book]
        return Opportunity(
            symbol=buy.symbol,
            buy_book=buy_book,
            sell_book=sell_book,
            buy_price_ticks=buy_ticks,
            sell_price_ticks=sell_ticks,
            size=min(buy_lots * buy.lot_units, sell_lots * sell.lot_units) / 10**UNIT_DECIMALS,
            net_bps=net_bps,
            time_ns=now_ns,
        )

    def find_opportunities(self, symbol: str, now_ns: int) -> list[Opportunity]:
        """Both directions between every pair of exchanges, best first; none from an untrusted or old book."""
        rows = [i.book for i in self.instruments if i.symbol == symbol]
        found = {}
        for row in rows:
            if self.scan(row, now_ns):
                for buy_book, sell_book, net_bps in self.crosses(row):
                    found[buy_book, sell_book] = self.opportunity(buy_book, sell_book, net_bps, now_ns)
        return sorted(found.values(), key=lambda opportunity: -opportunity.net_bps)


def _elements(field: npt.NDArray[np.int64]) -> memoryview[int]:
    view: Any = field
    return memoryview(view)


def _write_rules(record: np.void, instrument: Instrument) -> None:
    for step, decimals_field, step_field, size_field in (
        (instrument.tick_size, "price_decimals", "tick_step", "tick_size"),
        (instrument.lot_size, "size_decimals", "lot_step", "lot_size"),
    ):
        decimals = decimals_of(step)
        record[decimals_field] = decimals
        record[step_field] = round(float(step) * 10**decimals)
        record[size_field] = float(step)
    record["lot_size"] *= float(instrument.contract_size)  # signals compare sizes in the base asset
    record["taker_fee"] = instrument.taker_fee_ppm / 1e6
    record["sequence_rule"] = _SEQUENCE_RULES.get(instrument.exchange, SEQUENCE_CHAINED)
