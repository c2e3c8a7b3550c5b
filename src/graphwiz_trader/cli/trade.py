"""``graphwiz trade``: the trading process alone.

It reports on standard output, one line of JSON each: how far compiling is, its journal once it is ready, its end.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop
from pydantic import ValidationError

from graphwiz_trader.assembly.lines import market_wires
from graphwiz_trader.assembly.session import SessionError, TradingSession
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.cli.streams import stream_address, stream_keys
from graphwiz_trader.config import HftConfig, default_file, load
from graphwiz_trader.venues.base import Credentials, Endpoints
from graphwiz_trader.venues.exchanges import exchange_of, orders_of
from graphwiz_trader.venues.simulated.defaults import credentials as simulated_credentials

app = typer.Typer()

_COMPILED = "GRAPHWIZ_COMPILED"
"""Set in the environment of a trader that has begun anew because it compiled: once, should the cache keep nothing."""


@app.command()
def trade(
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Default: config/hft.yaml if it is there.")
    ] = None,
    venues: Annotated[
        str, typer.Option(help="Addresses as JSON, as `graphwiz exchange serve` prints them; else the configuration's.")
    ] = "",
    duration: Annotated[float, typer.Option(min=0, help="Stop after so many seconds; 0 trades until SIGTERM.")] = 0.0,
) -> None:
    """Trade until SIGTERM or Ctrl-C: then orders are cancelled and the journal is closed."""
    config = load(config_file or default_file())
    if not config.enabled:
        raise SessionError("hft.enabled is false in the configuration; set it to true to trade")
    for exchange in config.enabled_exchanges if _sends(config) else ():
        orders_of(exchange)
    if venues:
        config = _at(config, venues)
    credentials = {exchange: _credentials(exchange) for exchange in config.enabled_exchanges if _sends(config)}
    api_keys = stream_keys(config)
    has_compiled = warm_up(
        lambda what, done, of: _say({"preparing": what, "done": done, "of": of}),
        market_wires(config, tuple(config.enabled_exchanges)),
    )
    if has_compiled and _COMPILED not in os.environ:
        # Over again with what is in the cache now, and without the compiler's memory.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {_COMPILED: "1"})  # noqa: S606 - it is this very command
    session = TradingSession(config, _endpoints(config), credentials, api_keys=api_keys)
    # What start-up made stays for good: the collector need not look at it again in the middle of trading.
    gc.collect()
    gc.freeze()
    _say({"ready": True, "session": session.name, "journal": str(session.directory)})
    _say({"ended": uvloop.run(session.run(duration))})


def _at(config: HftConfig, venues: str) -> HftConfig:
    """The configuration with these addresses; checked as if they stood in the file: simulated means this machine."""
    try:
        addresses = json.loads(venues)
        tree = config.model_dump(mode="json")
        for exchange, settings in tree["market_data"]["exchanges"].items():
            if exchange in addresses:
                at = addresses[exchange]
                stream = stream_address(at, settings["format"])
                settings["endpoints"] = {"rest": at["rest"], "stream": stream, "orders": at["orders"]}
        return HftConfig.model_validate(tree)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise SessionError(
            f"--venues is no table of addresses ({error}); "
            'expected {"binance": {"rest": …, "stream": …, "orders": …}}'
        ) from error
    except ValidationError as error:
        raise SessionError("--venues: " + "; ".join(problem["msg"] for problem in error.errors())) from None


def _sends(config: HftConfig) -> bool:
    """Whether orders leave the process: only then is there an order address or a key."""
    return config.mode == "simulated"


def _endpoints(config: HftConfig) -> dict[str, Endpoints]:
    """The configured addresses; where the real markets are followed and none are given, the exchanges' public ones."""
    endpoints = {}
    wires = market_wires(config, tuple(config.enabled_exchanges))
    for exchange, settings in config.enabled_exchanges.items():
        given = settings.endpoints
        if given is not None:
            orders = given.orders if _sends(config) else None
            endpoints[exchange] = Endpoints(given.rest, given.stream, orders or "", given.backup_stream or "")
        elif not _sends(config):
            endpoints[exchange] = msgspec.structs.replace(exchange_of(exchange).public_in(wires[exchange]), orders="")
    return endpoints


def _credentials(exchange: str) -> Credentials:
    """The demo account opens every simulated venue, the only kind there is, for which the environment has no key."""
    found = simulated_credentials(exchange, os.environ)
    return Credentials(found.key, found.secret)


def _say(words: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()
