"""Spot order entry: place, test, cancel, replace and amend, and an account's view of its orders.

Source: Binance spot API docs, "Trading endpoints" and "Trading requests", which are the same over both APIs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.binance import errors, spot_forms
from graphwiz_trader.venues.simulated.binance.desk import Desk
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.order_requests import (
    SPOT_CLIENT_ID,
    SPOT_SELF_TRADE,
    SPOT_TIMES_IN_FORCE,
    OrderReader,
)
from graphwiz_trader.venues.simulated.binance.own_orders import own_orders, own_trades
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.order_checks import check_new_order, sized
from graphwiz_trader.venues.simulated.orders import NewOrder, Order, OrderRefusedError, OrderStatus, Refusal
from graphwiz_trader.venues.simulated.venue import Venue

_RESPONSE_TYPES = ("ACK", "RESULT", "FULL")
_RESTRICTIONS = {"ONLY_NEW": OrderStatus.NEW, "ONLY_PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED}


class SpotOrders:
    """The signed methods about orders."""

    def __init__(self, venue: Venue, numbers: Mapping[str, Numbers], desk: Desk) -> None:
        self._venue = venue
        self._numbers = numbers
        self._desk = desk
        self._reader = OrderReader(numbers, SPOT_TIMES_IN_FORCE, SPOT_SELF_TRADE, SPOT_CLIENT_ID)

    def place(self, parameters: Parameters, caller: Caller) -> bytes:
        response_type = _response_type(parameters)
        order = self._venue.place(caller.account, self._new_order(parameters), caller.now_ms)
        return spot_forms.placed(order, self._of(order), response_type)

    def test(self, parameters: Parameters, caller: Caller) -> bytes:
        """What ``place`` checks, and no order."""
        _response_type(parameters)
        wanted = self._new_order(parameters)
        book = self._venue.book(wanted.symbol)
        open_orders = len(self._venue.open_orders(caller.account, wanted.symbol))
        check_new_order(book, caller.account, sized(book, caller.account, wanted), open_orders)
        return b"{}"

    def cancel(self, parameters: Parameters, caller: Caller) -> bytes:
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        only = _restriction(parameters)
        if only is not None and order.status is not only and order.status.is_open:
            raise OrderRefusedError(Refusal.CANCEL_RESTRICTED)
        cancel_id = self._reader.client_id(parameters, "newClientOrderId") or self._fresh_id()
        return msgspec.json.encode(self._cancel(order, cancel_id, caller.now_ms))

    def cancel_all(self, parameters: Parameters, caller: Caller) -> bytes:
        """Every open order of a symbol; none is an error."""
        symbol = parameters.text("symbol")
        self._venue.book(symbol)
        orders = self._venue.open_orders(caller.account, symbol)
        if not orders:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        return msgspec.json.encode([self._cancel(order, self._fresh_id(), caller.now_ms) for order in orders])

    def replace(self, parameters: Parameters, caller: Caller) -> bytes:
        """``cancelReplace``. Half a success is an error too, with both halves in its data."""
        mode = parameters.text("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise BinanceError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        response_type = _response_type(parameters)
        old = self._reader.find(
            self._venue, parameters, caller, id_name="cancelOrderId", client_id_name="cancelOrigClientOrderId"
        )
        cancel_id = self._reader.client_id(parameters, "cancelNewClientOrderId") or self._fresh_id()
        made = self._venue.replace(
            old,
            caller.account,
            self._new_order(parameters),
            caller.now_ms,
            stop_on_failure=mode == "STOP_ON_FAILURE",
            cancel_client_id=cancel_id,
            only_status=_restriction(parameters),
        )
        canceled, placed = made.canceled, made.placed
        data = {
            "cancelResult": _result(canceled),
            "newOrderResult": _result(placed),
            "cancelResponse": self._desk.error(canceled).form()
            if isinstance(canceled, Refusal)
            else spot_forms.canceled(canceled, self._of(canceled), cancel_id),
            "newOrderResponse": self._replaced_by(placed, response_type),
        }
        if isinstance(canceled, Order) and isinstance(placed, Order):
            return msgspec.json.encode(data)
        if isinstance(canceled, Order) or isinstance(placed, Order):
            raise BinanceError(-2021, "Order cancel-replace partially failed.", 409, data=data)
        raise BinanceError(-2022, "Order cancel-replace failed.", 400, data=data)

    def amend(self, parameters: Parameters, caller: Caller) -> bytes:
        """``amend.keepPriority``: a smaller quantity, and the place in the queue kept."""
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        numbers = self._of(order)
        size = numbers.size_lots("newQty", parameters.text("newQty"))
        if size > order.size_lots:
            raise OrderRefusedError(Refusal.AMEND_NOT_SMALLER)
        before = order.client_id
        client_id = self._reader.client_id(parameters, "newClientOrderId") or self._fresh_id()
        self._venue.amend(order, caller.now_ms, size_lots=size, client_id=client_id)
        return spot_forms.amended(order, numbers, before, self._venue.new_order_id())

    def status(self, parameters: Parameters, caller: Caller) -> bytes:
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise BinanceError(*errors.NO_SUCH_ORDER)
        return msgspec.json.encode(spot_forms.queried(order, self._of(order)))

    def open_orders(self, parameters: Parameters, caller: Caller) -> bytes:
        symbol = parameters.optional("symbol")
        if symbol is not None:
            self._venue.book(symbol)
        orders = self._venue.open_orders(caller.account, symbol)
        return msgspec.json.encode([spot_forms.queried(order, self._of(order)) for order in orders])

    def all_orders(self, parameters: Parameters, caller: Caller) -> bytes:
        chosen = own_orders(self._venue, parameters, caller)
        return msgspec.json.encode([spot_forms.queried(order, self._of(order)) for order in chosen])

    def my_trades(self, parameters: Parameters, caller: Caller) -> bytes:
        return own_trades(self._venue, parameters, caller, lambda order: spot_forms.own_trades(order, self._of(order)))

    def my_prevented_matches(self, parameters: Parameters, caller: Caller) -> bytes:
        """What self-trade prevention did not let an account trade."""
        symbol = parameters.text("symbol")
        self._venue.book(symbol)
        order_id, match_id = (parameters.optional_integer(name) for name in ("orderId", "preventedMatchId"))
        if order_id is None and match_id is None:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        matches = {
            match.match_id: spot_forms.prevented_match(match, symbol, self._numbers[symbol])
            for order in self._venue.orders(caller.account, symbol)
            if order_id in (None, order.order_id)
            for match in order.prevented_matches
            if match_id in (None, match.match_id)
        }
        return msgspec.json.encode([matches[number] for number in sorted(matches)])

    def _new_order(self, parameters: Parameters) -> NewOrder:
        return self._reader.new_order(parameters, self._fresh_id())

    def _replaced_by(self, placed: Order | Refusal | None, response_type: str) -> Any:
        if isinstance(placed, Order):
            return msgspec.Raw(spot_forms.placed(placed, self._of(placed), response_type))
        return self._desk.error(placed).form() if placed is not None else None

    def _cancel(self, order: Order, cancel_id: str, now_ms: int) -> spot_forms.Canceled:
        self._venue.cancel(order, now_ms, cancel_id)
        return spot_forms.canceled(order, self._of(order), cancel_id)

    def _of(self, order: Order) -> Numbers:
        return self._numbers[order.listing.symbol]

    def _fresh_id(self) -> str:
        return f"sim{self._venue.new_order_id()}"


def _response_type(parameters: Parameters) -> str:
    response_type = parameters.optional("newOrderRespType") or "FULL"
    if response_type not in _RESPONSE_TYPES:
        raise BinanceError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return response_type


def _restriction(parameters: Parameters) -> OrderStatus | None:
    text = parameters.optional("cancelRestrictions")
    if text is not None and text not in _RESTRICTIONS:
        raise BinanceError(-1130, "Data sent for parameter 'cancelRestrictions' is not valid.")
    return _RESTRICTIONS[text] if text is not None else None


def _result(half: Order | Refusal | None) -> str:
    if half is None:
        return "NOT_ATTEMPTED"
    return "SUCCESS" if isinstance(half, Order) else "FAILURE"
