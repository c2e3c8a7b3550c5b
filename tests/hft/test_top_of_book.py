"""The top of book is the newest that the venue has said, by its own ids, in whatever order that arrives."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from hft.floor import MS, START, Journal
from hft.wires import WIRES, Market, best_of


@pytest.mark.parametrize("name", WIRES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_the_top_is_the_venues_at_the_newest_id_that_was_heard(name: str, seed: int) -> None:
    """Depth updates keep their order; each best bid and offer comes early, late, twice or not at all."""
    wire, random = WIRES[name], Random(seed)
    market, instruments = Market(random), wire.instruments()
    books = OrderBookManager(instruments)
    decoder = wire.decoder(instruments, wire.exchange)
    market_data = MarketData(books, [decoder], Journal(), request_snapshot=lambda _: None)
    if not wire.streams_snapshots:
        market.change()  # REST's answer stands within the first update
    body = wire.snapshot(market.id, market.sides, 0)
    if wire.streams_snapshots:
        market_data.on_frame(0, body, START)
    else:
        market_data.on_snapshot(0, body, START)
    messages: list[tuple[float, int, bytes]] = []
    for time_ms in range(1, 40):
        for _ in range(random.randrange(1, 4)):
            market.change()
            for _ in range(random.choice((0, 1, 1, 2))):
                place = time_ms + random.uniform(-3, 3)
                messages.append((place, market.id, wire.best(market.id, market.sides, time_ms)))
        messages.append((time_ms, market.id, wire.update(market.update(time_ms))))
    newest = market_id = -1
    for place, market_id, frame in sorted(messages, key=lambda message: message[0]):
        market_data.on_frame(0, frame, START + int(place * MS))
        newest = max(newest, market_id)
        book = books[0]
        if book.is_trusted:
            (bid,), (ask,) = best_of(market.books[newest])
            assert (book.best_bid, book.best_ask) == (bid, ask)
    assert books[0].is_trusted


@pytest.mark.parametrize("name", WIRES)
def test_trades_are_the_newest_by_id_and_come_once(name: str) -> None:
    wire = WIRES[name]
    instruments = wire.instruments()
    books = OrderBookManager(instruments)
    decoder = wire.decoder(instruments, wire.exchange)
    codes = [
        decoder.on_frame(wire.trades([trade], trade), decoder.feed, books.records, START + trade) & 0xFF
        for trade in (7, 8, 7, 8, 9)
    ]
    assert codes == [2, 2, 0, 0, 2]
    assert books[0].last_trade.trade_id == 9
    assert books[0].last_trade.received_ns == START + 9
