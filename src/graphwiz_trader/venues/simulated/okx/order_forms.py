"""Orders and fills in OKX's wire form: the channel ``orders``, and the REST answers about orders.

Source: OKX API v5 docs, "Order channel", "Get order", "Get transaction details". A fee that is paid is negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.ledger import LEVERAGE
from graphwiz_trader.venues.simulated.okx.account_forms import average_price
from graphwiz_trader.venues.simulated.okx.numbers import amount
from graphwiz_trader.venues.simulated.okx.products import SPOT, Product
from graphwiz_trader.venues.simulated.orders import EndReason, EventKind, Execution, Order, OrderEvent, OrderStatus

NAMELESS = "~"
"""How the venue's own name begins for an order that its owner gave none: no owner can give such a one."""
_STATES = {
    OrderStatus.NEW: "live",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
}
CANCEL_SOURCES = {
    EndReason.OWNER: ("1", "Order canceled by user"),
    EndReason.FOK_UNFILLABLE: ("13", "FOK order was canceled due to incompletely filled"),
    EndReason.IOC_REST: ("14", "IOC order was partially canceled due to incompletely filled"),
    EndReason.NO_LIQUIDITY: ("14", "IOC order was partially canceled due to incompletely filled"),
    EndReason.TIMER: ("20", "Cancel all after triggered"),
    EndReason.WOULD_TAKE: ("31", "The post-only order will take liquidity in taker orders"),
    EndReason.SELF_TRADE: ("32", "Self trade prevention"),
}
"""Why an order ended: OKX's ``cancelSource`` and ``cancelSourceReason``."""
_UNUSED: dict[str, Any] = {
    **dict.fromkeys(("algoClOrdId", "algoId", "attachAlgoClOrdId", "ccy", "pxType", "pxUsd", "pxVol"), ""),
    **dict.fromkeys(("quickMgnType", "slOrdPx", "slTriggerPx", "slTriggerPxType", "source", "stpId"), ""),
    **dict.fromkeys(("tpOrdPx", "tpTriggerPx", "tpTriggerPxType"), ""),
    "attachAlgoOrds": [],
    "category": "normal",
    "isTpLimit": "false",
    "linkedAlgoOrd": {"algoId": ""},
    "rebate": "0",
}
"""What every order's form has and nobody here can ask for."""
_OF_OPTIONS = dict.fromkeys(("fillFwdPx", "fillIdxPx", "fillMarkPx", "fillMarkVol", "fillPxUsd", "fillPxVol"), "")


def queried(product: Product, order: Order) -> dict[str, Any]:
    """An order as it stands now, as REST shows it."""
    last = order.executions[-1] if order.executions else None
    form = _form(product, order, order.status, order.executions, last, order.updated_ms)
    ended = not order.status.is_open and order.status is not OrderStatus.FILLED
    reason = CANCEL_SOURCES[order.end_reason][1] if ended and order.end_reason else ""
    return form | {"cancelSourceReason": reason, "avgPx": form["avgPx"] if order.executions else ""}


def pushed(product: Product, event: OrderEvent) -> dict[str, Any]:
    """One step in an order's life, as the channel ``orders`` tells it."""
    order, execution = event.order, event.execution
    form = _form(product, order, event.status, _first(order.executions, event.filled_lots), execution, event.time_ms)
    price = execution.price_ticks if execution is not None else order.price_ticks
    amended = event.kind is EventKind.AMENDED
    return (
        form
        | _OF_OPTIONS
        | {
            "amendResult": "0" if amended else "",
            "amendSource": "1" if amended else "",
            "code": "0",
            "execType": _liquidity(execution) if execution is not None else "",
            "fillFee": amount(-execution.fee_units) if execution is not None else "0",
            "fillFeeCcy": execution.fee_asset if execution is not None else "",
            "fillNotionalUsd": amount(execution.quote_units) if execution is not None else "",
            "fillPnl": amount(execution.realised_units) if execution is not None else "0",
            "lastPx": product.numbers.price(product.book.last_price_ticks),
            "msg": "",
            "notionalUsd": amount(product.listing.notional_units(price, order.size_lots)),
            "reqId": order.words.get("reqId", "") if amended else "",
        }
    )


def fill(product: Product, order: Order, execution: Execution) -> dict[str, str]:
    """One execution, as ``trade/fills`` shows it."""
    return {
        "billId": f"{execution.trade_id}{order.order_id}",
        "clOrdId": client_id(order),
        "execType": _liquidity(execution),
        "fee": amount(-execution.fee_units),
        "feeCcy": execution.fee_asset,
        "feeRate": "",
        "fillIdxPx": "",
        "fillMarkPx": "",
        "fillMarkVol": "",
        "fillPnl": amount(execution.realised_units),
        "fillPx": product.numbers.price(execution.price_ticks),
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillSz": product.numbers.size(execution.size_lots),
        "fillTime": str(execution.time_ms),
        "instId": product.inst_id,
        "instType": product.inst_type,
        "ordId": str(order.order_id),
        "posSide": "net",
        "side": order.side.name.lower(),
        "subType": "1" if order.side is Side.BUY else "2",
        "tag": order.words.get("tag", ""),
        "tradeId": str(execution.trade_id),
        "tradeQuoteCcy": product.listing.instrument.quote,
        "ts": str(execution.time_ms),
    }


def client_id(order: Order) -> str:
    """The owner's name for it, empty when it was given none."""
    return "" if order.client_id.startswith(NAMELESS) else order.client_id


def is_finished(order: Order) -> bool:
    """Whether it counts as filled although something of it was left: it was amended to what had been filled."""
    return order.words.get("finished") == "true"


def _form(  # what REST and the channel have in common
    product: Product,
    order: Order,
    status: OrderStatus,
    executions: list[Execution],
    last: Execution | None,
    time_ms: int,
) -> dict[str, Any]:
    instrument, numbers, words = product.listing.instrument, product.numbers, order.words
    filled = sum(execution.size_lots for execution in executions)
    is_spot = product.inst_type == SPOT
    fee_asset = instrument.base if is_spot and order.side is Side.BUY else instrument.quote
    ended = not status.is_open and status is not OrderStatus.FILLED and not is_finished(order)
    return _UNUSED | {
        "accFillSz": numbers.size(filled),
        "avgPx": average_price(product, filled, sum(e.quote_units for e in executions)) or "0",
        "cTime": str(order.created_ms),
        "cancelSource": CANCEL_SOURCES[order.end_reason][0] if ended and order.end_reason is not None else "",
        "clOrdId": client_id(order),
        "fee": amount(-sum(execution.fee_units for execution in executions)),
        "feeCcy": fee_asset,
        "fillPx": numbers.price(last.price_ticks) if last is not None else "",
        "fillSz": numbers.size(last.size_lots) if last is not None else "0",
        "fillTime": str(last.time_ms) if last is not None else "",
        "instId": product.inst_id,
        "instIdCode": product.code,
        "instType": product.inst_type,
        "lever": "" if is_spot else str(LEVERAGE),
        "ordId": str(order.order_id),
        "ordType": words.get("ordType", "limit"),
        "pnl": amount(sum(execution.realised_units for execution in executions)),
        "posSide": "net" if not is_spot else "",
        "px": numbers.price(order.price_ticks) if order.price_ticks else "",
        "rebateCcy": instrument.quote if fee_asset == instrument.base else instrument.base,
        "reduceOnly": "true" if order.reduce_only else "false",
        "side": order.side.name.lower(),
        "state": "canceled" if ended else _STATES.get(status, "filled"),
        "stpMode": words.get("stpMode", ""),
        "sz": words.get("sz") or numbers.size(order.size_lots),
        "tag": words.get("tag", ""),
        "tdMode": words.get("tdMode", "cash" if is_spot else "cross"),
        "tgtCcy": words.get("tgtCcy", ""),
        "tradeId": str(last.trade_id) if last is not None else "",
        "tradeQuoteCcy": instrument.quote,
        "uTime": str(time_ms),
    }


def _first(executions: Iterable[Execution], lots: int) -> list[Execution]:
    """The executions that filled so much: later ones may have happened before an event is told."""
    first = []
    for execution in executions:
        lots -= execution.size_lots
        if lots < 0:
            break
        first.append(execution)
    return first


def _liquidity(execution: Execution) -> str:
    return "M" if execution.maker else "T"
