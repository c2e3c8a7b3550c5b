"""When an armed fault fires: chances, windows, times; the same seed and traffic always at the same places."""

from __future__ import annotations

import pytest

from graphwiz_trader.venues.simulated.faults import Fault, Faults
from graphwiz_trader.venues.simulated.faults.armed import Armed
from graphwiz_trader.venues.simulated.faults.desk import FaultDesk
from graphwiz_trader.venues.simulated.faults.kinds import Delay
from graphwiz_trader.venues.simulated.faults.plan import MAX_FAULTS, FaultPlan, FaultPlanError


class Clock:
    now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


def fired(fault: Fault, chances: int, seed: int = 7) -> list[int]:
    """Which of so many chances fire, counted from 0."""
    armed = Armed(1, fault, seed, 0)
    return [chance for chance in range(chances) if armed.fires(0)]


@pytest.mark.parametrize(
    ("fault", "places"),
    [
        (Fault(fault="drop"), [0]),
        (Fault(fault="drop", count=3), [0, 1, 2]),
        (Fault(fault="drop", after=2), [2]),
        (Fault(fault="drop", every=3), [2, 5, 8]),
        (Fault(fault="drop", every=3, after=1, count=2), [3, 6]),
        (Fault(fault="drop", probability=0.0), []),
        (Fault(fault="drop", probability=1.0, count=4), [0, 1, 2, 3]),
    ],
)
def test_of_the_chances_that_match_these_fire(fault, places):
    assert fired(fault, 10) == places


def test_a_probability_is_one_over_many_chances_and_repeats_with_its_seed():
    fault = Fault(fault="drop", probability=0.25)
    first = fired(fault, 4_000)
    assert 900 < len(first) < 1_100
    assert fired(fault, 4_000) == first
    assert fired(fault, 4_000, seed=8) != first


def test_what_else_is_armed_changes_nothing_about_a_faults_own_chances():
    def run(*others: Fault) -> list[bool]:
        faults = Faults(clock_ms=Clock())
        faults.add(Fault(fault="drop", probability=0.5), number=9)
        for other in others:
            faults.add(other)
        return [faults.frame("a", "/ws", "").ends == "lost" for _ in range(200)]

    assert run() == run(Fault(fault="duplicate", probability=0.5), Fault(fault="delay", delay_ms=Delay("fixed", 1)))


def test_only_what_matches_venue_channel_path_and_account_is_a_chance():
    faults = Faults(clock_ms=Clock())
    faults.add(Fault(fault="drop", channel="btcusdt@depth*", account="dem?", count=10))
    assert faults.frame("btcusdt@depth@100ms", "/ws", "demo").ends == "lost"
    assert faults.frame("other", "btcusdt@depth", "demo").ends == "lost"
    assert not faults.frame("ethusdt@depth", "/ws", "demo").ends
    assert not faults.frame("btcusdt@depth", "/ws", "other").ends
    assert faults.armed[0].chances == 2


def test_a_window_counts_from_when_the_fault_was_armed():
    clock = Clock()
    faults = Faults(clock_ms=clock)
    faults.add(Fault(fault="drop", from_s=1, until_s=2, count=10))
    seen = []
    for _ in range(7):
        seen.append(faults.frame("", "", "").ends)
        clock.now_ms += 500
    assert seen == ["", "", "lost", "lost", "lost", "", ""]


def test_a_fault_at_a_time_happens_once_at_each_of_its_times():
    clock = Clock()
    faults = Faults(clock_ms=clock)
    faults.add(Fault(fault="restart", at_s=(1.0, 2.5)))
    seen = []
    for _ in range(7):
        seen.append(len(faults.due()))
        clock.now_ms += 500
    assert seen == [0, 0, 1, 0, 0, 1, 0]
    assert faults.armed[0].is_spent


def test_a_clock_is_skewed_for_its_time():
    clock = Clock()
    faults = Faults(clock_ms=clock)
    faults.add(Fault(fault="clock_skew", skew_ms=-700, at_s=(1.0,), for_s=2.0))
    seen = []
    for _ in range(5):
        faults.due()
        seen.append(faults.venue_ms() - clock.now_ms)
        clock.now_ms += 1_000
    assert seen == [0, -700, -700, 0, 0]


def test_a_stale_book_says_nothing_for_its_time_and_other_messages_go_on():
    clock = Clock()
    faults = Faults(clock_ms=clock)
    faults.add(Fault(fault="stale_book", for_s=1.0, after=1))
    book = lambda: faults.frame("btcusdt@depth", "/ws", "").ends  # noqa: E731
    assert [book(), book(), book()] == ["", "lost", "lost"]
    assert not faults.frame("btcusdt@trade", "/ws", "").ends
    clock.now_ms += 1_000
    assert not book()


def test_faults_of_several_kinds_fall_on_one_message_together():
    faults = Faults(clock_ms=Clock())
    faults.add(Fault(fault="duplicate", copies=2))
    faults.add(Fault(fault="delay", delay_ms=Delay("fixed", 30)))
    assert faults.frame("", "", "") == ("", 2, 0.03, 0.0)
    assert faults.frame("", "", "") == ("", 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("delay", "low", "high", "mean"),
    [
        (Delay("fixed", 20), 0.02, 0.02, 0.02),
        (Delay("uniform", 10, 30), 0.01, 0.03, 0.02),
        (Delay("exponential", 20), 0, 1, 0.02),
    ],
)
def test_delays_follow_their_law(delay, low, high, mean):
    armed = Armed(1, Fault(fault="delay", delay_ms=delay), 7, 0)
    drawn = [armed.draw_delay_s() for _ in range(2_000)]
    assert min(drawn) >= low
    assert max(drawn) <= high
    assert abs(sum(drawn) / len(drawn) - mean) < 0.002


def test_a_desk_arms_a_fault_at_its_venue_or_at_every_one_and_clears_by_number():
    venues = {name: Faults(name, Clock()) for name in ("binance", "okx")}
    desk = FaultDesk(venues, seed=3)
    numbers = desk.arm(FaultPlan(3, (Fault(fault="drop", venue="okx"), Fault(fault="restart", at_s=(9.0,)))))
    assert numbers == [1, 2]
    assert [(entry["at"], entry["number"], entry["fault"]) for entry in desk.listing()] == [
        ("binance", 2, "restart"),
        ("okx", 1, "drop"),
        ("okx", 2, "restart"),
    ]
    assert desk.clear(2)
    assert not desk.clear(2)
    assert [entry["number"] for entry in desk.listing()] == [1]
    desk.arm(FaultPlan(3, (Fault(fault="drop"),)))
    assert [entry["number"] for entry in desk.listing()] == [3, 1, 3], "a number is not given twice"
    desk.clear()
    assert desk.listing() == []


def test_a_desk_does_not_arm_without_end():
    desk = FaultDesk({"binance": Faults("binance", Clock())}, seed=3)
    desk.arm(FaultPlan(3, (Fault(fault="drop"),) * MAX_FAULTS))
    with pytest.raises(FaultPlanError, match="clear some first"):
        desk.arm(FaultPlan(3, (Fault(fault="drop"),)))
