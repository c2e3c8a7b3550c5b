"""What a recorded symbol is, by the venue's name for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphwiz_trader.backtest.listing import Listed, listed
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey
from hft.okx_floor import depth, frame

T = 1_652_459_225_000_000_000


@pytest.mark.parametrize(
    ("exchange", "venue_symbol", "symbol", "is_derivative", "inverse"),
    [
        ("binance", "BTCUSDT", "BTC/USDT", False, False),
        ("binanceusdm", "BTCUSDT", "BTC/USDT", True, False),
        ("binanceusdm", "BTCUSDT_240927", "BTC/USDT:USDT-240927", True, False),
        ("binancecoinm", "BTCUSD_PERP", "BTC/USD", True, True),
        ("binancecoinm", "BTCUSD_240927", "BTC/USD:BTC-240927", True, True),
        ("okx", "BTC-USDT", "BTC/USDT", False, False),
        ("okx", "BTC-USDT-SWAP", "BTC/USDT:USDT", True, False),
        ("okx", "UNI-USD-SWAP", "UNI/USD:UNI", True, True),
        ("okx", "BTC-USD-220527", "BTC/USD:BTC-220527", True, True),
        ("okx", "BTC-USD-220527-30000-C", "BTC/USD:BTC-220527-30000-C", True, True),
    ],
)
def test_a_symbol_is_read_off_the_venues_name(
    exchange: str, venue_symbol: str, symbol: str, is_derivative: bool, inverse: bool
) -> None:
    found = listed(exchange, venue_symbol)
    assert (found.symbol, found.is_derivative, found.inverse) == (symbol, is_derivative, inverse)


@pytest.mark.parametrize(("exchange", "name"), [("okx", "WHATEVER"), ("binance", "WHATEVER"), ("okx", "")])
def test_a_name_of_no_known_form_is_kept(exchange: str, name: str) -> None:
    assert listed(exchange, name) == Listed(name, name, "")


def _survey(tmp_path: Path, exchange: str, *payloads: bytes) -> dict[str, tuple[str, str, int]]:
    path = tmp_path / "frames"
    path.write_bytes(b"".join(b"%d %s\n" % (T + i, payload) for i, payload in enumerate(payloads)))
    found = survey(Recording({exchange: [path]}), {exchange: (1, 1)}, lambda frames: None)
    return {i.venue_symbol: (i.tick_size, i.lot_size, i.max_size_lots) for i in found}


def test_okx_frames_say_how_fine_prices_and_sizes_are(tmp_path: Path) -> None:
    trade = {"instId": "BTC-USDT", "tradeId": "7", "px": "100.25", "sz": "0.5", "side": "sell", "ts": "1"}
    frames = depth("snapshot", [("99.9", "9")], [("100.1", "0.00012")], ids=(-1, 1)), frame("trades", trade)
    assert _survey(tmp_path, "okx", *frames) == {"BTC-USDT": ("0.01", "0.00001", 2**53)}


def test_prices_of_very_small_coins_are_measured(tmp_path: Path) -> None:
    small = depth("snapshot", [("0.000000012345", "99000000000")], [("0.0000000124", "5.25")], ids=(-1, 1))
    assert _survey(tmp_path, "okx", small) == {"BTC-USDT": ("0.000000000001", "0.01", 2**53)}


def test_a_coinm_snapshot_says_whose_it_is_in_a_file_of_several(tmp_path: Path) -> None:
    head = b'{"e":"depthUpdate","E":1,"T":1,"s":"%s","ps":"BTCUSD","U":5,"u":9,"pu":4,"b":[],"a":[]}'
    snapshot = b'{"lastUpdateId":7,"symbol":"BTCUSD_PERP","pair":"BTCUSD","bids":[["9638.5","1"]],"asks":[]}'
    found = _survey(tmp_path, "binancecoinm", head % b"BTCUSD_PERP", head % b"ETHUSD_PERP", snapshot)
    assert found == {"BTCUSD_PERP": ("0.1", "1", 0), "ETHUSD_PERP": ("1", "1", 0)}
