"""``graphwiz exchange serve``: one line when it is ready, service until it is told to stop, clear refusals."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import httpx
import pytest

import synthetic_recording
from patience import PATIENCE_S

SERVE = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()", "exchange", "serve"]


def serve(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*SERVE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_serves_until_told_to_stop(number):
    process = serve("--venue", "binance", "--venue", "binanceusdm", "--seed", "3")
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["ready"] is True
    assert list(ready["venues"]) == ["binance", "binanceusdm"]
    for venue, path in (("binance", "/api/v3/depth"), ("binanceusdm", "/fapi/v1/depth")):
        addresses = ready["venues"][venue]
        assert all("//127.0.0.1:" in address for address in addresses.values())
        with urllib.request.urlopen(f"{addresses['rest']}{path}?symbol=BTCUSDT", timeout=PATIENCE_S) as answer:
            assert json.load(answer)["bids"]
    process.send_signal(number)
    output, problems = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output, problems) == (0, "", "")


@pytest.mark.slow
def test_it_serves_okx():
    process = serve("--venue", "okx", "--seed", "3")
    assert process.stdout is not None
    addresses = json.loads(process.stdout.readline())["venues"]["okx"]
    assert addresses["orders"] == f"{addresses['stream']}/ws/v5/private"
    asked = f"{addresses['rest']}/api/v5/market/books?instId=BTC-USDT-SWAP&sz=5"
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
        assert len(json.load(answer)["data"][0]["bids"]) == 5
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_coinm_is_served_and_said_to_have_market_data_only():
    process = serve("--venue", "binancecoinm", "--seed", "3")
    assert process.stdout is not None
    addresses = json.loads(process.stdout.readline())["venues"]["binancecoinm"]
    assert addresses["orders"] == ""
    assert httpx.get(f"{addresses['rest']}/dapi/v1/depth?symbol=BTCUSD_PERP").json()["pair"] == "BTCUSD"
    process.terminate()
    _, problems = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, problems) == (0, "binancecoinm: market data only, it takes no orders\n")


def _is_free(port: int) -> bool:
    """Asked below the ports that the system hands out, or somebody else may have it the next moment."""
    with socket.socket() as listener:
        return listener.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.slow
def test_the_ports_are_the_ones_asked_for():
    free_port = next(port for port in range(21_000, 21_500) if _is_free(port))
    process = serve("--venue", "binance", "--port", str(free_port))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["venues"]["binance"]["rest"] == f"http://127.0.0.1:{free_port}"
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--venue", "binanc"], "did you mean binance"),
        (["--venue", "binance", "--market", "sythetic"], "did you mean synthetic"),
    ],
)
def test_a_name_that_is_not_known_is_refused_with_the_nearest(arguments, said):
    done = subprocess.run([*SERVE, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*SERVE, "--venue", "binance", "--port", port],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "choose another --port" in done.stderr


def test_a_synthetic_exchange_does_not_load_the_compiled_core():
    code = "import sys, graphwiz_trader.cli.exchange; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_over_tls_it_says_which_certificate_makes_clients_trust_it(tmp_path):
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text("- {name: alice, key: alice1, secret: hush}\n")
    process = serve("--venue", "binance", "--tls", "--tls-dir", str(tmp_path / "tls"), "--accounts", str(accounts))
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        ready = json.loads(line)
        trusted = ssl.create_default_context(cafile=ready["ssl_cert_file"])
        answer = httpx.get(ready["venues"]["binance"]["rest"] + "/api/v3/time", verify=trusted)
        assert answer.status_code == 200
        assert "hush" not in line
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_a_recording_is_served_with_its_own_symbols(tmp_path: Path):
    frames = synthetic_recording.market(5, 400)
    path = synthetic_recording.write(tmp_path / "frames", frames, "binance", "BTCUSDT")
    process = serve("--venue", "binance", "--market", f"recording:binance={path}", "--speed", "1000")
    assert process.stdout is not None
    assert process.stderr is not None
    rest = json.loads(process.stdout.readline())["venues"]["binance"]["rest"]
    assert process.stderr.readline() == (
        "the recording has ended: its books are empty from now on; --loop plays it again and again\n"
    )
    listed = httpx.get(f"{rest}/api/v3/exchangeInfo").json()["symbols"]
    assert [symbol["symbol"] for symbol in listed] == ["BTCUSDT"]
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("market", "said"),
    [
        ("recording:binanceusdm=nothing", "the recording has nothing of binance"),
        ("recording:nothing", "expected EXCHANGE=FILE"),
        ("recording:", "no market 'recording:'"),
    ],
)
def test_a_recording_that_cannot_be_served_is_said_so(market: str, said: str):
    arguments = [*SERVE, "--venue", "binance", "--market", market]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
