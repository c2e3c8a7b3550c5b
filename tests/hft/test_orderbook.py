"""Books as people and strategies see them, and crosses between them, against naive twins in Fractions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Opportunity, Side
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.orderbook import OrderBookManager
from hft.floor import MS, PERP, SPOT, START, Floor, instrument, snapshot, spot_depth, ticker, usdm_depth

SYMBOL = "BTC/USDT"


# One book


def test_an_empty_book_has_neither_prices_nor_figures() -> None:
    book = Floor().book(SPOT)
    assert (book.best_bid, book.best_ask, book.mid_price, book.spread, book.spread_bps) == (None,) * 5
    assert (book.imbalance, book.mid2_ticks, book.levels(Side.BUY)) == (None, 0, [])
    assert book.depth(5) == {"bids": [], "asks": []}


def test_prices_and_spread_of_a_book() -> None:
    floor = Floor()
    floor.make_live(SPOT, bids=[("99.9", "1.5"), ("99.8", "2")], asks=[("100.1", "0.25")])
    book = floor.book(SPOT)
    assert (book.best_bid, book.best_ask) == ((999, 1500), (1001, 250))
    assert book.mid2_ticks == floor.books.mid2_ticks(SPOT) == 2000
    assert book.mid_price == pytest.approx(100.0)
    assert book.spread == pytest.approx(0.2)
    assert book.spread_bps == pytest.approx(20.0)
    assert book.depth(1) == {"bids": [("99.9", "1.500")], "asks": [("100.1", "0.250")]}


def test_a_side_that_empties_takes_the_mid_with_it() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.frames(SPOT, spot_depth(102, 102, asks=[("100.1", "0")]))
    book = floor.book(SPOT)
    assert (book.best_bid, book.best_ask) == ((999, 1000), None)
    assert (book.mid_price, book.spread_bps, floor.books.mid2_ticks(SPOT)) == (None, None, 0)
    assert book.imbalance == 1.0


@given(
    st.lists(st.integers(1, 9_999), min_size=1, max_size=15), st.lists(st.integers(1, 9_999), min_size=1, max_size=15)
)
def test_the_imbalance_is_that_of_the_ten_best_levels_a_side(bids: list[int], asks: list[int]) -> None:
    floor = Floor()
    floor.make_live(
        SPOT,
        bids=[(f"{99 - i}.0", f"{lots / 1000:.3f}") for i, lots in enumerate(bids)],
        asks=[(f"{101 + i}.0", f"{lots / 1000:.3f}") for i, lots in enumerate(asks)],
    )
    bought, sold = sum(bids[:10]), sum(asks[:10])
    assert floor.book(SPOT).imbalance == (bought - sold) / (bought + sold)


def test_the_history_keeps_the_last_thousand_different_mids_with_their_times() -> None:
    floor = Floor()
    floor.make_live(SPOT, bids=[("1.0", "1")], asks=[("500.0", "1")])
    expected = [(START, 250.5)]
    for i in range(1, 1_500):
        now = START + i * MS
        prices = [(f"{1 + i // 10}.{i % 10}", "1")]
        floor.frames(SPOT, spot_depth(100 + 2 * i, 101 + 2 * i, bids=prices), now=now)
        floor.frames(SPOT, spot_depth(102 + 2 * i, 102 + 2 * i, bids=[(prices[0][0], "2")]), now=now + 1)
        expected.append((now, (1 + i / 10 + 500) / 2))
    history = floor.books.price_history("binance", SYMBOL)
    assert [time_ns for time_ns, _ in history] == [time_ns for time_ns, _ in expected[-1_000:]]
    assert [price for _, price in history] == pytest.approx([price for _, price in expected[-1_000:]])


def test_an_unknown_book_is_named_with_those_that_are_known() -> None:
    with pytest.raises(KeyError, match="no instrument DOGE/USDT on binance; known: binance BTC/USDT, binanceusdm"):
        Floor().books.get("binance", "DOGE/USDT")


# Best bid and offer beside the ladder


@given(st.permutations([103, 104, 105, 106]), st.data())
def test_the_top_is_of_the_newest_id_whether_ladder_or_ticker_and_never_of_the_newest_arrival(
    tickers: Sequence[int], data: st.DataObject
) -> None:
    """Each message of id n sets the bid's size to n lots, so that the top tells whose it is."""
    floor = Floor()
    floor.make_live(PERP, last=101)
    waiting = list(tickers)
    newest_ticker = 0
    for final in (103, 104, 105, 106):
        for _ in range(data.draw(st.integers(0, len(waiting)))):
            newest_ticker = max(newest_ticker, waiting[0])
            floor.frames(PERP, ticker(waiting[0], ("99.9", f"0.{waiting.pop(0)}"), ("100.1", "1"), e="bookTicker"))
        floor.frames(PERP, usdm_depth(final, final, final - 1, bids=[("99.9", f"0.{final}")]))
        assert floor.book(PERP).best_bid == (999, max(newest_ticker, final))


def test_a_ticker_changes_the_top_alone_and_not_the_levels() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    assert floor.frames(SPOT, ticker(105, ("99.9", "1"), ("100.0", "4"))) == [SPOT]
    assert floor.book(SPOT).best_ask == (1000, 4000)
    assert floor.book(SPOT).levels(Side.SELL) == [(1001, 1000)]


# Crosses

FEES = st.integers(0, 2_000)
VENUES = ("binance", "binanceusdm", "third", "fourth")


class Shown:
    """What one venue shows, in exact numbers. Levels from the best outward: (price in ticks, lots)."""

    def __init__(self, venue: Instrument, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        self.instrument = venue
        self.bids = [(p * Fraction(venue.tick_size), s * Fraction(venue.lot_size)) for p, s in bids]
        self.asks = [(p * Fraction(venue.tick_size), s * Fraction(venue.lot_size)) for p, s in asks]
        self.fee = Fraction(venue.taker_fee_ppm, 1_000_000)


def _naive(buy: Shown, sell: Shown) -> tuple[Fraction, Fraction]:
    """(net bps at the top, size): units are matched one with another while each brings more than it costs."""
    size = Fraction(0)
    asks, bids = [list(level) for level in buy.asks], [list(level) for level in sell.bids]
    top = sell.bids[0][0] * (1 - sell.fee) / (buy.asks[0][0] * (1 + buy.fee)) - 1
    while asks and bids and bids[0][0] * (1 - sell.fee) >= asks[0][0] * (1 + buy.fee):
        taken = min(asks[0][1], bids[0][1])
        size += taken
        for side in (asks, bids):
            side[0][1] -= taken
            if not side[0][1]:
                side.pop(0)
    return top * 10_000, size


@st.composite
def _venues(draw: st.DrawFn) -> list[Shown]:
    shown = []
    for book, exchange in enumerate(VENUES[: draw(st.integers(2, 4))]):
        tick, lot = draw(st.sampled_from([("0.1", "0.001"), ("0.01", "0.00001"), ("0.05", "0.1")]))
        venue = instrument(book, exchange, tick_size=tick, lot_size=lot, taker_fee_ppm=draw(FEES))
        coarse = round(Fraction(1, 10) / Fraction(tick))
        middle = draw(st.integers(980, 1_020)) * coarse
        sizes = st.lists(st.integers(1, 50), min_size=1, max_size=6)
        gaps = draw(st.integers(1, 3))
        bids = [(middle - coarse - i * gaps, lots) for i, lots in enumerate(draw(sizes))]
        asks = [(middle + coarse + i * gaps, lots) for i, lots in enumerate(draw(sizes))]
        shown.append(Shown(venue, bids, asks))
    return shown


def _continuing(exchange: str) -> bytes:
    """An update without levels that continues a snapshot of id 100 by the exchange's rule."""
    if exchange == "binance":
        return spot_depth(101, 101)
    return usdm_depth(100, 101, 99) if exchange == "binanceusdm" else usdm_depth(101, 101, 100)


def _floor(shown: list[Shown], now: int = START) -> Floor:
    floor = Floor(Instruments([venue.instrument for venue in shown]))
    for book, venue in enumerate(shown):
        text = venue.instrument
        bids, asks = (
            [(text.price_text(round(p / Fraction(text.tick_size))), text.size_text(round(s / Fraction(text.lot_size))))
             for p, s in side]
            for side in (venue.bids, venue.asks)
        )  # fmt: skip
        floor.snapshot(book, snapshot(100, bids, asks), now)
        floor.frames(book, _continuing(text.exchange), now=now)
    return floor


@given(_venues())
def test_opportunities_are_all_pairs_in_both_directions_net_of_both_fees_and_sized_by_both_depths(
    shown: list[Shown],
) -> None:
    found = {(o.buy_book, o.sell_book): o for o in _floor(shown).books.find_opportunities(SYMBOL, START)}
    for buy, sell in itertools.permutations(range(len(shown)), 2):
        net_bps, size = _naive(shown[buy], shown[sell])
        if net_bps > Fraction(1, 10**6):
            opportunity = found.pop((buy, sell))
            assert opportunity.net_bps == pytest.approx(float(net_bps), rel=1e-6, abs=1e-8)
            assert opportunity.size == pytest.approx(float(size))
            _assert_worst_prices_pay(opportunity, shown[buy], shown[sell])
    assert all(0 < o.net_bps < 1e-6 for o in found.values())


def _assert_worst_prices_pay(opportunity: Opportunity, buy: Shown, sell: Shown) -> None:
    """The limit prices are those of levels that are needed, so all that is bought within them pays."""
    bought = opportunity.buy_price_ticks * Fraction(buy.instrument.tick_size)
    sold = opportunity.sell_price_ticks * Fraction(sell.instrument.tick_size)
    assert sum(size for price, size in buy.asks if price <= bought) >= Fraction(opportunity.size) * (
        1 - Fraction(1, 10**9)
    )
    assert sum(size for price, size in sell.bids if price >= sold) >= Fraction(opportunity.size) * (
        1 - Fraction(1, 10**9)
    )
    assert bought >= buy.asks[0][0]
    assert sold <= sell.bids[0][0]


def test_the_best_opportunity_comes_first() -> None:
    instruments = Instruments([instrument(i, name, taker_fee_ppm=0) for i, name in enumerate(VENUES[:3])])
    floor = Floor(instruments)
    for book, price in enumerate((100, 101, 103)):
        floor.snapshot(book, snapshot(100, [(f"{price}.0", "1")], [(f"{price}.1", "1")]))
        floor.frames(book, _continuing(VENUES[book]))
    pairs = [(o.buy_book, o.sell_book) for o in floor.books.find_opportunities(SYMBOL, START)]
    assert pairs == [(0, 2), (1, 2), (0, 1)]


def _crossed_floor() -> OrderBookManager:
    """Spot asks 100.1, the perpetual bids 101.0."""
    floor = Floor(
        Instruments([instrument(0, "binance", taker_fee_ppm=0), instrument(1, "binanceusdm", taker_fee_ppm=0)])
    )
    floor.make_live(SPOT)
    floor.make_live(PERP, bids=[("101.0", "1")], asks=[("101.1", "1")])
    return floor.books


def test_an_untrusted_book_is_part_of_no_opportunity() -> None:
    books = _crossed_floor()
    assert len(books.find_opportunities(SYMBOL, START)) == 1
    for trust in (0, 2, 3, 4):
        books.records[PERP]["trust"] = trust
        assert books.find_opportunities(SYMBOL, START) == []
        assert list(books.crosses(SPOT)) == list(books.crosses(PERP)) == []


def test_an_old_book_is_part_of_no_opportunity() -> None:
    books = _crossed_floor()
    assert len(books.find_opportunities(SYMBOL, START + 2_000 * MS)) == 1
    assert books.find_opportunities(SYMBOL, START + 2_000 * MS + 1) == []


@pytest.mark.parametrize("young", [SPOT, PERP])
def test_two_books_seen_at_too_different_times_make_no_opportunity(young: int) -> None:
    books = _crossed_floor()
    tight = OrderBookManager(books.instruments, max_book_age_ms=5_000, max_skew_ms=50)
    tight.records[:] = books.records
    tight.records[young]["received_ns"] = START + 50 * MS
    assert len(tight.find_opportunities(SYMBOL, START + 50 * MS)) == 1
    tight.records[young]["received_ns"] = START + 50 * MS + 1
    assert tight.find_opportunities(SYMBOL, START + 60 * MS) == []


def test_sizes_in_contracts_are_compared_and_told_in_the_base() -> None:
    """A hundred contracts of a hundredth are one coin."""
    swap = msgspec.structs.replace(instrument(1, "third", taker_fee_ppm=0), contract_size="0.01", lot_size="1")
    floor = Floor(Instruments([instrument(0, "binance", taker_fee_ppm=0), swap]))
    floor.make_live(SPOT, bids=[("99.9", "5")], asks=[("100.0", "5")])
    floor.snapshot(1, snapshot(100, [("101.0", "100")], [("101.1", "1")]))
    floor.frames(1, _continuing("third"))
    (found,) = floor.books.find_opportunities(SYMBOL, START)
    assert (found.buy_book, found.sell_book, found.size) == (0, 1, 1.0)


@pytest.mark.parametrize("inverse", [SPOT, PERP])
def test_an_inverse_contract_is_compared_with_nothing_however_its_symbol_is_called(inverse: int) -> None:
    """How much of the base a contract is changes with the price: as an amount of coins it would be wrong."""
    books = [instrument(0, "binance", taker_fee_ppm=0), instrument(1, "binanceusdm", taker_fee_ppm=0)]
    books[inverse] = msgspec.structs.replace(books[inverse], inverse=True, contract_value="100")
    floor = Floor(Instruments(books))
    floor.make_live(SPOT)
    floor.make_live(PERP, bids=[("101.0", "1")], asks=[("101.1", "1")])
    assert floor.books.find_opportunities(SYMBOL, START) == []
    assert [floor.books.scan(book, START) for book in (SPOT, PERP)] == [0, 0]


def test_a_symbol_on_one_exchange_or_on_none_has_no_opportunities() -> None:
    books = Floor(Instruments([instrument(0, "binance")])).books
    assert books.find_opportunities(SYMBOL, START) == []
    assert books.find_opportunities("DOGE/USDT", START) == []
    assert books.scan(0, START) == 0
