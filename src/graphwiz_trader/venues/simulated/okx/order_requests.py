"""Reading an order, an amendment or the name of an order from the arguments of a request, with OKX's errors.

What the venue does not do (attached stops, isolated long and short positions, margin on spot) is refused, never
ignored: an order must not be taken for a different one.

Source: OKX API v5 docs, "Place order", "Cancel order", "Amend order".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.matching import SelfTrade
from graphwiz_trader.venues.simulated.okx import errors, numbers
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.products import SPOT, SWAP, Product, Products
from graphwiz_trader.venues.simulated.orders import NewOrder

Arg = Mapping[str, Any]
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_LIMITS = {
    "limit": TimeInForce.GTC,
    "post_only": TimeInForce.POST_ONLY,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
}
_MARKETS = {"market": (SPOT, SWAP), "optimal_limit_ioc": (SWAP,)}
"""Order types without a price, and what they are for."""
_SELF_TRADE = {
    "cancel_maker": SelfTrade.EXPIRE_MAKER,
    "cancel_taker": SelfTrade.EXPIRE_TAKER,
    "cancel_both": SelfTrade.EXPIRE_BOTH,
}
_TRADE_MODES = {SPOT: ("cash",), SWAP: ("cross",)}
_NAME = re.compile(r"^[A-Za-z0-9]{1,32}$")
_TAG = re.compile(r"^[A-Za-z0-9]{0,16}$")
_REFUSED = ("attachAlgoOrds", "pxUsd", "pxVol", "slTriggerPx", "slOrdPx", "tpTriggerPx", "tpOrdPx", "closeFraction")


class Named(NamedTuple):
    """Which order is meant: the venue's id, or else the client's."""

    order_id: int | None
    client_id: str


class Amendment(NamedTuple):
    """What is to change; None stays as it is. ``size_lots`` counts what has been filled."""

    price_ticks: int | None
    size_lots: int | None
    request_id: str
    cancel_on_failure: bool


def find_product(products: Products, arg: Arg) -> Product:
    """By ``instId``, or by ``instIdCode`` as a number. Raises OkxError."""
    inst_id, code = text(arg, "instId"), arg.get("instIdCode")
    found = products.find(inst_id) if inst_id else products.with_code(code) if type(code) is int else None
    if found is None and not inst_id and code is None:
        raise errors.missing("instId")
    if found is None:
        raise OkxError(*errors.NO_INSTRUMENT)
    return found


def new_order(product: Product, arg: Arg, default_client_id: str) -> NewOrder:
    """Raises OkxError or OrderRefusedError for what cannot be taken."""
    for name in _REFUSED:
        if arg.get(name):
            raise errors.parameter(name)
    if _required(arg, "tdMode") not in _TRADE_MODES[product.inst_type]:
        raise errors.parameter("tdMode")
    if text(arg, "posSide") not in ("", "net"):
        raise errors.parameter("posSide")
    side = _SIDES.get(_required(arg, "side"))
    if side is None:
        raise errors.parameter("side")
    mode = text(arg, "stpMode") or "cancel_maker"
    if mode not in _SELF_TRADE or (mode == "cancel_both" and arg.get("ordType") == "fok"):
        raise errors.parameter("stpMode")
    if text(arg, "tradeQuoteCcy") not in ("", product.listing.instrument.quote):
        raise errors.parameter("tradeQuoteCcy")
    tag, client_id = text(arg, "tag"), text(arg, "clOrdId")
    if not _TAG.fullmatch(tag):
        raise errors.parameter("tag")
    if client_id and not _NAME.fullmatch(client_id):
        raise errors.parameter("clOrdId")
    kind = _required(arg, "ordType")
    price_ticks, time_in_force = _terms(product, arg, kind)
    size_lots, quote_units, target = _size(product, arg, side, is_market=price_ticks is None)
    words = {"ordType": kind, "tdMode": arg["tdMode"], "stpMode": mode, "tag": tag, "tgtCcy": target}
    return NewOrder(
        symbol=product.inst_id,
        side=side,
        price_ticks=price_ticks,
        size_lots=size_lots,
        time_in_force=time_in_force,
        client_id=client_id or default_client_id,
        reduce_only=_flag(arg, "reduceOnly"),
        self_trade=_SELF_TRADE[mode],
        quote_units=quote_units,
        words=words | ({"sz": numbers.amount(quote_units)} if quote_units is not None else {}),
    )


def amendment(product: Product, arg: Arg) -> Amendment:
    """Raises OkxError or OrderRefusedError for what cannot be read."""
    price, size = text(arg, "newPx"), text(arg, "newSz")
    if not price and not size:
        raise OkxError(*errors.NOTHING_TO_CHANGE)
    return Amendment(
        product.numbers.price_ticks("newPx", price) if price else None,
        product.numbers.size_lots("newSz", size) if size else None,
        text(arg, "reqId"),
        _flag(arg, "cxlOnFail"),
    )


def named(arg: Arg) -> Named:
    """Raises OkxError when neither name is given."""
    order_id, client_id = text(arg, "ordId"), text(arg, "clOrdId")
    if not order_id and not client_id:
        raise OkxError(*errors.NO_ORDER_ID)
    if order_id:
        is_number = order_id.isascii() and order_id.isdigit() and len(order_id) <= 20
        return Named(int(order_id) if is_number else 0, client_id)
    return Named(None, client_id)


def text(arg: Arg, name: str) -> str:
    """A parameter as text, empty when it is not there. Raises OkxError for another type."""
    value = arg.get(name, "")
    if not isinstance(value, str):
        raise errors.parameter(name)
    return value


def _required(arg: Arg, name: str) -> str:
    value = text(arg, name)
    if not value:
        raise errors.missing(name)
    return value


def _flag(arg: Arg, name: str) -> bool:
    """``true`` and ``false``, as such or as text."""
    value = arg.get(name, False)
    if value in (True, "true"):
        return True
    if value not in (False, "false", ""):
        raise errors.parameter(name)
    return False


def _terms(product: Product, arg: Arg, kind: str) -> tuple[int | None, TimeInForce]:
    """Price, none for a market order, and how long it stands."""
    if kind in _LIMITS:
        return product.numbers.price_ticks("px", _required(arg, "px")), _LIMITS[kind]
    if product.inst_type not in _MARKETS.get(kind, ()):
        raise errors.parameter("ordType")
    return None, TimeInForce.IOC


def _size(product: Product, arg: Arg, side: Side, *, is_market: bool) -> tuple[int, int | None, str]:
    """Lots, or what a market order on spot is worth in quote currency, which is what ``sz`` of a purchase says."""
    size = _required(arg, "sz")
    target = text(arg, "tgtCcy")
    if target not in ("", "base_ccy", "quote_ccy"):
        raise errors.parameter("tgtCcy")
    if product.inst_type != SPOT or not is_market:
        return product.numbers.size_lots("sz", size), None, ""
    target = target or ("quote_ccy" if side is Side.BUY else "base_ccy")
    if target == "base_ccy":
        return product.numbers.size_lots("sz", size), None, target
    return 0, numbers.units("sz", size), target
