"""Orders over real sockets: placed, filled, cancelled, asked about, in whatever order the venue's words arrive."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from graphwiz_trader.hft.events import OrderState, OrderType, Side, TimeInForce
from graphwiz_trader.hft.gateways import NotSentError
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues import clock
from graphwiz_trader.venues.base import Credentials, Endpoints, VenueError
from graphwiz_trader.venues.binance.account import spot_balances
from graphwiz_trader.venues.binance.order_line import BinanceOrderLine
from graphwiz_trader.venues.connection import NotReadyError, Timing
from graphwiz_trader.venues.simulated import Credentials as Account
from graphwiz_trader.venues.simulated.faults import Fault
from patience import PATIENCE_S
from venues.harness import (
    BTC,
    INSTRUMENTS,
    PERP,
    Exchange,
    Relay,
    RestVenue,
    Unhurried,
    an_order,
    on_uvloop,
)
from venues.simulated.clients import until
from venues.sinks import Sink

OPEN, FILLED, CANCELED, EXPIRED = OrderState.OPEN, OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED
KEY = "edgeTestKey"
HMAC = "an hmac secret"
ED25519 = (
    Ed25519PrivateKey.from_private_bytes(b"7" * 32)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
QUICK = Timing(ping_s=0.1, pong_s=0.1)
BOTH_VENUES = pytest.mark.parametrize("instrument", [BTC, PERP], ids=["spot", "usdm"])
BOTH_KEYS = pytest.mark.parametrize("secret", [HMAC, ED25519], ids=["hmac", "ed25519"])
BOTH_ORDERS = pytest.mark.parametrize("events_first", [False, True], ids=["answer-first", "event-first"])


def an_exchange(secret: str = HMAC, **options: Any) -> Exchange:
    accounts = {name: Account(KEY, secret) for name in ("binance", "binanceusdm")}
    return Exchange(accounts=accounts, **options)


class Trading:
    """An order line that is up, and where its frames go."""

    def __init__(self, exchange: Exchange, instrument: Instrument, line: BinanceOrderLine, sink: Sink) -> None:
        self.exchange = exchange
        self.instrument = instrument
        self.line = line
        self.sink = sink
        self.venue = exchange[instrument.exchange]
        self.sent: list[tuple[str, int, int]] = []

    def price(self, offset: int = 0) -> int:
        """The middle of the quiet market, and so many steps from it."""
        return (100_000 + offset) * self.instrument.price_step_ticks

    def place(self, client_id: str, side: Side, offset: int, size_lots: int = 100, **terms: Any) -> None:
        order = an_order(client_id, self.instrument, side, self.price(offset), size_lots, **terms)
        self.line.place(order, time.time_ns())

    async def until(self, client_id: str, *states: OrderState) -> None:
        """Until the newest word on the order is one of the states, or fail with what was heard."""
        await self.sink.until(lambda: bool(self.sink.states(client_id)) and self.sink.states(client_id)[-1] in states)


@asynccontextmanager
async def trading(
    exchange: Exchange,
    instrument: Instrument,
    secret: str = HMAC,
    *,
    endpoints: Endpoints | None = None,
    wait: bool = True,
    timing: Timing = QUICK,
) -> AsyncIterator[Trading]:
    sink = Sink()
    sent: list[tuple[str, int, int]] = []
    line = BinanceOrderLine(
        INSTRUMENTS,
        instrument.exchange,
        endpoints=endpoints or exchange.endpoints(instrument.exchange),
        credentials=Credentials(KEY, secret),
        line=("binance", "binanceusdm").index(instrument.exchange),
        sink=sink,
        on_sent=lambda *what: sent.append(what),
        timing=timing,
        random=Unhurried(),
    )
    running = asyncio.create_task(line.run())
    try:
        if wait:
            await sink.until(lambda: line.is_up)
        t = Trading(exchange, instrument, line, sink)
        t.sent = sent
        yield t
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# An order's life


@BOTH_VENUES
@BOTH_KEYS
@BOTH_ORDERS
@on_uvloop
async def test_an_order_fills_and_its_trades_are_told_once_with_their_fees(instrument, secret, events_first):
    async with an_exchange(secret, events_first=events_first) as exchange, trading(exchange, instrument, secret) as t:
        t.place("a1", Side.BUY, 20, 150)
        await t.sink.until(lambda: t.sink.states("a1").count(FILLED) == 2)
        trades = {trade.trade_id: trade for report in t.sink.about("a1") for trade in report.trades}
        assert sorted((trade.price_ticks, trade.size_lots) for trade in trades.values()) == [
            (t.price(10), 100),
            (t.price(20), 50),
        ]
        assert all(trade.fee_units > 0 and not trade.maker for trade in trades.values())
        assert {trade.fee_asset for trade in trades.values()} == {"BTC" if instrument is BTC else "USDT"}
        assert max(report.filled_lots for report in t.sink.about("a1")) == 150
        answers = [position for position, frame in enumerate(t.sink.order_frames) if frame.startswith(b'{"id":"pa1"')]
        assert len(answers) == 1
        if events_first and instrument is BTC:  # USD-M's events come over a connection of their own
            assert answers[0] == len(t.sink.order_frames) - 1
        if not events_first and instrument is BTC:
            assert answers[0] == 0


@BOTH_VENUES
@BOTH_KEYS
@on_uvloop
async def test_a_resting_order_is_cancelled(instrument, secret):
    async with an_exchange(secret) as exchange, trading(exchange, instrument, secret) as t:
        t.place("a1", Side.BUY, -500, time_in_force=TimeInForce.GTC)
        await t.sink.until(lambda: t.sink.states("a1") == [OPEN, OPEN])
        (order,) = t.venue.venue.open_orders(t.venue.venue.accounts[-1])
        assert (order.client_id, order.price_ticks) == ("a1", t.price(-500))
        t.line.cancel(an_order("a1", instrument, venue_id=t.sink.about("a1")[0].venue_id), time.time_ns())
        await t.sink.until(lambda: t.sink.states("a1").count(CANCELED) == 2)
        assert t.sink.about("a1")[-1].filled_lots == 0
        assert not t.venue.venue.open_orders(t.venue.venue.accounts[-1])


@BOTH_VENUES
@on_uvloop
async def test_an_order_can_be_cancelled_before_the_venue_s_id_is_known(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.place("a1", Side.BUY, -500, time_in_force=TimeInForce.GTC)
        t.line.cancel(an_order("a1", instrument), time.time_ns())
        await t.until("a1", CANCELED)


@BOTH_VENUES
@on_uvloop
async def test_a_maker_s_fill_comes_as_an_event(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.place("a1", Side.SELL, 5, 10, time_in_force=TimeInForce.POST_ONLY)
        await t.until("a1", OPEN)
        exchange.market.quote(instrument, Side.BUY, t.price(5), 4)
        await t.sink.until(lambda: any(report.trades for report in t.sink.about("a1")))
        (trade,) = t.sink.about("a1")[-1].trades
        assert (trade.size_lots, trade.maker, t.sink.about("a1")[-1].filled_lots) == (4, True, 4)


@BOTH_VENUES
@pytest.mark.parametrize(
    ("offset", "terms", "end"),
    [
        (-500, {"time_in_force": TimeInForce.IOC}, {EXPIRED}),
        (20, {"order_type": OrderType.MARKET}, {FILLED}),
        (20, {"time_in_force": TimeInForce.FOK}, {FILLED}),
        (20, {"time_in_force": TimeInForce.POST_ONLY}, {OrderState.REJECTED, EXPIRED}),
    ],
)
@on_uvloop
async def test_every_kind_of_order_is_understood(instrument, offset, terms, end):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.place("a1", Side.BUY, offset, 100, **terms)
        await t.until("a1", *end)


@BOTH_VENUES
@on_uvloop
async def test_an_order_against_the_rules_is_rejected_with_the_venue_s_reason(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.place("a1", Side.BUY, 20, 10**8)
        await t.until("a1", OrderState.REJECTED)
        assert t.sink.about("a1")[-1].reason.startswith("-")


@BOTH_VENUES
@on_uvloop
async def test_a_cancel_too_late_says_only_that(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.place("a1", Side.BUY, 20)
        await t.sink.until(lambda: t.sink.states("a1").count(FILLED) == 2)
        t.line.cancel(an_order("a1", instrument), time.time_ns())
        await t.until("a1", OrderState.UNKNOWN)
        assert t.sink.about("a1")[-1].about_cancel


# Asking


@BOTH_VENUES
@BOTH_KEYS
@on_uvloop
async def test_a_question_is_answered_with_state_and_filled_size(instrument, secret):
    async with an_exchange(secret) as exchange, trading(exchange, instrument, secret) as t:
        t.place("a1", Side.BUY, 10, 150, time_in_force=TimeInForce.GTC)
        await t.sink.until(lambda: any(report.filled_lots == 100 for report in t.sink.about("a1")))
        await t.sink.until(lambda: len(t.sink.about("a1")) == 3)
        t.line.query(an_order("a1", instrument), time.time_ns())
        await t.sink.until(lambda: len(t.sink.about("a1")) == 4)
        report = t.sink.about("a1")[-1]
        assert (report.state, report.filled_lots, report.trades) == (OPEN, 100, ())


@BOTH_VENUES
@on_uvloop
async def test_an_order_that_never_arrived_is_not_found(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.line.query(an_order("never1", instrument), time.time_ns())
        await t.until("never1", OrderState.UNKNOWN)
        assert t.sink.about("never1")[0].not_found


@BOTH_VENUES
@BOTH_KEYS
@on_uvloop
async def test_trades_that_were_missed_are_asked_for_where_the_venue_has_them(instrument, secret):
    async with an_exchange(secret) as exchange, trading(exchange, instrument, secret) as t:
        t.place("a1", Side.BUY, 20, 150)
        await t.sink.until(lambda: t.sink.states("a1").count(FILLED) == 2)
        told = {trade for report in t.sink.about("a1") for trade in report.trades}
        order = an_order("a1", instrument, venue_id=t.sink.about("a1")[0].venue_id)
        order.told_lots = 150
        t.sink.reports.clear()
        t.line.query(order, time.time_ns())
        await t.sink.until(lambda: len(t.sink.about("a1")) == 2)
        status, trades = t.sink.about("a1")
        assert (status.state, status.filled_lots) == (FILLED, 150)
        assert set(trades.trades) == told


@on_uvloop
async def test_futures_trades_are_asked_for_over_rest_one_question_at_a_time_until_answered():
    trade = {"symbol": "BTCUSDT", "id": 9, "orderId": 7, "price": "10001.0", "qty": "0.100", "quoteQty": "1000.10"}
    trade |= {"commission": "0.50005", "commissionAsset": "USDT", "time": 5, "maker": True, "buyer": True}
    async with an_exchange() as exchange, RestVenue((500, "", b""), (200, "", json.dumps([trade]).encode())) as rest:
        direct = exchange.endpoints("binanceusdm")
        through = Endpoints(rest.endpoint, direct.stream, direct.orders)
        async with trading(exchange, PERP, endpoints=through) as t:
            order = an_order("a1", PERP, venue_id="7")
            order.told_lots = 100

            def is_told() -> bool:
                t.line.query(order, time.time_ns())  # as the executor does while trades are missing
                return any(report.trades for report in t.sink.about("a1"))

            rest.may_answer.clear()
            for _ in range(5):
                t.line.query(order, time.time_ns())
            await rest.until(lambda: bool(rest.asked))
            rest.may_answer.set()
            await t.sink.until(is_told)
            (told,) = next(report.trades for report in t.sink.about("a1") if report.trades)
            assert (told.trade_id, told.price_ticks, told.size_lots, told.maker) == ("9", 100_010, 100, True)
            assert told.fee_units == 500_050_000_000
            first, second = (path for path in rest.asked[:2])
            assert first.startswith("/fapi/v1/userTrades?symbol=BTCUSDT&orderId=7&timestamp=")
            query, _, signature = second.partition("?")[2].partition("&signature=")
            assert signature == hmac.new(HMAC.encode(), query.encode(), hashlib.sha256).hexdigest()
            assert rest.most_at_once == 1


# The venue's clock


async def put_clock(exchange: Exchange, instrument: Instrument, skew_ms: int) -> None:
    """The venue's clock is further ahead from now on, or behind."""
    faults = exchange[instrument.exchange].faults
    faults.add(Fault(fault="clock_skew", skew_ms=skew_ms))
    await until(lambda: faults.armed[-1].fired == 1)


BOTH_WAYS = pytest.mark.parametrize("skew_ms", [-4_000, 20_000], ids=["behind", "ahead"])


@BOTH_VENUES
@BOTH_KEYS
@BOTH_WAYS
@on_uvloop
async def test_orders_bear_the_venue_s_time(instrument, secret, skew_ms):
    async with an_exchange(secret) as exchange:
        await put_clock(exchange, instrument, skew_ms)
        async with trading(exchange, instrument, secret) as t:
            await until(lambda: t.line._time.offset_ms != 0)
            assert t.line._time.offset_ms == pytest.approx(skew_ms, abs=100)
            t.place("a1", Side.BUY, 20)
            await t.until("a1", FILLED)


@BOTH_VENUES
@BOTH_WAYS
@on_uvloop
async def test_a_clock_that_moves_costs_the_orders_until_it_is_measured_anew(monkeypatch, instrument, skew_ms):
    monkeypatch.setattr(clock, "_AGAIN_S", 0.01)
    async with an_exchange() as exchange:
        await put_clock(exchange, instrument, 300)
        async with trading(exchange, instrument) as t:
            await until(lambda: t.line._time.offset_ms > 200)
            await put_clock(exchange, instrument, skew_ms)
            t.place("a1", Side.BUY, 20)
            await t.until("a1", OrderState.REJECTED)
            assert "-1021" in t.sink.about("a1")[-1].reason
            await until(lambda: abs(t.line._time.offset_ms) > 1_000)
            t.place("a2", Side.BUY, 20)
            await t.until("a2", FILLED)


@BOTH_WAYS
@on_uvloop
async def test_balances_are_asked_for_in_the_venue_s_time(skew_ms):
    async with an_exchange() as exchange:
        await put_clock(exchange, BTC, skew_ms)
        assert await spot_balances(exchange.endpoints("binance"), Credentials(KEY, HMAC))


# The line


@BOTH_VENUES
@BOTH_KEYS
@on_uvloop
async def test_a_line_that_comes_up_has_no_failure_to_show(instrument, secret):
    async with an_exchange(secret) as exchange, trading(exchange, instrument, secret) as t:
        assert t.line.last_failure == ""
        assert [up for _, up, _ in t.sink.lines] == [True]


@on_uvloop
async def test_a_request_of_the_session_s_own_is_not_waited_for_when_the_connection_is_gone():
    async with an_exchange() as exchange:
        direct = exchange.endpoints("binance")
        async with Relay(direct.orders) as relay:
            through = Endpoints(direct.rest, direct.stream, relay.reroute(direct.orders))
            async with trading(exchange, BTC, endpoints=through) as t:
                relay.freeze()
                with pytest.raises(NotReadyError, match="time: the connection was lost"):
                    await t.line._current.session.request("time", {})


@BOTH_VENUES
@on_uvloop
async def test_nothing_leaves_before_the_line_is_up(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument, wait=False) as t:
        for ask in (t.line.place, t.line.cancel, t.line.query):
            with pytest.raises(NotSentError):
                ask(an_order("a1", instrument), time.time_ns())
        assert not t.sent


@BOTH_VENUES
@BOTH_KEYS
@on_uvloop
async def test_a_lost_connection_is_told_once_and_the_line_comes_back(instrument, secret):
    async with an_exchange(secret) as exchange, trading(exchange, instrument, secret) as t:
        t.venue.disconnect_all()
        await t.sink.until(lambda: len(t.sink.lines) == 2)
        with pytest.raises(NotSentError):
            t.place("a1", Side.BUY, 20)
        await t.sink.until(lambda: len(t.sink.lines) == 3)
        assert [up for _, up, _ in t.sink.lines] == [True, False, True]
        t.place("a2", Side.BUY, 20)
        await t.until("a2", FILLED)
        await t.sink.until(lambda: t.sink.states("a2").count(FILLED) == 2)


@BOTH_VENUES
@on_uvloop
async def test_between_the_loss_and_its_report_nothing_is_sent_into_the_void(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        transport = t.line._transport
        assert transport is not None
        t.venue.disconnect_all()
        async with asyncio.timeout(PATIENCE_S):
            while not transport.is_disconnected:
                await asyncio.sleep(0)
        assert t.line.is_up, "it is not known yet"
        for ask in (t.line.place, t.line.cancel, t.line.query):
            with pytest.raises(NotSentError):
                ask(an_order("a1", instrument), time.time_ns())


@on_uvloop
async def test_without_user_data_no_order_is_placed_but_one_can_be_cancelled():
    async with an_exchange() as exchange:
        direct = exchange.endpoints("binanceusdm")
        async with Relay(direct.stream) as relay:
            through = Endpoints(direct.rest, relay.reroute(direct.stream), direct.orders)
            async with trading(exchange, PERP, endpoints=through) as t:
                t.place("a1", Side.BUY, -500, time_in_force=TimeInForce.GTC)
                await t.until("a1", OPEN)
                await relay.close_all()
                await t.sink.until(lambda: not t.line.is_up)
                assert t.sink.lines[1][2].startswith("user data: ")
                with pytest.raises(NotSentError):
                    t.place("a2", Side.BUY, 20)
                t.line.cancel(an_order("a1", PERP), time.time_ns())
                await t.until("a1", CANCELED)


@on_uvloop
async def test_an_expired_listen_key_is_replaced_and_never_handed_on():
    async with an_exchange() as exchange, trading(exchange, PERP) as t:
        for stream in list(t.venue.hub._subscribers):
            t.venue.send_raw(stream, b'{"e":"listenKeyExpired","E":1,"listenKey":"%b"}' % stream.encode())
        await t.sink.until(lambda: len(t.sink.lines) == 3)
        assert t.sink.lines[1] == (1, False, "user data: the listen key has expired")
        assert not any(b"listenKey" in frame for frame in t.sink.order_frames)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            b'{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}',
            "the venue ends it: eventStreamTerminated",
        ),
        (b'{"id":null,"status":401,"error":{"code":-2015,"msg":"x"}}', "the venue has revoked the session"),
    ],
)
@on_uvloop
async def test_a_session_that_the_venue_takes_back_is_made_anew(message, reason):
    async with an_exchange() as exchange, trading(exchange, BTC) as t:
        for connection in list(t.venue.front.connections):
            connection.send(message)
        await t.sink.until(lambda: len(t.sink.lines) == 3)
        assert t.sink.lines[1] == (0, False, reason)
        assert t.sink.order_frames[0] == message


@BOTH_VENUES
@on_uvloop
async def test_a_half_open_order_line_is_noticed_and_replaced(instrument):
    async with an_exchange() as exchange:
        direct = exchange.endpoints(instrument.exchange)
        async with Relay(direct.orders) as relay:
            through = Endpoints(direct.rest, direct.stream, relay.reroute(direct.orders))
            async with trading(exchange, instrument, endpoints=through) as t:
                relay.freeze()
                t.place("a1", Side.BUY, 20)
                await t.sink.until(lambda: len(t.sink.lines) == 3)
                t.line.query(an_order("a1", instrument), time.time_ns())
                await t.until("a1", OrderState.UNKNOWN)
                assert t.sink.about("a1")[-1].not_found


@BOTH_VENUES
@on_uvloop
async def test_a_refused_key_is_named_by_the_venue_s_words_and_tried_ever_more_slowly(instrument):
    async with an_exchange("another secret") as exchange, trading(exchange, instrument, wait=False) as t:
        await until(lambda: bool(t.line._connections.lines))
        random = t.line._connections.lines[0].session._connection._back_off
        async with asyncio.timeout(PATIENCE_S):
            while random.failures < 3:
                await asyncio.sleep(0)
        assert "-1022 Signature for this request is not valid." in t.line.last_failure
        assert not t.sink.lines


@BOTH_VENUES
@on_uvloop
async def test_when_an_order_left_is_told_with_the_time_it_was_decided(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        before_ns = time.time_ns()
        t.line.place(an_order("a1", instrument, price_ticks=t.price(20)), before_ns)
        ((client_id, decided_ns, sent_ns),) = t.sent
        assert (client_id, decided_ns) == ("a1", before_ns)
        assert before_ns <= sent_ns <= time.time_ns()


@on_uvloop
async def test_stopping_reports_the_line_down_once():
    async with an_exchange() as exchange, trading(exchange, PERP) as t:
        pass
    assert [up for _, up, _ in t.sink.lines] == [True, False]


@on_uvloop
async def test_what_the_sink_raises_ends_the_line_with_it():
    class JournalFullError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise JournalFullError

    async with an_exchange() as exchange:
        sink = Sink()
        sink.on_order_frame = refuse  # type: ignore[method-assign]
        line = BinanceOrderLine(
            INSTRUMENTS,
            "binance",
            endpoints=exchange.endpoints("binance"),
            credentials=Credentials(KEY, HMAC),
            line=0,
            sink=sink,
        )
        running = asyncio.create_task(line.run())
        await sink.until(lambda: line.is_up)
        line.place(an_order("a1"), time.time_ns())
        with pytest.raises(JournalFullError):
            await asyncio.wait_for(running, PATIENCE_S)


# Secrets


@BOTH_VENUES
@BOTH_KEYS
@on_uvloop
async def test_no_key_and_no_listen_key_reaches_the_sink(instrument, secret):
    async with an_exchange(secret) as exchange, trading(exchange, instrument, secret) as t:
        t.place("a1", Side.BUY, 20)
        await t.sink.until(lambda: t.sink.states("a1").count(FILLED) == 2)
        for frame in t.sink.order_frames:
            assert KEY.encode() not in frame
            assert b"listenKey" not in frame
            assert not str(json.loads(frame).get("id", "")).startswith("s")


@on_uvloop
async def test_even_a_foolish_venue_that_repeats_the_key_is_not_handed_on():
    async with an_exchange() as exchange, trading(exchange, BTC) as t:
        for connection in list(t.venue.front.connections):
            connection.send(b'{"id":"p1","status":400,"error":{"code":-1,"msg":"bad key %b"}}' % KEY.encode())
        t.place("a1", Side.BUY, 20)
        await t.sink.until(lambda: t.sink.states("a1").count(FILLED) == 2)
        assert not any(KEY.encode() in frame for frame in t.sink.order_frames)


# The account


@BOTH_KEYS
@on_uvloop
async def test_what_the_account_holds_is_asked_before_a_session(secret):
    funds = {"binance": {"BTC": "20.5", "USDT": "1000000"}, "binanceusdm": {"USDT": "1"}}
    async with an_exchange(secret, funds=funds) as exchange:
        balances = await spot_balances(exchange.endpoints("binance"), Credentials(KEY, secret))
    assert balances["BTC"] == 20_500_000_000_000
    assert balances["USDT"] == 10**18


@on_uvloop
async def test_an_account_that_cannot_be_asked_is_an_error_without_secrets():
    async with an_exchange("another secret") as exchange:
        with pytest.raises(VenueError, match="-1022") as caught:
            await spot_balances(exchange.endpoints("binance"), Credentials(KEY, HMAC))
    assert KEY not in str(caught.value)
    assert HMAC not in str(caught.value)


# Orders while the venue misbehaves on command


@BOTH_VENUES
@on_uvloop
async def test_an_outcome_the_venue_does_not_know_is_unknown_until_it_is_asked(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.venue.faults.add(Fault(fault="unknown_outcome", channel="order.place"))
        t.place("a1", Side.BUY, -500, time_in_force=TimeInForce.GTC)
        await t.sink.until(lambda: OrderState.UNKNOWN in t.sink.states("a1"))
        t.line.query(an_order("a1", instrument), time.time_ns())
        await t.until("a1", OPEN)


@BOTH_VENUES
@on_uvloop
async def test_a_fill_after_a_confirmed_cancel_is_heard(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.place("a1", Side.BUY, -500, 100, time_in_force=TimeInForce.GTC)
        await t.until("a1", OPEN)
        t.venue.faults.add(Fault(fault="late_fill", fraction=0.5))
        t.line.cancel(an_order("a1", instrument), time.time_ns())
        await t.sink.until(lambda: any(report.trades for report in t.sink.about("a1")))
        assert CANCELED in t.sink.states("a1")
        assert sum(trade.size_lots for report in t.sink.about("a1") for trade in report.trades) == 50


@BOTH_VENUES
@on_uvloop
async def test_a_fill_that_is_told_twice_carries_one_trade_id(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument) as t:
        t.place("a1", Side.BUY, -5, 100, time_in_force=TimeInForce.GTC)
        await t.until("a1", OPEN)
        t.venue.faults.add(Fault(fault="duplicate_fill"))
        exchange.market.quote(instrument, Side.SELL, t.price(-5), 40)
        await t.sink.until(lambda: sum(len(report.trades) for report in t.sink.about("a1")) == 2)
        assert len({trade.trade_id for report in t.sink.about("a1") for trade in report.trades}) == 1
