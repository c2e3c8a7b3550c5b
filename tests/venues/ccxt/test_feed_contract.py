"""What is read through ccxt keeps what every feed keeps, as far as it is ours to keep: Binance's words, and OKX's.

Not asked of it: frames as the venue sent them (they are ours), several lines and their replacement, and how many
connections there are and when a dead one is noticed (ccxt's own).
"""

from __future__ import annotations

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.ccxt.wire import LEVELS
from venues.feed_bench import Bench
from venues.feed_contract import FeedContract


class CcxtContract(FeedContract):
    test_frames_are_handed_over_as_they_came_in_order_and_with_the_time = None
    test_what_one_symbol_loses_costs_no_other_and_is_made_good = None
    test_a_broken_line_takes_all_trust_at_once_and_it_comes_back = None
    test_a_half_open_line_is_noticed_and_replaced = None
    test_stopping_reports_every_line_down_once = None
    test_the_loss_of_one_of_two_lines_costs_no_trust = None
    test_an_old_line_is_replaced_by_a_new_one_first_and_no_trust_is_lost = None


class BinanceBench(Bench):
    depth = LEVELS

    def name_of(self, instrument: Instrument) -> str:
        return instrument.base + instrument.quote


class OkxBench(Bench):
    depth = LEVELS

    def name_of(self, instrument: Instrument) -> str:
        return f"{instrument.base}-{instrument.quote}{'-SWAP' if instrument.can_short else ''}"


class TestBinanceUs(CcxtContract):
    exchange, served = "binanceus", "binance"
    symbols = ("BTC/USDT", "ETH/USDT")
    bench_kind = BinanceBench

    def endpoints(self, rest: str, stream: str) -> Endpoints:
        return Endpoints(rest, f"{stream}/stream", "")  # ccxt's Binance sees by the path that a stream is spot's


class TestOkxUs(CcxtContract):
    exchange, served = "okxus", "okx"
    symbols = ("BTC/USDT", "BTC/USDT:USDT")
    bench_kind = OkxBench
