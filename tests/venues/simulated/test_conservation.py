"""No asset is created or lost at a simulated venue, to the last digit, after each of very many random requests.

The market may be other people's orders in the same book, or a recorded one that our orders cannot change.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import msgspec
import pytest

from graphwiz_trader.hft.events import MarketTrade, Side, TimeInForce
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.hft.queue_position import QueueRule
from graphwiz_trader.venues.simulated.defaults import default_instruments
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine, SelfTrade
from graphwiz_trader.venues.simulated.orders import NewOrder, Order, OrderRefusedError, OrderStatus
from graphwiz_trader.venues.simulated.recorded_book import RecordedBook
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook
from venues.simulated.house import NOW_MS, UNITS

MIDDLE = 50_000
SPREAD = 8
GTC = TimeInForce.GTC


class RandomBook:
    """A recorded book: what it shows and what trades in it is drawn, and does not depend on anybody's orders."""

    is_trusted = True
    last_update_id = 0

    def __init__(self, random: Random) -> None:
        self._random = random
        self._sizes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.last_trade = MarketTrade(0, 0, 0, Side.BUY)

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        return sorted(self._sizes[side].items(), key=lambda level: -level[0] * side.sign)[:depth]

    def lots_at(self, side: Side, ticks: int) -> int:
        return self._sizes[side].get(ticks, 0)

    def reaches(self, side: Side, ticks: int) -> bool:
        return any((ticks - price) * side.sign >= 0 for price in self._sizes[side])

    def move(self) -> None:
        random, side = self._random, self._random.choice(tuple(Side))
        price = MIDDLE + random.randint(-SPREAD, SPREAD)
        if random.random() < 0.4:
            self.last_trade = MarketTrade(self.last_trade.trade_id + 1, price, random.randint(1, 900), side)
            return
        for other in [p for p in self._sizes[side.opposite] if (price - p) * side.sign >= 0]:
            del self._sizes[side.opposite][other]
        self._sizes[side][price] = random.randint(1, 900)


def listings(kind: str) -> list[Listing]:
    """BTC against USDT: as an asset, as a derivative, or both in one venue with one account for both."""
    spot, linear = default_instruments(["binance"])[0], default_instruments(["binanceusdm"])[0]
    listed: list[tuple[Instrument, bool]] = []
    if kind != "linear":
        # A tick of 1 and a lot whose value is no whole number of the asset's last digit: everything is cut somewhere.
        listed.append((_renamed(spot, "SPOT", tick_size="1", lot_size="0.00000123", min_notional="0"), False))
    if kind != "spot":
        listed.append((_renamed(linear, "PERP", tick_size="1", lot_size="0.001", min_notional="0"), True))
    return [Listing.of(instrument, linear=linear) for instrument, linear in listed]


def _renamed(instrument: Instrument, symbol: str, **named: Any) -> Instrument:
    odd_fees = {"maker_fee_ppm": 137, "taker_fee_ppm": 773}
    return msgspec.structs.replace(instrument, venue_symbol=symbol, **odd_fees, **named)


class Crowd:
    """Five accounts, two of them in one trade group, that ask for anything at all, and a market beside them."""

    def __init__(self, kind: str, seed: int, *, recorded: bool) -> None:
        self._random = Random(seed)
        self._recorded = recorded
        self._markets = {listing.symbol: RandomBook(self._random) for listing in listings(kind)}
        books = [
            VenueBook(listing, self._recorded_book(listing) if recorded else MatchingEngine())
            for listing in listings(kind)
        ]
        self.venue = Venue(kind, books, accepts_unfit=self._random.random() < 0.5)
        funds = {"USDT": "40000.00000001", "BTC": "1.00000003"}
        groups = (None, None, None, 1, 1)
        self.users = [self.venue.open_account(str(number), funds, group) for number, group in enumerate(groups)]
        self.done: Counter[str] = Counter()
        self._before = self.sums()

    def act(self) -> None:
        """One request, or one thing that the market does; then everything is counted."""
        random = self._random
        user = random.choice(self.users)
        mine = self.venue.open_orders(user)
        what = random.choices(("place", "market", "cancel", "amend", "replace"), (5, 4, 1 + len(mine) / 4, 2, 1))[0]
        try:
            if what == "market":
                self._move_market(random.choice(tuple(self.venue.books.values())))
            elif what == "place":
                self.venue.place(user, self._wanted(), NOW_MS)
            elif mine and what == "cancel":
                self.venue.cancel(random.choice(mine), NOW_MS)
            elif mine and what == "amend":
                self._amend(random.choice(mine))
            elif mine:
                self.venue.replace(
                    random.choice(mine), user, self._wanted(), NOW_MS, stop_on_failure=random.random() < 0.5
                )
            self.done[what] += 1
        except OrderRefusedError as error:
            self.done[error.refusal.name] += 1
        self.count()

    def count(self) -> None:
        """Raises AssertionError when anything has appeared or gone."""
        assert self.sums() == self._before
        reserved: Counter[tuple[int, str]] = Counter()
        for account in self.users:
            for order in self.venue.open_orders(account):
                self._check_order(order)
                reserved[account.uid, _bound_asset(order)] += order.reserved_units
            for asset, balance in account.balances.items():
                assert balance.locked_units == reserved[account.uid, asset]
                if not any(book.listing.linear for book in self.venue.books.values()):
                    assert balance.free_units >= 0, "a spot account cannot owe"

    def sums(self) -> dict[str, int]:
        """Per asset: all balances, less what the positions cost that are settled in it. Per derivative: all lots."""
        sums: Counter[str] = Counter(dict.fromkeys(("BTC", "USDT", *self.venue.books), 0))
        for account in self.venue.accounts:
            for asset, balance in account.balances.items():
                sums[asset] += balance.total_units
            for symbol, position in account.positions.items():
                sums[symbol] += position.size_lots
                sums[self.venue.books[symbol].listing.instrument.quote] -= position.cost_units
        return dict(sums)

    def _recorded_book(self, listing: Listing) -> RecordedBook:
        rule = self._random.choice(tuple(QueueRule))
        return RecordedBook(self._markets[listing.symbol], rule)  # type: ignore[arg-type]

    def _wanted(self) -> NewOrder:
        random = self._random
        book = random.choice(tuple(self.venue.books.values()))
        by_quote = random.random() < 0.05
        is_market = by_quote or random.random() < 0.1
        return NewOrder(
            symbol=book.listing.symbol,
            side=random.choice(tuple(Side)),
            price_ticks=None if is_market else MIDDLE + random.randint(-SPREAD, SPREAD),
            size_lots=0 if by_quote else random.randint(1, 900),
            time_in_force=TimeInForce.IOC if is_market else random.choices(tuple(TimeInForce), (6, 2, 1, 2))[0],
            client_id=str(self.venue.new_order_id()),
            reduce_only=book.listing.linear and random.random() < 0.1,
            self_trade=random.choice(tuple(SelfTrade)),
            quote_units=random.randint(1, 100 * UNITS) if by_quote else None,
        )

    def _amend(self, order: Order) -> None:
        random = self._random
        self.venue.amend(
            order,
            NOW_MS,
            price_ticks=order.price_ticks + random.choice((0, 0, -1, 1, 3)),
            size_lots=max(1, order.size_lots + random.choice((0, -1, -5, -50, 7))),
            keeps_priority=random.random() < 0.7,
        )

    def _move_market(self, book: VenueBook) -> None:
        random = self._random
        if not self._recorded:
            price, lots = MIDDLE + random.randint(-SPREAD, SPREAD), random.randint(1, 900)
            self.venue.place_for_market(book, random.choice(tuple(Side)), price, lots, GTC, NOW_MS)
            return
        self._markets[book.listing.symbol].move()
        for order_id, match in book.matcher.match_resting():  # type: ignore[attr-defined]
            self.done["recorded fill"] += 1
            self.venue.fill_resting(book, order_id, match, NOW_MS)

    def _check_order(self, order: Order) -> None:
        assert order.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)
        assert order.remaining_lots > 0
        assert order.filled_lots == sum(execution.size_lots for execution in order.executions)
        assert order.quote_units == sum(execution.quote_units for execution in order.executions)


def _bound_asset(order: Order) -> str:
    instrument = order.listing.instrument
    return instrument.quote if order.listing.linear or order.side is Side.BUY else instrument.base


KINDS = pytest.mark.parametrize("kind", ["spot", "linear", "both"])
MARKETS = pytest.mark.parametrize("recorded", [False, True], ids=["own orders", "recorded"])


def run(kind: str, requests: int, seed: int, *, recorded: bool) -> Crowd:
    crowd = Crowd(kind, seed, recorded=recorded)
    for _ in range(requests):
        crowd.act()
    return crowd


@KINDS
@MARKETS
def test_nothing_is_created_or_lost_in_some_thousand_requests(kind, recorded):
    done = run(kind, 2_500, 5, recorded=recorded).done
    assert min(done[what] for what in ("place", "cancel", "amend", "replace", "market")) > 50
    assert done["recorded fill"] > 100 or not recorded


@pytest.mark.slow
@pytest.mark.timeout(600)
@KINDS
@MARKETS
def test_nothing_is_created_or_lost_in_a_hundred_thousand_requests(kind, recorded):
    run(kind, 100_000, 77, recorded=recorded)


def test_the_count_finds_a_single_unit_that_is_gone():
    crowd = run("spot", 50, 1, recorded=False)
    crowd.users[0].balance("BTC").free_units -= 1
    with pytest.raises(AssertionError):
        crowd.count()
