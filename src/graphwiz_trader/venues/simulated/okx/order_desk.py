"""Placing, cancelling and amending orders: the same for WebSocket operations and for REST, one by one and in batches.

A success says that a request was accepted; what became of the order is told by the channel ``orders``.

Sources: OKX API v5 docs, "WS / Place order" and its siblings; "Rate Limits".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.okx import errors, order_requests
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.limits import Rate, Windows
from graphwiz_trader.venues.simulated.okx.order_forms import NAMELESS, client_id
from graphwiz_trader.venues.simulated.okx.order_requests import Arg, Named
from graphwiz_trader.venues.simulated.okx.products import SWAP, Product, Products
from graphwiz_trader.venues.simulated.orders import EndReason, Order, OrderRefusedError, Refusal
from graphwiz_trader.venues.simulated.venue import Venue

MAX_BATCH = 20
SINGLE, BATCH = Rate(60, 2_000), Rate(300, 2_000)
"""Orders of one instrument that a user may place, and as many that may be canceled, and amended. A batch of one counts
as a single order."""
ACCOUNT = Rate(1_000, 2_000)
"""Orders that an account may place or amend, all instruments but spot together."""
Result = dict[str, str]


class Action(Enum):
    PLACE = "order"
    CANCEL = "cancel-order"
    AMEND = "amend-order"


class OrderDesk:
    """Does what owners ask of their orders. Nothing here raises for a bad request: each order has its own result."""

    def __init__(self, venue: Venue, products: Products) -> None:
        self._venue = venue
        self._products = products
        self._do: dict[Action, Callable[[Account, Product, Arg, int], tuple[Order, str]]] = {
            Action.PLACE: self._place,
            Action.CANCEL: self._cancel,
            Action.AMEND: self._amend,
        }
        self.rates: dict[tuple[Action, bool], Windows[tuple[int, str]]] = {
            (action, is_batch): Windows(BATCH if is_batch else SINGLE)
            for action in Action
            for is_batch in (False, True)
        }
        self.account_rate: Windows[int] = Windows(ACCOUNT)

    def run(
        self,
        action: Action,
        account: Account,
        args: Sequence[Arg],
        now_ms: int,
        *,
        is_batch: bool,
        expires: object,
    ) -> list[Result]:
        """One result an order. Raises OkxError for a request that is none, and for one that came too late.

        ``expires``: the time in ms after which the owner does not want it any more, empty for none.
        """
        if not args or (len(args) > 1 and not is_batch):
            raise OkxError(60013, "Invalid args")
        if len(args) > MAX_BATCH:
            raise OkxError(51111, f"Maximum {MAX_BATCH} orders can be placed in bulk")
        _check_expiry(expires, now_ms)
        counts_as_batch = len(args) > 1
        return [self._one(action, account, arg, now_ms, is_batch=counts_as_batch) for arg in args]

    def cancel_all(self, account: Account, now_ms: int) -> None:
        """The dead-man's switch: every open order of the account."""
        for order in self._venue.open_orders(account):
            self._venue.cancel(order, now_ms, reason=EndReason.TIMER)

    def find(self, account: Account, product: Product, name: Named) -> Order | None:
        return self._venue.find_order(account, product.inst_id, name.order_id, name.client_id)

    def publish(self, now_ms: int) -> None:
        """Tell the channels what has happened."""
        self._venue.publish(now_ms)

    def _one(self, action: Action, account: Account, arg: Arg, now_ms: int, *, is_batch: bool) -> Result:
        order: Order | None = None
        problem = OkxError(0, "")
        said = ""
        try:
            product = order_requests.find_product(self._products, arg)
            self._count(action, account, product, now_ms, is_batch=is_batch)
            order, said = self._do[action](account, product, arg, now_ms)
        except OkxError as error:
            problem = error
        except OrderRefusedError as error:
            problem = OkxError(*errors.REFUSALS[error.refusal])
        result = {
            "ordId": str(order.order_id) if order is not None else _echo(arg, "ordId"),
            "clOrdId": client_id(order) if order is not None else _echo(arg, "clOrdId"),
            "ts": str(now_ms),
            "sCode": problem.code,
            "sMsg": problem.message or said,
        }
        own = {Action.PLACE: "tag", Action.AMEND: "reqId"}.get(action)
        return result | ({own: _echo(arg, own), "subCode": ""} if own is not None else {})

    def _count(self, action: Action, account: Account, product: Product, now_ms: int, *, is_batch: bool) -> None:
        if not self.rates[action, is_batch].take((account.uid, product.inst_id), now_ms):
            raise OkxError(*errors.TOO_MANY_REQUESTS_OF_ORDERS)
        counts = action is not Action.CANCEL and product.inst_type == SWAP
        if counts and not self.account_rate.take(account.uid, now_ms):
            raise OkxError(*errors.TOO_MANY_ORDERS)

    def _place(self, account: Account, product: Product, arg: Arg, now_ms: int) -> tuple[Order, str]:
        wanted = order_requests.new_order(product, arg, f"{NAMELESS}{self._venue.new_order_id()}")
        if any(order.client_id == wanted.client_id for order in self._venue.open_orders(account)):
            raise OrderRefusedError(Refusal.DUPLICATE_CLIENT_ID)
        return self._venue.place(account, wanted, now_ms), "Order placed"

    def _cancel(self, account: Account, product: Product, arg: Arg, now_ms: int) -> tuple[Order, str]:
        order = self.find(account, product, order_requests.named(arg))
        if order is None:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        self._venue.cancel(order, now_ms)
        return order, ""

    def _amend(self, account: Account, product: Product, arg: Arg, now_ms: int) -> tuple[Order, str]:
        """A size of no more than what has been filled ends the order, and it counts as filled."""
        order = self.find(account, product, order_requests.named(arg))
        if order is None or not order.status.is_open:
            raise OkxError(*errors.NOT_AMENDED)
        wanted = order_requests.amendment(product, arg)
        order.words["reqId"] = wanted.request_id
        try:
            self._venue.amend(order, now_ms, price_ticks=wanted.price_ticks, size_lots=wanted.size_lots)
        except OrderRefusedError as refused:
            if refused.refusal is Refusal.SIZE_ALREADY_FILLED and order.filled_lots:
                order.words["finished"] = "true"
                self._venue.cancel(order, now_ms)
                return order, ""
            if wanted.cancel_on_failure:
                self._venue.cancel(order, now_ms)
            raise
        return order, ""


def outcome(results: Sequence[Result]) -> str:
    """The code over all results: 0 all done, 1 nothing done, 2 some."""
    done = sum(result["sCode"] == "0" for result in results)
    return "0" if done == len(results) else "2" if done else "1"


def _check_expiry(expires: object, now_ms: int) -> None:
    text = str(expires) if isinstance(expires, str | int) and not isinstance(expires, bool) else "x"
    if text and not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise errors.parameter("expTime")
    if text and now_ms > int(text):
        raise OkxError(*errors.ORDER_TOO_LATE)


def _echo(arg: Arg, name: str) -> str:
    """What the client called it, as far as that is a text."""
    value: Any = arg.get(name, "")
    return value if isinstance(value, str) else ""
