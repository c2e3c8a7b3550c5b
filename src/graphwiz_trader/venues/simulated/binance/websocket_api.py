"""The WebSocket API: requests with ids over one connection, signed one by one or once for the session.

Source: Binance spot API docs, "WebSocket API": request and response format, authentication.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKey, ApiKeys
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters, Value
from graphwiz_trader.venues.simulated.connection import Connection, LineRules
from graphwiz_trader.venues.simulated.faults import Faults, RequestFate
from graphwiz_trader.venues.simulated.orders import OrderRefusedError, Refusal
from graphwiz_trader.venues.simulated.venue import Venue

MAX_ID_BYTES = 128
_ID_STARTS = b'"-0123456789n'


class Request(msgspec.Struct):
    """One request. ``id`` is echoed as it was sent."""

    method: str
    id: msgspec.Raw = msgspec.Raw(b"null")
    params: dict[str, Value] = {}


class RequestAsSent(msgspec.Struct):
    """The same, with its parameters left as they were sent."""

    method: str
    id: msgspec.Raw = msgspec.Raw(b"null")
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Session:
    """What one connection has opened: a logged-on key, subscriptions to user data."""

    def __init__(self, send: Callable[[bytes, str], None], connected_ms: int) -> None:
        self.send = send
        self.connected_ms = connected_ms
        self.key: ApiKey | None = None
        self.authorized_ms: int | None = None
        self.subscriptions: dict[int, Callable[[], None]] = {}
        """Subscription id → how to end it."""
        self.next_subscription = 0

    def status(self, now_ms: int) -> bytes:
        return msgspec.json.encode(
            {
                "apiKey": self.key.key if self.key is not None else None,
                "authorizedSince": self.authorized_ms,
                "connectedSince": self.connected_ms,
                "returnRateLimits": False,
                "serverTime": now_ms,
                "userDataStream": bool(self.subscriptions),
            }
        )

    def end_subscriptions(self) -> None:
        for end in self.subscriptions.values():
            end()
        self.subscriptions.clear()


PublicMethod = Callable[[Parameters, int], bytes]
SessionMethod = Callable[[Session, Parameters, int], bytes]
SignedMethod = Callable[[Parameters, Caller], bytes]
"""Each returns the JSON of its result, or raises BinanceError or OrderRefusedError."""


class WebSocketApi:
    """One venue's methods, and who may call them."""

    def __init__(
        self,
        venue: Venue,
        keys: ApiKeys,
        refusals: Mapping[Refusal, tuple[int, str]],
        *,
        public: Mapping[str, PublicMethod],
        session: Mapping[str, SessionMethod],
        signed: Mapping[str, SignedMethod],
        events_first: bool,
        faults: Faults,
    ) -> None:
        """``events_first``: an order's events are sent before the answer that caused them (both happen)."""
        self.venue = venue
        self.keys = keys
        self.events_first = events_first
        self.faults = faults
        self.refusals = refusals
        self._public = public
        self._session: dict[str, SessionMethod] = {
            "session.logon": self._log_on,
            "session.status": lambda session, _parameters, now_ms: session.status(now_ms),
            "session.logout": self._log_out,
            **session,
        }
        self.signed = signed

    def call(self, session: Session, method: str, parameters: Parameters, now_ms: int) -> bytes:
        """Run a method and return the JSON of its result. Raises BinanceError."""
        try:
            signed = self.signed.get(method)
            if signed is not None:
                return signed(parameters, Caller(self._caller(session, parameters, now_ms).account, now_ms))
            of_session = self._session.get(method)
            if of_session is not None:
                return of_session(session, parameters, now_ms)
            public = self._public.get(method)
            if public is not None:
                return public(parameters, now_ms)
        except OrderRefusedError as error:
            raise BinanceError(*self.refusals[error.refusal]) from None
        raise BinanceError(*errors.UNSUPPORTED)

    def account_name(self, session: Session, parameters: Parameters) -> str:
        """Whose request it is, signature unseen; empty for nobody's."""
        key = self.keys.known(parameters.optional("apiKey") or "") or session.key
        return key.account.name if key is not None else ""

    def _caller(self, session: Session, parameters: Parameters, now_ms: int) -> ApiKey:
        """On a logged-on session a request needs neither key nor signature, but still its time."""
        if session.key is not None and "apiKey" not in parameters:
            parameters.check_time(now_ms)
            return session.key
        return parameters.sign_in(self.keys, now_ms)

    def _log_on(self, session: Session, parameters: Parameters, now_ms: int) -> bytes:
        key = parameters.sign_in(self.keys, now_ms)
        if not key.may_log_on:
            raise BinanceError(-4056, "HMAC_SHA256 API key is not supported.")
        session.key, session.authorized_ms = key, now_ms
        return session.status(now_ms)

    def _log_out(self, session: Session, _parameters: Parameters, now_ms: int) -> bytes:
        session.key = session.authorized_ms = None
        session.end_subscriptions()
        return session.status(now_ms)


class ApiSocket(Connection):
    """One client's connection to the WebSocket API. A request is handled within the call that delivers it."""

    def __init__(self, api: WebSocketApi, clock_ms: Callable[[], int], rules: LineRules) -> None:
        super().__init__(rules)
        self._api = api
        self._clock_ms = clock_ms
        self._session = Session(self.send, clock_ms())
        self.on_closed(self._session.end_subscriptions)

    @property
    def account_name(self) -> str:
        return self._session.key.account.name if self._session.key is not None else ""

    def announce_shutdown(self, now_ms: int) -> None:
        self.send(b'{"event":{"e":"serverShutdown","E":%d}}' % now_ms, "serverShutdown")

    def on_message(self, payload: bytes) -> None:
        now_ms = self._clock_ms()
        method, request_id, fate = "", b"null", RequestFate()
        try:
            method, request_id, parameters = _read(payload)
            fate = self._api.faults.request(method, self._api.account_name(self._session, parameters))
            result = self._api.call(self._session, method, parameters, now_ms) if fate.is_processed else b""
            if fate.outcome_unknown:
                raise BinanceError(*errors.OUTCOME_UNKNOWN)
            answer = b'{"id":%b,"status":200,"result":%b}' % (request_id, result)
        except BinanceError as error:
            problem = msgspec.json.encode({"code": error.code, "msg": error.message})
            answer = b'{"id":%b,"status":%d,"error":%b}' % (request_id, error.status, problem)
        if self._api.events_first or fate.events_first:
            self._api.venue.publish(now_ms)
        if not fate.is_lost:
            self.send(answer, method)
        self._api.venue.publish(now_ms)


_request = msgspec.json.Decoder(Request)
_request_as_sent = msgspec.json.Decoder(RequestAsSent)


def _read(payload: bytes) -> tuple[str, bytes, Parameters]:
    """Method, id and parameters of a request. Raises BinanceError when it is none."""
    try:
        request = _request.decode(payload)
        parameters = None if float in map(type, request.params.values()) else Parameters.of_values(request.params)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BinanceError(*errors.BAD_JSON) from None
    request_id = bytes(request.id)
    if len(request_id) > MAX_ID_BYTES or request_id[:1] not in _ID_STARTS:
        raise BinanceError(-1130, "Data sent for parameter 'id' is not valid.")
    if parameters is None:
        parameters = Parameters.of_json(_request_as_sent.decode(payload).params)
    return request.method.removeprefix("v3/").removeprefix("v1/"), request_id, parameters
