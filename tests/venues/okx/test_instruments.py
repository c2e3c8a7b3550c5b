"""OKX's rules become instruments: spot pairs and swaps, exact steps, books fine enough for whatever stands in them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import Endpoints, VenueError
from graphwiz_trader.venues.okx.instruments import load_instruments, read_instruments
from recordings import need
from venues.harness import RestVenue, on_uvloop

FILES = ("okx/instruments_spot.json.gz", "okx/instruments_swap.json.gz")
SPOT: dict[str, Any] = {
    "instId": "BTC-USDT", "instType": "SPOT", "state": "live", "baseCcy": "BTC", "quoteCcy": "USDT",
    "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999", "instIdCode": 1,
    "ctVal": "", "ctMult": "", "ctType": "", "ctValCcy": "", "settleCcy": "",
}  # fmt: skip
SWAP: dict[str, Any] = SPOT | {
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT",
    "ctType": "linear", "ctVal": "0.01", "ctMult": "1", "ctValCcy": "BTC",
    "lotSz": "0.1", "minSz": "0.1", "maxLmtSz": "100000000",
}  # fmt: skip
INVERSE: dict[str, Any] = SWAP | {
    "instId": "BTC-USD-SWAP", "settleCcy": "BTC", "ctType": "inverse", "ctVal": "100", "ctValCcy": "USD",
    "lotSz": "1", "minSz": "1",
}  # fmt: skip


def answer(*data: object, code: str = "0", msg: str = "") -> bytes:
    return json.dumps({"code": code, "data": data, "msg": msg}).encode()


def books(*levels: tuple[str, str]) -> bytes:
    return answer({"asks": [], "bids": [[price, size, "0", "1"] for price, size in levels], "ts": "1"})


def recorded() -> list[bytes]:
    return [gzip.decompress(need(name).read_bytes()) for name in FILES]


@pytest.mark.recorded
def test_the_recorded_rules_of_btc():
    spot, linear, inverse = read_instruments(
        recorded(), "okx", ["BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"], first_book=4
    )
    assert [i.book for i in (spot, linear, inverse)] == [4, 5, 6]
    assert [i.venue_symbol for i in (spot, linear, inverse)] == ["BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP"]
    assert [(i.base, i.quote) for i in (spot, linear, inverse)] == [("BTC", "USDT"), ("BTC", "USDT"), ("BTC", "USD")]
    assert [(i.can_short, i.inverse) for i in (spot, linear, inverse)] == [(False, False), (True, False), (True, True)]
    assert (spot.tick_size, spot.lot_size, spot.min_size_lots, spot.contract_size) == ("0.1", "0.00000001", 1_000, "1")
    assert (linear.tick_size, linear.lot_size, linear.contract_size) == ("0.1", "1", "0.01")
    assert (inverse.contract_size, inverse.contract_value, inverse.max_size_lots) == ("1", "100", 100_000_000)
    assert [(i.maker_fee_ppm, i.taker_fee_ppm) for i in (spot, linear)] == [(800, 1_000), (200, 500)]


@pytest.mark.recorded
def test_every_recorded_instrument_is_named_once_and_keeps_its_steps():
    bodies = recorded()
    rules = {each["instId"]: each for body in bodies for each in json.loads(body)["data"]}
    names = [name(each) for each in rules.values()]
    found = Instruments(read_instruments(bodies, "okx", names))
    assert len(found) == len(set(names)) == len(rules) == 513 + 166
    for instrument in found:
        asked = rules[instrument.venue_symbol]
        tick, lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
        assert tick * instrument.price_step_ticks == Decimal(asked["tickSz"])
        assert lot * instrument.size_step_lots == Decimal(asked["lotSz"])
        assert lot * instrument.min_size_lots >= Decimal(asked["minSz"])
        assert lot * instrument.max_size_lots == min(Decimal(asked["maxLmtSz"]), 2**53 * lot)
        if asked["ctType"] == "linear":
            assert Decimal(instrument.contract_size) == Decimal(asked["ctVal"]) * Decimal(asked["ctMult"])


def name(rules: dict[str, str]) -> str:
    base, quote, *swap = rules["instId"].split("-")
    return f"{base}/{quote}:{rules['settleCcy']}" if swap else f"{base}/{quote}"


@pytest.mark.parametrize(
    ("levels", "tick", "price_step", "lot", "size_step"),
    [
        ([], "0.1", 1, "0.1", 1),
        ([("30000.1", "12.3")], "0.1", 1, "0.1", 1),
        ([("30000.15", "12.3")], "0.01", 10, "0.1", 1),
        ([("30000.1", "12.34")], "0.1", 1, "0.01", 10),
    ],
)
def test_a_book_is_as_fine_as_the_finest_that_stands_in_it(levels, tick, price_step, lot, size_step):
    snapshots = {"BTC/USDT:USDT": books(*levels)}
    (found,) = read_instruments([answer(SWAP)], "okx", ["BTC/USDT:USDT"], snapshots=snapshots)
    assert (found.tick_size, found.price_step_ticks) == (tick, price_step)
    assert (found.lot_size, found.size_step_lots) == (lot, size_step)


def test_a_contract_is_as_large_as_value_and_multiplier_say():
    (found,) = read_instruments([answer(SWAP | {"ctVal": "0.001", "ctMult": "10"})], "okx", ["BTC/USDT:USDT"])
    assert found.contract_size == "0.01"


def test_fees_are_the_account_s_where_they_are_known_and_else_those_of_the_kind_of_instrument():
    both = ["BTC/USDT", "BTC/USDT:USDT"]
    found = read_instruments([answer(SPOT, SWAP)], "okx", both, fees_ppm=(None, 70))
    assert [(i.maker_fee_ppm, i.taker_fee_ppm) for i in found] == [(800, 70), (200, 70)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (answer(SPOT | {"instId": "BTX-USDT"}), "okx does not list BTC/USDT; did you mean BTX/USDT"),
        (answer(SWAP), "okx does not list BTC/USDT; did you mean BTC/USDT:USDT"),
        (answer(SPOT | {"state": "suspend"}), "does not trade BTC/USDT now: its state is suspend"),
        (answer(SPOT | {"tickSz": "0"}), "BTC/USDT: its rules cannot be used: tickSz is 0"),
        (answer(SPOT | {"lotSz": ""}), "BTC/USDT: its rules cannot be used"),
        (answer(code="50011", msg="Too Many Requests"), "refuses to answer: code 50011, Too Many Requests"),
        (answer({"instId": "BTC-USDT"}), "its instruments cannot be read"),
        (b"<html>", "its instruments cannot be read"),
    ],
)
def test_rules_that_cannot_be_used_are_an_error_that_says_which(body, said):
    with pytest.raises(VenueError, match=said):
        read_instruments([body], "okx", ["BTC/USDT"])


@pytest.mark.parametrize("change", [{"ctType": ""}, {"ctValCcy": "USDT"}, {"ctVal": "0"}])
def test_a_contract_that_is_neither_linear_nor_inverse_is_not_taken_for_one(change):
    with pytest.raises(VenueError, match="its rules cannot be used"):
        read_instruments([answer(SWAP | change)], "okx", ["BTC/USDT:USDT"])


@pytest.mark.parametrize("snapshot", [b"[]", answer(code="51001"), answer({"bids": [["1"]], "asks": []})])
def test_a_snapshot_that_cannot_be_read_is_an_error_of_that_symbol(snapshot):
    with pytest.raises(VenueError, match="okx"):
        read_instruments([answer(SPOT)], "okx", ["BTC/USDT"], snapshots={"BTC/USDT": snapshot})


def test_one_bad_symbol_is_no_matter_to_those_who_do_not_want_it():
    (found,) = read_instruments([answer(SPOT, SWAP | {"tickSz": ""})], "okx", ["BTC/USDT"])
    assert found.symbol == "BTC/USDT"


# Over the network


@on_uvloop
async def test_only_the_kinds_that_are_wanted_are_asked_for_and_a_snapshot_of_each_book():
    script = [(200, "", body) for body in (answer(SPOT), answer(SWAP), books(("1.25", "1")), books())]
    async with RestVenue(*script) as venue:
        found = await load_instruments("okx", ["BTC/USDT", "BTC/USDT:USDT"], Endpoints(venue.endpoint, "", ""))
    assert [(i.symbol, i.tick_size) for i in found] == [("BTC/USDT", "0.01"), ("BTC/USDT:USDT", "0.1")]
    assert venue.asked == [
        "/api/v5/public/instruments?instType=SPOT",
        "/api/v5/public/instruments?instType=SWAP",
        "/api/v5/market/books?instId=BTC-USDT&sz=400",
        "/api/v5/market/books?instId=BTC-USDT-SWAP&sz=400",
    ]
    async with RestVenue((200, "", answer(SPOT)), (200, "", books())) as venue:
        await load_instruments("okx", ["BTC/USDT"], Endpoints(venue.endpoint, "", ""))
    assert len(venue.asked) == 2


@on_uvloop
async def test_an_exchange_that_stumbles_is_asked_again():
    async with RestVenue((503, "", b""), (200, "", answer(SPOT)), (200, "", books())) as venue:
        assert len(await load_instruments("okx", ["BTC/USDT"], Endpoints(venue.endpoint, "", ""))) == 1
