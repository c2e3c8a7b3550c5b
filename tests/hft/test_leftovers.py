"""What is done about orders of earlier sessions, message by message: in any order, late, twice, or never."""

from __future__ import annotations

import pytest

from graphwiz_trader.hft.events import ExecutionReport, FoundOrder, OpenOrders, OrderState, RecordKind, Trade
from graphwiz_trader.hft.gateways import NotSentError
from graphwiz_trader.hft.leftovers import Leftovers
from hft.desk import SECOND, START, ListRecorder

TRADER, PREFIX = "gwabcde", "gwabcde00002"
OURS, OURS_TOO, OTHERS = "gwabcde00001000007", "gwabcde00001000008", "gwzzzzz00001000001"
SPOT, USDM = "binance", "binanceusdm"


class Account:
    """A venue's account as an order line shows it: keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.canceled: list[str] = []
        self.fails: Exception | None = None

    def list_open(self, number: int, now_ns: int) -> None:
        self.asked.append(number)
        if self.fails is not None:
            raise self.fails

    def cancel_found(self, order: FoundOrder, now_ns: int) -> None:
        self.canceled.append(order.client_id)
        if self.fails is not None:
            raise self.fails


class Start:
    """A session that begins: who is asked what, and when the executor hears that a line is up."""

    def __init__(self) -> None:
        self.recorder = ListRecorder()
        self.account = Account()
        self.heard: list[tuple[str, bool]] = []
        self.now = START
        self.leftovers = Leftovers(
            {SPOT: self.account},
            self.recorder,
            trader=TRADER,
            prefix=PREFIX,
            on_line=lambda exchange, up, now_ns: self.heard.append((exchange, up)),
        )

    def line(self, up: bool) -> None:
        self.leftovers.on_line(SPOT, up, self.now)

    def answer(self, *client_ids: str, number: int = 0) -> None:
        """What is open, in answer to a question: the latest unless said otherwise."""
        orders = tuple(FoundOrder(client_id=c, venue_id="7", symbol="BTCUSDT", terms="BUY 1 at 9") for c in client_ids)
        listed = OpenOrders(number=number or self.account.asked[-1], orders=orders)
        assert self.leftovers.sift(SPOT, [listed], self.now) == []

    def report(self, client_id: str, state: OrderState, *trades: Trade, **said: int) -> list[ExecutionReport]:
        """What is left for the executor."""
        report = ExecutionReport(client_id=client_id, state=state, trades=trades, **said)
        return list(self.leftovers.sift(SPOT, [report], self.now))

    def wait(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.now += SECOND
            self.leftovers.on_timer(self.now)

    def said(self, kind: str) -> list[str]:
        return [notice["what"] for notice in self.recorder.of(RecordKind.NOTICE) if notice["kind"] == kind]

    @property
    def is_clear(self) -> bool:
        return (SPOT, True) in self.heard


@pytest.fixture
def start() -> Start:
    start = Start()
    start.line(True)
    return start


def test_a_line_is_up_to_the_executor_once_the_account_has_no_order_of_an_earlier_session(start: Start) -> None:
    assert start.account.asked == [1]
    assert not start.is_clear
    start.answer()
    assert start.is_clear
    assert not start.recorder.notices()
    start.wait(60)
    assert start.account.asked == [1]


def test_an_exchange_without_an_account_to_look_at_is_up_at_once(start: Start) -> None:
    start.leftovers.on_line(USDM, True, START)
    assert start.heard == [(USDM, True)]
    own = ExecutionReport(client_id=OURS, state=OrderState.OPEN)
    assert start.leftovers.sift(USDM, [own], START) == [own]


def test_what_an_earlier_session_left_open_is_journaled_cancelled_said_and_counted(start: Start) -> None:
    start.answer(OURS, OURS_TOO)
    assert start.account.canceled == [OURS, OURS_TOO]
    assert [cancel["client_id"] for cancel in start.recorder.of(RecordKind.CANCEL)] == [OURS, OURS_TOO]
    assert start.said("LEFTOVER_FOUND") == [f"{SPOT} {c}: BTCUSDT BUY 1 at 9" for c in (OURS, OURS_TOO)]
    assert start.leftovers.canceled == 2
    start.report(OURS, OrderState.CANCELED, filled_lots=0)
    assert not start.is_clear
    assert start.account.asked == [1]
    start.report(OURS_TOO, OrderState.CANCELED, filled_lots=3)
    assert start.account.asked == [1, 2], "once the last has ended, and not on their word alone"
    assert not start.is_clear
    start.answer()
    assert start.is_clear
    assert start.said("LEFTOVER_ENDED")[1] == f"{SPOT} {OURS_TOO}: CANCELED, 3 lots filled"


def test_orders_of_others_are_left_alone_and_said_once(start: Start) -> None:
    start.answer(OTHERS, "web_1", OURS)
    assert start.account.canceled == [OURS]
    start.wait()
    start.answer(OTHERS, "web_1")
    assert start.is_clear
    assert start.said("ORDERS_OF_OTHERS") == [f"{SPOT}: 2 open, as {OTHERS} BTCUSDT; left alone"]


def test_this_session_s_own_orders_are_no_leftovers(start: Start) -> None:
    own = f"{PREFIX}000001"
    start.answer(own)
    assert start.is_clear
    assert start.account.canceled == []
    assert [report.client_id for report in start.report(own, OrderState.OPEN)] == [own]


def test_an_answer_that_is_lost_is_asked_for_again_ever_more_slowly_and_its_want_is_said(start: Start) -> None:
    start.wait(40)
    assert start.account.asked == [1, 2, 3, 4, 5, 6], "after 1, 2, 4, 8 and 16 s"
    assert start.said("OPEN_ORDERS_UNKNOWN") == [f"{SPOT} does not say which orders are open"]
    start.wait(90)
    assert len(start.account.asked) == 9, "every 30 s in the end"
    assert not start.is_clear
    start.answer()
    assert start.is_clear


def test_of_two_answers_out_of_order_the_one_to_the_latest_question_counts(start: Start) -> None:
    start.wait()
    assert start.account.asked == [1, 2]
    start.answer(number=1)
    assert not start.is_clear, "an order may have been on its way then"
    start.answer(OURS, number=2)
    start.wait()
    start.answer(number=3)
    assert start.is_clear
    start.answer(OURS, number=2)
    assert start.account.canceled == [OURS]


def test_a_cancel_that_is_lost_is_repeated_while_the_venue_has_the_order(start: Start) -> None:
    for times in range(1, 4):
        start.answer(OURS)
        assert start.account.canceled == [OURS] * times
        start.wait()
    assert start.leftovers.canceled == 1
    assert len(start.said("LEFTOVER_FOUND")) == 1


def test_a_fill_between_the_question_and_the_cancel_is_said_and_is_no_position_of_this_session_s(start: Start) -> None:
    start.answer(OURS)
    trade = Trade(trade_id="4", price_ticks=99, size_lots=5, fee_units=0, fee_asset="USDT")
    assert start.report(OURS, OrderState.FILLED, trade, filled_lots=5) == []
    refused = ExecutionReport(client_id=OURS, state=OrderState.UNKNOWN, about_cancel=True, reason="-2011")
    assert start.leftovers.sift(SPOT, [refused], START) == []
    assert start.said("LEFTOVER_FILLED") == [f"{SPOT} {OURS} trade 4: 5 lots at 99"]
    assert start.said("LEFTOVER_ENDED") == [f"{SPOT} {OURS}: FILLED, 5 lots filled"]
    start.answer()
    assert start.is_clear


def test_one_that_is_gone_without_a_word_is_said_to_be(start: Start) -> None:
    start.answer(OURS)
    start.wait()
    start.answer()
    assert start.is_clear
    assert start.said("LEFTOVER_GONE") == [f"{SPOT} {OURS}: open no more, how it ended was not told"]


def test_a_line_that_breaks_meanwhile_is_asked_anew_and_answers_of_before_are_out_of_date(start: Start) -> None:
    start.answer(OURS)
    start.line(False)
    start.answer()
    start.wait(5)
    assert start.account.asked == [1]
    start.line(True)
    assert start.account.asked == [1, 2]
    start.answer(number=1)
    assert not start.is_clear
    start.answer()
    assert start.is_clear


def test_a_line_that_comes_back_is_up_at_once_once_the_account_was_clear(start: Start) -> None:
    start.answer()
    start.line(False)
    start.line(True)
    assert start.heard == [(SPOT, True), (SPOT, False), (SPOT, True)]
    assert start.account.asked == [1]


def test_one_that_was_long_on_its_way_is_looked_for_while_trading_goes_on(start: Start) -> None:
    start.answer()
    for _ in range(5):
        assert start.report(OURS, OrderState.OPEN) == []
    start.wait(10)
    assert start.account.asked == [1, 2]
    start.answer(OURS)
    assert start.account.canceled == [OURS]
    start.report(OURS, OrderState.CANCELED)
    start.answer()
    start.wait(60)
    assert start.account.asked == [1, 2, 3]
    assert start.heard == [(SPOT, True)]


@pytest.mark.parametrize("failure", [NotSentError("down"), RuntimeError()])
def test_what_could_not_be_sent_is_said_and_repeated(start: Start, failure: Exception) -> None:
    start.answer(OURS)
    start.account.fails = failure
    start.wait()
    start.answer(OURS)
    start.account.fails = None
    start.wait()
    assert (start.account.asked, start.account.canceled) == ([1, 2, 3], [OURS, OURS])
    assert start.said("OPEN_ORDERS_NOT_ASKED") == [f"{SPOT}: {type(failure).__name__}"]
    assert start.said("CANCEL_NOT_SENT") == [f"{OURS}: {type(failure).__name__}"]
