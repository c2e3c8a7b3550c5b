"""What a spot account may ask about itself besides its orders: balances, fees, limits, and the coins there are."""

from __future__ import annotations

import msgspec

from graphwiz_trader.venues.simulated.binance import spot_account_forms as forms
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.venue import Venue


class SpotAccount:
    """The signed methods about the account."""

    def __init__(self, venue: Venue, limiter: RateLimiter) -> None:
        self._venue = venue
        self._limiter = limiter

    def status(self, parameters: Parameters, caller: Caller) -> bytes:
        instrument = next(iter(self._venue.books.values())).listing.instrument
        fees = (instrument.maker_fee_ppm, instrument.taker_fee_ppm)
        omit_zero = parameters.flag("omitZeroBalances")
        return forms.account_status(caller.account, fees, caller.now_ms, omit_zero=omit_zero)

    def order_counts(self, _parameters: Parameters, caller: Caller) -> bytes:
        """``rateLimit/order``: how many of its orders count against the limits."""
        return msgspec.json.encode(self._limiter.order_counts(caller.account, caller.now_ms))

    def commission(self, parameters: Parameters, _caller: Caller) -> bytes:
        """``account/commission`` of one symbol."""
        return msgspec.json.encode(forms.commission(self._venue.book(parameters.text("symbol")).listing))

    def trade_fees(self, parameters: Parameters, _caller: Caller) -> bytes:
        """``GET /sapi/v1/asset/tradeFee``: of every symbol, or of one."""
        symbol = parameters.optional("symbol")
        listings = (
            [self._venue.book(symbol).listing]
            if symbol is not None
            else [book.listing for book in self._venue.books.values()]
        )
        return msgspec.json.encode([forms.trade_fee(listing) for listing in listings])

    def coins(self, _parameters: Parameters, caller: Caller) -> bytes:
        """``GET /sapi/v1/capital/config/getall``: the assets there are, none of which can leave."""
        return forms.coins(caller.account)
