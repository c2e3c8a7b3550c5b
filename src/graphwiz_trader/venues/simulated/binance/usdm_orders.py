"""USD-M order entry: place, modify and cancel, one by one or in batches, and an account's view of its orders.

Source: Binance USD-M futures docs, "Trade".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.binance import errors, usdm_forms
from graphwiz_trader.venues.simulated.binance.desk import Desk
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.order_requests import (
    USDM_CLIENT_ID,
    USDM_SELF_TRADE,
    USDM_TIMES_IN_FORCE,
    OrderReader,
)
from graphwiz_trader.venues.simulated.binance.own_orders import own_orders, own_trades
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.order_checks import check_new_order, sized
from graphwiz_trader.venues.simulated.orders import EndReason, Order, OrderRefusedError, Refusal
from graphwiz_trader.venues.simulated.venue import Venue

MAX_BATCH = 5
MAX_CANCEL_BATCH = 10


class UsdmOrders:
    """The signed methods about orders."""

    def __init__(self, venue: Venue, numbers: Mapping[str, Numbers], desk: Desk) -> None:
        self._venue = venue
        self._numbers = numbers
        self._desk = desk
        self._reader = OrderReader(numbers, USDM_TIMES_IN_FORCE, USDM_SELF_TRADE, USDM_CLIENT_ID)

    def place(self, parameters: Parameters, caller: Caller) -> bytes:
        return msgspec.json.encode(self._place(parameters, caller))

    def place_several(self, parameters: Parameters, caller: Caller) -> bytes:
        """``POST batchOrders``: each order by itself, its form or its error in its place."""
        return self._each(parameters, caller, self._place)

    def test(self, parameters: Parameters, caller: Caller) -> bytes:
        """What ``place`` checks, and no order."""
        wanted = self._reader.new_order(parameters, self._fresh_id())
        book = self._venue.book(wanted.symbol)
        open_orders = len(self._venue.open_orders(caller.account, wanted.symbol))
        check_new_order(book, caller.account, sized(book, caller.account, wanted), open_orders)
        return b"{}"

    def modify(self, parameters: Parameters, caller: Caller) -> bytes:
        return msgspec.json.encode(self._modify(parameters, caller))

    def modify_several(self, parameters: Parameters, caller: Caller) -> bytes:
        """``PUT batchOrders``."""
        return self._each(parameters, caller, self._modify)

    def cancel(self, parameters: Parameters, caller: Caller) -> bytes:
        return msgspec.json.encode(self._cancel(self._reader.find(self._venue, parameters, caller), caller))

    def cancel_several(self, parameters: Parameters, caller: Caller) -> bytes:
        """``DELETE batchOrders``: by ``orderIdList`` or ``origClientOrderIdList``, also in small letters as ccxt writes
        them."""
        symbol = parameters.text("symbol")
        self._venue.book(symbol)
        ids = parameters.json("orderIdList", list[int]) or parameters.json("orderidlist", list[int])
        client_ids = parameters.json("origClientOrderIdList", list[str]) or parameters.json(
            "origclientorderidlist", list[str]
        )
        named: list[tuple[int | None, str | None]] = [(number, None) for number in ids or ()]
        named += [(None, name) for name in client_ids or () if not ids]
        if not named:
            raise BinanceError(-1102, "Either 'orderIdList' or 'origClientOrderIdList' must be sent.")
        _check_length(len(named), MAX_CANCEL_BATCH)
        orders = [self._venue.find_order(caller.account, symbol, *name) for name in named]
        return msgspec.json.encode(
            [self._or_error(lambda order=order: self._cancel(order, caller)) for order in orders]  # type: ignore[misc]
        )

    def cancel_all(self, parameters: Parameters, caller: Caller) -> bytes:
        """``DELETE allOpenOrders`` of a symbol; none is no error."""
        symbol = parameters.text("symbol")
        self._venue.book(symbol)
        for order in self._venue.open_orders(caller.account, symbol):
            self._venue.cancel(order, caller.now_ms)
        return b'{"code":200,"msg":"The operation of cancel all open order is done."}'

    def status(self, parameters: Parameters, caller: Caller) -> bytes:
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise BinanceError(*errors.NO_SUCH_ORDER)
        return msgspec.json.encode(self._form(order))

    def open_order(self, parameters: Parameters, caller: Caller) -> bytes:
        """One open order; an order that is open no more does not exist."""
        order = self._reader.find(self._venue, parameters, caller)
        if order is None or not order.status.is_open:
            raise BinanceError(*errors.NO_SUCH_ORDER)
        return msgspec.json.encode(self._form(order))

    def open_orders(self, parameters: Parameters, caller: Caller) -> bytes:
        symbol = parameters.optional("symbol")
        if symbol is not None:
            self._venue.book(symbol)
        return msgspec.json.encode(list(map(self._form, self._venue.open_orders(caller.account, symbol))))

    def all_orders(self, parameters: Parameters, caller: Caller) -> bytes:
        return msgspec.json.encode(list(map(self._form, own_orders(self._venue, parameters, caller))))

    def user_trades(self, parameters: Parameters, caller: Caller) -> bytes:
        return own_trades(
            self._venue,
            parameters,
            caller,
            lambda order: usdm_forms.own_trades(order, self._numbers[order.listing.symbol]),
        )

    def count_new(self, parameters: Parameters) -> int:
        """How many orders a batch places."""
        return len(parameters.json("batchOrders", list[msgspec.Raw]) or ())

    def _place(self, parameters: Parameters, caller: Caller) -> usdm_forms.OrderForm:
        response_type = parameters.optional("newOrderRespType") or "ACK"
        if response_type not in ("ACK", "RESULT"):
            raise BinanceError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        order = self._venue.place(caller.account, self._reader.new_order(parameters, self._fresh_id()), caller.now_ms)
        return self._form(order, as_accepted=response_type == "ACK")

    def _modify(self, parameters: Parameters, caller: Caller) -> usdm_forms.OrderForm:
        """Price and quantity anew, at the end of the queue. A quantity that is filled already ends the order."""
        order = self._reader.find(self._venue, parameters, caller)
        if order is None or not order.status.is_open:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        if parameters.text("side") != order.side.name:
            raise BinanceError(*errors.BAD_SIDE)
        numbers = self._numbers[order.listing.symbol]
        price = numbers.price_ticks("price", parameters.text("price"))
        size = numbers.size_lots("quantity", parameters.text("quantity"))
        try:
            self._venue.amend(order, caller.now_ms, price_ticks=price, size_lots=size, keeps_priority=False)
        except OrderRefusedError as refused:
            if refused.refusal is not Refusal.SIZE_ALREADY_FILLED:
                raise
            self._venue.cancel(order, caller.now_ms, reason=EndReason.OWNER)
        return self._form(order)

    def _cancel(self, order: Order | None, caller: Caller) -> usdm_forms.OrderForm:
        if order is None:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        self._venue.cancel(order, caller.now_ms)
        return self._form(order)

    def _each(
        self, parameters: Parameters, caller: Caller, do: Callable[[Parameters, Caller], usdm_forms.OrderForm]
    ) -> bytes:
        asked = parameters.json("batchOrders", list[msgspec.Raw])
        if asked is None:
            raise BinanceError(-1102, "Mandatory parameter 'batchOrders' was not sent, was empty/null, or malformed.")
        _check_length(len(asked), MAX_BATCH)
        done = [self._or_error(lambda one=one: do(Parameters.of_json(one), caller)) for one in asked]  # type: ignore[misc]
        return msgspec.json.encode(done)

    def _or_error(self, do: Callable[[], usdm_forms.OrderForm]) -> usdm_forms.OrderForm | dict[str, Any]:
        try:
            return do()
        except OrderRefusedError as refused:
            return self._desk.error(refused.refusal).form()
        except BinanceError as error:
            return error.form()

    def _form(self, order: Order, *, as_accepted: bool = False) -> usdm_forms.OrderForm:
        return usdm_forms.order_form(order, self._numbers[order.listing.symbol], as_accepted=as_accepted)

    def _fresh_id(self) -> str:
        return f"sim{self._venue.new_order_id()}"


def _check_length(length: int, at_most: int) -> None:
    if not 1 <= length <= at_most:
        raise BinanceError(-4082, f"Invalid number of batch orders; expected 1 to {at_most}.")
