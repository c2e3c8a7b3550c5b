"""OKX's rules as `Instrument`s: spot pairs and perpetual swaps, checked against the levels that really stand.

A swap is named as the field does, ``BTC/USDT:USDT``: behind the colon stands what it settles in. Its sizes are in
contracts, of ``ctVal × ctMult`` of the base each; an inverse one's are worth a fixed amount of the quote.

Tick and lot bind new orders, and resting orders outlive coarser rules. So the book's are the finest that stand in it,
and the rules give the steps of orders.

Sources: OKX API v5 docs, "Get instruments", "Get order book".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from graphwiz_trader.errors import did_you_mean
from graphwiz_trader.hft.instruments import Instrument, units_from_text
from graphwiz_trader.venues.base import Endpoints, VenueError
from graphwiz_trader.venues.okx.market import (
    FEES_PPM,
    INSTRUMENTS_PATH,
    LEVELS,
    SNAPSHOT_PATH,
    SNAPSHOTS_PER_2_SECONDS,
    SPOT,
    SWAP,
)
from graphwiz_trader.venues.pacing import Allowance
from graphwiz_trader.venues.rest import RestClient
from graphwiz_trader.venues.symbol_rules import ask, finest, near

_MAX_LOTS = 2**53
_LIVE = "live"
_OK = "0"

Fees = tuple[int | None, int | None]
"""(maker, taker) in ppm; None where the published rate holds."""


class _Rules(msgspec.Struct, rename="camel"):
    inst_id: str
    inst_type: str
    state: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    max_lmt_sz: str
    ct_val: str = ""
    ct_mult: str = ""
    ct_type: str = ""
    ct_val_ccy: str = ""
    settle_ccy: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """Base and quote, which a swap's own fields leave empty."""
        base, _, rest = self.inst_id.partition("-")
        return base, rest.partition("-")[0]

    @property
    def symbol(self) -> str:
        base, quote = self.pair
        return f"{base}/{quote}:{self.settle_ccy}" if self.inst_type == SWAP else f"{base}/{quote}"


class _Level(msgspec.Struct, array_like=True):
    """What else stands in a level, counts of orders, is passed over."""

    price: str
    size: str


class _Book(msgspec.Struct):
    bids: list[_Level]
    asks: list[_Level]


class _Answer(msgspec.Struct):
    code: str
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


def read_instruments(
    bodies: Sequence[bytes],
    exchange: str,
    symbols: Sequence[str],
    *,
    first_book: int = 0,
    fees_ppm: Fees = (None, None),
    snapshots: Mapping[str, bytes] | None = None,
) -> tuple[Instrument, ...]:
    """The instruments of ``symbols`` (``BTC/USDT``, ``BTC/USDT:USDT``) in their order, as books from ``first_book``.

    ``bodies``: answers of ``public/instruments``; ``snapshots``: symbol → an answer of ``market/books``, for prices
    and sizes finer than the rules. Raises VenueError for a symbol that is not traded and for an answer that cannot be
    read.
    """
    listed = {rules.symbol: rules for body in bodies for rules in _read_rules(body, exchange)}
    found = []
    for book, symbol in enumerate(symbols, first_book):
        rules = listed.get(symbol)
        if rules is None:
            raise VenueError(f"{exchange} does not list {symbol}; {did_you_mean(symbol, near(symbol, listed))}")
        if rules.state != _LIVE:
            raise VenueError(f"{exchange} does not trade {symbol} now: its state is {rules.state}")
        snapshot = (snapshots or {}).get(symbol)
        try:
            levels = _read_levels(snapshot, exchange) if snapshot is not None else []
            found.append(_instrument(exchange, rules, book, fees_ppm, levels))
        except ValueError as problem:
            raise VenueError(f"{exchange} {symbol}: its rules cannot be used: {problem}") from None
    return tuple(found)


async def load_instruments(
    exchange: str, symbols: Sequence[str], endpoints: Endpoints, *, first_book: int = 0, fees_ppm: Fees = (None, None)
) -> tuple[Instrument, ...]:
    """Ask for the rules of the types of instrument that are wanted, and for one snapshot of each book.

    Raises VenueError when the exchange cannot be reached or does not trade a symbol.
    """
    types = [SPOT] if all(":" not in symbol for symbol in symbols) else [SPOT, SWAP]
    books = Allowance(SNAPSHOTS_PER_2_SECONDS // 2, 2.0)  # others may share the address
    async with RestClient(endpoints.rest) as rest:
        bodies = [await ask(rest, exchange, INSTRUMENTS_PATH, {"instType": kind}) for kind in types]
        instruments = read_instruments(bodies, exchange, symbols, first_book=first_book)
        snapshots = {}
        for instrument in instruments:
            await books.take()
            asked = {"instId": instrument.venue_symbol, "sz": str(LEVELS)}
            snapshots[instrument.symbol] = await ask(rest, exchange, SNAPSHOT_PATH, asked)
    return read_instruments(bodies, exchange, symbols, first_book=first_book, fees_ppm=fees_ppm, snapshots=snapshots)


def _read_rules(body: bytes, exchange: str) -> list[_Rules]:
    try:
        return msgspec.json.decode(_data(body, exchange), type=list[_Rules])
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise VenueError(f"{exchange}: its instruments cannot be read: {problem}") from None


def _read_levels(body: bytes, exchange: str) -> list[_Level]:
    """The levels of a snapshot; a book that nobody quotes in has none."""
    books = msgspec.json.decode(_data(body, exchange), type=list[_Book])
    return [level for book in books for level in (*book.bids, *book.asks)]


def _data(body: bytes, exchange: str) -> msgspec.Raw:
    """What an answer brings. An error is an answer too, with a code of its own."""
    answer = msgspec.json.decode(body, type=_Answer)
    if answer.code != _OK:
        raise VenueError(f"{exchange} refuses to answer: code {answer.code}, {answer.msg}")
    return answer.data


def _instrument(exchange: str, rules: _Rules, book: int, fees_ppm: Fees, levels: list[_Level]) -> Instrument:
    price_units, size_units = _positive(rules.tick_sz, "tickSz"), _positive(rules.lot_sz, "lotSz")
    tick_size = finest(price_units, (level.price for level in levels))
    lot_size = finest(size_units, (level.size for level in levels))
    lot_units = units_from_text(lot_size)
    base, quote = rules.pair
    published = FEES_PPM[rules.inst_type]
    return Instrument(
        book=book,
        exchange=exchange,
        symbol=rules.symbol,
        venue_symbol=rules.inst_id,
        base=base,
        quote=quote,
        tick_size=tick_size,
        lot_size=lot_size,
        price_step_ticks=price_units // units_from_text(tick_size),
        size_step_lots=size_units // lot_units,
        min_size_lots=max(1, -(-units_from_text(rules.min_sz) // lot_units)),
        max_size_lots=min(_MAX_LOTS, units_from_text(rules.max_lmt_sz) // lot_units),
        maker_fee_ppm=published[0] if fees_ppm[0] is None else fees_ppm[0],
        taker_fee_ppm=published[1] if fees_ppm[1] is None else fees_ppm[1],
        can_short=rules.inst_type == SWAP,
        contract_size=_contract_size(rules),
        inverse=rules.ct_type == "inverse",
        contract_value=_times_multiplier(rules) if rules.ct_type == "inverse" else "",
    )


def _contract_size(rules: _Rules) -> str:
    """How much of the base a size of 1 is; an inverse contract is no fixed amount of it."""
    if rules.inst_type == SPOT or rules.ct_type == "inverse":
        return "1"
    if rules.ct_type != "linear" or rules.ct_val_ccy != rules.pair[0]:
        raise ValueError(f"a contract of type {rules.ct_type!r} that counts {rules.ct_val_ccy!r}")
    return _times_multiplier(rules)


def _times_multiplier(rules: _Rules) -> str:
    """How much a contract is of what ``ctVal`` counts: of the base where it is linear, of the quote where inverse."""
    for text, what in ((rules.ct_val, "ctVal"), (rules.ct_mult, "ctMult")):
        _positive(text, what)
    return f"{(Decimal(rules.ct_val) * Decimal(rules.ct_mult)).normalize():f}"


def _positive(text: str, what: str) -> int:
    units = units_from_text(text)
    if units <= 0:
        raise ValueError(f"{what} is {text}")
    return units
