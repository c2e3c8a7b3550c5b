"""The ticker of one instrument: its last trade, its best prices, and the last day's prices and volume.

Source: OKX API v5 docs, "Tickers channel": told every 100 ms at the most, when something has changed.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.candles import DAY_MS, Bar, Candle, Candles
from graphwiz_trader.venues.simulated.okx.candles import BARS
from graphwiz_trader.venues.simulated.okx.numbers import amount
from graphwiz_trader.venues.simulated.okx.products import Product


class Ticker(msgspec.Struct, rename="camel"):
    inst_type: str
    inst_id: str
    last: str
    last_sz: str
    ask_px: str
    ask_sz: str
    bid_px: str
    bid_sz: str
    open24h: str
    high24h: str
    low24h: str
    vol_ccy24h: str = msgspec.field(name="volCcy24h")
    vol24h: str
    sod_utc0: str = msgspec.field(name="sodUtc0")
    sod_utc8: str = msgspec.field(name="sodUtc8")
    ts: str


class TickerChannel:
    """``tickers`` of one instrument."""

    interval_ms = 100

    def __init__(self, product: Product, candles: Candles) -> None:
        self._product = product
        self._candles = candles
        self._opened: dict[Bar, tuple[int, int]] = {}
        self._told = b""

    def first(self, now_ms: int) -> bytes:
        return self._frame(self.ticker(now_ms))

    def collected(self, now_ms: int) -> bytes | None:
        ticker = self.ticker(now_ms)
        what = msgspec.json.encode(msgspec.structs.replace(ticker, ts=""))
        if what == self._told:
            return None
        self._told = what
        return self._frame(ticker)

    def ticker(self, now_ms: int) -> Ticker:
        numbers, matcher = self._product.numbers, self._product.book.matcher
        bid, ask = (next(iter(matcher.levels(side, 1)), None) for side in (Side.BUY, Side.SELL))
        last, window = self._candles.last, self._candles.window(DAY_MS, now_ms)
        day = window.candle if window is not None else None
        price = numbers.price
        return Ticker(
            inst_type=self._product.inst_type,
            inst_id=self._product.inst_id,
            last=price(last.price_ticks) if last is not None else "",
            last_sz=numbers.size(last.size_lots) if last is not None else "0",
            ask_px=price(ask[0]) if ask else "",
            ask_sz=numbers.size(ask[1]) if ask else "0",
            bid_px=price(bid[0]) if bid else "",
            bid_sz=numbers.size(bid[1]) if bid else "0",
            open24h=price(day.open) if day is not None else "",
            high24h=price(day.high) if day is not None else "",
            low24h=price(day.low) if day is not None else "",
            vol_ccy24h=amount(self._currency_units(day)) if day is not None else "0",
            vol24h=numbers.size(day.lots) if day is not None else "0",
            sod_utc0=self._day_open(BARS["1Dutc"], now_ms),
            sod_utc8=self._day_open(BARS["1D"], now_ms),
            ts=str(now_ms),
        )

    def _day_open(self, bar: Bar, now_ms: int) -> str:
        """The day's first price, which stays what it is once the day has one."""
        begin_ms, price_ticks = self._opened.get(bar, (0, 0))
        if begin_ms != bar.begin_ms(now_ms):
            today = self._candles.newest(bar, now_ms)
            if today is None:
                return ""
            price_ticks = today.open
            if today.count:
                self._opened[bar] = (today.begin_ms, price_ticks)
        return self._product.numbers.price(price_ticks)

    def _currency_units(self, day: Candle) -> int:
        """Volume in currency: of a spot pair in its quote, of a derivative in its base."""
        listing = self._product.listing
        return day.lots * listing.instrument.lot_units if listing.linear else day.units

    def _frame(self, ticker: Ticker) -> bytes:
        data = msgspec.json.encode(ticker)
        return b'{"arg":{"channel":"tickers","instId":"%b"},"data":[%b]}' % (self._product.inst_id.encode(), data)
