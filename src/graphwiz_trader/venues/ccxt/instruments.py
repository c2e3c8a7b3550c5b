"""ccxt's markets as `Instrument`s, named as ccxt names them: ``BTC/USDT``, or ``BTC/USDT:USDT`` for a swap.

A market's precision binds new orders, and resting orders outlive coarser rules. So a book's tick is the finest price
that stands in it, its lot 10^-8 of a unit (10^-4 where orders are for whole ones), and the market gives the steps.

Source: ccxt manual, "Market Structure", "Precision And Limits".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from graphwiz_trader.errors import did_you_mean
from graphwiz_trader.hft.instruments import PPM, Instrument, text_from_units, units_from_text
from graphwiz_trader.venues.base import Endpoints, VenueError
from graphwiz_trader.venues.ccxt.library import Client, close, new_client, words
from graphwiz_trader.venues.ccxt.wire import LEVELS, decimal_text
from graphwiz_trader.venues.symbol_rules import finest, near

_DECIMAL_PLACES, _SIGNIFICANT_DIGITS, _TICK_SIZE = 2, 3, 4
"""ccxt's precision modes: a number of decimals, a number of digits, a step."""
_FINEST_LOT, _WHOLE_LOT = "0.00000001", "0.0001"
_MAX_LOTS = 2**53
_UNKNOWN_FEE_PPM = 1_000
"""Where neither ccxt nor the configuration knows a fee: what most exchanges take at most."""
_ATTEMPTS = 3
_PAUSE_S = 1.0

Fees = tuple[int | None, int | None]
"""(maker, taker) in ppm; None where ccxt's figure holds."""


async def load_instruments(
    exchange: str,
    symbols: Sequence[str],
    endpoints: Endpoints,
    *,
    first_book: int = 0,
    fees_ppm: Fees = (None, None),
) -> tuple[Instrument, ...]:
    """Ask for the markets and for one snapshot of each book. The instruments of ``symbols`` in their order.

    Raises VenueError when the exchange cannot be reached or does not trade a symbol.
    """
    client = new_client(exchange, endpoints)
    try:
        markets = await _ask(exchange, client.load_markets)
        found = []
        for book, symbol in enumerate(symbols, first_book):
            market = _listed(exchange, markets, symbol)
            prices = await _prices(client, exchange, symbol)
            found.append(read_instrument(exchange, market, client.precisionMode, book, fees_ppm, prices))
        return tuple(found)
    finally:
        await close(client)


def read_instrument(
    exchange: str,
    market: Mapping[str, Any],
    precision_mode: int,
    book: int = 0,
    fees_ppm: Fees = (None, None),
    prices: Sequence[str] = (),
) -> Instrument:
    """One of ccxt's market structures. ``prices``: of the book, best first. Raises VenueError for unusable rules."""
    try:
        return _instrument(exchange, market, precision_mode, book, fees_ppm, prices)
    except (ValueError, ArithmeticError, KeyError, TypeError) as problem:
        raise VenueError(f"{exchange} {market.get('symbol')}: its rules cannot be used: {problem}") from None


def _instrument(
    exchange: str, market: Mapping[str, Any], mode: int, book: int, fees_ppm: Fees, prices: Sequence[str]
) -> Instrument:
    is_contract = bool(market["contract"])
    if is_contract and not (market["linear"] or market["inverse"]):
        raise ValueError("a contract that is neither linear nor inverse")
    price_units = _price_step(market["precision"]["price"], mode, prices)
    tick_size = finest(price_units, prices)
    if mode == _SIGNIFICANT_DIGITS:  # a price of one digit less has one decimal more
        tick_size = text_from_units(units_from_text(tick_size) // 10)
    size_units, lot_size = _size_step(market["precision"]["amount"], mode)
    lot_units = units_from_text(lot_size)
    limits = market["limits"]
    least, most = limits["amount"]["min"], limits["amount"]["max"]
    is_linear = is_contract and not market["inverse"]
    return Instrument(
        book=book,
        exchange=exchange,
        symbol=market["symbol"],
        venue_symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        tick_size=tick_size,
        lot_size=lot_size,
        price_step_ticks=price_units // units_from_text(tick_size),
        size_step_lots=size_units // lot_units,
        min_size_lots=max(1, -(-_units(least) // lot_units)),
        max_size_lots=min(_MAX_LOTS, _units(most) // lot_units) or _MAX_LOTS,
        min_notional=decimal_text(limits["cost"]["min"] or 0),
        maker_fee_ppm=_fee_ppm(market["maker"], fees_ppm[0]),
        taker_fee_ppm=_fee_ppm(market["taker"], fees_ppm[1]),
        can_short=is_contract,
        contract_size=decimal_text(market["contractSize"]) if is_linear else "1",
        inverse=bool(market["inverse"]),
        contract_value=decimal_text(market["contractSize"]) if market["inverse"] else "",
    )


def _price_step(precision: Any, mode: int, prices: Sequence[str]) -> int:
    """The step of order prices in units. Where it is not known, or depends on the price, the book's prices say it."""
    if precision is None:
        if not prices:
            raise ValueError("no precision of prices, and no prices")
        return units_from_text(finest(units_from_text("1000000"), prices))
    if mode == _SIGNIFICANT_DIGITS:
        if not prices:
            raise ValueError(f"prices of {precision} digits, and none to tell the step from")
        return _positive(f"{Decimal(1).scaleb(Decimal(prices[0]).adjusted() + 1 - int(precision)):f}")
    return _step(precision, mode)


def _size_step(precision: Any, mode: int) -> tuple[int, str]:
    """(the step of order sizes in units, the lot of the book)."""
    step = units_from_text(_FINEST_LOT) if precision is None else _step(precision, mode)
    return step, finest(
        units_from_text(_FINEST_LOT if step < units_from_text("1") else _WHOLE_LOT), [text_from_units(step)]
    )


def _step(precision: Any, mode: int) -> int:
    """Sizes never have a number of significant digits, only of decimals."""
    return _positive(decimal_text(precision) if mode == _TICK_SIZE else f"{Decimal(1).scaleb(-int(precision)):f}")


def _positive(text: str) -> int:
    units = units_from_text(text)
    if units <= 0:
        raise ValueError(f"a step of {text}")
    return units


def _units(number: Any) -> int:
    """A limit in units, 0 for none."""
    return units_from_text(decimal_text(number)) if number is not None else 0


def _fee_ppm(rate: Any, configured: int | None) -> int:
    if configured is not None:
        return configured
    return round(rate * PPM) if rate is not None else _UNKNOWN_FEE_PPM


def _listed(exchange: str, markets: Mapping[str, Mapping[str, Any]], symbol: str) -> Mapping[str, Any]:
    market = markets.get(symbol)
    if market is None:
        raise VenueError(f"{exchange} does not list {symbol}; {did_you_mean(symbol, near(symbol, markets))}")
    if market["active"] is False:
        raise VenueError(f"{exchange} does not trade {symbol} now")
    return market


async def _prices(client: Client, exchange: str, symbol: str) -> list[str]:
    """The prices that stand, bids first, best first; none where ccxt cannot be asked for them."""
    if not client.has["fetchOrderBook"]:
        return []
    book = await _ask(exchange, client.fetch_order_book, symbol)
    return [decimal_text(price) for side in ("bids", "asks") for price, *_ in book[side][:LEVELS]]


async def _ask(exchange: str, method: Callable[..., Awaitable[Any]], *arguments: str) -> Any:
    """Ask, and again a few times. Raises VenueError."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await method(*arguments)
        except Exception as failure:
            if attempt == _ATTEMPTS:
                raise VenueError(f"{exchange} does not answer ccxt: {words(failure)}; is its address right?") from None
        await asyncio.sleep(attempt * _PAUSE_S)
    raise AssertionError
