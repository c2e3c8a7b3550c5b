"""Recordings of markets that nobody kept: any Binance rule, tick, size and form of number, made from a seed.

A venue's book is played in whole ticks and lots; what it says of itself is written as a recorder or another project
would have written it. The frames alone are the truth: what a book must be at the end is for an oracle to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote
from zlib import crc32

START_NS = 1_723_075_200_000_000_000

Form = Callable[[Decimal], str]


def fixed(decimals: int) -> Form:
    """Always so many decimals, as Binance's spot."""
    return lambda value: f"{value:.{decimals}f}"


def shortest(value: Decimal) -> str:
    """No zeros at the end, as its futures."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def uneven(value: Decimal) -> str:
    """As many zeros at the end as it happens, and none that Decimal or a venue would call wrong."""
    text = shortest(value)
    zeros = crc32(text.encode()) % 4
    return text if not zeros else f"{text}{'' if '.' in text else '.'}{'0' * zeros}"


class Symbol(NamedTuple):
    """``later_tick``: its tick in the second half of the recording. ``jump``: what its price is multiplied by there."""

    name: str
    tick: str
    lot: str
    middle: str
    largest: int
    """Lots on a level."""
    form: tuple[Form, Form] = (shortest, shortest)
    """Of prices and of sizes."""
    levels: int = 200
    later_tick: str = ""
    jump: str = "1"


class Market(NamedTuple):
    """``is_combined``: frames in a stream's envelope. ``at``: when snapshots come, in hundredths of the recording.

    ``is_named``: a snapshot says whose it is. ``limit``: its levels a side. ``far_of_100``: how many changes are far
    from the top, up to ``reach`` ticks. ``is_crowded``: streams beside, that say nothing of the books.
    """

    name: str
    exchange: str
    symbols: tuple[Symbol, ...]
    is_combined: bool = True
    is_named: bool = True
    at: tuple[int, ...] = (2,)
    limit: int = 1_000
    far_of_100: int = 10
    reach: int = 20_000
    updates: int = 500
    is_crowded: bool = False


Side = dict[int, int]
"""Ticks → lots, in the symbol's finest tick."""


class _Book:
    """One symbol's, as the venue keeps it."""

    def __init__(self, exchange: str, symbol: Symbol, random: Random) -> None:
        self._exchange = exchange
        self.symbol = symbol
        self._random = random
        ticks = [Decimal(text) for text in (symbol.tick, symbol.later_tick) if text]
        self._tick = min(ticks)
        self._steps = [int(tick / self._tick) for tick in ticks]
        self.last = random.randrange(1, 10**12)
        self._middle = int(Decimal(symbol.middle) / self._tick)
        self.bids: Side = {}
        self.asks: Side = {}
        self._is_late = False
        for number in range(symbol.levels):
            for side, sign in ((self.bids, -1), (self.asks, 1)):
                self._set(side, self._price(sign, number), [])

    def _price(self, sign: int, distance: int) -> int:
        """A tick that the venue allows now, so far from the middle: never 0, never beyond it."""
        step = self._steps[-1 if self._is_late else 0]
        ticks = self._middle // step * step
        return max(step, ticks + sign * (distance + 1) * step)

    def _set(self, side: Side, ticks: int, changed: list[list[str]]) -> None:
        lots = self._random.randint(1, self.symbol.largest) if self._random.random() < 0.7 else 1
        side[ticks] = lots
        changed.append(self._written(ticks, lots))

    def change_rules(self) -> None:
        """The second half begins."""
        self._is_late = True
        self._middle = int(self._middle * Decimal(self.symbol.jump))

    def update(self, far_of_100: int, reach: int) -> dict[str, Any]:
        """Some levels change. What a new one would cross goes in the same message."""
        random = self._random
        changed: tuple[list[list[str]], list[list[str]]] = ([], [])
        self._middle = max(3 * self._steps[0], self._middle + random.choice((-2, -1, 0, 0, 1, 2)) * self._steps[-1])
        for _ in range(random.choice((0, 1, 1, 2, 5, 20))):
            way = random.randrange(2)
            side, other, sign = ((self.bids, self.asks, -1), (self.asks, self.bids, 1))[way]
            is_far = random.randrange(100) < far_of_100
            ticks = self._price(sign, random.randrange(reach if is_far else self.symbol.levels))
            if random.random() < 0.35:
                gone = random.choice(list(side)) if side and random.random() < 0.9 else ticks
                if side.pop(gone, 0) or random.random() < 0.5:
                    changed[way].append(self._written(gone, 0))
                continue
            for crossed in [each for each in other if (each - ticks) * sign >= 0]:
                del other[crossed]
                changed[1 - way].append(self._written(crossed, 0))
            self._set(side, ticks, changed[way])
        first, previous = self.last + 1, self.last
        self.last += random.randint(1, 40)
        event: dict[str, Any] = {"e": "depthUpdate", "E": 1, "s": self.symbol.name, "U": first, "u": self.last}
        if self._exchange == "binance":
            return event | {"b": changed[0], "a": changed[1]}
        about = {"T": 1, "pu": previous} | ({"ps": "X"} if self._exchange == "binancecoinm" else {})
        return event | about | {"b": changed[0], "a": changed[1]}

    def snapshot(self, limit: int) -> dict[str, Any]:
        bids = [self._written(ticks, self.bids[ticks]) for ticks in sorted(self.bids, reverse=True)[:limit]]
        asks = [self._written(ticks, self.asks[ticks]) for ticks in sorted(self.asks)[:limit]]
        about: dict[str, Any] = {"lastUpdateId": self.last}
        if self._exchange == "binancecoinm":
            about |= {"E": 1, "T": 1, "symbol": self.symbol.name, "pair": "X"}
        return about | {"bids": bids, "asks": asks}

    def _written(self, ticks: int, lots: int) -> list[str]:
        price, size = self.symbol.form
        return [price(ticks * self._tick), size(lots * Decimal(self.symbol.lot))]


def lines(market: Market, seed: int) -> Iterator[bytes]:
    """A recording of all the market's symbols, line by line."""
    random = Random(seed)
    books = [_Book(market.exchange, symbol, random) for symbol in market.symbols]
    due = {market.updates * at // 100 for at in market.at}
    now_ns = START_NS
    for number in range(market.updates):
        now_ns += random.randrange(50_000_000)
        for book in books:
            if number == market.updates // 2:
                book.change_rules()
            if number in due:
                yield _answer(market, book, now_ns)
            event = book.update(market.far_of_100, market.reach)
            if market.is_crowded:
                yield from (b"%d %b\n" % (now_ns, json.dumps(body).encode()) for body in _beside(market, book, event))
            yield _frame(market, book, event, now_ns + 1)


def _beside(market: Market, book: _Book, event: dict[str, Any]) -> Iterator[Any]:
    """What other streams say at the time of an update: the futures' partial depth looks like one, down to its ids."""
    name, about = book.symbol.name.lower(), {"E": 1, "s": book.symbol.name}
    yield {"result": None, "id": event["u"]}
    kline = {"e": "kline", **about, "k": {"s": book.symbol.name, "o": "1.0"}}
    tickers = [{"e": "24hrMiniTicker", **about, "c": "1.0"}]
    if not market.is_combined:
        yield from (kline, tickers)
        return
    top = book.snapshot(5)
    for stream in ("depth5@100ms", "rpiDepth@500ms"):
        yield {"stream": f"{name}@{stream}", "data": event | {"b": top["bids"], "a": top["asks"]}}
    yield {"data": kline, "stream": f"{name}@kline_1m"}
    yield {"stream": "!miniTicker@arr", "data": tickers}


def write(path: Path, market: Market, seed: int, *, until: int | None = None) -> Path:
    """The recording, or its first lines."""
    path.write_bytes(b"".join(islice(lines(market, seed), until)))
    return path


def _frame(market: Market, book: _Book, event: dict[str, Any], now_ns: int) -> bytes:
    body = {"stream": f"{book.symbol.name.lower()}@depth", "data": event} if market.is_combined else event
    return b"%d %b\n" % (now_ns, json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def _answer(market: Market, book: _Book, now_ns: int) -> bytes:
    body = json.dumps(book.snapshot(market.limit)).encode()
    if market.exchange == "binancecoinm" or not market.is_named:
        return b"%d %b\n" % (now_ns, body)
    url = f"https://venue/depth?symbol={quote(book.symbol.name)}&limit={market.limit}"
    return b"%b -> %d.%09d: %b\n" % (url.encode(), *divmod(now_ns, 10**9), body)


SHIB = Symbol("SHIBUSDT", "0.00000001", "1", "0.00001234", 10**10, (fixed(8), fixed(2)))
PEPE = Symbol("1000PEPEUSDT", "0.0000001", "1", "0.0123456", 10**10)
TINY = Symbol("PEPEFDUSD", "0.00000001", "1", "0.00000060", 10**10, (fixed(8), fixed(8)), levels=40)
HIGH = Symbol("BTCUSDT", "0.01", "0.00001", "104321.07", 10**7, (fixed(8), fixed(8)), levels=1_500)
RUPIAH = Symbol("BTCIDRT", "1", "0.00000001", "1650000000", 10**12, (fixed(2), fixed(8)))
DEEP = Symbol("ETHUSDT", "0.01", "0.0001", "3456.78", 10**8, (fixed(8), fixed(8)), levels=6_000)
COARSER = Symbol("SOLUSDT", "0.001", "0.01", "151.234", 10**6, later_tick="0.01")
FINER = Symbol("XRPUSDT", "0.001", "1", "2.345", 10**7, (uneven, uneven), later_tick="0.00001")
CHINESE = Symbol("\u5e01\u5b89\u4eba\u751fUSDT", "0.0001", "0.1", "0.2345", 10**8, (fixed(8), fixed(8)))
CRASHED = Symbol("LUNAUSDT", "0.00001", "0.01", "61.23456", 10**9, (fixed(8), shortest), jump="0.0001")
SOARED = Symbol("BTCUSD", "0.01", "0.00001", "61000.00", 10**7, (shortest, fixed(8)), jump="1.9")
UNEVEN = Symbol("LTCBTC", "0.000001", "0.001", "0.012345", 10**8, (uneven, uneven))
PERPETUAL = Symbol("BTCUSD_PERP", "0.1", "1", "64321.5", 10**6)
DATED = Symbol("ETHUSD_240927", "0.01", "1", "2543.21", 10**6, (uneven, shortest))
MARGINED = Symbol("BTCUSDC", "0.1", "0.001", "104321.5", 10**7, levels=1_000)

MARKETS = (
    Market("spot-shib", "binance", (SHIB,)),
    Market("spot-tiny-prices", "binance", (TINY,), is_combined=False, far_of_100=0),
    Market("spot-high-price", "binance", (HIGH,), limit=5_000, far_of_100=30, reach=9_000_000),
    Market("spot-rupiah", "binance", (RUPIAH,), is_combined=False),
    Market("spot-deep", "binance", (DEEP,), limit=5_000, at=(1, 50)),
    Market("spot-coarser-tick", "binance", (COARSER,), at=(5, 60)),
    Market("spot-finer-tick", "binance", (FINER,)),
    Market("spot-chinese", "binance", (CHINESE, UNEVEN)),
    Market("spot-unnamed-snapshot", "binance", (CHINESE,), is_named=False, at=(3, 40)),
    Market("usdm-unnamed-snapshot", "binanceusdm", (PEPE,), is_named=False, at=(3, 40)),
    Market("spot-crash", "binance", (CRASHED, SOARED)),
    Market("spot-uneven", "binance", (UNEVEN,), at=(0,)),
    Market("spot-several", "binance", (SHIB, HIGH, UNEVEN, FINER), at=(3, 70)),
    Market("spot-no-snapshot", "binance", (UNEVEN,), at=()),
    Market("spot-snapshot-late", "binance", (SHIB, COARSER), at=(50,), is_combined=False),
    Market("usdm-thousands", "binanceusdm", (PEPE,)),
    Market("usdm-several", "binanceusdm", (PEPE, MARGINED, COARSER), at=(2, 40, 41), is_combined=False),
    Market("usdm-snapshot-late", "binanceusdm", (MARGINED,), at=(60,), limit=1_000, far_of_100=40),
    Market("spot-crowded", "binance", (SHIB, UNEVEN), is_crowded=True),
    Market("spot-crowded-raw", "binance", (SHIB, UNEVEN), is_crowded=True, is_combined=False),
    Market("usdm-crowded", "binanceusdm", (PEPE, MARGINED), is_crowded=True),
    Market("coinm-crowded", "binancecoinm", (PERPETUAL,), is_crowded=True),
    Market("coinm-perpetual", "binancecoinm", (PERPETUAL,)),
    Market("coinm-several", "binancecoinm", (PERPETUAL, DATED), at=(30, 31), is_combined=False),
    Market("coinm-no-snapshot", "binancecoinm", (DATED,), at=()),
)
