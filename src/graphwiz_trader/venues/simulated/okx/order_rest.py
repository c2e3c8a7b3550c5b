"""What an account's owner may ask and do about orders over REST, and the dead-man's switch.

Source: OKX API v5 docs, "Order Book Trading / Trade".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphwiz_trader.venues.simulated.okx import errors, order_forms, order_requests
from graphwiz_trader.venues.simulated.okx.dead_man import DeadMan
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.history import History
from graphwiz_trader.venues.simulated.okx.limits import Rate
from graphwiz_trader.venues.simulated.okx.order_desk import Action, OrderDesk, outcome
from graphwiz_trader.venues.simulated.okx.products import Products
from graphwiz_trader.venues.simulated.okx.rest import Caller, Envelope, Query, SignedAnswer, named_product
from graphwiz_trader.venues.simulated.orders import Order
from graphwiz_trader.venues.simulated.venue import Venue

_PATH = "/api/v5/trade/"
_MOST = 100
_ACTIONS = {
    "order": (Action.PLACE, False),
    "cancel-order": (Action.CANCEL, False),
    "amend-order": (Action.AMEND, False),
    "batch-orders": (Action.PLACE, True),
    "cancel-batch-orders": (Action.CANCEL, True),
    "amend-batch-orders": (Action.AMEND, True),
}
_FAILURES = {"1": "All operations failed", "2": "Bulk operation partially failed"}


class OrderRest:
    """Answers from the venue's orders and from what is remembered of them."""

    def __init__(self, venue: Venue, products: Products, desk: OrderDesk, history: History, dead_man: DeadMan) -> None:
        self._venue = venue
        self._products = products
        self._desk = desk
        self._history = history
        self._dead_man = dead_man

    def routes(self) -> dict[tuple[str, str], SignedAnswer]:
        return {
            **{("POST", f"{_PATH}{name}"): self._doing(*what) for name, what in _ACTIONS.items()},
            ("POST", f"{_PATH}cancel-all-after"): self._cancel_all_after,
            ("POST", f"{_PATH}close-position"): self._close,
            ("GET", f"{_PATH}order"): self._order,
            ("GET", f"{_PATH}orders-pending"): self._pending,
            ("GET", f"{_PATH}orders-history"): self._ended,
            ("GET", f"{_PATH}orders-history-archive"): self._ended,
            ("GET", f"{_PATH}fills"): self._fills,
            ("GET", f"{_PATH}fills-history"): self._fills,
            ("GET", f"{_PATH}orders-algo-pending"): lambda _caller: [],  # none is taken here
        }

    def rates(self) -> dict[str, Rate | None]:
        """The paths whose rate is not the usual one; order operations count with those of the WebSocket."""
        return {
            **dict.fromkeys((f"{_PATH}{name}" for name in _ACTIONS), None),
            f"{_PATH}cancel-all-after": None,
            f"{_PATH}orders-pending": Rate(60, 2_000),
            f"{_PATH}orders-history": Rate(40, 2_000),
            f"{_PATH}fills": Rate(60, 2_000),
        }

    def _doing(self, action: Action, is_batch: bool) -> SignedAnswer:
        def answer(caller: Caller) -> Envelope:
            expires = caller.headers.get("exptime", "")
            results = self._desk.run(
                action, caller.account, caller.args, caller.now_ms, is_batch=is_batch, expires=expires
            )
            code = outcome(results)
            if not is_batch and results[0]["sCode"] == str(errors.TOO_MANY_REQUESTS_OF_ORDERS[0]):
                raise OkxError(*errors.TOO_MANY_REQUESTS)
            return Envelope(code, _FAILURES.get(code, ""), results)

        return answer

    def _order(self, caller: Caller) -> list[Any]:
        product = named_product(self._products, caller.query)
        order = self._desk.find(caller.account, product, order_requests.named(caller.query))
        if order is None:
            raise OkxError(*errors.NO_SUCH_ORDER)
        return [order_forms.queried(product, order)]

    def _pending(self, caller: Caller) -> list[Any]:
        return self._orders(caller.query, self._venue.open_orders(caller.account))

    def _ended(self, caller: Caller) -> list[Any]:
        if "instType" not in caller.query:
            raise errors.missing("instType")
        return self._orders(caller.query, self._history.ended(caller.account))

    def _orders(self, query: Query, orders: list[Order]) -> list[Any]:
        """Newest first."""
        wanted = self._filter(query)
        forms = [
            order_forms.queried(self._products[order.listing.symbol], order)
            for order in reversed(orders)
            if wanted(order)
        ]
        return [form for form in forms if query.get("state") in (None, form["state"])][: _limit(query)]

    def _fills(self, caller: Caller) -> list[Any]:
        """Newest first."""
        wanted = self._filter(caller.query)
        return [
            order_forms.fill(self._products[order.listing.symbol], order, execution)
            for order, execution in reversed(self._history.fills(caller.account))
            if wanted(order) and caller.query.get("ordId") in (None, str(order.order_id))
        ][: _limit(caller.query)]

    def _close(self, caller: Caller) -> list[Any]:
        """A swap's whole position, at the market."""
        said: dict[str, Any] = caller.args[0] if caller.args else {}
        product = named_product(self._products, {"instId": str(said["instId"])} if "instId" in said else {})
        position = caller.account.positions.get(product.inst_id)
        if said.get("mgnMode") != "cross":
            raise errors.parameter("mgnMode")
        if position is None or not position.size_lots:
            raise OkxError(*errors.NO_POSITION)
        order: dict[str, Any] = {name: said[name] for name in ("clOrdId", "tag") if name in said}
        order |= {"instId": product.inst_id, "tdMode": "cross", "ordType": "market", "reduceOnly": True}
        order["side"] = "sell" if position.size_lots > 0 else "buy"
        order["sz"] = product.numbers.size(abs(position.size_lots))
        (done,) = self._desk.run(Action.PLACE, caller.account, [order], caller.now_ms, is_batch=False, expires="")
        if done["sCode"] != "0":
            raise OkxError(int(done["sCode"]), done["sMsg"])
        return [{"instId": product.inst_id, "posSide": "net", "clOrdId": done["clOrdId"], "tag": done["tag"]}]

    def _cancel_all_after(self, caller: Caller) -> list[Any]:
        if not self._dead_man.rate.take(caller.account.uid, caller.now_ms):
            raise OkxError(*errors.TOO_MANY_REQUESTS)
        seconds = caller.args[0].get("timeOut", "") if caller.args else ""
        due_ms = self._dead_man.set(caller.account, str(seconds), caller.now_ms)
        return [{"triggerTime": str(due_ms), "tag": "", "ts": str(caller.now_ms)}]

    def _filter(self, query: Query) -> Callable[[Order], bool]:
        def wanted(order: Order) -> bool:
            product = self._products[order.listing.symbol]
            return (
                query.get("instType") in (None, product.inst_type)
                and query.get("instId") in (None, product.inst_id)
                and query.get("ordType") in (None, order.words.get("ordType"))
            )

        return wanted


def _limit(query: Query) -> int:
    text = query.get("limit", str(_MOST))
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise errors.parameter("limit")
    return min(int(text), _MOST)
