"""An order line's connection is replaced before the venue cuts it: no gap, nothing lost, nothing counted twice."""

from __future__ import annotations

import time

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.binance.order_connection import OrderConnection
from graphwiz_trader.venues.binance.order_line import ORDER_TIMING
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.simulated.faults import Fault
from graphwiz_trader.venues.simulated.faults.kinds import Delay
from venues.binance.test_order_line import (
    BOTH_KEYS,
    BOTH_VENUES,
    CANCELED,
    FILLED,
    OPEN,
    Trading,
    an_exchange,
    trading,
)
from venues.harness import an_order, on_uvloop
from venues.simulated.clients import until

LONG, SHORT = Timing(overlap_s=60.0), Timing(overlap_s=0.05)
"""How long both connections stand: until the test has seen enough, or hardly."""
_DAY_S = 24 * 3_600.0


def give_notice(t: Trading, closes_after_s: float = 60.0) -> None:
    t.venue.faults.add(Fault(fault="shutdown_notice", closes_after_s=closes_after_s))


def connections(t: Trading) -> int:
    return len(t.line._connections.lines)


async def until_another_is_up(t: Trading) -> None:
    before = t.line._current
    give_notice(t)
    await until(lambda: t.line._current is not before)


async def lose(connection: OrderConnection | None) -> None:
    """Break a connection, which then comes back by itself."""
    assert connection is not None
    transport = connection.transport
    connection.session._connection.drop("a test")
    await until(lambda: connection.transport is not transport)


def test_a_connection_is_replaced_within_the_day_that_it_has():
    assert 0.0 < ORDER_TIMING.lifetime_s + ORDER_TIMING.ready_s + ORDER_TIMING.overlap_s < _DAY_S


@BOTH_VENUES
@BOTH_KEYS
@on_uvloop
async def test_at_the_venue_s_notice_another_connection_is_up_before_the_old_one_is_left(instrument, secret):
    async with an_exchange(secret) as exchange, trading(exchange, instrument, secret, timing=SHORT) as t:
        t.place("a1", Side.BUY, -500, time_in_force=TimeInForce.GTC)
        await t.until("a1", OPEN)
        await until_another_is_up(t)
        t.place("a2", Side.BUY, 20)
        await until(lambda: connections(t) == 1)
        t.line.cancel(an_order("a1", instrument), time.time_ns())
        t.place("a3", Side.SELL, -20)
        await t.sink.until(lambda: t.sink.states("a1").count(CANCELED) == 2)
        for client_id in ("a2", "a3"):
            await t.sink.until(lambda client_id=client_id: FILLED in t.sink.states(client_id))
        assert [up for _, up, _ in t.sink.lines] == [True]


@BOTH_VENUES
@on_uvloop
async def test_a_connection_that_is_old_is_replaced_without_being_told(instrument):
    ages = Timing(lifetime_s=0.2, overlap_s=0.05)
    async with an_exchange() as exchange, trading(exchange, instrument, timing=ages) as t:
        seen = [t.line._current]
        while len(seen) < 4:
            await until(lambda: t.line._current is not seen[-1])
            seen.append(t.line._current)
        assert [up for _, up, _ in t.sink.lines] == [True]


@BOTH_VENUES
@on_uvloop
async def test_what_was_asked_over_the_old_connection_is_answered_there(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument, timing=LONG) as t:
        t.venue.faults.add(Fault(fault="delay", channel="order.place", delay_ms=Delay("fixed", 500)))
        t.place("a1", Side.BUY, -500, time_in_force=TimeInForce.GTC)
        await until_another_is_up(t)
        await t.sink.until(lambda: any(frame.startswith(b'{"id":"pa1"') for frame in t.sink.order_frames))
        assert connections(t) == 2


@BOTH_VENUES
@on_uvloop
async def test_in_the_overlap_an_execution_comes_over_both_connections_as_one_trade(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument, timing=LONG) as t:
        t.place("a1", Side.BUY, -5, 100, time_in_force=TimeInForce.GTC)
        await t.until("a1", OPEN)
        await until_another_is_up(t)
        exchange.market.quote(instrument, Side.SELL, t.price(-5), 40)
        await t.sink.until(lambda: sum(len(report.trades) for report in t.sink.about("a1")) == 2)
        trades = {trade for report in t.sink.about("a1") for trade in report.trades}
        assert [trade.size_lots for trade in trades] == [40]


@BOTH_VENUES
@on_uvloop
async def test_a_venue_that_closes_at_its_notice_costs_a_gap_that_is_told_and_the_line_comes_back(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument, timing=SHORT) as t:
        give_notice(t, closes_after_s=0.0)
        await t.sink.until(lambda: len(t.sink.lines) >= 3)
        assert [up for _, up, _ in t.sink.lines[:3]] == [True, False, True]
        await until(lambda: connections(t) == 1)
        t.place("a1", Side.BUY, 20)
        await t.until("a1", FILLED)


@BOTH_VENUES
@on_uvloop
async def test_an_old_connection_that_dies_in_the_overlap_is_not_missed(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument, timing=LONG) as t:
        old = t.line._current
        await until_another_is_up(t)
        await lose(old)
        t.place("a1", Side.BUY, 20)
        await t.until("a1", FILLED)
        assert [up for _, up, _ in t.sink.lines] == [True]


@BOTH_VENUES
@on_uvloop
async def test_a_new_connection_that_dies_in_the_overlap_leaves_the_old_one_to_trade_over(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument, timing=LONG) as t:
        await until_another_is_up(t)
        await lose(t.line._current)
        t.place("a1", Side.BUY, 20)
        await t.until("a1", FILLED)
        assert [up for _, up, _ in t.sink.lines] == [True]


@BOTH_VENUES
@on_uvloop
async def test_a_line_that_is_stopped_in_the_overlap_is_down_once(instrument):
    async with an_exchange() as exchange, trading(exchange, instrument, timing=LONG) as t:
        await until_another_is_up(t)
    assert [up for _, up, _ in t.sink.lines] == [True, False]
