"""``graphwiz exchange``: a simulated exchange on its own, for any client of the real one.

``serve`` prints one line of JSON when it is ready, with the addresses of every venue and of the port that takes
faults while it runs, and runs until it is told to stop.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop

from graphwiz_trader.cli.fault_file import read_faults
from graphwiz_trader.errors import GraphwizError, did_you_mean
from graphwiz_trader.venues.simulated import SimulatedExchange, SyntheticMarket
from graphwiz_trader.venues.simulated.account_file import read_accounts
from graphwiz_trader.venues.simulated.exchange import NO_FAULTS
from graphwiz_trader.venues.simulated.faults.admin import AdminPort
from graphwiz_trader.venues.simulated.tls import AUTHORITY_FILE, server_context

MARKETS = ("synthetic",)

app = typer.Typer(no_args_is_help=True)


class CannotServeError(GraphwizError):
    """The exchange cannot be started as asked."""


@app.callback()
def _group() -> None:
    """A simulated exchange that speaks the real venues' protocols on 127.0.0.1."""


@app.command()
def serve(
    venue: Annotated[list[str], typer.Option(help="binance, binanceusdm or okx; repeat for several.")],
    market: Annotated[str, typer.Option(help="What moves the books: synthetic.")] = "synthetic",
    seed: Annotated[int, typer.Option(help="The same seed makes the same market.")] = 7,
    rate: Annotated[float, typer.Option(min=0.1, help="Market actions a second, all books together.")] = 300.0,
    accounts: Annotated[
        Path | None, typer.Option(help="YAML list of accounts besides the demo's: name, key, secret, funds, …")
    ] = None,
    tls: Annotated[bool, typer.Option(help="https and wss, with certificates of an authority made here.")] = False,
    tls_dir: Annotated[Path, typer.Option(help="Where the certificates are kept.")] = Path("var/exchange-tls"),
    faults: Annotated[Path | None, typer.Option(help="YAML plan of what goes wrong: docs/exchange_faults.md.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65_000, help="The first venue's port; 0 takes free ones.")] = 0,
) -> None:
    """Serve until SIGTERM or Ctrl-C. Prints the addresses as one line of JSON when ready."""
    if market not in MARKETS:
        raise CannotServeError(f"no market {market!r}; {did_you_mean(market, MARKETS)}")
    venues = list(dict.fromkeys(venue))
    exchange = SimulatedExchange(
        venues,
        SyntheticMarket(seed=seed, rate_per_s=rate),
        more_accounts=read_accounts(accounts) if accounts is not None else (),
        tls=_certificates(tls_dir) if tls else None,
        faults=read_faults(faults, venues) if faults is not None else NO_FAULTS,
    )
    # With this file's path in SSL_CERT_FILE, clients of the real venues accept this one.
    authority = {"ssl_cert_file": str((tls_dir / AUTHORITY_FILE).resolve())} if tls else {}
    uvloop.run(_serve(exchange, port, authority))


def _certificates(folder: Path) -> ssl.SSLContext:
    try:
        return server_context(folder)
    except OSError as error:
        raise CannotServeError(f"cannot keep certificates in {folder}: {error.strerror}; choose --tls-dir") from None


async def _serve(exchange: SimulatedExchange, port: int, authority: dict[str, str]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    admin = AdminPort(exchange.faults)
    try:
        await exchange.start(port)
        await admin.start(port + len(exchange.venues) if port else 0)
    except OSError as error:
        raise CannotServeError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another --port") from None
    ready = {"ready": True, "venues": exchange.urls, "faults": admin.address, **authority}
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await admin.stop()
    await exchange.stop()
