"""``graphwiz exchange serve`` for people who get everything wrong, and told to stop when it is busiest."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import uvloop
import websockets

from cli.test_exchange_command import SERVE, serve
from patience import PATIENCE_S
from venues.simulated.clients import Client

pytestmark = pytest.mark.slow


def refused(*arguments: str, **named: object) -> str:
    """What it says when it does not start. Fails unless it exits with 2 and says so in words."""
    command = [*SERVE, "--venue", "binance", *arguments]
    named = {"stdout": subprocess.PIPE, **named}
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False, **named)  # type: ignore[call-overload]
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return str(done.stderr)


@contextmanager
def taken_ports(count: int) -> Iterator[list[int]]:
    """Consecutive ports, of which the last is taken."""
    while True:
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            last.listen()
            port = last.getsockname()[1]
            if port + 1 - count > 1_024:
                yield list(range(port + 1 - count, port + 1))
                return


@pytest.mark.parametrize("venues", [["binance"], ["binance", "okx"]])
def test_of_ports_that_are_taken_it_says_which_it_needs(venues):
    with taken_ports(len(venues) + 1) as ports:
        more = [argument for venue in venues[1:] for argument in ("--venue", venue)]
        said = refused(*more, "--port", str(ports[0]))
    assert f"cannot listen on 127.0.0.1:{ports[0]} to {ports[-1]}, a port a venue and one for faults" in said
    assert "choose another --port" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rate", "inf"], "less than or equal to 20000"),
        (["--rate", "-1"], "greater than or equal to 0"),
        (["--port", "70000"], "less than or equal to 65000"),
        (["--accounts", "/no/such"], "cannot read /no/such: No such file"),
        (["--accounts", "/"], "cannot read /: Is a directory"),
        (["--faults", "/no/such"], "/no/such: cannot be read: No such file"),
        (["--tls", "--tls-dir", "/dev/null/x"], "cannot keep certificates in /dev/null/x: Not a directory"),
        (["--market", "recording:/no/such"], "'/no/such' is not there; expected EXCHANGE=FILE"),
        (["--market", "recording:/"], "is a directory without segments of a recording"),
        (["--market", "recording:/etc/hostname"], "is a file, and of which exchange is not said"),
        (["--market", "recording:binance=/etc/hostname"], "expected lines"),
        (["--market", "recording:okx=/etc/hostname"], "the recording has nothing of binance"),
        (["--market", "live", "--endpoints", "[" * 5_000], "--endpoints is no table of addresses"),
        (["--market", "live", "--endpoints", '{"binance":{"rest":5}}'], "Expected `str`, got `int`"),
    ],
)
def test_what_is_wrong_is_said_and_what_is_expected(arguments, said):
    assert said in " ".join(refused(*arguments).replace("│", " ").split())


def test_where_the_addresses_cannot_be_told_nothing_is_served():
    with Path("/dev/full").open("w") as full:
        assert "cannot write the addresses to standard output" in refused(stdout=full)


def test_a_disk_that_is_full_leaves_no_half_certificate_behind(tmp_path):
    folder = tmp_path / "tls"

    def no_more_bytes() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    said = refused("--tls", "--tls-dir", str(folder), preexec_fn=no_more_bytes)
    assert f"cannot keep certificates in {folder}: File too large; choose --tls-dir" in said
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_told_to_stop_under_load_it_closes_everything_without_a_word(venue, number):
    process = serve("--venue", venue, "--rate", "2000", "--no-limits")
    assert process.stdout is not None
    at = json.loads(process.stdout.readline())["venues"][venue]
    url = f"{at['stream']}/stream?streams=btcusdt@trade/btcusdt@bookTicker" if venue == "binance" else at["orders"]
    stop = threading.Timer(0.5, process.send_signal, [number])

    async def ask_without_end() -> None:
        with suppress(websockets.ConnectionClosed):
            async with Client(url) as client:
                while True:
                    await client.socket.send('{"id":1,"method":"LIST_SUBSCRIPTIONS"}')
                    await client.receive()

    async def load() -> int | None:
        """Returns the code that somebody who only listened was told goodbye with."""
        async with Client(url) as listener:
            stop.start()
            asked = asyncio.gather(*(ask_without_end() for _ in range(2)))
            with suppress(websockets.ConnectionClosed):
                while True:
                    await listener.receive()
            await asked
            return listener.socket.close_code

    assert uvloop.run(asyncio.wait_for(load(), PATIENCE_S)) == 1001
    output, problems = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output, problems) == (0, "", "")
