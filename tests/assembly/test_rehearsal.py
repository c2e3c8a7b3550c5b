"""What a rehearsal of the order path does, seen from the order lines that it goes through the motions with."""

from __future__ import annotations

from typing import Any

import pytest

from graphwiz_trader.assembly.rehearsal import Rehearsal
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.orders import Order
from hft.desk import instrument

_WALKS = 20


class _Line:
    """An order line that remembers what it would have sent."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def rehearse(self, order: Order, now_ns: int) -> None:
        self.orders.append(order)


def _walked(*traded: Instrument) -> dict[str, list[Order]]:
    """The orders of twenty walks by exchange."""
    instruments = Instruments(traded)
    lines = {exchange: _Line() for exchange in instruments.exchanges}
    rehearsal = Rehearsal(HftConfig(), instruments, lines)
    for _ in range(_WALKS):
        rehearsal.walk()
    return {exchange: line.orders for exchange, line in lines.items()}


def test_every_walk_ends_in_an_order() -> None:
    orders = _walked(instrument(0, "binance", "BTC/USDT"))["binance"]
    assert [order.intent.side for order in orders] == [Side.BUY] * _WALKS


def test_where_a_symbol_is_on_two_exchanges_every_walk_ends_in_two_legs() -> None:
    traded = instrument(0, "binance", "BTC/USDT"), instrument(1, "binanceusdm", "BTC/USDT", can_short=True)
    orders = _walked(*traded)
    assert [order.intent.side for order in orders["binance"]] == [Side.BUY] * _WALKS
    assert [order.intent.side for order in orders["binanceusdm"]] == [Side.SELL] * _WALKS
    assert all(order.legs for leg in orders.values() for order in leg)


def test_the_pair_may_be_any_of_the_instruments() -> None:
    orders = _walked(
        instrument(0, "binance", "ETH/BTC"),
        instrument(1, "binance", "BTC/USDT"),
        instrument(2, "binanceusdm", "BTC/USDT", can_short=True),
    )
    assert {order.intent.book for leg in orders.values() for order in leg} == {1, 2}


@pytest.mark.parametrize(
    "rules",
    [
        {"min_notional": "100"},
        {"tick_size": "0.1", "lot_size": "0.001", "min_size_lots": 3},
        {"tick_size": "0.00000001", "lot_size": "1", "min_notional": "5"},
        {"price_step_ticks": 50, "size_step_lots": 7},
        {"tick_size": "0.5", "lot_size": "1", "contract_size": "0.01"},
    ],
    ids=["notional", "coarse", "fine", "steps", "contracts"],
)
def test_whatever_the_venue_takes_is_what_is_rehearsed(rules: dict[str, Any]) -> None:
    traded = instrument(0, "binance", "BTC/USDT"), instrument(1, "binanceusdm", "BTC/USDT", can_short=True, **rules)
    orders = _walked(*traded)
    for exchange, other in zip(orders, traded, strict=True):
        assert len(orders[exchange]) == _WALKS
        assert all(other.takes(order.intent.price_ticks, order.intent.size_lots) for order in orders[exchange])
    assert len(_walked(instrument(0, "binance", "BTC/USDT", **rules))["binance"]) == _WALKS


def test_a_rehearsal_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="instrument to trade"):
        _walked()
