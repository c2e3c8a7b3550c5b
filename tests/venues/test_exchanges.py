"""The table of exchanges: what may be configured is spoken, what cannot be traded on says so."""

from __future__ import annotations

import pytest

from graphwiz_trader.config.exchange_ids import BINARY, EXCHANGES, TRADED
from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.venues.base import VenueError
from graphwiz_trader.venues.exchanges import exchange_of, orders_of


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_exchange_that_may_be_configured_is_spoken(exchange):
    assert exchange_of(exchange).wire in DECODERS


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_exchanges_that_may_be_configured_as_binary_are_those_with_binary_streams(exchange):
    binary = exchange_of(exchange).binary
    assert (binary is not None) is (exchange in BINARY)
    assert binary is None or (binary.wire in DECODERS and binary.wire in exchange_of(exchange).feeds)


@pytest.mark.parametrize("exchange", TRADED)
def test_every_exchange_that_takes_part_by_default_takes_orders(exchange):
    assert orders_of(exchange)


def test_an_exchange_without_an_order_line_says_so_and_what_to_do():
    with pytest.raises(VenueError, match=r"okx has no order line yet.*exchanges\.okx\.enabled to false"):
        orders_of("okx")
