"""An exchange's rules as `Instrument`s: ``exchangeInfo`` read, and checked against the prices that really stand.

The finest price and size in a book are not what the filters say: those bind new orders, and resting orders outlive
coarser rules. So a book's lot is the venue's own precision, its tick the finest price seen, and the filters give the
steps of orders. COIN-M counts in whole contracts, so its lot is one contract, of ``contractSize`` US dollars.

Sources: Binance spot API docs, "Exchange information", "Filters"; USD-M and COIN-M docs, "Exchange Information".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from graphwiz_trader.errors import did_you_mean
from graphwiz_trader.hft.instruments import (
    Instrument,
    text_from_units,
    units_from_text,
)
from graphwiz_trader.venues.base import Endpoints, VenueError
from graphwiz_trader.venues.binance.market import Market, market_of
from graphwiz_trader.venues.binance.snapshots import LEVELS
from graphwiz_trader.venues.rest import RestClient
from graphwiz_trader.venues.symbol_rules import ask, finest, near

_FINEST_LOT = "0.00000001"
"""Binance's assets have eight decimals."""
_WHOLE_LOT = "0.0001"
"""Where orders are for whole units or more: finer remainders do not stand in such books, and sizes are huge."""
_CONTRACT_LOT = "1"
_MAX_LOTS = 2**53


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: str = ""
    min_qty: str = ""
    max_qty: str = ""
    step_size: str = ""
    min_notional: str = ""
    notional: str = ""


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str
    quote_asset: str
    filters: list[_Filter]
    status: str = ""
    contract_type: str = ""
    contract_status: str = ""
    """COIN-M's word for ``status``."""
    contract_size: int = 0
    """COIN-M's: what a contract is worth, in the quote asset."""


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


class _Snapshot(msgspec.Struct):
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


def read_instruments(
    body: bytes,
    exchange: str,
    symbols: Sequence[str],
    *,
    first_book: int = 0,
    fees_ppm: tuple[int, int] | None = None,
    snapshots: Mapping[str, bytes] | None = None,
) -> tuple[Instrument, ...]:
    """The instruments of ``symbols`` (``BTC/USDT``) in their order, as books from ``first_book``.

    ``body`` is an answer of ``exchangeInfo``; ``snapshots``: symbol → an answer of ``depth``, for prices finer than
    the filters. Without ``fees_ppm`` (maker, taker) the published rates hold. Raises VenueError for a symbol that is
    not traded and for an answer that cannot be read.
    """
    market = market_of(exchange)
    listed = {f"{s.base_asset}/{s.quote_asset}": s for s in _read_symbols(body, market)}
    found = []
    for book, symbol in enumerate(symbols, first_book):
        rules = listed.get(symbol)
        if rules is None:
            raise VenueError(f"{exchange} does not list {symbol}; {did_you_mean(symbol, near(symbol, listed))}")
        status = rules.contract_status if market.is_inverse else rules.status
        if status != "TRADING":
            raise VenueError(f"{exchange} does not trade {symbol} now: its status is {status or 'not told'}")
        snapshot = (snapshots or {}).get(symbol)
        try:
            found.append(
                _instrument(
                    market, rules, book, fees_ppm or market.fees_ppm, _prices(snapshot) if snapshot is not None else []
                )
            )
        except (ValueError, msgspec.MsgspecError) as problem:
            raise VenueError(f"{exchange} {symbol}: its rules cannot be used: {problem}") from None
    return tuple(found)


async def load_instruments(
    exchange: str,
    symbols: Sequence[str],
    endpoints: Endpoints,
    *,
    first_book: int,
    fees_ppm: tuple[int | None, int | None],
) -> tuple[Instrument, ...]:
    """Ask one of Binance's markets for its rules and for one snapshot of each book, as books from ``first_book``.

    ``fees_ppm``: (maker, taker); None is the published rate. Raises VenueError when it cannot be reached or does not
    trade a symbol.
    """
    market = market_of(exchange)
    maker, taker = fees_ppm
    fees = (market.maker_fee_ppm if maker is None else maker, market.taker_fee_ppm if taker is None else taker)
    async with RestClient(endpoints.rest) as rest:
        body = await ask(rest, exchange, market.exchange_info_path, {})
        instruments = read_instruments(body, exchange, symbols, first_book=first_book, fees_ppm=fees)
        weight = market.new_weight()
        snapshots = {}
        for instrument in instruments:
            await weight.take(market.depth_weight)
            asked = {"symbol": instrument.venue_symbol, "limit": str(LEVELS)}
            snapshots[instrument.symbol] = await ask(rest, exchange, market.depth_path, asked)
    return read_instruments(body, exchange, symbols, first_book=first_book, fees_ppm=fees, snapshots=snapshots)


def _read_symbols(body: bytes, market: Market) -> list[_Symbol]:
    """The symbols of an answer; of a derivative's several contracts only the perpetual, which has no expiry."""
    try:
        symbols = msgspec.json.decode(body, type=_ExchangeInfo).symbols
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise VenueError(f"{market.exchange}: exchangeInfo cannot be read: {problem}") from None
    return [s for s in symbols if not market.is_derivative or s.contract_type == "PERPETUAL"]


def _instrument(market: Market, rules: _Symbol, book: int, fees_ppm: tuple[int, int], prices: list[str]) -> Instrument:
    filters = {each.filter_type: each for each in rules.filters}
    missing = [name for name in ("PRICE_FILTER", "LOT_SIZE") if name not in filters]
    if missing:
        raise ValueError(f"no filter {' and '.join(missing)}")
    price_units = _step(filters["PRICE_FILTER"].tick_size, "tickSize")
    size_units = _step(filters["LOT_SIZE"].step_size, "stepSize")
    tick_size = finest(price_units, prices)
    lot_size = _lot_size(market, size_units)
    lot_units = units_from_text(lot_size)
    if size_units % lot_units:
        raise ValueError(f"stepSize {text_from_units(size_units)} is no multiple of {lot_size}")
    least, most = filters["LOT_SIZE"].min_qty, filters["LOT_SIZE"].max_qty
    return Instrument(
        book=book,
        exchange=market.exchange,
        symbol=f"{rules.base_asset}/{rules.quote_asset}",
        venue_symbol=rules.symbol,
        base=rules.base_asset,
        quote=rules.quote_asset,
        tick_size=tick_size,
        lot_size=lot_size,
        price_step_ticks=price_units // units_from_text(tick_size),
        size_step_lots=size_units // lot_units,
        min_size_lots=max(1, -(-units_from_text(least) // lot_units)),
        max_size_lots=min(_MAX_LOTS, units_from_text(most) // lot_units),
        min_notional=_min_notional(filters),
        maker_fee_ppm=fees_ppm[0],
        taker_fee_ppm=fees_ppm[1],
        can_short=market.is_derivative,
        inverse=market.is_inverse,
        contract_value=_contract_value(market, rules),
    )


def _lot_size(market: Market, size_units: int) -> str:
    if market.is_inverse:
        return _CONTRACT_LOT
    return _FINEST_LOT if size_units < units_from_text("1") else _WHOLE_LOT


def _contract_value(market: Market, rules: _Symbol) -> str:
    if not market.is_inverse:
        return ""
    if rules.contract_size <= 0:
        raise ValueError(f"contractSize is {rules.contract_size}")
    return str(rules.contract_size)


def _step(text: str, what: str) -> int:
    units = units_from_text(text)
    if units <= 0:
        raise ValueError(f"{what} is {text}")
    return units


def _min_notional(filters: Mapping[str, _Filter]) -> str:
    """Spot has called its filter MIN_NOTIONAL and now NOTIONAL; USD-M's has a field of another name."""
    found = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    return (found.min_notional or found.notional) if found is not None else "0"


def _prices(snapshot: bytes) -> list[str]:
    sides = msgspec.json.decode(snapshot, type=_Snapshot)
    return [price for price, _ in (*sides.bids, *sides.asks)]
