"""Orders as text: the requests ``order.place``, ``order.cancel``, ``order.status`` and ``myTrades``, signed.

Everything that does not change from order to order is prepared: the text between the values once per instrument,
side and type, and the hash of what every signature begins with. A request's id is the client's order id behind a
letter for what was asked, so that its answer can be read without remembering the question.

Sources: Binance spot API docs, "Place new order", "Cancel order", "Query order", "Account trade history"; USD-M
futures docs, "New Order", "Cancel Order", "Query Order".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from graphwiz_trader.hft.events import OrderType, Side, TimeInForce
from graphwiz_trader.hft.gateways import NotSentError
from graphwiz_trader.hft.instruments import (
    UNIT_DECIMALS,
    Instrument,
    Instruments,
    decimals_of,
    text_from_units,
    units_from_text,
)
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.venues.binance.market import Market
from graphwiz_trader.venues.binance.signing import HmacSigner

PLACE, CANCEL, QUERY, TRADES, OPEN = "p", "c", "q", "t", "o"
"""What a request's id begins with; the rest is the client's order id, or the number of a question about no order."""

_VALUE = "\0"
"""Stands in a prepared text where a value will be; no value, name or key holds it."""

_TEXTS_KEPT = 4_096
"""Of prices and of sizes, an instrument's: the next order's are mostly near the last one's."""

_Write = Callable[[int], str]
_Place = Callable[[str, int, int, int], str]
"""(client id, price in ticks, size in lots, time in ms) → the request"""
_Ask = Callable[[str, str, int], str]
"""(client id, how the order is named, time in ms) → the request"""


class OrderEncoder:
    """The requests of one exchange's orders. Without key and signer they are those of a session that is logged on."""

    def __init__(
        self, instruments: Instruments, market: Market, key: str = "", signer: HmacSigner | None = None
    ) -> None:
        texts = _Texts(key, signer)
        mine = [i if i.exchange == market.exchange else None for i in instruments]
        self._places = [texts.places(i, market) if i else [] for i in mine]
        self._cancels = [texts.questions(CANCEL, "order.cancel", i) if i else () for i in mine]
        self._queries = [texts.questions(QUERY, "order.status", i) if i else () for i in mine]
        self._trades = [texts.questions(TRADES, "myTrades", i) if i else () for i in mine]

    def place(self, order: Order, now_ms: int) -> str:
        """Raises NotSentError for a price or size between the steps of the instrument's orders."""
        intent = order.approved.intent
        place = self._places[intent.book][intent.side << 3 | intent.order_type << 2 | intent.time_in_force]
        return place(order.client_id, intent.price_ticks, intent.size_lots, now_ms)

    def cancel(self, order: Order, now_ms: int) -> str:
        return _ask(self._cancels, order, now_ms)

    def query(self, order: Order, now_ms: int) -> str:
        return _ask(self._queries, order, now_ms)

    def trades(self, order: Order, now_ms: int) -> str:
        """The trades of an order; the venue wants its own id for them."""
        return _ask(self._trades, order, now_ms)


def _ask(requests: list[tuple[_Ask, ...]], order: Order, now_ms: int) -> str:
    by_client_id, by_venue_id = requests[order.approved.intent.book]
    if order.venue_id:
        return by_venue_id(order.client_id, order.venue_id, now_ms)
    return by_client_id(order.client_id, order.client_id, now_ms)


class _Texts:
    """Prepares the texts between values, with or without a signature at their end."""

    def __init__(self, key: str, signer: HmacSigner | None) -> None:
        self._key = key
        self._signer = signer

    def places(self, instrument: Instrument, market: Market) -> list[_Place]:
        """One function for each side, type and time in force, where `OrderEncoder.place` looks for it."""
        return [
            self._place(instrument, market, side, order_type, time_in_force)
            for side in Side
            for order_type in OrderType
            for time_in_force in TimeInForce
        ]

    def questions(self, letter: str, method: str, instrument: Instrument) -> tuple[_Ask, ...]:
        """Two functions: the order named by the client's id, and by the venue's."""
        return tuple(self._question(letter, method, instrument, name) for name in ("origClientOrderId", "orderId"))

    def _place(
        self, instrument: Instrument, market: Market, side: Side, order_type: OrderType, time_in_force: TimeInForce
    ) -> _Place:
        is_market, is_post_only = order_type is OrderType.MARKET, time_in_force is TimeInForce.POST_ONLY
        terms = {
            "type": market.post_only_type if is_post_only else "LIMIT",
            "timeInForce": market.post_only_time_in_force if is_post_only else time_in_force.name,
            "price": _VALUE,
        }
        params = {
            "newClientOrderId": _VALUE,
            "newOrderRespType": market.response_type,
            "quantity": _VALUE,
            "selfTradePreventionMode": "NONE" if market.prevents_self_trade else "",
            "side": side.name,
            "symbol": instrument.venue_symbol,
            "timestamp": _VALUE,
            **({"type": "MARKET"} if is_market else terms),
        }
        sign, signed, sent = self._prepare(PLACE, "order.place", params)
        write_price = decimal_writer("price", instrument.tick_size, instrument.price_step_ticks)
        write_size = decimal_writer("size", instrument.lot_size, instrument.size_step_lots)
        if is_market:
            return _market_place(sign, signed, sent, write_size)
        if self._signer is not None:
            return _signed_limit_place(sign, signed, sent, write_price, write_size)
        return _limit_place(sent, write_price, write_size)

    def _question(self, letter: str, method: str, instrument: Instrument, name: str) -> _Ask:
        params = {name: _VALUE, "symbol": instrument.venue_symbol, "timestamp": _VALUE}
        sign, (_, s1, s2), (head, j0, j1, j2) = self._prepare(letter, method, params)

        def ask(client_id: str, named: str, now_ms: int) -> str:
            signature = sign(f"{named}{s1}{now_ms}{s2}")
            return f"{head}{client_id}{j0}{named}{j1}{now_ms}{j2}{signature}}}}}"

        return ask

    def _prepare(
        self, letter: str, method: str, params: dict[str, str]
    ) -> tuple[Callable[[str], str], list[str], list[str]]:
        """How the rest of a payload is signed, and the texts between the values in what is signed and what is sent."""
        if self._signer is not None:
            params = {**params, "apiKey": self._key}
        ordered = {name: params[name] for name in sorted(params) if params[name]}
        signed = "&".join([f"{name}={value}" for name, value in ordered.items()]).split(_VALUE)
        sent = ",".join([_member(name, value) for name, value in ordered.items()])
        request = f'{{"id":"{letter}{_VALUE}","method":"{method}","params":{{{sent}'
        if self._signer is None:
            return _no_signature, signed, request.split(_VALUE)
        sign_rest = self._signer.after(signed[0].encode())
        return lambda rest: f',"signature":"{sign_rest(rest.encode())}"', signed, request.split(_VALUE)


def _limit_place(sent: list[str], write_price: _Write, write_size: _Write) -> _Place:
    head, j0, j1, j2, j3, j4 = sent

    def place(client_id: str, price_ticks: int, size_lots: int, now_ms: int) -> str:
        price, size = write_price(price_ticks), write_size(size_lots)
        return f"{head}{client_id}{j0}{client_id}{j1}{price}{j2}{size}{j3}{now_ms}{j4}}}}}"

    return place


def _signed_limit_place(
    sign: Callable[[str], str], signed: list[str], sent: list[str], write_price: _Write, write_size: _Write
) -> _Place:
    _, s1, s2, s3, s4 = signed
    head, j0, j1, j2, j3, j4 = sent

    def place(client_id: str, price_ticks: int, size_lots: int, now_ms: int) -> str:
        price, size = write_price(price_ticks), write_size(size_lots)
        signature = sign(f"{client_id}{s1}{price}{s2}{size}{s3}{now_ms}{s4}")
        return f"{head}{client_id}{j0}{client_id}{j1}{price}{j2}{size}{j3}{now_ms}{j4}{signature}}}}}"

    return place


def _market_place(sign: Callable[[str], str], signed: list[str], sent: list[str], write_size: _Write) -> _Place:
    _, s1, s2, s3 = signed
    head, j0, j1, j2, j3 = sent

    def place(client_id: str, _price_ticks: int, size_lots: int, now_ms: int) -> str:
        size = write_size(size_lots)
        signature = sign(f"{client_id}{s1}{size}{s2}{now_ms}{s3}")
        return f"{head}{client_id}{j0}{client_id}{j1}{size}{j2}{now_ms}{j3}{signature}}}}}"

    return place


def decimal_writer(what: str, size: str, steps: int) -> _Write:
    """A function that writes counts of ``size`` as decimal text with as many decimals as ``steps`` of them need.

    USD-M refuses decimals beyond an instrument's precision even when they are zeros. The function raises
    NotSentError for a count that is no multiple of ``steps``.
    """
    step_units = units_from_text(size) * steps
    decimals = decimals_of(text_from_units(step_units))
    factor = step_units // 10 ** (UNIT_DECIMALS - decimals)

    def write(count: int) -> str:
        whole_steps, rest = divmod(count, steps)
        if rest:
            raise NotSentError(f"{what} {count} is no multiple of {steps}: the venue would refuse it")
        digits = str(whole_steps * factor)
        if not decimals:
            return digits
        if len(digits) <= decimals:
            digits = digits.zfill(decimals + 1)
        return f"{digits[:-decimals]}.{digits[-decimals:]}"

    return lru_cache(_TEXTS_KEPT)(write)


def _no_signature(_rest: str) -> str:
    return ""


def _member(name: str, value: str) -> str:
    return f'"{name}":{value}' if name in ("timestamp", "orderId") else f'"{name}":"{value}"'
