"""Every exchange that is spoken here, one entry each: its rules, its feed, its order line, its public addresses.

A new exchange is a folder beside this file and an entry in its table; session, recorder and `WebSocketMarketData`
find everything here. An exchange without an entry is spoken to through ccxt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Protocol

import msgspec

from graphwiz_trader.hft.engine import OrderDecoder
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.venues.base import ApiKey, Credentials, Endpoints, Feed, OnSent, OrderLine, Sink, VenueError
from graphwiz_trader.venues.binance import exchange_info as binance_rules
from graphwiz_trader.venues.binance.account import spot_balances, usdm_positions
from graphwiz_trader.venues.binance.feed import BinanceFeed
from graphwiz_trader.venues.binance.market import COINM, SPOT, USDM
from graphwiz_trader.venues.binance.order_codec import order_decoder as binance_order_decoder
from graphwiz_trader.venues.binance.order_line import BinanceOrderLine
from graphwiz_trader.venues.ccxt import instruments as ccxt_rules
from graphwiz_trader.venues.ccxt.feed import CcxtFeed
from graphwiz_trader.venues.ccxt.feed import new_attempts as new_ccxt_attempts
from graphwiz_trader.venues.ccxt.library import OWN_ADDRESSES
from graphwiz_trader.venues.okx import instruments as okx_rules
from graphwiz_trader.venues.okx import market as okx_market
from graphwiz_trader.venues.okx.feed import OkxFeed
from graphwiz_trader.venues.pacing import Allowance

Fees = tuple[int | None, int | None]
"""(maker, taker) in millionths; None is the rate that the exchange publishes."""


class LoadInstruments(Protocol):
    """Asks one exchange for the rules of ``symbols`` (``BTC/USDT``), as books from ``first_book`` in their order.

    ``fees_ppm``: (maker, taker), the published rate where it is None. Raises VenueError when the exchange cannot be
    reached or does not trade a symbol.
    """

    async def __call__(
        self,
        exchange: str,
        symbols: Sequence[str],
        endpoints: Endpoints,
        *,
        first_book: int,
        fees_ppm: Fees,
    ) -> tuple[Instrument, ...]: ...


class MakeFeed(Protocol):
    """Makes the feed of one exchange. ``lines``: an id for each of its parallel connections; ``spare``: one more, under
    which a line's replacement comes up before the line is closed.

    ``attempts`` is the venue's allowance of connection attempts, shared with its order line; ``api_key`` is for
    streams that ask for one. Raises VenueError where they do and there is none.
    """

    def __call__(
        self,
        instruments: Instruments,
        exchange: str,
        *,
        endpoints: Endpoints,
        lines: Sequence[int],
        spare: int | None = None,
        sink: Sink,
        attempts: Allowance | None = None,
        random: Random | None = None,
        api_key: ApiKey | None = None,
    ) -> Feed: ...


class MakeOrderLine(Protocol):
    """Makes the order line of one exchange. Raises VenueError for a key that it cannot use."""

    def __call__(
        self,
        instruments: Instruments,
        exchange: str,
        *,
        endpoints: Endpoints,
        credentials: Credentials,
        line: int,
        sink: Sink,
        on_sent: OnSent | None = None,
        attempts: Allowance | None = None,
    ) -> OrderLine: ...


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange takes orders and says what the account holds."""

    make_line: MakeOrderLine
    decoder: Callable[[Instruments, str], OrderDecoder]
    """Reads the frames of its order line."""
    balances: Callable[[Endpoints, Credentials], Awaitable[Mapping[str, int]]] | None = None
    """Asset → how much of it is free, in units (10^-12). None where nothing must be held to sell it."""
    positions: Callable[[Endpoints, Credentials], Awaitable[Mapping[str, int]]] | None = None
    """The venue's symbol → what is held of it, in units (10^-12), negative when short. None where there is no such."""


class Binary(msgspec.Struct, frozen=True):
    """How an exchange's market data is had in binary form: by which wire, from which public address."""

    wire: str
    stream: str


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange, as ccxt counts them: Binance's markets are several."""

    load: LoadInstruments
    feeds: Mapping[str, MakeFeed]
    """By wire, the name of a decoder in `hft.decoders`; the first is used unless the configuration says otherwise."""
    orders: Orders | None
    """None: its market can be watched and recorded, not traded on."""
    public: Endpoints
    """The real venue's addresses."""
    new_attempts: Callable[[], Allowance]
    """How often its addresses may be connected to."""
    fees_ppm: tuple[int, int]
    """(maker, taker) as published for accounts without discounts; the highest, where they depend on the instrument."""
    polled_wire: str = ""
    """What its feed speaks that asks by REST; empty where there is none."""
    binary: Binary | None = None

    @property
    def wire(self) -> str:
        """What its feed speaks unless the configuration says otherwise."""
        return next(iter(self.feeds))

    def public_in(self, wire: str) -> Endpoints:
        """The real venue's addresses for who speaks that wire."""
        if self.binary is None or wire != self.binary.wire:
            return self.public
        return msgspec.structs.replace(self.public, stream=self.binary.stream)


_EXCHANGES = {
    "binance": Exchange(
        load=binance_rules.load_instruments,
        feeds={"binance": BinanceFeed, "binance-sbe": partial(BinanceFeed, is_binary=True)},
        orders=Orders(make_line=BinanceOrderLine, decoder=binance_order_decoder, balances=spot_balances),
        public=Endpoints(
            rest="https://api.binance.com",
            stream="wss://stream.binance.com:9443",
            orders="wss://ws-api.binance.com:443/ws-api/v3",
        ),
        new_attempts=SPOT.new_attempts,
        fees_ppm=SPOT.fees_ppm,
        binary=Binary("binance-sbe", "wss://stream-sbe.binance.com:9443"),
    ),
    "binanceusdm": Exchange(
        load=binance_rules.load_instruments,
        feeds={"binanceusdm": BinanceFeed},
        orders=Orders(make_line=BinanceOrderLine, decoder=binance_order_decoder, positions=usdm_positions),
        public=Endpoints(
            rest="https://fapi.binance.com",
            stream="wss://fstream.binance.com",
            orders="wss://ws-fapi.binance.com/ws-fapi/v1",
        ),
        new_attempts=USDM.new_attempts,
        fees_ppm=USDM.fees_ppm,
    ),
    "binancecoinm": Exchange(
        load=binance_rules.load_instruments,
        feeds={"binancecoinm": BinanceFeed},
        orders=None,
        public=Endpoints(rest="https://dapi.binance.com", stream="wss://dstream.binance.com", orders=""),
        new_attempts=COINM.new_attempts,
        fees_ppm=COINM.fees_ppm,
    ),
    "okx": Exchange(
        load=okx_rules.load_instruments,
        feeds={"okx": OkxFeed},
        orders=None,
        public=Endpoints(rest="https://openapi.okx.com", stream="wss://ws.okx.com", orders=""),
        new_attempts=okx_market.new_attempts,
        fees_ppm=okx_market.FEES_PPM[okx_market.SPOT],
    ),
}

NATIVE = tuple(_EXCHANGES)
"""The exchanges whose protocols are spoken here, and whose raw frames can be replayed."""

_THROUGH_CCXT = Exchange(
    load=ccxt_rules.load_instruments,
    feeds={"ccxt": partial(CcxtFeed, websocket=True), "ccxt-rest": partial(CcxtFeed, websocket=False)},
    orders=None,
    public=OWN_ADDRESSES,
    new_attempts=new_ccxt_attempts,
    fees_ppm=(1_000, 1_000),
    polled_wire="ccxt-rest",
)


def exchange_of(name: str) -> Exchange:
    """Any that is not in the table is looked for in ccxt, which raises VenueError where it does not know it."""
    return _EXCHANGES.get(name, _THROUGH_CCXT)


def orders_of(name: str) -> Orders:
    """How an exchange takes orders. Raises VenueError when it does not."""
    orders = exchange_of(name).orders
    if orders is None:
        raise VenueError(
            f"{name} has no order line yet: it can be watched, recorded, and traded on in the modes paper and shadow; "
            f"set hft.mode to one of them, or hft.market_data.exchanges.{name}.enabled to false"
        )
    return orders


async def load_instruments(
    symbols: Mapping[str, Sequence[str]],
    endpoints: Mapping[str, Endpoints],
    fees_ppm: Mapping[str, Fees] | None = None,
) -> Instruments:
    """Ask each exchange for its rules. ``fees_ppm`` by exchange: what the account pays, where it is known.

    Raises VenueError when an exchange cannot be reached or does not trade a symbol.
    """
    found: list[Instrument] = []
    paid = fees_ppm or {}
    for exchange, wanted in symbols.items():
        found += await exchange_of(exchange).load(
            exchange, wanted, endpoints[exchange], first_book=len(found), fees_ppm=paid.get(exchange, (None, None))
        )
    return Instruments(found)
