"""Derivatives that are counted in contracts: what one is worth is exact everywhere that money is counted."""

from __future__ import annotations

import msgspec

from an_instrument import an_instrument
from graphwiz_trader.hft.events import Fill, Side, Trade
from graphwiz_trader.hft.instruments import Instruments, money_from_text, text_from_money, units_from_text
from graphwiz_trader.hft.limits import Reason, Refusal
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.risk import HFTRiskManager
from hft.desk import a_limits, an_intent
from hft.floor import START, Journal

SWAP = an_instrument(
    0, "okx", "BTC/USDT:USDT", "0.1", "0.1", venue_symbol="BTC-USDT-SWAP", contract_size="0.01", can_short=True
)


def test_texts_count_contracts_and_money_counts_the_base() -> None:
    assert SWAP.lots_from_text("12.3") == 123
    assert SWAP.size_text(123) == "12.3"
    assert SWAP.lot_units == units_from_text("0.001")
    assert SWAP.notional_money(300_000, 123) == money_from_text("3690")  # 12.3 contracts of 0.01 BTC at 30,000.0


def test_a_position_in_contracts_is_held_and_valued_in_the_base() -> None:
    tracker = PositionTracker(Instruments([SWAP]))
    trade = Trade(trade_id="1", price_ticks=300_000, size_lots=123, fee_units=0, fee_asset="USDT")
    tracker.apply(Fill(client_id="a", strategy="s", book=0, side=Side.BUY, trade=trade, time_ns=1))
    assert tracker.size_units(0) == units_from_text("0.123")
    assert text_from_money(tracker.position(0).value_money(2 * 310_000)) == "3813"


def test_signals_compare_sizes_in_the_base() -> None:
    assert OrderBookManager(Instruments([SWAP])).records[0]["lot_size"] == 0.001


def test_an_inverse_contract_is_refused_with_its_own_reason() -> None:
    instruments = Instruments([msgspec.structs.replace(SWAP, inverse=True, contract_size="1")])
    books = OrderBookManager(instruments)
    risk = HFTRiskManager(
        instruments, a_limits(), holdings=PositionTracker(instruments), marks=books, recorder=Journal()
    )
    refused = risk.approve([an_intent(book=0)], START)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.INVERSE
