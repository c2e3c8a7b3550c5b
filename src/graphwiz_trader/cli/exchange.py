"""``graphwiz exchange``: a simulated exchange on its own, for any client of the real one.

``serve`` prints one line of JSON when it is ready, with the addresses of every venue and of the port that takes
faults while it runs, and runs until it is told to stop.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import ssl
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop

from graphwiz_trader.cli.exchange_market import make_market
from graphwiz_trader.cli.fault_file import read_faults
from graphwiz_trader.cli.wanted_market import CannotServeError, Wanted
from graphwiz_trader.venues.simulated import SimulatedExchange
from graphwiz_trader.venues.simulated.account_file import read_accounts
from graphwiz_trader.venues.simulated.exchange import NO_FAULTS
from graphwiz_trader.venues.simulated.faults.admin import AdminPort
from graphwiz_trader.venues.simulated.tls import AUTHORITY_FILE, server_context

DEFAULT_SYMBOLS = ("BTC/USDT", "ETH/USDT")
MAX_RATE = 20_000.0
"""More than this machine could do."""

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A simulated exchange that speaks the real venues' protocols on 127.0.0.1."""


@app.command()
def serve(
    venue: Annotated[list[str], typer.Option(help="binance, binanceusdm, binancecoinm or okx; repeat for several.")],
    market: Annotated[
        str,
        typer.Option(help="What moves the books: synthetic, live, or recording: with a DIR or EXCHANGE=FILE,… behind."),
    ] = "synthetic",
    seed: Annotated[int, typer.Option(help="Synthetic: the same seed makes the same market.")] = 7,
    rate: Annotated[
        float,
        typer.Option(
            min=0, max=MAX_RATE, help="Synthetic: market actions a second, all books; 0: as busy as real ones."
        ),
    ] = 0.0,
    speed: Annotated[float, typer.Option(min=0.001, help="A recording's: times its own pace.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="A recording's: begin it anew at its end.")] = False,
    symbol: Annotated[list[str] | None, typer.Option(help="Live: what is followed; repeat for several.")] = None,
    endpoints: Annotated[
        str, typer.Option(help="Live: addresses as JSON, as this command prints them; else the real venues'.")
    ] = "",
    accounts: Annotated[
        Path | None, typer.Option(help="YAML list of accounts besides the demo's: name, key, secret, funds, …")
    ] = None,
    tls: Annotated[bool, typer.Option(help="https and wss, with certificates of an authority made here.")] = False,
    tls_dir: Annotated[Path, typer.Option(help="Where the certificates are kept.")] = Path("var/exchange-tls"),
    faults: Annotated[Path | None, typer.Option(help="YAML plan of what goes wrong: docs/exchange_faults.md.")] = None,
    limits: Annotated[bool, typer.Option(help="Binance: refuse, as the venue does, what is beyond its limits.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65_000, help="The first venue's port; 0 takes free ones.")] = 0,
) -> None:
    """Serve until SIGTERM or Ctrl-C. Prints the addresses as one line of JSON when ready."""
    venues = tuple(dict.fromkeys(venue))
    wanted = Wanted(market, venues, seed, rate, speed, loop, tuple(symbol or DEFAULT_SYMBOLS), endpoints)
    make_exchange = partial(
        SimulatedExchange,
        venues,
        more_accounts=read_accounts(accounts) if accounts is not None else (),
        tls=_certificates(tls_dir) if tls else None,
        is_limited=limits,
        faults=read_faults(faults, venues) if faults is not None else NO_FAULTS,
    )
    # With this file's path in SSL_CERT_FILE, clients of the real venues accept this one.
    authority = {"ssl_cert_file": str((tls_dir / AUTHORITY_FILE).resolve())} if tls else {}
    uvloop.run(_serve(make_exchange, wanted, port, authority))


def _say_ready(addresses: dict[str, object]) -> None:
    try:
        sys.stdout.write(msgspec.json.encode(addresses).decode() + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise CannotServeError(f"cannot write the addresses to standard output: {error.strerror}") from None


def _certificates(folder: Path) -> ssl.SSLContext:
    try:
        return server_context(folder)
    except OSError as error:
        raise CannotServeError(f"cannot keep certificates in {folder}: {error.strerror}; choose --tls-dir") from None


async def _serve(
    make_exchange: Callable[..., SimulatedExchange], wanted: Wanted, port: int, authority: dict[str, str]
) -> None:
    market, instruments = await make_market(wanted)
    exchange = make_exchange(market, instruments=instruments)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    admin = AdminPort(exchange.faults)
    try:
        await exchange.start(port)
        await admin.start(port + len(exchange.venues) if port else 0)
    except OSError as error:
        await exchange.stop()
        ports = f"{port} to {port + len(exchange.venues)}, a port a venue and one for faults"
        raise CannotServeError(f"cannot listen on 127.0.0.1:{ports}: {error.strerror}; choose another --port") from None
    gc.freeze()  # what start-up made stays for good: the collector need not look at it again under load
    _say_ready({"ready": True, "venues": exchange.urls, "faults": admin.address, **authority})
    for venue, urls in exchange.urls.items():
        if not urls.orders:
            sys.stderr.write(f"{venue}: market data only, it takes no orders\n")
    await stopped.wait()
    await admin.stop()
    await exchange.stop()
