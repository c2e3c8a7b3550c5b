"""One TCP connection to a simulated venue, for as long as it speaks HTTP: requests in, responses out, in order.

An upgrade hands the connection over to picows for good: its frames are read and written with no layer between.

Nothing a client does makes the process grow or wait: heads, bodies, unanswered requests and clients are bounded in
size, number and time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

import h11
from picows import WSAutoPingStrategy
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # in the module, not in its stub

from graphwiz_trader.venues.simulated.connection import MAX_INBOUND_BYTES, Connection
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest, HttpResponse

MAX_HEAD_BYTES = 16 << 10
MAX_BODY_BYTES = 128 << 10
MAX_CLIENTS = 1_024
REQUEST_TIMEOUT_S = 10.0
"""A request that has begun must be complete by then, and answers that pile up must be read."""
IDLE_TIMEOUT_S = 75.0
_READ_BUFFER_BYTES = 4 << 10
_logger = logging.getLogger("graphwiz.simulated")
_of_sockets = logging.getLogger("graphwiz.simulated.sockets")
_of_sockets.setLevel(logging.CRITICAL)
"""What picows says of frames that are none: clients may send these without end, and it is no error of the venue."""


class HttpClient(asyncio.Protocol):
    """The server's end of one client's connection."""

    def __init__(self, handle: Callable[[HttpRequest], Answer | None], clients: set[HttpClient]) -> None:
        self._handle = handle
        self._clients = clients
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._is_idle = False
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derives from nothing
        self._loop = asyncio.get_running_loop()
        self._ip = str((transport.get_extra_info("peername") or ("",))[0])
        self._deadline = self._loop.call_later(REQUEST_TIMEOUT_S, self.drop)
        self._clients.add(self)
        if len(self._clients) > MAX_CLIENTS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._leave()

    def data_received(self, data: bytes) -> None:
        if self._is_idle:
            self._is_idle = False
            self._expect_within(REQUEST_TIMEOUT_S)
        self._http.receive_data(data)
        self._read_on()

    def eof_received(self) -> bool:
        """A client that sends no more may still wait for an answer that is delayed."""
        return self._late is not None

    def pause_writing(self) -> None:
        """Answers pile up: no more requests are taken until they are read."""
        self._transport.pause_reading()
        self._expect_within(REQUEST_TIMEOUT_S)

    def resume_writing(self) -> None:
        self._transport.resume_reading()
        self._read_on()

    def drop(self) -> None:
        """Close without a word."""
        self._transport.abort()

    def _leave(self) -> None:
        self._deadline.cancel()
        if self._late is not None:
            self._late.cancel()
        self._clients.discard(self)

    def _expect_within(self, timeout_s: float) -> None:
        self._deadline.cancel()
        self._deadline = self._loop.call_later(timeout_s, self.drop)

    def _read_on(self) -> None:
        """Go through what has arrived, one request after the other."""
        try:
            while self._transport.is_reading() and not self._transport.is_closing():
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._head = event
                    if event.http_version not in (b"1.1", b"1.0"):
                        self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > MAX_BODY_BYTES:
                        self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                    self._answer(self._head)
                else:  # more has to arrive
                    return
        except h11.RemoteProtocolError as error:
            self._refuse(HTTPStatus(error.error_status_hint))

    def _answer(self, head: h11.Request) -> None:
        path, _, query = head.target.decode("latin-1").partition("?")
        request = HttpRequest(
            method=head.method.decode("latin-1"),
            path=path,
            query=query,
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers},
            body=bytes(self._body),
            client=self._ip,
        )
        self._body.clear()
        try:
            answer = self._handle(request)
        except Exception:  # a bug must be seen, and must not take the venue with it
            _logger.exception("the simulated venue failed to answer %s %s", request.method, request.path)
            answer = HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR)
        if answer is None:
            self.drop()
        elif isinstance(answer, Connection):
            self._upgrade(head, answer)
        elif answer.after_s:
            self._transport.pause_reading()
            self._deadline.cancel()
            self._late = self._loop.call_later(answer.after_s, self._respond_late, answer)
        else:
            self._respond(answer)

    def _respond_late(self, response: HttpResponse) -> None:
        self._late = None
        self._transport.resume_reading()
        self._respond(response)
        self._read_on()

    def _respond(self, response: HttpResponse) -> None:
        self._send(response)
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._head = None
            self._is_idle = True
            self._expect_within(IDLE_TIMEOUT_S)
        else:
            self._transport.close()

    def _send(self, response: HttpResponse) -> None:
        phrase = HTTPStatus(response.status).phrase.encode()
        headers = [*response.headers, ("Content-Length", str(len(response.body)))]
        sent = self._http.send(h11.Response(status_code=response.status, headers=headers, reason=phrase))
        if response.body and not (self._head is not None and self._head.method == b"HEAD"):
            sent += self._http.send(h11.Data(data=response.body))
        self._transport.write(sent + self._http.send(h11.EndOfMessage()))

    def _refuse(self, status: HTTPStatus) -> None:
        """Say what is wrong with a request that cannot be read, and close."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = (("Content-Type", "text/plain"), ("Connection", "close"))
            self._send(HttpResponse(status, status.phrase.encode(), headers))
        self._transport.close()

    def _upgrade(self, head: h11.Request, connection: Connection) -> None:
        """Let picows take over, with the handshake and whatever came behind it."""
        received = _handshake(head) + self._http.trailing_data[0]
        self._leave()
        protocol = WSProtocol(
            None,
            None,
            False,  # the server's side
            lambda _request: connection,
            _of_sockets,
            True,  # a failing listener ends its connection
            None,  # the handshake has arrived
            False,  # no pings: each venue has its own rules for them
            REQUEST_TIMEOUT_S,
            REQUEST_TIMEOUT_S,
            WSAutoPingStrategy.PING_PERIODICALLY,
            False,  # nor pongs: they count against a venue's message limit
            MAX_INBOUND_BYTES,
            None,
            _READ_BUFFER_BYTES,
        )
        self._transport.pause_reading()  # both loops choose how to read when reading begins
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        while received:
            space = protocol.get_buffer(-1)
            count = min(len(space), len(received))
            space[:count] = received[:count]
            protocol.buffer_updated(count)
            received = received[count:]
        if not self._transport.is_closing():
            self._transport.resume_reading()


def _handshake(head: h11.Request) -> bytes:
    """The request's head as picows reads it: it knows one spelling of ``Connection``, clients have several."""
    lines = [b"GET %b HTTP/%b" % (head.target, head.http_version)]
    for name, value in head.headers:
        asks_upgrade = name == b"connection" and b"upgrade" in value.lower()
        lines.append(b"%b: %b" % (name, b"Upgrade" if asks_upgrade else value))
    return b"\r\n".join(lines) + b"\r\n\r\n"
