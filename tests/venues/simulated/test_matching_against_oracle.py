"""The matching engine and its obvious twin do the same, order after order, whatever is asked of them."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.matching import NOBODY, MatchingEngine, SelfTrade
from oracle.matching import NaiveEngine

CROWDED = 40
"""With more orders than this in the book, more are cancelled than placed."""
OWNERS = (NOBODY, 1, 2, -1)


class Twins:
    """The engine and its twin, compared after each thing that both are asked."""

    def __init__(self) -> None:
        self.engine, self.naive = MatchingEngine(), NaiveEngine()
        self.operations = 0
        self.done: Counter[str] = Counter()
        self.digest = 0
        self._told: dict[tuple[Side, int], int] = {}
        self._last_id = 0

    def place(self, side, limit, lots, force, owner, mode) -> None:
        self._last_id += 1
        wanted = (self._last_id, side, limit, lots, force, owner, mode if owner else SelfTrade.NONE)
        walk = self.engine.walk(side, limit, lots, *wanted[5:])
        outcome = self.engine.place(*wanted)
        assert outcome == self.naive.place(*wanted)
        if force in (TimeInForce.GTC, TimeInForce.IOC):
            traded = Counter()
            for step in outcome.steps:
                if len(step) == 3:
                    traded[step[1]] += step[2]
            assert dict(walk) == traded, "what was foretold is not what traded"
        self.done["market" if limit is None else force.name] += 1
        self.done[mode.name] += any(len(step) == 4 for step in outcome.steps)
        self.compare()

    def cancel(self, choice: int) -> None:
        if self.naive.orders:
            victim = self.naive.orders[choice % len(self.naive.orders)].order_id
            assert self.engine.cancel(victim) == self.naive.cancel(victim)
            self.done["cancel"] += 1
            self.compare()

    def reduce(self, choice: int) -> None:
        """An amendment that keeps the order's place."""
        if self.naive.orders:
            order = self.naive.orders[choice % len(self.naive.orders)]
            if order.lots > 1:
                lots = 1 + choice % (order.lots - 1)
                self.engine.reduce(order.order_id, lots)
                self.naive.reduce(order.order_id, lots)
                self.done["reduce"] += 1
                self.compare()

    def compare(self) -> None:
        """The whole state, order for order; then its hash joins the history's."""
        engine = tuple(
            (order.order_id, order.price_ticks, order.remaining_lots, order.owner)
            for side in Side
            for order in self.engine.orders(side)
        )
        naive = self.naive.state()
        if hash((self.digest, engine)) != hash((self.digest, naive)):
            assert engine == naive
        self.digest = hash((self.digest, engine))
        self.operations += 1
        for side, price, lots in self.engine.take_changes():
            self._told[side, price] = lots

    def compare_levels(self) -> None:
        """What the engine says of its levels, and what it told of their changes."""
        for side in Side:
            levels = self.naive.levels(side)
            assert self.engine.levels(side, 1_000) == levels
            assert self.engine.best(side) == (levels[0][0] if levels else None)
            told = {price: lots for (told_side, price), lots in self._told.items() if told_side is side and lots}
            assert told == dict(levels), "the changes told do not add up to the book"
        assert len(self.engine) == len(self.naive.orders)


def random_step(twins: Twins, random: Random) -> None:
    kind = random.random()
    crowded = len(twins.engine) > CROWDED
    if kind < (0.6 if crowded else 0.2):
        twins.cancel(random.randrange(1 << 20))
    elif kind < (0.65 if crowded else 0.3):
        twins.reduce(random.randrange(1 << 20))
    else:
        twins.place(
            random.choice((Side.BUY, Side.SELL)),
            None if random.random() < 0.05 else random.randint(95, 105),
            random.randint(1, 9),
            random.choices(tuple(TimeInForce), (6, 2, 1, 2))[0],
            random.choice(OWNERS),
            random.choice(tuple(SelfTrade)),
        )


def run(operations: int, seed: int) -> Twins:
    twins, random = Twins(), Random(seed)
    while twins.operations < operations:
        random_step(twins, random)
        if twins.engine.change_count % 97 == 0:
            twins.compare_levels()
    twins.compare_levels()
    return twins


def test_the_engine_is_its_twin_after_each_of_some_thousand_operations():
    twins = run(5_000, seed=11)
    assert min(twins.done[name] for name in ("market", "cancel", "reduce", *TimeInForce.__members__)) > 50
    assert min(twins.done[name] for name in ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")) > 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_engine_is_its_twin_after_each_of_a_million_operations():
    assert run(1_000_000, seed=2026).done["cancel"] > 100_000


placements = st.tuples(
    st.sampled_from(Side),
    st.one_of(st.none(), st.integers(98, 102)),
    st.integers(1, 9),
    st.sampled_from(TimeInForce),
    st.sampled_from(OWNERS),
    st.sampled_from(SelfTrade),
)


@settings(max_examples=150)
@given(st.lists(st.one_of(placements, st.integers(0, 60)), max_size=40))
def test_there_is_no_short_history_that_tells_the_engine_from_its_twin(actions):
    twins = Twins()
    for action in actions:
        if not isinstance(action, int):
            twins.place(*action)
        elif action % 2:
            twins.cancel(action // 2)
        else:
            twins.reduce(action // 2)
        twins.compare_levels()
