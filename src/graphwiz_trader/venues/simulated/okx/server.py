"""The simulated OKX as a server: its channels, its order operations and its REST answers on one loopback port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.defaults import Credentials
from graphwiz_trader.venues.simulated.dialect import Options, Urls
from graphwiz_trader.venues.simulated.faults.attach import attach
from graphwiz_trader.venues.simulated.http_front import HttpFront
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest, HttpResponse
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.access import ApiKeys
from graphwiz_trader.venues.simulated.okx.account_forms import AccountForms
from graphwiz_trader.venues.simulated.okx.account_rest import AccountRest
from graphwiz_trader.venues.simulated.okx.dead_man import DeadMan
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.fault_words import OkxWords
from graphwiz_trader.venues.simulated.okx.history import History
from graphwiz_trader.venues.simulated.okx.limits import CONNECTS, Windows
from graphwiz_trader.venues.simulated.okx.order_desk import OrderDesk
from graphwiz_trader.venues.simulated.okx.order_rest import OrderRest
from graphwiz_trader.venues.simulated.okx.private_channels import PrivateChannels
from graphwiz_trader.venues.simulated.okx.products import Products, list_instrument
from graphwiz_trader.venues.simulated.okx.public_channels import BUSINESS, PRIVATE, PUBLIC, PublicChannels
from graphwiz_trader.venues.simulated.okx.public_rest import PublicRest
from graphwiz_trader.venues.simulated.okx.reference_rest import ReferenceRest
from graphwiz_trader.venues.simulated.okx.rest import RestApi, problem
from graphwiz_trader.venues.simulated.okx.settings_rest import SettingsRest
from graphwiz_trader.venues.simulated.okx.socket import Desk, OkxSocket
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

PATH = "/ws/v5/"
_LOOK_FOR_SILENCE_EVERY_MS = 1_000


class OkxVenue:
    """A venue, its accounts' keys, its channels and its server. ``start`` and ``stop`` once each."""

    def __init__(self, instruments: Iterable[Instrument], options: Options) -> None:
        self.faults = options.faults
        self.is_vip = False
        """Whether clients may subscribe to what OKX keeps for its VIP tiers; looked at when one connects."""
        self.connects = Windows[str](CONNECTS)
        listings = [list_instrument(instrument) for instrument in instruments]
        books = [VenueBook(listing, options.matcher(listing)) for listing in listings]
        self.venue = Venue("okx", books, accepts_unfit=True)
        self.products = Products(books)
        self.channels = PublicChannels(self.products, self.faults)
        self.venue.market_listeners.append(self.channels)
        self._keys = ApiKeys()
        self.clock_ms = options.clock_ms
        self.orders = OrderDesk(self.venue, self.products)
        self._dead_man = DeadMan(self.orders)
        forms, history = AccountForms(self.venue, self.products), History()
        self.accounts = PrivateChannels(self.products, forms)
        self.venue.order_listeners += [self.accounts, history]
        self._desk = Desk(
            keys=self._keys,
            public=self.channels,
            private=self.accounts,
            orders=self.orders,
            clock_ms=options.clock_ms,
            events_first=options.events_first,
            faults=self.faults,
        )
        asked = PublicRest(self.products, self.channels)
        done = OrderRest(self.venue, self.products, self.orders, history, self._dead_man)
        held = AccountRest(self.products, forms)
        measured = ReferenceRest(self.products, self.channels.tickers)
        settings = SettingsRest(self.products, forms.linear)
        self._rest = RestApi(
            self._keys,
            options.clock_ms,
            public=asked.routes() | measured.routes(),
            signed=done.routes() | held.routes() | settings.routes(),
            rates=asked.rates() | done.rates() | held.rates(),
        )
        self.front = HttpFront(self, options.tls)
        self._sockets = 0
        self._silence_due_ms = 0
        self._timed_faults = attach(self.faults, self.venue, self.front, OkxWords(self._keys))

    @property
    def urls(self) -> Urls:
        """Raises RuntimeError before ``start``."""
        stream = self.front.stream_url
        return Urls(self.front.rest_url, stream, f"{stream}{PATH}{PRIVATE}")

    @property
    def open_connections(self) -> int:
        return len(self.front.connections)

    def open_account(
        self, name: str, who: Credentials, funds: Mapping[str, str], trade_group: int | None = None
    ) -> Account:
        """An account with an API key; its spot assets and its swaps share the cash."""
        account = self.venue.open_account(name, funds, trade_group)
        self._keys.add(who, account)
        return account

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        await self.front.start(port)

    async def stop(self) -> None:
        """Close the port and every connection."""
        await self._timed_faults.stop()
        await self.front.stop()

    def flush(self, now_ms: int) -> None:
        """Publish what collects over an interval and is due; close the connections that have fallen silent."""
        self._timed_faults.tick()
        self._dead_man.check(now_ms)
        self.venue.publish(now_ms)
        self.channels.flush(now_ms)
        self.accounts.flush(now_ms)
        if now_ms >= self._silence_due_ms:
            self._silence_due_ms = now_ms + _LOOK_FOR_SILENCE_EVERY_MS
            for socket in self._open_sockets():
                socket.close_if_silent(now_ms)

    def disconnect_all(self) -> None:
        """Drop every connection without a word."""
        self.front.disconnect_all()

    def announce_upgrade(self) -> None:
        """Tell every client that its connection will soon be closed, as OKX does 60 s ahead."""
        for socket in self._open_sockets():
            socket.announce_shutdown(self.clock_ms())

    def start_sequences_over(self) -> None:
        """As after maintenance: every book's next change has a smaller ``seqId`` than the one before it."""
        for product in self.products:
            product.start_sequence_over()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """A REST request."""
        response = self._rest.answer(request)
        self.venue.publish(self.clock_ms())
        return response

    def upgrade(self, request: HttpRequest) -> Answer:
        """A WebSocket, or why there is none."""
        route = request.path.removeprefix(PATH).rstrip("/")
        if not request.path.startswith(PATH) or route not in (PUBLIC, BUSINESS, PRIVATE):
            return problem(OkxError(*errors.NOT_FOUND))
        if not self.connects.take(request.client, self.clock_ms()):
            return problem(OkxError(*errors.TOO_MANY_REQUESTS))
        self._sockets += 1
        return OkxSocket(self._desk, route, self._sockets, is_vip=self.is_vip)

    def _open_sockets(self) -> list[OkxSocket]:
        return [socket for socket in self.front.connections if isinstance(socket, OkxSocket)]
