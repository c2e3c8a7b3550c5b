"""The WebSocket API: requests with ids over one connection, signed one by one or once for the session.

Source: Binance spot API docs, "WebSocket API": request and response format, authentication.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from picows import WSCloseCode

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKey, ApiKeys
from graphwiz_trader.venues.simulated.binance.desk import Desk, Endpoint, Private
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Parameters, Value
from graphwiz_trader.venues.simulated.binance.time_unit import in_microseconds
from graphwiz_trader.venues.simulated.connection import Connection, LineRules
from graphwiz_trader.venues.simulated.faults import Faults, RequestFate
from graphwiz_trader.venues.simulated.venue import Venue

MAX_ID_BYTES = 128
BANNED = 418
"""The status of what a banned address asks; its connection is closed."""
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


class ApiOptions(msgspec.Struct, frozen=True):
    """What the address of a connection asks for, and whose it is."""

    client: str
    returns_limits: bool = True
    in_microseconds: bool = False


class Subscription(NamedTuple):
    """User data that a connection reads. ``by_logon``: for the key the session has logged on with."""

    end: Callable[[], None]
    by_logon: bool


class Session:
    """What one connection has opened: a logged-on key, subscriptions to user data."""

    def __init__(self, send: Callable[[bytes, str], None], connected_ms: int, options: ApiOptions) -> None:
        self.send = send
        self.options = options
        self.connected_ms = connected_ms
        self.key: ApiKey | None = None
        self.authorized_ms: int | None = None
        self.subscriptions: dict[int, Subscription] = {}
        """By id."""
        self.next_subscription = 0

    def status(self, now_ms: int) -> bytes:
        return msgspec.json.encode(
            {
                "apiKey": self.key.key if self.key is not None else None,
                "authorizedSince": self.authorized_ms,
                "connectedSince": self.connected_ms,
                "returnRateLimits": self.options.returns_limits,
                "serverTime": now_ms,
                "userDataStream": bool(self.subscriptions),
            }
        )

    def end_subscriptions(self) -> None:
        """The connection is gone: nobody is told."""
        for subscription in self.subscriptions.values():
            subscription.end()
        self.subscriptions.clear()

    def terminate(self, number: int, now_ms: int) -> None:
        """End a subscription, and tell its reader. Raises KeyError when there is none of that id."""
        self.subscriptions.pop(number).end()
        event = b'{"subscriptionId":%d,"event":{"e":"eventStreamTerminated","E":%d}}' % (number, now_ms)
        self.send(event, "eventStreamTerminated")


class SessionMethod(msgspec.Struct, frozen=True):
    """A method of the connection it is called on. Returns the JSON of its result, or raises BinanceError."""

    method: Callable[[Session, Parameters, int], bytes]
    weight: int = 2


class WebSocketApi:
    """One market's methods, and who may call them."""

    def __init__(
        self,
        venue: Venue,
        keys: ApiKeys,
        desk: Desk,
        methods: Mapping[str, Endpoint | SessionMethod],
        *,
        events_first: bool,
        faults: Faults,
    ) -> None:
        """``events_first``: an order's events are sent before the answer that caused them (both happen)."""
        self.venue = venue
        self.keys = keys
        self.desk = desk
        self.events_first = events_first
        self.faults = faults
        self._methods: dict[str, Endpoint | SessionMethod] = {
            "session.logon": SessionMethod(self._log_on),
            "session.status": SessionMethod(lambda session, _parameters, now_ms: session.status(now_ms)),
            "session.logout": SessionMethod(self._log_out),
            **methods,
        }

    def call(self, session: Session, method: str, parameters: Parameters, now_ms: int) -> tuple[bytes, Account | None]:
        """The JSON of a method's result, and the account whose order counts changed. Raises BinanceError."""
        found = self._methods.get(method)
        if found is None:
            raise BinanceError(*errors.UNSUPPORTED)
        if isinstance(found, SessionMethod):
            self.desk.limiter.charge(session.options.client, found.weight, now_ms)
            return found.method(session, parameters, now_ms), None
        is_signed = isinstance(found, Private) and found.is_signed

        def sign_in() -> ApiKey:
            return self._sign_in(session, parameters, now_ms, is_signed=is_signed)

        return self.desk.call(found, parameters, session.options.client, now_ms, sign_in)

    def account_name(self, session: Session, parameters: Parameters) -> str:
        """Whose request it is, signature unseen; empty for nobody's."""
        key = self.keys.known(parameters.optional("apiKey") or "") or session.key
        return key.account.name if key is not None else ""

    def _sign_in(self, session: Session, parameters: Parameters, now_ms: int, *, is_signed: bool) -> ApiKey:
        """On a logged-on session a request needs neither key nor signature, but still its time."""
        if session.key is not None and "apiKey" not in parameters:
            if is_signed:
                parameters.check_time(now_ms)
            return session.key
        return parameters.sign_in(self.keys, now_ms) if is_signed else self.keys.find(parameters.text("apiKey"))

    def _log_on(self, session: Session, parameters: Parameters, now_ms: int) -> bytes:
        key = parameters.sign_in(self.keys, now_ms)
        if not key.is_ed25519:
            raise BinanceError(-4056, "HMAC_SHA256 API key is not supported.")
        session.key, session.authorized_ms = key, now_ms
        return session.status(now_ms)

    def _log_out(self, session: Session, _parameters: Parameters, now_ms: int) -> bytes:
        """What it has subscribed to ends with it; what was subscribed to with a signature goes on."""
        session.key = session.authorized_ms = None
        for number in [number for number, each in session.subscriptions.items() if each.by_logon]:
            session.terminate(number, now_ms)
        return session.status(now_ms)


class ApiSocket(Connection):
    """One client's connection to the WebSocket API. A request is handled within the call that delivers it."""

    def __init__(self, api: WebSocketApi, clock_ms: Callable[[], int], rules: LineRules, options: ApiOptions) -> None:
        super().__init__(rules)
        self._api = api
        self._clock_ms = clock_ms
        self._options = options
        self._session = Session(self._tell, clock_ms(), options)
        self.on_closed(self._session.end_subscriptions)

    @property
    def account_name(self) -> str:
        return self._session.key.account.name if self._session.key is not None else ""

    def announce_shutdown(self, now_ms: int) -> None:
        self._tell(b'{"event":{"e":"serverShutdown","E":%d}}' % now_ms, "serverShutdown")

    def on_message(self, payload: bytes) -> None:
        now_ms = self._clock_ms()
        method, request_id, fate, account = "", b"null", RequestFate(), None
        returns_limits, status = self._options.returns_limits, 200
        try:
            method, request_id, parameters = _read(payload)
            if "returnRateLimits" in parameters:
                returns_limits = parameters.flag("returnRateLimits")
            fate = self._api.faults.request(method, self._api.account_name(self._session, parameters))
            result = b""
            if fate.is_processed:
                result, account = self._api.call(self._session, method, parameters, now_ms)
            if fate.unknown:
                raise BinanceError(*errors.OUTCOME_UNKNOWN[fate.unknown])
            answer = b'{"id":%b,"status":200,"result":%b' % (request_id, result)
        except BinanceError as error:
            status = error.status
            answer = b'{"id":%b,"status":%d,"error":%b' % (request_id, status, _problem(error, now_ms))
        if returns_limits:
            told = self._api.desk.limiter.told(self._options.client, account, now_ms)
            answer += b',"rateLimits":%b' % msgspec.json.encode(told)
        if self._api.events_first or fate.events_first:
            self._api.venue.publish(now_ms)
        if not fate.is_lost:
            self._tell(answer + b"}", method)
        self._api.venue.publish(now_ms)
        if status == BANNED:
            self.close(WSCloseCode.POLICY_VIOLATION, "IP banned")

    def _tell(self, message: bytes, channel: str) -> None:
        self.send(in_microseconds(message) if self._options.in_microseconds else message, channel)


def _problem(error: BinanceError, now_ms: int) -> bytes:
    form = error.form()
    if error.retry_after_ms is not None:
        form["data"] = {"serverTime": now_ms, "retryAfter": now_ms + error.retry_after_ms}
    return msgspec.json.encode(form)


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
