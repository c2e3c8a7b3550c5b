"""The lines of a session: to which exchange, for what, in which words, and under which ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from graphwiz_trader.config import ExchangeConfig, HftConfig
from graphwiz_trader.config.exchange_ids import SBE
from graphwiz_trader.hft.events import Line
from graphwiz_trader.venues.exchanges import exchange_of

MARKET, ORDERS = "market", "orders"


def session_lines(
    exchanges: Sequence[str],
    order_wire: str = "",
    *,
    market_lines: Mapping[str, int] = MappingProxyType({}),
    market_wires: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Line, ...]:
    """Each exchange's market data lines and its order line; the market lines' ids come first, from 0.

    ``market_lines``: how many parallel ones, where it is more than one. ``market_wires``: their words, where they are
    not the exchange's own.
    """
    of_market = [exchange for exchange in exchanges for _ in range(market_lines.get(exchange, 1))]
    count = len(of_market)
    market = [Line(line=i, exchange=e, role=MARKET, wire=market_wires.get(e, e)) for i, e in enumerate(of_market)]
    orders = [Line(line=count + i, exchange=e, role=ORDERS, wire=order_wire or e) for i, e in enumerate(exchanges)]
    return (*market, *orders)


def trading_lines(config: HftConfig, exchanges: Sequence[str], order_wire: str) -> tuple[Line, ...]:
    """A session's lines: as many for market data as the configuration wants and a spare one, and one for orders."""
    return session_lines(
        exchanges,
        order_wire,
        market_lines={exchange: _settings(config, exchange).lines + 1 for exchange in exchanges},
        market_wires=market_wires(config, exchanges),
    )


def recording_lines(config: HftConfig, exchanges: Sequence[str]) -> tuple[Line, ...]:
    """A recorder's lines: a trader's, without those for orders."""
    return tuple(line for line in trading_lines(config, exchanges, "") if line.role == MARKET)


def market_wires(config: HftConfig, exchanges: Sequence[str]) -> dict[str, str]:
    """What each exchange's market data lines speak."""
    return {exchange: _market_wire(_settings(config, exchange), exchange) for exchange in exchanges}


def _market_wire(settings: ExchangeConfig, exchange: str) -> str:
    known = exchange_of(exchange)
    if settings.format == SBE and known.binary is not None:
        return known.binary.wire
    return known.wire if settings.websocket else known.polled_wire


def _settings(config: HftConfig, exchange: str) -> ExchangeConfig:
    """A recording may be of an exchange that the configuration does not know."""
    return config.market_data.exchanges.get(exchange) or ExchangeConfig()


def line_ids(lines: Sequence[Line], role: str) -> dict[str, int]:
    """Exchange → the id of its line of that role, the first of several."""
    return {line.exchange: line.line for line in reversed(lines) if line.role == role}


def market_line_ids(lines: Sequence[Line]) -> dict[str, tuple[int, ...]]:
    """Exchange → the ids of its parallel market data lines."""
    exchanges = dict.fromkeys(line.exchange for line in lines if line.role == MARKET)
    return {
        exchange: tuple(line.line for line in lines if line.role == MARKET and line.exchange == exchange)
        for exchange in exchanges
    }


def parallel_numbers(lines: Sequence[Line]) -> tuple[int, ...]:
    """By market data line, its number among its exchange's parallel ones."""
    return tuple(number for ids in market_line_ids(lines).values() for number, _ in enumerate(ids))
