"""A prepared request is what a careful person would have written by hand, number by number and signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from an_instrument import an_instrument
from graphwiz_trader.hft.events import OrderType, Side, TimeInForce
from graphwiz_trader.hft.gateways import NotSentError
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.venues.binance.market import SPOT, USDM, Market
from graphwiz_trader.venues.binance.order_encoder import OrderEncoder, decimal_writer
from graphwiz_trader.venues.binance.signing import HmacSigner
from venues.harness import an_order

KEY, SECRET = "K" * 64, b"S" * 64


def instrument(exchange: str, book: int, tick: str, lot: str, price_step: int, size_step: int) -> Instrument:
    return an_instrument(book, exchange, "BTC/USDT", tick, lot, price_step_ticks=price_step, size_step_lots=size_step)


INSTRUMENTS = Instruments(
    [
        instrument("binance", 0, "0.01", "0.00000001", 1, 1000),
        instrument("binanceusdm", 1, "0.01", "0.00000001", 10, 100_000),
        instrument("binance", 2, "0.5", "1", 1, 5),
    ]
)


def signed_encoder(market: Market) -> OrderEncoder:
    return OrderEncoder(INSTRUMENTS, market, KEY, HmacSigner(SECRET))


def params_of(request: str) -> dict[str, object]:
    params = json.loads(request)["params"]
    assert isinstance(params, dict)
    return params


def by_hand(params: dict[str, object]) -> str:
    """What the venue will compute over the parameters it received."""
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
    return hmac.new(SECRET, payload.encode(), hashlib.sha256).hexdigest()


@given(
    book=st.sampled_from([0, 1, 2]),
    side=st.sampled_from(Side),
    order_type=st.sampled_from(OrderType),
    time_in_force=st.sampled_from(TimeInForce),
    price_steps=st.integers(1, 10**9),
    size_steps=st.integers(1, 10**9),
    client_id=st.from_regex(r"[A-Za-z0-9]{1,32}", fullmatch=True),
    now_ms=st.integers(1_500_000_000_000, 2_500_000_000_000),
)
def test_every_order_says_what_was_meant_and_is_signed(
    book, side, order_type, time_in_force, price_steps, size_steps, client_id, now_ms
):
    rules = INSTRUMENTS[book]
    market = USDM if book == 1 else SPOT
    price_ticks, size_lots = price_steps * rules.price_step_ticks, size_steps * rules.size_step_lots
    order = an_order(client_id, rules, side, price_ticks, size_lots, order_type=order_type, time_in_force=time_in_force)
    for encoder in (signed_encoder(market), OrderEncoder(INSTRUMENTS, market)):
        request = json.loads(encoder.place(order, now_ms))
        params = request["params"]
        assert request["id"] == "p" + client_id
        assert request["method"] == "order.place"
        assert params["newClientOrderId"] == client_id
        assert params["symbol"] == "BTCUSDT"
        assert params["side"] == side.name
        assert params["timestamp"] == now_ms
        assert Decimal(params["quantity"]) == size_lots * Decimal(rules.lot_size)
        if order_type is OrderType.LIMIT:
            assert Decimal(params["price"]) == price_ticks * Decimal(rules.tick_size)
        if encoder is not None and "apiKey" in params:
            assert params["apiKey"] == KEY
            assert params["signature"] == by_hand(params)
        else:
            assert "signature" not in params


@pytest.mark.parametrize("market", [SPOT, USDM], ids=["spot", "usdm"])
def test_after_a_log_on_neither_key_nor_signature_is_sent(market):
    order = an_order("a1", INSTRUMENTS[1 if market is USDM else 0], size_lots=100_000, venue_id="7")
    encoder = OrderEncoder(INSTRUMENTS, market)
    for request in (
        encoder.place(order, 1),
        encoder.cancel(order, 1),
        encoder.query(order, 1),
        encoder.trades(order, 1),
    ):
        assert not {"apiKey", "signature"} & set(params_of(request))


@pytest.mark.parametrize(
    ("exchange", "market", "order_type", "time_in_force", "expected"),
    [
        (
            0,
            SPOT,
            OrderType.LIMIT,
            TimeInForce.GTC,
            {"type": "LIMIT", "timeInForce": "GTC", "newOrderRespType": "FULL"},
        ),
        (0, SPOT, OrderType.LIMIT, TimeInForce.IOC, {"type": "LIMIT", "timeInForce": "IOC"}),
        (0, SPOT, OrderType.LIMIT, TimeInForce.FOK, {"type": "LIMIT", "timeInForce": "FOK"}),
        (0, SPOT, OrderType.LIMIT, TimeInForce.POST_ONLY, {"type": "LIMIT_MAKER"}),
        (0, SPOT, OrderType.MARKET, TimeInForce.IOC, {"type": "MARKET"}),
        (1, USDM, OrderType.LIMIT, TimeInForce.POST_ONLY, {"type": "LIMIT", "timeInForce": "GTX"}),
        (1, USDM, OrderType.LIMIT, TimeInForce.IOC, {"newOrderRespType": "RESULT", "selfTradePreventionMode": "NONE"}),
        (1, USDM, OrderType.MARKET, TimeInForce.IOC, {"type": "MARKET"}),
    ],
)
def test_each_kind_of_order_is_said_in_the_market_s_own_words(exchange, market, order_type, time_in_force, expected):
    order = an_order("a1", INSTRUMENTS[exchange], size_lots=100_000, order_type=order_type, time_in_force=time_in_force)
    params = params_of(signed_encoder(market).place(order, 1))
    assert expected.items() <= params.items()
    assert ("timeInForce" in params) is ("timeInForce" in expected or params["type"] == "LIMIT")
    assert ("price" in params) is (order_type is OrderType.LIMIT)


def test_no_more_decimals_are_written_than_orders_may_have():
    order = an_order("a1", INSTRUMENTS[1], price_ticks=6_183_760, size_lots=100_000)
    params = params_of(signed_encoder(USDM).place(order, 1))
    assert (params["price"], params["quantity"]) == ("61837.6", "0.001")


@pytest.mark.parametrize(("price_ticks", "size_lots"), [(6_183_763, 100_000), (6_183_760, 100_001)])
def test_an_order_between_the_steps_is_not_sent(price_ticks, size_lots):
    order = an_order("a1", INSTRUMENTS[1], price_ticks=price_ticks, size_lots=size_lots)
    with pytest.raises(NotSentError, match="no multiple of"):
        signed_encoder(USDM).place(order, 1)


@pytest.mark.parametrize(("method", "letter", "ask"), [("order.cancel", "c", "cancel"), ("order.status", "q", "query")])
def test_an_order_is_named_by_the_venue_s_id_once_that_is_known(method, letter, ask):
    for venue_id, named in (("", {"origClientOrderId": "a1"}), ("77", {"orderId": 77})):
        encoder = signed_encoder(SPOT)
        request = json.loads(getattr(encoder, ask)(an_order("a1", INSTRUMENTS[0], venue_id=venue_id), 9))
        params = request["params"]
        assert (request["id"], request["method"]) == (f"{letter}a1", method)
        assert named.items() <= params.items()
        assert len({"origClientOrderId", "orderId"} & set(params)) == 1
        assert (params["symbol"], params["timestamp"]) == ("BTCUSDT", 9)
        assert params["signature"] == by_hand(params)


def test_the_trades_of_an_order_are_asked_by_the_venue_s_id():
    request = json.loads(signed_encoder(SPOT).trades(an_order("a1", INSTRUMENTS[0], venue_id="77"), 9))
    assert (request["id"], request["method"], request["params"]["orderId"]) == ("ta1", "myTrades", 77)
    assert request["params"]["signature"] == by_hand(request["params"])


@given(
    size=st.sampled_from(["0.01", "0.00000001", "1", "0.5", "0.25", "10", "0.000000000001"]),
    steps=st.sampled_from([1, 3, 10, 1000]),
    whole=st.integers(0, 10**12),
    rest=st.integers(0, 999),
)
def test_decimal_text_is_exact_with_the_fewest_decimals_for_its_step(size, steps, whole, rest):
    count = whole * steps + rest % steps
    write = decimal_writer("size", size, steps)
    if rest % steps:
        with pytest.raises(NotSentError):
            write(count)
        return
    text = write(count)
    assert Decimal(text) == count * Decimal(size)
    assert len(text.partition(".")[2]) == max(0, -(Decimal(size) * steps).normalize().as_tuple().exponent)
    assert "e" not in text.lower()
