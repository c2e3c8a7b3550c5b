"""Binance's order line: places, cancels and asks over the WebSocket API, and hands over what comes back.

Each request is encoded, signed and sent in the caller's own call stack. The line is up while orders can be sent AND
the account's own events come in; without those, an order would be sent blind. Before the venue cuts a connection
another is up: for a moment the account's events come over both, and the core takes from each what is new.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from time import time_ns

from picows import WSMsgType, WSTransport

from graphwiz_trader.hft.events import FoundOrder
from graphwiz_trader.hft.gateways import NotSentError
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.venues.base import Credentials, Endpoints, LineState, OnSent, Sink
from graphwiz_trader.venues.binance.api_session import ApiSession
from graphwiz_trader.venues.binance.market import market_of
from graphwiz_trader.venues.binance.order_connection import OrderConnection
from graphwiz_trader.venues.binance.order_encoder import CANCEL, OPEN, TRADES, OrderEncoder
from graphwiz_trader.venues.binance.rest_questions import RestQuestions
from graphwiz_trader.venues.binance.signing import HmacSigner, signer_for
from graphwiz_trader.venues.binance.venue_time import VenueTime
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.lines import ParallelLines
from graphwiz_trader.venues.pacing import Allowance
from graphwiz_trader.venues.rest import RestClient
from graphwiz_trader.venues.together import together

_TEXT = WSMsgType.TEXT
_MS = 1_000_000
ORDER_TIMING = Timing(lifetime_s=23 * 3_600.0, overlap_s=5.0)
"""An account without orders is silent for as long as it likes: only an unanswered ping ends the line. Connections are
cut after 24 hours. What an old one has not answered in the overlap has long been asked for again over the new one."""


class BinanceOrderLine:
    """The order line of ``exchange``, an `OrderGateway`. Raises VenueError for a key or exchange it cannot use.

    ``line`` is its id in every call of the sink. An Ed25519 key logs on once, and its orders need no signature.
    ``attempts`` is the venue's allowance of connection attempts, shared with its feed.
    """

    def __init__(
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
        timing: Timing = ORDER_TIMING,
        random: Random | None = None,
    ) -> None:
        market, signer = market_of(exchange), signer_for(credentials.secret)
        self._market = market
        self._instruments = instruments
        self._time = VenueTime(market)
        self._deliver = partial(sink.on_order_frame, line)
        key = (credentials.key, signer) if isinstance(signer, HmacSigner) else ()
        self._encoder = OrderEncoder(instruments, market, *key)
        self._rest_questions = RestQuestions(
            credentials, signer, time=self._time, deliver=self._deliver, fail=self._fail
        )
        random = random or Random()  # noqa: S311
        self._connect = partial(
            OrderConnection,
            market,
            endpoints,
            credentials,
            signer,
            time=self._time,
            deliver=self._deliver,
            changed=self._on_changed,
            attempts=attempts or market.new_attempts(),
            timing=timing,
            random=random,
        )
        self._connections = ParallelLines((0,), 1, self._make_connection, timing=timing, random=random)
        self._current: OrderConnection | None = None
        """What requests are sent over: the newest that is up, or else the newest that they can be sent over."""
        self._transport: WSTransport | None = None
        """The current one's while it is up: orders go nowhere else."""
        self._rest_endpoint = endpoints.rest
        self._state = LineState(line, sink)
        self._on_sent = on_sent

    @property
    def is_up(self) -> bool:
        return self._state.is_up

    @property
    def last_failure(self) -> str:
        """Why the line went down or could not come up; empty at first."""
        return self._connections.last_failure

    async def run(self) -> None:
        """Until cancelled: then the line is closed and reported down. Raises what the sink raised."""
        async with RestClient(self._rest_endpoint) as rest:
            self._rest_questions.rest = rest
            try:
                await together(self._connections.run(), self._time.run(rest))
            finally:
                self._rest_questions.forget()

    def place(self, order: Order, now_ns: int) -> None:
        """Raises NotSentError while the line is down, and for an order between the steps of its instrument."""
        transport = self._transport
        if transport is None or transport.is_disconnected:
            raise NotSentError(f"the order line of {self._market.exchange} is down")
        transport.send(_TEXT, self._encoder.place(order, now_ns // _MS + self._time.offset_ms))
        if self._on_sent is not None:
            self._on_sent(order.client_id, now_ns, time_ns())

    def rehearse(self, order: Order, now_ns: int) -> None:
        """Encode and sign an order as `place` does, and send nothing. Raises NotSentError as it does."""
        self._encoder.place(order, now_ns // _MS + self._time.offset_ms)

    def cancel(self, order: Order, now_ns: int) -> None:
        """Works without user data too. Raises NotSentError when nothing can be sent."""
        self._open_transport().send(_TEXT, self._encoder.cancel(order, now_ns // _MS + self._time.offset_ms))

    def query(self, order: Order, now_ns: int) -> None:
        """Ask for the order's state, and for its trades where some are missing. Raises as `cancel`."""
        transport = self._open_transport()
        transport.send(_TEXT, self._encoder.query(order, now_ns // _MS + self._time.offset_ms))
        if not order.venue_id or order.told_lots <= order.filled_lots:
            return
        if self._market.order_trades_path:
            which = {"symbol": self._instruments[order.intent.book].venue_symbol, "orderId": order.venue_id}
            self._rest_questions.ask(TRADES + order.client_id, self._market.order_trades_path, which)
        else:
            transport.send(_TEXT, self._encoder.trades(order, now_ns // _MS + self._time.offset_ms))

    def list_open(self, number: int, now_ns: int) -> None:  # noqa: ARG002  # AccountGateway's signature
        """Raises as `cancel`."""
        if self._market.open_orders_path:
            self._rest_questions.ask(f"{OPEN}{number}", self._market.open_orders_path, {})
        else:
            self._open_session().send(f"{OPEN}{number}", "openOrders.status", {})

    def cancel_found(self, order: FoundOrder, now_ns: int) -> None:  # noqa: ARG002  # AccountGateway's signature
        """Raises as `cancel`."""
        self._open_session().send(
            CANCEL + order.client_id, "order.cancel", {"symbol": order.symbol, "orderId": int(order.venue_id)}
        )

    def _open_transport(self) -> WSTransport:
        transport = self._open_session().transport
        if transport is None or transport.is_disconnected:
            raise NotSentError(f"not connected to {self._market.exchange}")
        return transport

    def _open_session(self) -> ApiSession:
        if self._current is None:
            raise NotSentError(f"not connected to {self._market.exchange}")
        return self._current.session

    def _make_connection(self, _number: int, on_rotate: Callable[[str], None]) -> OrderConnection:
        return self._connect(on_rotate=on_rotate)

    def _on_changed(self, reason: str) -> None:
        """The old connection is left as soon as the new one is up; what is asked over it is answered there."""
        connections = self._connections.lines
        up = [connection for connection in connections if connection.is_up]
        usable = up or [connection for connection in connections if connection.transport is not None]
        self._current = usable[-1] if usable else None
        self._transport = up[-1].transport if up else None
        self._state.set(bool(up), reason)

    def _fail(self, failure: Exception) -> None:
        for connection in self._connections.lines:
            connection.fail(failure)
