"""Every exchange of ccxt.pro can be streamed or polled, or says at once what it lacks."""

from __future__ import annotations

import ccxt.pro
import pytest

from graphwiz_trader.config.exchange_ids import EXCHANGES
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import Endpoints, VenueError
from graphwiz_trader.venues.ccxt.library import new_client, redirected
from graphwiz_trader.venues.exchanges import exchange_of
from venues.ccxt.desk import Sink

NOWHERE = Endpoints("http://127.0.0.1:9", "ws://127.0.0.1:9", "")
NOT_STREAMED, NOT_POLLED = {"mudrex"}, {"derive", "mudrex"}


@pytest.mark.parametrize("exchange", sorted(set(ccxt.pro.exchanges) - set(EXCHANGES)))
def test_it_has_a_feed_or_says_what_it_lacks(exchange):
    for wire, lacking in (("ccxt", NOT_STREAMED), ("ccxt-rest", NOT_POLLED)):
        make = exchange_of(exchange).feeds[wire]
        if exchange in lacking:
            with pytest.raises(VenueError, match=f"ccxt has no order book of {exchange}"):
                make(Instruments([]), exchange, endpoints=NOWHERE, lines=[0], sink=Sink())
        else:
            assert not make(Instruments([]), exchange, endpoints=NOWHERE, lines=[0], sink=Sink()).is_up


@pytest.mark.parametrize("exchange", sorted(ccxt.pro.exchanges))
def test_no_address_of_its_own_is_left_where_others_are_given(exchange):
    def addresses(tree) -> list[str]:
        if isinstance(tree, dict):
            return [address for below in tree.values() for address in addresses(below)]
        return [tree] if isinstance(tree, str) else []

    found = addresses(new_client(exchange, NOWHERE).urls["api"])
    assert found
    assert all(address.startswith(("http://127.0.0.1:9", "ws://127.0.0.1:9")) for address in found)
    assert redirected(None, NOWHERE) is None
