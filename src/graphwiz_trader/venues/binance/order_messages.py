"""The forms of Binance's order messages, as far as they are read: answers of the WebSocket API and user data events.

Fields that are not read are passed over; a field that is read must have its type or the message is refused.
Sources: Binance spot API docs, "WebSocket API", "User Data Streams"; USD-M futures docs, "WebSocket API General Info",
"Event: Order Update".
"""

from __future__ import annotations

import msgspec


class ErrorBody(msgspec.Struct, gc=False):
    code: int
    msg: str = ""


class Message(msgspec.Struct, gc=False):
    """Whatever arrives: an answer (``id``), an event of the spot connection (``event``), or a bare event (``e``)."""

    id: str | int | None = None
    status: int = 0
    result: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None
    event: msgspec.Raw = msgspec.Raw()
    e: str = ""
    o: msgspec.Raw = msgspec.Raw()


class EventName(msgspec.Struct, gc=False):
    e: str


class AnsweredFill(msgspec.Struct, gc=False, rename="camel"):
    price: str
    qty: str
    commission: str
    commission_asset: str
    trade_id: int


class AnsweredOrder(msgspec.Struct, gc=False, rename="camel"):
    """The answer to ``order.place``, ``order.cancel`` and ``order.status``. Spot's ACK has no status."""

    symbol: str
    order_id: int
    status: str = ""
    executed_qty: str = ""
    fills: list[AnsweredFill] = []
    transact_time: int = 0
    update_time: int = 0


class ListedOrder(msgspec.Struct, gc=False, rename="camel"):
    """An entry of the answer to ``openOrders.status``, and of USD-M's ``openOrders``."""

    symbol: str
    order_id: int
    client_order_id: str
    side: str
    price: str
    orig_qty: str
    executed_qty: str


class OwnTrade(msgspec.Struct, gc=False, rename="camel"):
    """An entry of the answer to ``myTrades``; USD-M's ``userTrades`` calls ``isMaker`` ``maker``."""

    symbol: str
    id: int
    order_id: int
    price: str
    qty: str
    commission: str
    commission_asset: str
    time: int
    is_maker: bool = False
    maker: bool = False


class OrderEvent(msgspec.Struct, gc=False):
    """Spot's ``executionReport`` and the ``o`` of USD-M's ``ORDER_TRADE_UPDATE``: the same letters."""

    symbol: str = msgspec.field(name="s")
    client_id: str = msgspec.field(name="c")
    execution: str = msgspec.field(name="x")
    status: str = msgspec.field(name="X")
    order_id: int = msgspec.field(name="i")
    last_size: str = msgspec.field(name="l")
    filled_size: str = msgspec.field(name="z")
    last_price: str = msgspec.field(name="L")
    time_ms: int = msgspec.field(name="T")
    trade_id: int = msgspec.field(name="t")
    fee: str = msgspec.field(name="n", default="0")
    fee_asset: str | None = msgspec.field(name="N", default=None)
    maker: bool = msgspec.field(name="m", default=False)
    original_client_id: str = msgspec.field(name="C", default="")
    """Spot, after a cancel: the order's own id, while ``c`` is the cancel's."""
    reject_reason: str = msgspec.field(name="r", default="")
