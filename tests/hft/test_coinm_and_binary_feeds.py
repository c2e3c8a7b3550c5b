"""Binance's other two wires through the product's market data: COIN-M futures, and spot's binary streams."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import pytest

from an_instrument import an_instrument
from graphwiz_trader.hft.decoders import Decoder, binance_decoder, binance_sbe_decoder
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from hft.floor import START, Journal

LOT = 1_000


class Feed:
    """One instrument's market data on one line."""

    def __init__(self, instrument: Instrument, decoder: Callable[[Instruments, str], Decoder]) -> None:
        instruments = Instruments([instrument])
        self.books = OrderBookManager(instruments)
        self.asked: list[int] = []
        self.market_data = MarketData(
            self.books, [decoder(instruments, instrument.exchange)], Journal(), request_snapshot=self.asked.append
        )
        self.book = self.books[0]

    def frames(self, *frames: bytes) -> list[int]:
        return [self.market_data.on_frame(0, frame, START) for frame in frames]


# COIN-M: the pu chain of USD-M, with a pair beside the symbol


def _coinm(symbol: str = "BTCUSD_PERP") -> Feed:
    return Feed(
        an_instrument(0, "binancecoinm", "BTC/USD", "0.1", "1", venue_symbol=symbol, inverse=True),
        binance_decoder,
    )


def _coinm_depth(first: int, final: int, previous: int, bids: list[list[str]], symbol: str = "BTCUSD_PERP") -> bytes:
    head = {"e": "depthUpdate", "E": 1591270260907, "T": 1591270260891, "s": symbol, "ps": "BTCUSD"}
    return json.dumps(head | {"U": first, "u": final, "pu": previous, "b": bids, "a": []}).encode()


COINM_SNAPSHOT = b"""{"lastUpdateId":16769853,"symbol":"BTCUSD_PERP","pair":"BTCUSD","E":1591250106370,
    "T":1591250106368,"bids":[["9638.0","431"]],"asks":[["9638.2","12"]]}"""


@pytest.mark.parametrize("symbol", ["BTCUSD_PERP", "BTCUSD_240927"])
def test_a_coinm_book_starts_where_an_update_spans_the_snapshot_and_chains_by_pu(symbol: str) -> None:
    feed = _coinm(symbol)
    feed.frames(_coinm_depth(16769840, 16769860, 16769839, [["9637.9", "5"]], symbol))
    assert feed.asked == [0]
    assert feed.market_data.on_snapshot(0, COINM_SNAPSHOT, START) == 0
    assert feed.book.levels(Side.BUY) == [(96380, 431), (96379, 5)]
    feed.frames(_coinm_depth(16769900, 16769910, 16769860, [["9637.9", "0"]], symbol))
    assert feed.book.is_trusted
    feed.frames(_coinm_depth(16769911, 16769920, 16769909, [], symbol))
    assert not feed.book.is_trusted
    assert feed.market_data.refused == {(0, outcome.GAP): 1}


def test_a_coinm_best_bid_and_offer_is_merged_by_id() -> None:
    feed = _coinm()
    feed.frames(_coinm_depth(16769840, 16769860, 16769839, []))
    feed.market_data.on_snapshot(0, COINM_SNAPSHOT, START)
    ticker = b"""{"u":%d,"e":"bookTicker","s":"BTCUSD_PERP","ps":"BTCUSD","b":"9638.1","B":"337","a":"9638.2","A":"11",
        "T":1591268628155,"E":1591268628166}"""
    feed.frames(ticker % 16769850)
    assert feed.book.best_bid == (96380, 431)
    feed.frames(ticker % 16769861)
    assert feed.book.best_bid == (96381, 337)


def test_coinm_streams_of_other_kinds_pass_by() -> None:
    feed = _coinm()
    feed.frames(
        b'{"e":"aggTrade","E":1591261134288,"a":424951,"s":"BTCUSD_PERP","p":"9643.5","q":"2","f":1,"l":2,"T":1,"m":false}',
        b'{"e":"markPriceUpdate","E":1,"s":"BTCUSD_PERP","p":"11185.87786614","P":"11784.6","r":"0.00030000","T":1}',
    )
    assert feed.market_data.passed_over == {0: 2}
    assert not feed.market_data.refused


# SBE: spot's rules, binary frames, snapshots over REST as JSON


def _binary() -> Feed:
    return Feed(
        an_instrument(0, "binance", "BTC/USDT", "0.1", "0.001"),
        binance_sbe_decoder,
    )


def _message(template: int, root: bytes, groups: bytes = b"") -> bytes:
    return struct.pack("<HHHH", len(root), template, 1, 0) + root + groups + b"\x07BTCUSDT"


def _group(*levels: tuple[int, int]) -> bytes:
    return struct.pack("<HH", 16, len(levels)) + b"".join(struct.pack("<qq", *level) for level in levels)


def _diff(first: int, final: int, *bids: tuple[int, int]) -> bytes:
    return _message(10003, struct.pack("<qqqbb", 5_000, first, final, -1, -3), _group(*bids) + _group())


def _top20(update: int, bid: int, ask: int) -> bytes:
    root = struct.pack("<qqbb", 5_000, update, -1, -3)
    return _message(10002, root, _group((bid, LOT)) + _group((ask, LOT)))


def _best(update: int, bid: int, ask: int) -> bytes:
    return _message(10001, struct.pack("<qqbbqqqq", 5_000, update, -1, -3, bid, LOT, ask, LOT))


REST = b'{"lastUpdateId":100,"bids":[["99.9","1"]],"asks":[["100.1","1"]]}'


def test_binary_diffs_continue_a_rest_snapshot_by_spots_rule() -> None:
    feed = _binary()
    feed.frames(_diff(95, 100, (998, 7)), _diff(101, 103, (998, 2 * LOT)))
    assert feed.asked == [0]
    assert feed.market_data.on_snapshot(0, REST, START) == 0
    assert feed.book.levels(Side.BUY) == [(999, LOT), (998, 2 * LOT)]
    feed.frames(_diff(105, 106))
    assert feed.market_data.refused == {(0, outcome.GAP): 1}


def test_the_binary_top_is_the_newest_by_id() -> None:
    feed = _binary()
    feed.frames(_diff(101, 103))
    feed.market_data.on_snapshot(0, REST, START)
    assert feed.frames(_best(103, 998, 1000), _best(104, 999, 1000)) == [-1, 0]
    assert feed.book.best_ask == (1000, LOT)


def test_twenty_binary_levels_stand_in_until_the_whole_book_is_there() -> None:
    feed = _binary()
    assert feed.frames(_top20(50, 998, 1002)) == [0]
    assert feed.book.is_trusted
    assert feed.frames(_diff(101, 103, (997, 5))) == [-1]
    assert feed.asked == [0]
    assert feed.market_data.on_snapshot(0, REST, START) >= -1
    feed.frames(_diff(104, 104), _top20(105, 998, 1002))
    assert feed.book.is_trusted
    assert feed.book.levels(Side.BUY) == [(999, LOT), (997, 5)]


def test_a_binary_trade_is_the_last_of_its_message() -> None:
    feed = _binary()
    each = b"".join(struct.pack("<qqqB", *trade) for trade in ((7, 1000, 5, 1), (8, 1001, 6, 0)))
    frame = _message(10000, struct.pack("<qqbb", 5_000, 5_000, -1, -3), struct.pack("<HI", 25, 2) + each)
    feed.frames(frame)
    row = feed.books.records[0]
    assert (row["trade_id"], row["trade_ticks"], row["trade_lots"], row["trade_is_sell"]) == (8, 1001, 6, 0)


def test_unknown_templates_are_counted_and_touch_nothing() -> None:
    feed = _binary()
    feed.frames(_message(10099, bytes(40)), b'{"result":null,"id":"1"}')
    assert feed.market_data.passed_over == {0: 2}
    assert not feed.market_data.refused
