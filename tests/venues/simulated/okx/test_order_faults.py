"""OKX's orders under faults, as a client hears of them: lost, unknown, late and doubled, and paid for once each."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.venues.simulated.faults import Fault
from graphwiz_trader.venues.simulated.faults.kinds import Delay
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from patience import PATIENCE_S
from venues.simulated.clients import until
from venues.simulated.okx.okx_clients import at_okx, fill_book, quote
from venues.simulated.okx.test_order_operations import BUY, Trader, trading

SOON_S = 0.2
SPOT = "BTC-USDT"


def arm(at: OkxVenue, fault: str, **named: Any) -> None:
    at.faults.add(Fault(fault=fault, **named))


def orders(at: OkxVenue) -> list[Any]:
    return at.venue.orders(at.venue.accounts[-1], SPOT)


def usdt_units(at: OkxVenue) -> int:
    return at.venue.accounts[-1].balance("USDT").total_units


def test_an_order_whose_answer_is_lost_was_placed_and_is_told_of() -> None:
    async def test(at: OkxVenue, trader: Trader) -> None:
        arm(at, "lost_answer", channel="order")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(trader.do("order", {**BUY, "clOrdId": "mine"}), SOON_S)
        assert [order.client_id for order in orders(at)] == ["mine"]
        assert [form["state"] for form in trader.pushed if form["clOrdId"] == "mine"] == ["live"]

    trading(test)


@pytest.mark.parametrize("processed", [True, False])
def test_an_unknown_outcome_may_mean_either(processed: bool) -> None:
    async def test(at: OkxVenue, trader: Trader) -> None:
        arm(at, "unknown_outcome", channel="order", processed=processed)
        answer = await trader.do("order", {**BUY, "clOrdId": "mine"})
        assert answer["code"] == "50004"
        assert len(orders(at)) == processed

    trading(test)


def test_an_answer_comes_after_its_pushes() -> None:
    async def test(at: OkxVenue, trader: Trader) -> None:
        arm(at, "answer_after_event", channel="order")
        order_id = await trader.place(px="60001")
        assert [form["state"] for form in trader.pushed if form["ordId"] == order_id][-1] == "filled"
        trader.pushed.clear()
        await trader.place(px="60001")
        assert trader.pushed == [], "the next one is as ever"

    trading(test)


def test_a_fill_comes_after_the_cancel_was_confirmed_and_is_paid_for() -> None:
    async def test(at: OkxVenue, trader: Trader) -> None:
        before = usdt_units(at)
        order_id = await trader.place()
        arm(at, "late_fill", fraction=0.5, delay_ms=Delay("fixed", 20))
        assert (await trader.result("cancel-order", instId=SPOT, ordId=order_id))[0] == "0"
        while not any(form["fillSz"] == "0.005" for form in trader.pushed):
            trader.keep(await trader.receive())
        states = [(form["state"], form["accFillSz"]) for form in trader.pushed]
        assert states == [("live", "0"), ("canceled", "0"), ("canceled", "0.005")]
        assert before - usdt_units(at) == units_from_text("295")

    trading(test)


def test_a_duplicate_fill_is_pushed_twice_and_booked_once() -> None:
    async def test(at: OkxVenue, trader: Trader) -> None:
        arm(at, "duplicate_fill")
        order_id = await trader.place(px="60001")
        while sum(form["state"] == "filled" for form in trader.pushed if form["ordId"] == order_id) < 2:
            trader.keep(await trader.receive())
        first, again = (form["tradeId"] for form in trader.pushed if form["state"] == "filled")
        assert first == again
        (order,) = orders(at)
        assert len(order.executions) == 1

    trading(test)


def test_a_restart_drops_everybody_and_comes_back_with_the_orders() -> None:
    async def test(at: OkxVenue, trader: Trader) -> None:
        order_id = await trader.place()
        arm(at, "restart", down_s=SOON_S)
        await asyncio.wait_for(trader.socket.wait_closed(), PATIENCE_S)
        assert not at.front.is_listening
        await until(lambda: at.front.is_listening)
        async with Trader(at) as again:
            quote(at, Side.SELL, 590_000, 30_000_000)
            at.venue.publish(0)
            assert (await again.until_over(order_id))[-1]["state"] == "filled"

    trading(test)


def test_a_clock_that_is_behind_refuses_what_comes_from_its_future() -> None:
    async def test(at: OkxVenue) -> None:
        fill_book(at)
        arm(at, "clock_skew", skew_ms=-60_000)
        await until(lambda: at.faults.armed[0].fired == 1)
        with pytest.raises(AssertionError, match="60006"):
            async with Trader(at):
                pass
        at.faults.clear()
        async with Trader(at) as trader:
            assert await trader.place()

    at_okx(test)


@pytest.mark.parametrize(("status", "code"), [(429, "50011"), (503, "50001")])
def test_a_status_is_answered_in_the_venues_words(status: int, code: str) -> None:
    async def test(at: OkxVenue) -> None:
        arm(at, "http_status", status=status, channel="GET *time")
        async with httpx.AsyncClient(base_url=at.urls.rest) as client:
            answer = await client.get("/api/v5/public/time")
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert (await client.get("/api/v5/public/time")).status_code == 200

    at_okx(test)
