"""What a USD-M account may ask and set besides its orders: balances, positions, rates, and the modes it trades in.

There is one mode: one-way positions in crossed margin at one leverage. Asking for that changes nothing and says so
in Binance's words; asking for another is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from graphwiz_trader.venues.simulated.binance import usdm_account_forms as forms
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.ledger import LEVERAGE
from graphwiz_trader.venues.simulated.venue import Venue


class UsdmAccount:
    """The signed methods about the account."""

    def __init__(self, venue: Venue, account_forms: forms.UsdmAccountForms, limiter: RateLimiter) -> None:
        self._venue = venue
        self._forms = account_forms
        self._limiter = limiter

    def status(self, _parameters: Parameters, caller: Caller) -> bytes:
        """As V2: with every symbol."""
        return msgspec.json.encode(self._forms.status(caller.account, caller.now_ms, every_symbol=True))

    def status_of_held(self, _parameters: Parameters, caller: Caller) -> bytes:
        """As V3: with the positions there are."""
        return msgspec.json.encode(self._forms.status(caller.account, caller.now_ms, every_symbol=False))

    def balance(self, _parameters: Parameters, caller: Caller) -> bytes:
        return msgspec.json.encode(self._forms.balance(caller.account, caller.now_ms))

    def positions(self, parameters: Parameters, caller: Caller) -> bytes:
        """As V2: of every symbol."""
        return self._positions(parameters, caller, every_symbol=True)

    def held_positions(self, parameters: Parameters, caller: Caller) -> bytes:
        """As V3: the positions there are."""
        return self._positions(parameters, caller, every_symbol=False)

    def commission_rate(self, parameters: Parameters, _caller: Caller) -> bytes:
        return msgspec.json.encode(forms.commission_rate(self._venue.book(parameters.text("symbol")).listing))

    def leverage_brackets(self, parameters: Parameters, _caller: Caller) -> bytes:
        """Of every symbol, or of one."""
        return msgspec.json.encode([forms.leverage_bracket(symbol) for symbol in self._symbols(parameters)])

    def symbol_configs(self, parameters: Parameters, _caller: Caller) -> bytes:
        return msgspec.json.encode([forms.symbol_config(symbol) for symbol in self._symbols(parameters)])

    def order_counts(self, _parameters: Parameters, caller: Caller) -> bytes:
        """``rateLimit/order``."""
        return msgspec.json.encode(self._limiter.order_counts(caller.account, caller.now_ms))

    def position_mode(self, _parameters: Parameters, _caller: Caller) -> bytes:
        return b'{"dualSidePosition":false}'

    def set_position_mode(self, parameters: Parameters, _caller: Caller) -> bytes:
        if parameters.flag("dualSidePosition"):
            raise BinanceError(-4068, "Position side cannot be changed: this venue has one-way positions.")
        raise BinanceError(-4059, "No need to change position side.")

    def assets_mode(self, _parameters: Parameters, _caller: Caller) -> bytes:
        return b'{"multiAssetsMargin":false}'

    def set_leverage(self, parameters: Parameters, _caller: Caller) -> bytes:
        symbol, leverage = parameters.text("symbol"), parameters.integer("leverage")
        self._venue.book(symbol)
        if leverage != LEVERAGE:
            raise BinanceError(-4028, f"Leverage {leverage} is not valid; this venue has {LEVERAGE}.")
        config = forms.symbol_config(symbol)
        return msgspec.json.encode({name: config[name] for name in ("leverage", "maxNotionalValue", "symbol")})

    def set_margin_type(self, parameters: Parameters, _caller: Caller) -> bytes:
        self._venue.book(parameters.text("symbol"))
        if parameters.text("marginType") != "CROSSED":
            raise BinanceError(-4047, "Margin type cannot be changed: this venue has crossed margin.")
        raise BinanceError(-4046, "No need to change margin type.")

    def account_config(self, _parameters: Parameters, _caller: Caller) -> bytes:
        allowed = dict.fromkeys(("canTrade", "canDeposit", "canWithdraw"), True)
        config = {"feeTier": 0, "dualSidePosition": False, "updateTime": 0, "multiAssetsMargin": False}
        return msgspec.json.encode({**allowed, **config, "tradeGroupId": -1})

    def _positions(self, parameters: Parameters, caller: Caller, *, every_symbol: bool) -> bytes:
        symbol = parameters.optional("symbol")
        if symbol is not None:
            self._venue.book(symbol)
        found = self._forms.positions(caller.account, caller.now_ms, symbol=symbol, every_symbol=every_symbol)
        return msgspec.json.encode(found)

    def _symbols(self, parameters: Parameters) -> Iterable[str]:
        symbol = parameters.optional("symbol")
        if symbol is None:
            return self._venue.books
        self._venue.book(symbol)
        return [symbol]
