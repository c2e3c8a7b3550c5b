"""Fault plans: what they may say, and how each mistake in one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from graphwiz_trader.venues.simulated.faults import Fault, FaultPlanError, read_plan
from graphwiz_trader.venues.simulated.faults.kinds import KINDS, Delay
from graphwiz_trader.venues.simulated.faults.plan import MAX_FAULTS

VENUES = ("binance", "okx")
PARAMETERS = {
    "delay_ms": 5,
    "for_s": 2,
    "status": 429,
    "retry_after_s": 3,
    "skew_ms": -1_500,
    "copies": 2,
    "fraction": 0.5,
    "processed": True,
    "says": "busy",
    "down_s": 0.5,
    "closes_after_s": 1,
}


def read(*faults, **more):
    return read_plan({"faults": list(faults), **more}, VENUES)


def problem(*faults, **more) -> str:
    with pytest.raises(FaultPlanError) as refused:
        read(*faults, **more)
    return str(refused.value)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_takes_all_its_own_parameters(name):
    kind = KINDS[name]
    own = {key: PARAMETERS[key] for key in kind.required | kind.optional}
    (fault,) = read({"fault": name, "venue": "okx", "channel": "books*", "account": "demo", **own}).faults
    assert (fault.fault, fault.venue, fault.channel) == (name, "okx", "books*")
    for key, value in own.items():
        assert getattr(fault, key) == (Delay("fixed", 5) if key == "delay_ms" else value)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.required])
def test_a_kind_without_what_it_needs_is_refused(name):
    for key in KINDS[name].required:
        assert f"{key}: missing: a {name} needs" in problem({"fault": name})


def test_delays_may_be_fixed_or_drawn():
    assert read({"fault": "delay", "delay_ms": {"uniform": [10, 20]}}).faults[0].delay_ms == Delay("uniform", 10, 20)
    assert read({"fault": "delay", "delay_ms": {"exponential": 7.5}}).faults[0].delay_ms == Delay("exponential", 7.5)
    for wrong in ({"uniform": [20, 10]}, {"uniform": 3}, {"normal": 3}, {}, -1, "soon", True, [1, 2]):
        assert "delay_ms: found" in problem({"fault": "delay", "delay_ms": wrong})


def test_an_empty_plan_is_a_plan_and_the_seed_may_be_chosen():
    assert read_plan({}, VENUES).faults == ()
    assert read_plan({"seed": 12, "faults": None}, VENUES).seed == 12


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"fault": "dorp"}, "faults[0].fault: no fault 'dorp'; did you mean drop?"),
        ({"fault": "drop", "probabilty": 1}, "faults[0].probabilty: unknown key of a drop; did you mean probability?"),
        ({"fault": "drop", "status": 429}, "faults[0].status: unknown key of a drop"),
        ({"fault": "restart", "probability": 1}, "faults[0].probability: unknown key of a restart"),
        ({"fault": "drop", "at_s": 1}, "faults[0].at_s: unknown key of a drop"),
        ({"fault": "drop", "venue": "binace"}, "faults[0].venue: no venue 'binace' is served; did you mean binance?"),
        ({"fault": "drop", "probability": 1.5}, "faults[0].probability: found 1.5, expected a number from 0 to 1"),
        ({"fault": "drop", "probability": True}, "faults[0].probability: found True"),
        ({"fault": "drop", "count": 0}, "faults[0].count: found 0, expected a whole number from 1"),
        ({"fault": "drop", "count": 1.5}, "faults[0].count: found 1.5"),
        ({"fault": "drop", "every": 2, "probability": 0.5}, "faults[0].every: a fault has a probability or"),
        ({"fault": "http_status", "status": 200}, "faults[0].status: found 200, expected an HTTP status from 400"),
        ({"fault": "unknown_outcome", "says": "no"}, "faults[0].says: found 'no', expected one of timeout, unexpected"),
        ({"fault": "disconnect", "at_s": [1, -1]}, "faults[0].at_s: found [1, -1], expected a number of seconds"),
        ({"venue": "binance"}, "faults[0]: expected a group that names its fault"),
        ("drop", "faults[0]: expected a group that names its fault"),
        ({"fault": ["drop"]}, "faults[0].fault: no fault ['drop']"),
        ({"fault": "drop", "channel": ""}, "faults[0].channel: found '', expected a name"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_expected(entry, said):
    assert said in problem(entry)


def test_all_mistakes_are_told_together():
    told = problem({"fault": "dorp"}, {"fault": "drop"}, {"fault": "delay"}, sed=1, seed="x").splitlines()
    assert [line.split(": ")[1] for line in told] == ["sed", "seed", "faults[0].fault", "faults[2].delay_ms"]


def test_what_is_no_plan_at_all_is_refused():
    for wrong in ([], "drop", 3, None):
        with pytest.raises(FaultPlanError, match="expected a group"):
            read_plan(wrong, VENUES)
    assert f"at most {MAX_FAULTS}" in problem(*[{"fault": "drop"}] * (MAX_FAULTS + 1))


def test_a_long_word_is_not_repeated_whole():
    assert len(problem({"fault": "x" * 10_000})) < 600


def test_a_fault_without_chance_or_number_strikes_once():
    assert Fault(fault="drop").times == 1
    assert Fault(fault="drop", probability=0.5).times == float("inf")
    assert Fault(fault="drop", every=3, count=2).times == 2


def test_the_documentation_names_every_fault_and_its_example_is_a_plan():
    page = (Path(__file__).parents[4] / "docs" / "exchange_faults.md").read_text()
    for name, kind in KINDS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert kind.says in row
        assert all(f"`{parameter}`" in row for parameter in kind.required | kind.optional)
    example = page.split("```yaml\n")[1].split("```")[0]
    assert len(read_plan(yaml.safe_load(example), VENUES).faults) == 4
