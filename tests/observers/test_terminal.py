"""The terminal shows what the state holds, at any size, and says when the trader is no longer there."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console, RenderableType

from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.observers import terminal_panels as panels
from graphwiz_trader.observers.fold import StateFold
from graphwiz_trader.observers.state import TraderState
from graphwiz_trader.observers.terminal import TerminalView, screen, summary
from observers import market
from observers.market import START_NS, MadeUpSession


def state_of(*records: Record) -> TraderState:
    fold = StateFold()
    for item in records:
        fold.apply(item)
    return fold.state


def drawn(what: RenderableType, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.fixture(scope="module")
def running() -> TraderState:
    return state_of(*MadeUpSession().records(20, frames_per_s=100, end=False))


@pytest.mark.parametrize(("width", "height"), [(100, 30), (160, 50), (80, 24), (40, 10)])
def test_a_screen_fills_its_terminal_and_never_more(running: TraderState, width: int, height: int) -> None:
    lines = drawn(screen(running, silent_s=0.1, width=width, height=height), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(("width", "height"), [(100, 30), (160, 50)])
def test_a_screen_shows_every_subject(running: TraderState, width: int, height: int) -> None:
    text = "\n".join(drawn(screen(running, silent_s=0.1, width=width, height=height), width, height))
    for subject in ("Top of book", "PnL", "Risk", "Latency", "Opportunities", "Orders", "Positions", "running"):
        assert subject in text
    top = running.books[0]
    assert top.bid is not None
    assert f"{top.bid}" in text
    assert f"{top.spread_bps:.3f}" in text


def test_a_wide_screen_shows_each_exchange_s_lines_and_clock(running: TraderState) -> None:
    text = "\n".join(drawn(screen(running, silent_s=0.1, width=160, height=50), 160, 50))
    assert "-1270ms" in text
    assert "+4ms" in text


def test_a_silent_journal_is_said_to_be_silent(running: TraderState) -> None:
    assert "no word from the trader for 7 s" in drawn(screen(running, silent_s=7, width=100, height=30), 100, 30)[0]


def test_an_ended_session_is_not_called_silent() -> None:
    ended = state_of(market.session(), market.record(RecordKind.END, {"reason": "stopped by the user"}))
    assert "session ended: stopped by the user" in drawn(screen(ended, silent_s=99, width=100, height=30), 100, 30)[0]


def test_before_the_first_record_it_waits() -> None:
    assert "waiting for the trader" in drawn(screen(TraderState(), silent_s=0, width=100, height=30), 100, 30)[0]


def test_unknown_prices_are_a_dash_not_zero() -> None:
    empty = market.pulse(START_NS, books=[{"book": 0, "bid": None, "ask": None}])
    line = next(row for row in drawn(panels.top_of_book(state_of(market.session(), empty)), 100, 30) if "BTC" in row)
    assert panels.UNKNOWN in line
    assert "0.00" not in line


def test_text_from_the_journal_is_not_read_as_markup() -> None:
    hostile = market.record(RecordKind.RISK, {"event": "refused", "reason": "[red]X[/red]", "detail": "[/]"})
    text = "\n".join(drawn(panels.notices(state_of(market.session(), hostile), 5), 100, 30))
    assert "[red]X[/red] [/]" in text


def test_the_summary_says_how_the_run_ended_and_what_it_came_to() -> None:
    state = state_of(*MadeUpSession().records(10, frames_per_s=10))
    text = "\n".join(drawn(summary(state), 120, 60))
    assert "ended: stopped by the user" in text
    assert f"{state.counts.orders:,} ({state.counts.fills:,} fills" in text
    assert panels.plain_money(state.pnl.net) in text


def test_answers_on_paper_are_said_to_be_simulated(running: TraderState) -> None:
    on_paper = msgspec.structs.replace(running, mode="paper")
    assert "answers simulated" in "".join(drawn(summary(on_paper), 100, 60))
    assert "answers simulated" not in "".join(drawn(summary(running), 100, 60))


def test_the_summary_of_a_killed_run_says_so(running: TraderState) -> None:
    assert any("not closed in order" in line for line in drawn(summary(running), 120, 60))


def test_the_view_draws_on_the_console_it_was_given(running: TraderState) -> None:
    console = Console(file=io.StringIO(), width=100, height=30, force_terminal=True)
    with TerminalView(console) as view:
        view.show(running, silent_s=0.0)
    assert isinstance(console.file, io.StringIO)
    assert "Top of book" in console.file.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("0", "0.0000"), ("-0.000", "-0.0000"), ("12.34567", "+12.3457"), ("-1234.5", "-1,234.5000"), ("n/a", "+n/a")],
)
def test_money_carries_its_sign_and_zero_none(text: str, shown: str) -> None:
    assert panels.money(text).plain == shown


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [(None, panels.UNKNOWN), (0, "0ns"), (8_240, "8.2µs"), (412_000, "412µs"), (1.6e6, "1.6ms"), (2.5e9, "2.5s")],
)
def test_a_duration_has_the_unit_that_keeps_it_short(nanoseconds: float | None, shown: str) -> None:
    assert panels.duration(nanoseconds) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [(None, panels.UNKNOWN), ("0.01600000", "0.016"), ("100", "100"), ("5.000", "5"), ("0.00", "0")],
)
def test_a_size_has_no_zeros_at_its_end(text: str | None, shown: str) -> None:
    assert panels.size(text) == shown
