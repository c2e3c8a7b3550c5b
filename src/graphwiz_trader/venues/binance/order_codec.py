"""What Binance says about orders, as `ExecutionReport`s: a pure function of a frame, so that a journal replays.

An answer is tied to its order by the request's id, never by what was asked before. An error is read for what it
proves: that the order was refused, or nothing at all. Binance spot API docs, "Error codes" and "General information
on HTTP codes"; USD-M futures docs, "HTTP return codes".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from graphwiz_trader.hft.events import ExecutionReport, FoundOrder, OpenOrders, OrderState, Trade
from graphwiz_trader.hft.instruments import Instrument, Instruments, units_from_text
from graphwiz_trader.venues.binance.order_encoder import CANCEL, OPEN, PLACE, QUERY, TRADES
from graphwiz_trader.venues.binance.order_messages import (
    AnsweredFill,
    AnsweredOrder,
    ErrorBody,
    EventName,
    ListedOrder,
    Message,
    OrderEvent,
    OwnTrade,
)

_STATES = {
    "": OrderState.OPEN,  # the answer's short form says only that the order was accepted
    "NEW": OrderState.OPEN,
    "PENDING_NEW": OrderState.OPEN,
    "PARTIALLY_FILLED": OrderState.OPEN,
    "PENDING_CANCEL": OrderState.OPEN,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}
_ORDER_EVENTS = {"executionReport", "ORDER_TRADE_UPDATE"}
_OTHER_EVENTS = {
    "outboundAccountPosition",
    "balanceUpdate",
    "listStatus",
    "eventStreamTerminated",
    "externalLockUpdate",
    "serverShutdown",
    "ACCOUNT_UPDATE",
    "ACCOUNT_CONFIG_UPDATE",
    "TRADE_LITE",
    "MARGIN_CALL",
    "listenKeyExpired",
}
"""Say nothing about an order that its own event does not say as well, and better."""

_NO_SUCH_ORDER = -2013
_OVERLOADED = -1008
"""The one answer of status 5xx that proves a failure: the request was not processed."""
_PROVE_NOTHING = {
    -1006,  # an unexpected response from the message bus; execution status unknown
    -1007,  # a timeout waiting for the backend; send status unknown
    -4116,  # a client id in use: it may be this very order that uses it
}
_TIMED_OUT = 408
_MAX_REASON = 200

_decode_message = msgspec.json.Decoder(Message).decode
_decode_event_name = msgspec.json.Decoder(EventName).decode
_decode_event = msgspec.json.Decoder(OrderEvent).decode
_decode_answer = msgspec.json.Decoder(AnsweredOrder).decode
_decode_listed = msgspec.json.Decoder(list[ListedOrder]).decode
_decode_trades = msgspec.json.Decoder(list[OwnTrade]).decode


class _UnreadableError(Exception):
    """A message that is not one we can use; its argument names the kind of trouble."""


class OrderDecoder:
    """Reads one exchange's order frames. It keeps nothing but a count of what it could not use."""

    def __init__(self, instruments: Instruments, exchange: str) -> None:
        self._instruments = {i.venue_symbol: i for i in instruments.on_exchange(exchange)}
        self.refused: Counter[str] = Counter()
        """Frames that said nothing we could use, by kind of trouble."""

    def __call__(self, frame: bytes) -> Sequence[ExecutionReport | OpenOrders]:
        """What a frame says, in order; nothing where it is no news of an order. Never raises."""
        try:
            return self._read(_decode_message(frame))
        except _UnreadableError as trouble:
            self.refused[str(trouble)] += 1
        except (msgspec.MsgspecError, ValueError, RecursionError):  # NotRepresentableError is a ValueError
            self.refused["MALFORMED"] += 1
        return ()

    def _read(self, message: Message) -> Sequence[ExecutionReport | OpenOrders]:
        if message.id is not None or message.status:
            return self._read_answer(message)
        event, name = message.o, message.e
        if bytes(message.event):
            event, name = message.event, _decode_event_name(message.event).e
        if name in _ORDER_EVENTS:
            return (self._read_event(_decode_event(event)),)
        if name not in _OTHER_EVENTS:
            raise _UnreadableError("UNKNOWN_EVENT")
        return ()

    def _read_event(self, event: OrderEvent) -> ExecutionReport:
        instrument = self._instrument(event.symbol)
        trades: tuple[Trade, ...] = ()
        if event.execution == "TRADE":
            trades = (
                _trade(
                    instrument,
                    event.trade_id,
                    event.last_price,
                    event.last_size,
                    event.fee,
                    event.fee_asset,
                    event.maker,
                ),
            )
        client_id = event.original_client_id or event.client_id
        if not client_id:
            raise _UnreadableError("MALFORMED")
        reason = event.reject_reason
        return ExecutionReport(
            client_id=client_id,
            state=_state(event.status),
            venue_id=str(event.order_id),
            filled_lots=_filled(instrument, event.filled_size),
            trades=trades,
            time_ms=event.time_ms,
            reason="" if reason == "NONE" else reason[:_MAX_REASON],
            unasked=True,
        )

    def _read_answer(self, message: Message) -> Sequence[ExecutionReport | OpenOrders]:
        request = message.id if isinstance(message.id, str) else ""
        asked, client_id = request[:1], request[1:]
        if asked not in (PLACE, CANCEL, QUERY, TRADES, OPEN) or not client_id:
            raise _UnreadableError("UNKNOWN_ANSWER")
        if message.status != 200 or message.error is not None:
            return _read_error(asked, client_id, message.status, message.error or ErrorBody(0))
        if asked == TRADES:
            return self._read_trades(client_id, _decode_trades(message.result))
        if asked == OPEN:
            return (OpenOrders(number=int(client_id), orders=tuple(map(_found, _decode_listed(message.result)))),)
        order = _decode_answer(message.result)
        instrument = self._instrument(order.symbol)
        return (
            ExecutionReport(
                client_id=client_id,
                state=_state(order.status),
                venue_id=str(order.order_id),
                filled_lots=_filled(instrument, order.executed_qty) if order.executed_qty else -1,
                trades=tuple([_answered_trade(instrument, fill) for fill in order.fills]),
                time_ms=order.transact_time or order.update_time,
            ),
        )

    def _read_trades(self, client_id: str, found: list[OwnTrade]) -> Sequence[ExecutionReport]:
        """An order's trades say nothing of its state."""
        if not found:
            return ()
        trades = tuple(
            [
                _trade(
                    self._instrument(t.symbol),
                    t.id,
                    t.price,
                    t.qty,
                    t.commission,
                    t.commission_asset,
                    t.is_maker or t.maker,
                )
                for t in found
            ]
        )
        report = ExecutionReport(
            client_id=client_id,
            state=OrderState.UNKNOWN,
            venue_id=str(found[0].order_id),
            trades=trades,
            time_ms=max(t.time for t in found),
        )
        return (report,)

    def _instrument(self, symbol: str) -> Instrument:
        found = self._instruments.get(symbol)
        if found is None:
            raise _UnreadableError("UNKNOWN_SYMBOL")
        return found


def order_decoder(instruments: Instruments, exchange: str) -> OrderDecoder:
    """The decoder of one exchange's order frames; its ``refused`` counts what it could not use."""
    return OrderDecoder(instruments, exchange)


def _read_error(asked: str, client_id: str, status: int, error: ErrorBody) -> Sequence[ExecutionReport]:
    reason = f"{error.code} {error.msg}"[:_MAX_REASON]
    if asked == PLACE:
        state = OrderState.REJECTED if _proves_refusal(status, error) else OrderState.UNKNOWN
        return (ExecutionReport(client_id=client_id, state=state, reason=reason),)
    if asked == CANCEL:
        return (ExecutionReport(client_id=client_id, state=OrderState.UNKNOWN, reason=reason, about_cancel=True),)
    if asked == QUERY and error.code == _NO_SUCH_ORDER:
        return (ExecutionReport(client_id=client_id, state=OrderState.UNKNOWN, reason=reason, not_found=True),)
    raise _UnreadableError("LISTING_FAILED" if asked == OPEN else "QUERY_FAILED")


def _proves_refusal(status: int, error: ErrorBody) -> bool:
    """4xx: the request was at fault and changed nothing. 5xx: the outcome is unknown, whatever the words."""
    if error.code == _OVERLOADED or _is_unavailable(status, error):
        return True
    if error.code in _PROVE_NOTHING or "duplicate" in error.msg.lower():
        return False
    return 400 <= status < 500 and status != _TIMED_OUT


def _is_unavailable(status: int, error: ErrorBody) -> bool:
    """USD-M's 503 has two meanings, told apart by words: "Service Unavailable." failed, "Unknown error, …" may not."""
    return status == 503 and error.msg.startswith("Service Unavailable")


def _state(status: str) -> OrderState:
    state = _STATES.get(status)
    if state is None:
        raise _UnreadableError("UNKNOWN_STATUS")
    return state


def _filled(instrument: Instrument, text: str) -> int:
    lots = instrument.lots_from_text(text)
    if lots < 0:
        raise _UnreadableError("MALFORMED")
    return lots


def _trade(
    instrument: Instrument, trade_id: int, price: str, size: str, fee: str, fee_asset: str | None, maker: bool
) -> Trade:
    price_ticks, size_lots = instrument.ticks_from_text(price), instrument.lots_from_text(size)
    if trade_id < 0 or price_ticks <= 0 or size_lots <= 0:
        raise _UnreadableError("MALFORMED")
    return Trade(
        trade_id=str(trade_id),
        price_ticks=price_ticks,
        size_lots=size_lots,
        fee_units=units_from_text(fee),
        fee_asset=fee_asset or instrument.quote,
        maker=maker,
    )


def _found(order: ListedOrder) -> FoundOrder:
    terms = f"{order.side} {order.orig_qty} at {order.price}, {order.executed_qty} filled"
    return FoundOrder(
        client_id=order.client_order_id, venue_id=str(order.order_id), symbol=order.symbol, terms=terms[:_MAX_REASON]
    )


def _answered_trade(instrument: Instrument, fill: AnsweredFill) -> Trade:
    """A fill in the answer to a placed order: it took from the book, it made nothing."""
    return _trade(instrument, fill.trade_id, fill.price, fill.qty, fill.commission, fill.commission_asset, maker=False)
