"""One Binance venue as a server: its streams, its REST answers and its WebSocket API on one loopback port."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qs, unquote

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import usdm_routes
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.coinm_api import coinm_api
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.fault_words import BinanceWords
from graphwiz_trader.venues.simulated.binance.flavours import COINM, SPOT, Flavour
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.market_data import MarketData
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.rest import RestApi, no_such_path, refusal
from graphwiz_trader.venues.simulated.binance.sbe_streams import PREFIX as SBE_PREFIX
from graphwiz_trader.venues.simulated.binance.sbe_streams import SbeSocket, SbeStreams, check_key
from graphwiz_trader.venues.simulated.binance.spot_api import spot_apis
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.stream_socket import StreamSocket
from graphwiz_trader.venues.simulated.binance.time_unit import wants_microseconds
from graphwiz_trader.venues.simulated.binance.usdm_api import UsdmUpkeep, usdm_apis
from graphwiz_trader.venues.simulated.binance.websocket_api import ApiOptions, ApiSocket, WebSocketApi
from graphwiz_trader.venues.simulated.connection import Connection
from graphwiz_trader.venues.simulated.defaults import Credentials
from graphwiz_trader.venues.simulated.dialect import Urls
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.faults.attach import attach
from graphwiz_trader.venues.simulated.http_front import HttpFront
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest, HttpResponse
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import Matcher, VenueBook

MAX_CONNECTIONS = 512


class BinanceVenue:
    """A venue, its accounts' keys, its streams and its server. ``start`` and ``stop`` once each."""

    def __init__(
        self,
        flavour: Flavour,
        instruments: Iterable[Instrument],
        matcher: Callable[[Listing], Matcher],
        *,
        clock_ms: Callable[[], int],
        events_first: bool = False,
        spot_depth_interval_ms: int = 100,
        tls: ssl.SSLContext | None = None,
        faults: Faults | None = None,
        is_limited: bool = False,
    ) -> None:
        """``is_limited`` False: rate limits are counted and told, and nobody is refused."""
        self.flavour = flavour
        self.faults = faults if faults is not None else Faults(flavour.exchange, clock_ms)
        self.hub = StreamHub()
        self.keys = ApiKeys()
        self._clock_ms = clock_ms
        self.front = HttpFront(self, tls)
        listings = [flavour.list_instrument(instrument) for instrument in instruments]
        self.venue = Venue(flavour.exchange, [VenueBook(listing, matcher(listing)) for listing in listings])
        self.numbers = {listing.symbol: Numbers(listing) for listing in listings}
        self._data = MarketData(
            flavour,
            self.venue,
            self.numbers,
            self.hub,
            self.faults,
            spot_depth_interval_ms=spot_depth_interval_ms,
        )
        self.streams, self.public, self.tickers = self._data.streams, self._data.public, self._data.tickers
        self.sbe = SbeStreams(self.venue, self.numbers, self.faults) if flavour is SPOT else None
        self.limiter = RateLimiter(flavour.limits, is_strict=is_limited)
        self.venue.order_listeners.append(self.limiter)
        self._upkeep = UsdmUpkeep(self.venue, self.hub)
        self._events_first = events_first
        self._is_limited = is_limited
        self._api, self._rest = self._apis()
        self._timed_faults = attach(self.faults, self.venue, self.front, BinanceWords(self.keys))

    @property
    def urls(self) -> Urls:
        """No address for orders where none are taken. Raises RuntimeError before ``start``."""
        stream = self.front.stream_url
        orders = stream + self.flavour.orders_path if self._api is not None else ""
        return Urls(self.front.rest_url, stream, orders, stream + SBE_PREFIX if self.sbe is not None else "")

    @property
    def open_connections(self) -> int:
        return len(self.front.connections)

    def open_account(
        self, name: str, who: Credentials, funds: Mapping[str, str], trade_group: int | None = None
    ) -> Account:
        """An account with an API key. The secret is an HMAC secret or an Ed25519 PEM.

        Raises ValueError for a PEM that holds another kind of key.
        """
        account = self.venue.open_account(name, funds, trade_group)
        self.keys.add(who.key, who.secret, account)
        return account

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        await self.front.start(port)

    async def stop(self) -> None:
        """Close the port and every connection."""
        await self._timed_faults.stop()
        await self.front.stop()

    def flush(self, now_ms: int) -> None:
        """Publish the depth events that are due."""
        self._timed_faults.tick()
        self._upkeep.check(now_ms)
        self.venue.publish(now_ms)
        self._flush_streams(now_ms)

    def send_raw(self, stream: str, payload: bytes) -> None:
        """Put any bytes on a stream, as they are and without envelope, for tests of its readers."""
        for subscriber in self.hub.subscribers(stream):
            subscriber.send(payload)

    def start_sequences_over(self) -> None:
        """As after a restart that nobody noticed: every book's next change has a small id."""
        self._flush_streams(self._clock_ms())
        self.streams.start_over()
        if self.sbe is not None:
            self.sbe.start_over()

    def disconnect_all(self) -> None:
        """Drop every connection without a word."""
        self.front.disconnect_all()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer a REST request."""
        now_ms = self._clock_ms()
        response = self._rest.answer(request, now_ms)
        if self._events_first:
            self.venue.publish(now_ms)
        else:
            asyncio.get_running_loop().call_soon(self.venue.publish, now_ms)
        return response

    def upgrade(self, request: HttpRequest) -> Answer:
        """What handles the WebSocket that is asked for, or the response that refuses it."""
        try:
            self.limiter.connect(request.client, self._clock_ms())
            if len(self.front.connections) >= MAX_CONNECTIONS:
                text = f"Too many concurrent connections; current limit is '{MAX_CONNECTIONS}'."
                raise BinanceError(-1034, text, 429)
            return self._connection(request)
        except BinanceError as error:
            return refusal(error)

    def _flush_streams(self, now_ms: int) -> None:
        self.streams.flush(now_ms)
        if self.sbe is not None:
            self.sbe.flush(now_ms)

    def _apis(self) -> tuple[WebSocketApi | None, RestApi]:
        if self.flavour is COINM:
            return None, coinm_api(self.venue.books, self.keys, self._data, self.limiter)
        if self.flavour is SPOT:
            return spot_apis(
                self.venue,
                self.keys,
                self.numbers,
                self._data,
                self.limiter,
                events_first=self._events_first,
                faults=self.faults,
            )
        return usdm_apis(
            self.venue,
            self.keys,
            self.numbers,
            self.hub,
            self._data,
            self.limiter,
            self._upkeep,
            events_first=self._events_first,
            faults=self.faults,
        )

    def _connection(self, request: HttpRequest) -> Connection:
        """The handler for a WebSocket's address. Raises BinanceError when there is no such path."""
        path, parameters = request.path, parse_qs(request.query)
        in_microseconds = wants_microseconds("".join(parameters.get("timeUnit", [])) or None)
        if self._api is not None and path.rstrip("/") == self.flavour.orders_path:
            returns_limits = "".join(parameters.get("returnRateLimits", [])).lower() != "false"
            options = ApiOptions(request.client, returns_limits, in_microseconds)
            return ApiSocket(self._api, self._clock_ms, self.flavour.line_rules, options)
        hub, socket_kind = self.hub, StreamSocket
        if self.sbe is not None and path.startswith(f"{SBE_PREFIX}/"):
            check_key(self.keys, request)
            hub, socket_kind, path = self.sbe.hub, SbeSocket, path.removeprefix(SBE_PREFIX)
        route = ""
        if self.flavour.is_routed:
            route, path = usdm_routes.split(path)
        streams = "/".join(parameters.get("streams", []) + parameters.get("listenKey", []))
        # ccxt tells spot from futures by "/stream" in the address, so where the host has none its path begins with it.
        raw_path = path.removeprefix("/stream")
        combined = path.rstrip("/") == "/stream"
        if not combined and raw_path != "/ws" and not raw_path.startswith("/ws/"):
            raise no_such_path(request)
        if not combined:
            streams = "/".join((unquote(raw_path.removeprefix("/ws").strip("/")), streams))
        names = [name for name in streams.split("/") if name]
        return socket_kind(
            hub,
            names,
            combined=combined,
            accepts=lambda name: self._belongs(route, name),
            rules=self.flavour.line_rules,
            in_microseconds=in_microseconds,
            max_messages_per_s=self.flavour.limits.messages_per_second if self._is_limited else None,
            events=[name for text in parameters.get("events", []) for name in text.split("/")],
        )

    def _belongs(self, route: str, stream: str) -> bool:
        """Markets without routes have one path for everything."""
        if not self.flavour.is_routed:
            return True
        if self._upkeep.listen_keys.is_known(stream):
            return route == usdm_routes.PRIVATE
        return route == usdm_routes.market_route(stream)
