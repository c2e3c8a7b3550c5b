"""One connection to Binance's market streams: subscribes by control messages, and hands the market's frames on.

It is up once everything is subscribed, and hands nothing on before: a line that is up misses nothing. Control
messages and market data never look alike: data stands in the combined stream's envelope, or is binary.

Sources: Binance spot API docs, "WebSocket Streams": 5 messages a second from us, pings and pongs among them; 24 hours;
``serverShutdown`` ahead of a planned end. "SBE Market Data Streams": binary data, control messages and
``serverShutdown`` in JSON, an Ed25519 key in a header. USD-M docs: 10 messages a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random

import msgspec
from picows import WSMsgType, WSTransport

from graphwiz_trader.venues.base import ApiKey, LineState, Sink, VenueError
from graphwiz_trader.venues.binance.sbe_frames import stream_of
from graphwiz_trader.venues.binance.subscriptions import Subscriptions
from graphwiz_trader.venues.connection import Connection, Timing
from graphwiz_trader.venues.pacing import Allowance, pause

_DATA = b'{"stream":"'
_NAME = len(_DATA)
_OWN_WORD = ord("!")
"""The combined stream ``!serverShutdown`` is about the connection; those of a market begin with its symbol."""
_SHUTDOWN = "serverShutdown"
_UNAUTHORISED = ("HTTP 401", "HTTP 403")


class _Error(msgspec.Struct):
    code: int = 0
    msg: str = ""


class _Event(msgspec.Struct):
    e: str = ""


class _Word(msgspec.Struct):
    """What is said about the connection: an answer, an error in either of its forms, or an event."""

    id: int | str | None = None
    code: int = 0
    msg: str = ""
    error: _Error | None = None
    e: str = ""
    data: _Event | None = None

    @property
    def refusal(self) -> str:
        if self.error is not None:
            return f"{self.error.code} {self.error.msg}"
        return f"{self.code} {self.msg}" if self.msg else ""

    @property
    def event(self) -> str:
        return self.data.e if self.data is not None else self.e


_decode = msgspec.json.Decoder(_Word).decode


class Place(msgspec.Struct):
    """Where a line connects, and how fast it may speak there. ``addresses`` are tried in turn.

    ``api_key``: of an Ed25519 pair, for binary streams; they ask for no signature.
    """

    addresses: Sequence[str]
    messages_per_s: int
    api_key: ApiKey | None = None
    has_taken_the_key: bool = False
    """A key that was good once may be turned away for a while; one that never was, is not tried again."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {"X-MBX-APIKEY": self.api_key.text} if self.api_key is not None else {}


class BinanceLine:
    """A line under the id ``line``. ``streams`` are subscribed whenever it connects.

    ``on_down`` is called when it is down, ``on_rotate`` when the venue says that it will end the connection.
    """

    def __init__(
        self,
        line: int,
        place: Place,
        streams: Iterable[str],
        *,
        sink: Sink,
        attempts: Allowance,
        timing: Timing,
        random: Random,
        on_rotate: Callable[[str], None],
        on_down: Callable[[], None],
    ) -> None:
        self._line = line
        self._place = place
        self._random = random
        self._on_rotate = on_rotate
        self._on_down = on_down
        self._on_market_frame = sink.on_market_frame
        self._connection = Connection(self, attempts=attempts, timing=timing, random=random, headers=place.headers)
        self._connects = 0
        self._subscriptions = Subscriptions(streams, random=random)
        self._unheard = self._subscriptions.unheard
        self._state = LineState(line, sink)
        self._wake = asyncio.Event()
        self._talk: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()

    @property
    def is_up(self) -> bool:
        return self._state.is_up

    @property
    def last_failure(self) -> str:
        """Why the connection ended or could not be made, or else what a subscription suffered; empty at first."""
        return self._connection.last_failure or self._subscriptions.last_failure

    async def run(self) -> None:
        """Until cancelled: then it is closed and reported down. Raises what the sink raised, and VenueError for a key
        that the venue does not take."""
        await self._connection.run(self._on_text, self._on_binary)

    def fail(self, failure: Exception) -> None:
        """End it for good: `run` raises ``failure``."""
        self._connection.fail(failure)

    def want(self, streams: Iterable[str]) -> None:
        self._subscriptions.want(streams, _now_s())
        self._wake.set()

    def unwant(self, streams: Iterable[str]) -> None:
        self._subscriptions.unwant(streams, _now_s())
        self._wake.set()

    async def address(self) -> str:
        """The next of the places: one that does not answer is not all there is.

        Raises VenueError when the venue has turned the key away: trying again and again would help nobody.
        """
        failure = self._connection.last_failure
        if self._place.api_key is not None and not self._place.has_taken_the_key and failure.endswith(_UNAUTHORISED):
            raise VenueError(
                f"the binary streams do not take the API key ({failure}); they want the key of an Ed25519 pair, "
                "used from an address that the key is allowed from: set another one, or format to json"
            )
        addresses = self._place.addresses
        found = addresses[(self._line + self._connects) % len(addresses)]
        self._connects += 1
        return found

    def on_open(self, transport: WSTransport) -> None:
        self._subscriptions.begin(_now_s())
        self._talk = asyncio.create_task(self._converse(transport), name=f"subscriptions of line {self._line}")

    async def get_ready(self) -> None:
        """Subscribing goes on by itself: a stream that is not answered is no reason to give up the others."""

    def on_closed(self, reason: str) -> None:
        if self._talk is not None:
            self._talk.cancel()
        self.ready.clear()
        self._state.set(False, reason)
        self._on_down()

    async def _converse(self, transport: WSTransport) -> None:
        """Say what the subscriptions want said, as fast as the venue listens; one message is left for a pong."""
        allowance = Allowance(self._place.messages_per_s - 1, 1.0)
        try:
            while True:
                self._wake.clear()
                pause_s = self._subscriptions.next_s() - _now_s()
                if pause_s > 0:
                    await pause(pause_s, self._wake)
                    continue
                await allowance.take()
                request = self._subscriptions.next_request(_now_s())
                if request is not None:
                    transport.send(WSMsgType.TEXT, request.encode())
                self._note_progress()
        except Exception as failure:  # a bug of ours: without this task the line would live on and miss everything
            self._connection.fail(failure)

    def _on_text(self, frame: bytes, now_ns: int) -> None:
        if frame.startswith(_DATA) and frame[_NAME] != _OWN_WORD:
            if self._unheard:
                self._subscriptions.on_heard(frame[_NAME : frame.find(b'"', _NAME)].decode("latin-1"))
            if self._state.is_up:
                self._on_market_frame(self._line, frame, now_ns)
        else:
            self._on_word(frame, now_ns)

    def _on_binary(self, frame: bytes, now_ns: int) -> None:
        if self._unheard:
            self._subscriptions.on_heard(stream_of(frame))
        if self._state.is_up:
            self._on_market_frame(self._line, frame, now_ns)

    def _on_word(self, frame: bytes, now_ns: int) -> None:
        try:
            word = _decode(frame)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            if self._state.is_up:  # whoever reads the market's frames counts it
                self._on_market_frame(self._line, frame, now_ns)
            return
        if word.event == _SHUTDOWN:
            self._on_rotate("the venue shuts the server down")
        elif isinstance(word.id, int):
            self._subscriptions.on_answer(word.id, word.refusal, _now_s())
            self._note_progress()
            self._wake.set()

    def _note_progress(self) -> None:
        if not self.ready.is_set() and self._subscriptions.are_settled:
            self._state.set(True, "connected")
            self._place.has_taken_the_key = True
            self.ready.set()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
