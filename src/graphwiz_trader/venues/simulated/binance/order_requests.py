"""Reading ``order.place`` and the like: parameters into the venue's ticks and lots, with Binance's errors.

What the venue does not do (stops, icebergs, pegs, …) is refused, never ignored: an order
must not be taken for a different one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.matching import SelfTrade
from graphwiz_trader.venues.simulated.orders import NewOrder, Order, OrderRefusedError, Refusal
from graphwiz_trader.venues.simulated.venue import Venue

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
SPOT_TIMES_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
USDM_TIMES_IN_FORCE = {**SPOT_TIMES_IN_FORCE, "GTX": TimeInForce.POST_ONLY}
SPOT_CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
USDM_CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_SPOT_ALONE = (SelfTrade.DECREMENT, SelfTrade.TRANSFER)
SPOT_SELF_TRADE = {mode.value: mode for mode in SelfTrade}
USDM_SELF_TRADE = {name: mode for name, mode in SPOT_SELF_TRADE.items() if mode not in _SPOT_ALONE}
_CONDITIONAL = frozenset({"positionSide", "priceMatch"})
_UNSUPPORTED = frozenset(
    {
        "stopPrice",
        "trailingDelta",
        "icebergQty",
        "pegPriceType",
        "pegOffsetValue",
        "closePosition",
        "activationPrice",
        "callbackRate",
        "goodTillDate",
    }
)


class OrderReader:
    """Reads the requests of one flavour of Binance."""

    def __init__(
        self,
        numbers: Mapping[str, Numbers],
        times_in_force: Mapping[str, TimeInForce],
        self_trade: Mapping[str, SelfTrade],
        client_id_pattern: str,
    ) -> None:
        self._numbers = numbers
        self._times_in_force = times_in_force
        self._self_trade = self_trade
        self._client_id_pattern = client_id_pattern
        self._client_id = re.compile(client_id_pattern)

    def new_order(self, parameters: Parameters, default_client_id: str) -> NewOrder:
        """Raises BinanceError or OrderRefusedError for what cannot be read."""
        symbol = parameters.text("symbol")
        numbers = self._numbers.get(symbol)
        if numbers is None:
            raise OrderRefusedError(Refusal.UNKNOWN_SYMBOL)
        refuse_unsupported(parameters)
        if "GTX" not in self._times_in_force and "reduceOnly" in parameters:
            raise BinanceError(*errors.UNSUPPORTED)
        side = _SIDES.get(parameters.text("side"))
        if side is None:
            raise BinanceError(*errors.BAD_SIDE)
        price, time_in_force = self._terms(parameters, numbers)
        size, quote = self._size(parameters, numbers)
        self_trade = self._self_trade.get(parameters.optional("selfTradePreventionMode") or SelfTrade.NONE.value)
        if self_trade is None:
            raise BinanceError(*errors.BAD_SELF_TRADE)
        return NewOrder(
            symbol=symbol,
            side=side,
            price_ticks=price,
            size_lots=size,
            quote_units=quote,
            self_trade=self_trade,
            time_in_force=time_in_force,
            client_id=self.client_id(parameters, "newClientOrderId") or default_client_id,
            reduce_only=parameters.flag("reduceOnly"),
        )

    def client_id(self, parameters: Parameters, name: str) -> str | None:
        text = parameters.optional(name)
        if text is not None and not self._client_id.fullmatch(text):
            raise BinanceError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '{self._client_id_pattern}'."
            )
        return text

    def find(
        self,
        venue: Venue,
        parameters: Parameters,
        caller: Caller,
        *,
        id_name: str = "orderId",
        client_id_name: str = "origClientOrderId",
    ) -> Order | None:
        """The order that one of the two parameters names; None when there is none."""
        symbol = parameters.text("symbol")
        venue.book(symbol)
        order_id = parameters.optional_integer(id_name)
        client_id = parameters.optional(client_id_name)
        if order_id is None and client_id is None:
            raise BinanceError(
                -1102, f"Param '{client_id_name}' or '{id_name}' must be sent, but both were empty/null!"
            )
        return venue.find_order(caller.account, symbol, order_id, client_id)

    def _size(self, parameters: Parameters, numbers: Numbers) -> tuple[int, int | None]:
        """Lots, or none and an amount of the quote asset: spot market orders may be given by what they are worth."""
        by_quote = parameters.optional("quoteOrderQty")
        if by_quote is None:
            return numbers.size_lots("quantity", parameters.text("quantity")), None
        if "GTX" in self._times_in_force:
            raise BinanceError(*errors.UNSUPPORTED)
        _not_required(parameters, "quantity")
        if parameters.text("type") != "MARKET":
            _not_required(parameters, "quoteOrderQty")
        return 0, numbers.quote_units("quoteOrderQty", by_quote)

    def _terms(self, parameters: Parameters, numbers: Numbers) -> tuple[int | None, TimeInForce]:
        """Price in ticks (None for a market order) and time in force."""
        kind = parameters.text("type")
        if kind == "MARKET":
            _not_required(parameters, "price", "timeInForce")
            return None, TimeInForce.IOC
        if kind == "LIMIT_MAKER" and "GTX" not in self._times_in_force:
            _not_required(parameters, "timeInForce")
            return numbers.price_ticks("price", parameters.text("price")), TimeInForce.POST_ONLY
        if kind != "LIMIT":
            raise BinanceError(*errors.BAD_ORDER_TYPE)
        time_in_force = self._times_in_force.get(parameters.text("timeInForce"))
        if time_in_force is None:
            raise BinanceError(*errors.BAD_TIME_IN_FORCE)
        return numbers.price_ticks("price", parameters.text("price")), time_in_force


def refuse_unsupported(parameters: Parameters) -> None:
    """Raises BinanceError when an order asks for more than this venue does."""
    if parameters.any_of(_UNSUPPORTED):
        raise BinanceError(*errors.UNSUPPORTED)
    if parameters.any_of(_CONDITIONAL) and (
        parameters.optional("positionSide") not in (None, "BOTH")
        or parameters.optional("priceMatch") not in (None, "NONE")
    ):
        raise BinanceError(*errors.UNSUPPORTED)


def _not_required(parameters: Parameters, *names: str) -> None:
    for name in names:
        if name in parameters:
            raise BinanceError(-1106, f"Parameter '{name}' sent when not required.")
