"""What is read off a recording: its symbols, ticks and lots, and what its venues are known to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import recordings
from graphwiz_trader.backtest.listing import split_symbol
from graphwiz_trader.backtest.recordings import Recording, RecordingError
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.hft.instruments import Instrument, Instruments
from hft.floor import snapshot, spot_depth, ticker, trade

T = 1_723_075_200_000_000_000
FEES = {"binance": (1_000, 1_000), "binanceusdm": (200, 500)}


def _survey(files: dict[str, Sequence[Path]]) -> Instruments:
    return survey(Recording(files), FEES, lambda frames: None)


def _of(tmp_path: Path, *payloads: bytes, exchange: str = "binance") -> Instruments:
    path = tmp_path / "frames"
    path.write_bytes(b"".join(b"%d %s\n" % (T + i, payload) for i, payload in enumerate(payloads)))
    return _survey({exchange: [path]})


def _only(instruments: Instruments) -> Instrument:
    (found,) = instruments
    return found


def test_the_finest_price_and_size_anywhere_make_tick_and_lot(tmp_path: Path) -> None:
    frames = [
        snapshot(1, [("100.1000", "1.00000")], [("101", "2")]),
        spot_depth(2, 2, [("100.25", "1.5")]),
        ticker(3, ("100.25", "0.00010000"), ("101.00", "1.0")),
    ]
    found = _only(_of(tmp_path, *frames))
    assert (found.tick_size, found.lot_size) == ("0.01", "0.0001")
    assert (found.symbol, found.venue_symbol, found.base, found.quote) == ("BTC/USDT", "BTCUSDT", "BTC", "USDT")


def test_orders_may_be_as_fine_as_the_trades_were_and_not_as_old_orders_in_the_book(tmp_path: Path) -> None:
    frames = [spot_depth(1, 1, [("100.25", "0.00000001")]), trade(1, "100.5", "0.001"), trade(2, "100.0", "2")]
    found = _only(_of(tmp_path, *frames))
    assert (found.tick_size, found.lot_size) == ("0.01", "0.00000001")
    assert (found.price_step_ticks, found.size_step_lots, found.min_size_lots) == (10, 100_000, 100_000)


def test_a_trade_finer_than_the_book_makes_the_book_as_fine(tmp_path: Path) -> None:
    found = _only(_of(tmp_path, spot_depth(1, 1, [("100", "1")]), trade(1, "100.5", "0.5")))
    assert (found.tick_size, found.lot_size, found.price_step_ticks, found.size_step_lots) == ("0.1", "0.1", 1, 1)


def test_prices_of_whole_numbers_and_sizes_of_billions_are_measured(tmp_path: Path) -> None:
    found = _only(_of(tmp_path, spot_depth(1, 1, [("7", "250000000000.25")])))
    assert (found.tick_size, found.lot_size) == ("1", "0.01")


def test_a_derivative_may_be_sold_short_and_fees_are_the_exchanges(tmp_path: Path) -> None:
    spot = _only(_of(tmp_path, spot_depth(1, 1)))
    usdm = _only(_of(tmp_path, spot_depth(1, 1), exchange="binanceusdm"))
    assert (spot.can_short, spot.maker_fee_ppm, spot.taker_fee_ppm) == (False, 1_000, 1_000)
    assert (usdm.can_short, usdm.maker_fee_ppm, usdm.taker_fee_ppm) == (True, 200, 500)


def test_frames_that_cannot_be_read_say_nothing_of_ticks(tmp_path: Path) -> None:
    bad = [spot_depth(1, 1, [("1.12345", "x")]), spot_depth(1, 1, [("9" * 40, "1")]), spot_depth(1, 1)[:-5], b"\xff"]
    found = _only(_of(tmp_path, spot_depth(1, 1, [("100.1", "1.5")]), *bad))
    assert (found.tick_size, found.lot_size) == ("0.1", "0.1")


def test_a_symbol_that_a_few_damaged_frames_name_is_no_instrument(tmp_path: Path) -> None:
    frames = [spot_depth(i, i) for i in range(200)]
    strangers = [spot_depth(1, 1, symbol=f"NOSUCH{i}USDT") for i in range(50)]
    assert _only(_of(tmp_path, *frames, *strangers)).symbol == "BTC/USDT"


def test_a_rare_symbol_with_a_snapshot_of_its_own_is_an_instrument(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    lines = [b"1627989420.5: " + spot_depth(i, i) for i in range(200)]
    lines.append(b"1627989420.6: " + spot_depth(1, 1, symbol="ETHUSDT"))
    lines.append(b"https://x/depth?symbol=ETHUSDT -> 1627989421: " + snapshot(1))
    path.write_bytes(b"\n".join(lines))
    assert [i.symbol for i in _survey({"binance": [path]})] == ["BTC/USDT", "ETH/USDT"]


def test_any_number_of_invented_symbols_neither_fails_nor_fills_the_books(tmp_path: Path) -> None:
    frames = [spot_depth(i, i) for i in range(100)]
    strangers = [spot_depth(1, 1, symbol=f"X{i}USDT") for i in range(3_000)]
    assert _only(_of(tmp_path, *frames, *strangers)).symbol == "BTC/USDT"


def test_a_recording_that_names_no_symbol_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"frames: no frame names a symbol; expected lines `<receive time in ns>"):
        _of(tmp_path, snapshot(1), b"noise")


@pytest.mark.parametrize(
    ("venue_symbol", "parts"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("BNBBTC", ("BNB", "BTC")),
        ("BLZETH", ("BLZ", "ETH")),
        ("RUNEEUR", ("RUNE", "EUR")),
        ("USDTTRY", ("USDT", "TRY")),
        ("USDT", ("USDT", "")),
        ("BTCUSD_240927", ("BTCUSD_240927", "")),
    ],
)
def test_a_venues_symbol_splits_by_the_longest_quote_it_ends_with(venue_symbol: str, parts: tuple[str, str]) -> None:
    assert split_symbol(venue_symbol) == parts


@pytest.mark.recorded
@pytest.mark.slow
@pytest.mark.parametrize("symbol", recordings.FOUR_OF_2024, ids=lambda s: f"{s.rule}-{s.symbol}")
def test_the_recordings_of_2024_are_as_fine_as_their_known_rules(symbol: recordings.Symbol) -> None:
    found = _only(_survey({symbol.exchange: [recordings.need(name) for name in symbol.files]}))
    assert found.tick_size == symbol.tick_size
    assert float(found.lot_size) >= float(symbol.lot_size)
    order_lot = {"spot-BTCUSDT": "0.00001", "spot-ETHUSDT": "0.0001", "usdm-BTCUSDT": "0.001", "usdm-ETHUSDT": "0.001"}
    assert found.size_step_units == Instrument(
        book=0, exchange="", symbol="", venue_symbol="", base="", quote="", tick_size="1",
        lot_size=order_lot[f"{symbol.rule}-{symbol.symbol}"],
    ).lot_units  # fmt: skip
    assert found.price_step_ticks == 1


@pytest.mark.recorded
def test_the_four_symbols_of_2021_are_found_with_snapshots_in_a_file_of_their_own() -> None:
    files = [recordings.need(name) for name in recordings.FOUR_OF_2021[0].files]
    found = {i.venue_symbol: i for i in _survey({"binance": files})}
    assert set(found) == {symbol.symbol for symbol in recordings.FOUR_OF_2021}
    for symbol in recordings.FOUR_OF_2021:
        assert (found[symbol.symbol].base, found[symbol.symbol].quote) == (symbol.base, symbol.quote)
        assert float(found[symbol.symbol].tick_size) >= float(symbol.tick_size)
