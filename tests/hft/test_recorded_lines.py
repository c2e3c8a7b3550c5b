"""Recorded markets over two lines that each lose frames, never the same: the books are the whole recording's."""

from __future__ import annotations

from random import Random

import pytest

import recordings
from graphwiz_trader.hft.decoders import binance_decoder, okx_decoder
from graphwiz_trader.hft.events import Side, Trust
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from hft.floor import MS, Journal
from hft.test_recorded_books import Product, _events

pytestmark = pytest.mark.recorded

EVENTS = 12_000
LOST_OF_100 = 20
DELAY_MS = 60


class TwoLines:
    """The product's market data on one exchange that is heard twice."""

    def __init__(self, instruments: Instruments, exchange: str) -> None:
        self.books = OrderBookManager(instruments)
        self.journal = Journal()
        decoder = okx_decoder if exchange == "okx" else binance_decoder
        decoders = [decoder(instruments, exchange) for _ in range(2)]
        self.market_data = MarketData(self.books, decoders, self.journal, request_snapshot=lambda _: None)
        for line in range(2):
            self.market_data.on_line(line, up=True, now_ns=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("recorded", [recordings.SPOT_ETH, recordings.USDM_ETH], ids=lambda symbol: symbol.exchange)
def test_what_each_line_loses_the_other_has_and_the_book_never_loses_its_trust(
    recorded: recordings.Symbol, seed: int
) -> None:
    random, whole = Random(seed), Product([recorded])
    two = TwoLines(whole.instruments, recorded.exchange)
    heard: list[tuple[int, int, bytes]] = []
    at_ns = [0, 0]
    events = _events([recorded], EVENTS)
    for event in events:
        whole.feed(event)
        if event.is_snapshot:
            heard.append((event.time_ns + 2 * DELAY_MS * MS, -1, event.payload))
            continue
        lost_on = random.randrange(2) if random.randrange(100) < LOST_OF_100 else -1
        for line in range(2):
            at_ns[line] = max(at_ns[line], event.time_ns + random.randrange(DELAY_MS * MS))
            if line != lost_on:
                heard.append((at_ns[line], line, event.payload))
    for time_ns, line, frame in sorted(heard, key=lambda each: each[0]):
        if line < 0:
            two.market_data.on_snapshot(0, frame, time_ns)
        else:
            two.market_data.on_frame(line, frame, time_ns)
    assert [trust for trust, _ in two.journal.trust_of(0)] == [Trust.LIVE]
    assert not two.market_data.refused
    one, other = whole.books[0], two.books[0]
    assert other.last_update_id == one.last_update_id
    for side in Side:
        assert other.levels(side) == one.levels(side)
    assert (other.best_bid, other.best_ask) == (one.best_bid, one.best_ask)
