"""One client of a venue, in no protocol's words: it follows the market and sends orders, and counts what comes back.

Of twenty orders one takes what the book offers, nine would and are too far away, and ten rest far away until the
trader has sent a few more. So the market moves a little by them, and a venue has every kind of order to answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter_ns, time_ns
from typing import NamedTuple

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

_RESTING = 4
"""So many orders of a trader stay in the book."""
FAR = 0.015
NEAR = 0.0005


class Terms(NamedTuple):
    """An order: on which side, at which price, and whether what it does not fill at once stays."""

    symbol: str
    is_purchase: bool
    price: float
    rests: bool


class Line(WSListener):
    """One connection; ``read`` is given each text message."""

    def __init__(self, read: Callable[[bytes], None]) -> None:
        self._read = read
        self.is_open = True

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002
        if frame.msg_type is WSMsgType.TEXT:
            self._read(frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        self.is_open = False


class Trader:
    """A venue's own one says where to connect, and how messages are written and read.

    ``host``: the address that it connects from, since venues count connections by it.
    """

    def __init__(self, symbols: Sequence[str], host: str) -> None:
        self.symbols = symbols
        self.messages = 0
        """Market data received."""
        self.events = 0
        """Messages about the own account."""
        self.gaps = 0
        """Where a sequence number was not the one that follows."""
        self.lags_ms: list[int] = []
        """From the venue's stamp on a message until it was here."""
        self.answers_ns: list[int] = []
        """From an order's sending to its answer; a cancel is an order here."""
        self.refused: list[bytes] = []
        self.best: dict[str, bytes] = {}
        """Symbol → the message that last told the best prices."""
        self.granted: asyncio.Event = asyncio.Event()
        """What was asked for on the order line has been granted."""
        self._host = host
        self._sent = self._requests = 0
        self._sent_ns: dict[int, int] = {}
        self._resting: deque[tuple[str, str]] = deque()
        self._lines: list[Line] = []

    async def connect(self) -> None:
        raise NotImplementedError

    def write_order(self, number: int, name: str, terms: Terms) -> bytes:
        """An order that is called ``name``, in a request of this number."""
        raise NotImplementedError

    def write_cancel(self, number: int, symbol: str, name: str) -> bytes:
        raise NotImplementedError

    def best_prices(self, message: bytes) -> tuple[float, float]:
        """What a message of ``best`` says: bid and ask."""
        raise NotImplementedError

    @property
    def unanswered(self) -> int:
        return len(self._sent_ns)

    @property
    def is_connected(self) -> bool:
        return all(line.is_open for line in self._lines)

    def forget(self) -> None:
        """Begin to count."""
        self.messages = self.events = 0
        self.lags_ms, self.answers_ns = [], []

    def trade(self) -> None:
        """Send one order, and the cancel of an old one when enough of them rest."""
        self._sent += 1
        terms = self._terms(self._sent)
        name = f"n{self._sent}"
        self._request(lambda number: self.write_order(number, name, terms))
        if terms.rests:
            self._resting.append((terms.symbol, name))
        if len(self._resting) > _RESTING:
            symbol, name = self._resting.popleft()
            self._request(lambda number: self.write_cancel(number, symbol, name))

    def answered(self, number: int, is_done: bool, message: bytes) -> None:
        """The venue's answer to a request."""
        sent_ns = self._sent_ns.pop(number, None)
        if sent_ns is None or not is_done:
            self.refused.append(message)
        else:
            self.answers_ns.append(perf_counter_ns() - sent_ns)

    def stamped(self, time_ms: bytes) -> None:
        """A message says when the venue made it."""
        self.lags_ms.append(time_ns() // 1_000_000 - int(time_ms))

    async def open(self, url: str, read: Callable[[bytes], None]) -> WSTransport:
        """A connection from this trader's own address."""
        line = Line(read)
        transport, _ = await ws_connect(lambda: line, url, local_addr=(self._host, 0), use_aiofastnet=False)
        self._lines.append(line)
        return transport

    def send_request(self, message: bytes) -> None:
        raise NotImplementedError

    def _request(self, write: Callable[[int], bytes]) -> None:
        self._requests += 1
        message = write(self._requests)
        self._sent_ns[self._requests] = perf_counter_ns()
        self.send_request(message)

    def _terms(self, count: int) -> Terms:
        symbol = self.symbols[count % len(self.symbols)]
        bid, ask = self.best_prices(self.best[symbol])
        is_purchase = count // 2 % 2 == 0
        if count % 20 == 0:
            price = ask * (1 + NEAR) if is_purchase else bid * (1 - NEAR)
            return Terms(symbol, is_purchase, price, False)
        price = bid * (1 - FAR) if is_purchase else ask * (1 + FAR)
        return Terms(symbol, is_purchase, price, count % 2 == 1)
