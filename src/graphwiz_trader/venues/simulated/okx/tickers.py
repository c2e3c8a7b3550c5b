"""The ticker of one instrument: its last trade, its best prices, and the last day's prices and volume.

Source: OKX API v5 docs, "Tickers channel": told every 100 ms at the most, when something has changed.
"""

from __future__ import annotations

from collections import deque

import msgspec

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.okx.numbers import amount
from graphwiz_trader.venues.simulated.okx.products import Product
from graphwiz_trader.venues.simulated.orders import PublicTrade

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_EIGHT_HOURS_MS = 8 * _HOUR_MS


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


class _Hour:
    """What was traded within one hour."""

    def __init__(self, number: int, price_ticks: int) -> None:
        self.number = number
        self.open_ticks = self.high_ticks = self.low_ticks = price_ticks
        self.lots = 0
        self.currency_units = 0


class TickerChannel:
    """``tickers`` of one instrument; the day is the last 24 hours, hour by hour."""

    interval_ms = 100

    def __init__(self, product: Product) -> None:
        self._product = product
        self._hours: deque[_Hour] = deque(maxlen=24)
        self._last = (0, 0)
        self._sod: dict[int, tuple[int, int]] = {}
        self._told = b""

    def traded(self, trade: PublicTrade) -> None:
        hour = trade.time_ms // _HOUR_MS
        if not self._hours or self._hours[-1].number != hour:
            self._hours.append(_Hour(hour, trade.price_ticks))
        now = self._hours[-1]
        now.high_ticks, now.low_ticks = max(now.high_ticks, trade.price_ticks), min(now.low_ticks, trade.price_ticks)
        now.lots += trade.size_lots
        now.currency_units += self._currency_units(trade)
        self._last = (trade.price_ticks, trade.size_lots)
        for offset_ms in (0, _EIGHT_HOURS_MS):
            day = (trade.time_ms + offset_ms) // DAY_MS
            if self._sod.get(offset_ms, (-1, 0))[0] != day:
                self._sod[offset_ms] = (day, trade.price_ticks)

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
        day = [hour for hour in self._hours if hour.number > now_ms // _HOUR_MS - 24]
        price = numbers.price
        return Ticker(
            inst_type=self._product.inst_type,
            inst_id=self._product.inst_id,
            last=price(self._last[0]) if self._last[0] else "",
            last_sz=numbers.size(self._last[1]) if self._last[0] else "0",
            ask_px=price(ask[0]) if ask else "",
            ask_sz=numbers.size(ask[1]) if ask else "0",
            bid_px=price(bid[0]) if bid else "",
            bid_sz=numbers.size(bid[1]) if bid else "0",
            open24h=price(day[0].open_ticks) if day else "",
            high24h=price(max(hour.high_ticks for hour in day)) if day else "",
            low24h=price(min(hour.low_ticks for hour in day)) if day else "",
            vol_ccy24h=amount(sum(hour.currency_units for hour in day)),
            vol24h=numbers.size(sum(hour.lots for hour in day)),
            sod_utc0=price(self._sod[0][1]) if self._sod else "",
            sod_utc8=price(self._sod[_EIGHT_HOURS_MS][1]) if self._sod else "",
            ts=str(now_ms),
        )

    def _currency_units(self, trade: PublicTrade) -> int:
        """Volume in currency: of a spot pair in its quote, of a derivative in its base."""
        listing = self._product.listing
        if listing.linear:
            return trade.size_lots * listing.instrument.lot_units
        return listing.notional_units(trade.price_ticks, trade.size_lots)

    def _frame(self, ticker: Ticker) -> bytes:
        data = msgspec.json.encode(ticker)
        return b'{"arg":{"channel":"tickers","instId":"%b"},"data":[%b]}' % (self._product.inst_id.encode(), data)
