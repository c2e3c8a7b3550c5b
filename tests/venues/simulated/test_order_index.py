"""A venue's memory of orders: what is open is never forgotten, and what has ended only after so much else has."""

from __future__ import annotations

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import order_index
from venues.simulated import house
from venues.simulated.house import NOW_MS


def test_what_has_ended_is_forgotten_the_oldest_first_and_what_is_open_never(monkeypatch):
    monkeypatch.setattr(order_index, "REMEMBERED_ORDERS", 3)
    venue = house.venue()
    owner = venue.open_account("owner", {"USDT": "1000000"})
    standing = [house.order(venue, owner, Side.BUY, 6_000_000, 100) for _ in range(10)]
    ended = [house.order(venue, owner, Side.BUY, 6_000_000, 100) for _ in range(5)]
    for order in ended:
        venue.cancel(order, NOW_MS)
    refused = house.order(venue, owner, Side.BUY, None, 100)  # a market order, and nobody sells

    assert venue.open_orders(owner) == standing
    assert venue.orders(owner, "BTCUSDT") == [*standing, *ended[-2:], refused]
    assert venue.find_order(owner, "BTCUSDT", None, ended[0].client_id) is None


def test_the_open_orders_of_one_account_are_none_of_anothers():
    venue = house.venue()
    owners = [venue.open_account(name, {"USDT": "1000000", "ETH": "100"}) for name in ("one", "other", "idle")]
    bids = [house.order(venue, owner, Side.BUY, 6_000_000, 100) for owner in owners[:2]]
    ask = house.order(venue, owners[0], Side.SELL, 300_000, 1_000, symbol="ETHUSDT")

    assert [venue.open_orders(owner) for owner in owners] == [[bids[0], ask], [bids[1]], []]
    assert venue.open_orders(owners[0], "ETHUSDT") == [ask]
