"""One client's WebSocket connection: subscriptions, login, and the order operations of ``/private``.

Sources: OKX API v5 docs, "WebSocket": "Connect" (text ``ping`` and ``pong``, 30 s of silence), "Subscribe",
"Unsubscribe", "Login", "Notification".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.connection import Connection
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.okx import errors, order_operations
from graphwiz_trader.venues.simulated.okx.access import ApiKeys
from graphwiz_trader.venues.simulated.okx.errors import Goodbye, OkxError
from graphwiz_trader.venues.simulated.okx.limits import SUBSCRIPTIONS, Windows
from graphwiz_trader.venues.simulated.okx.order_desk import OrderDesk
from graphwiz_trader.venues.simulated.okx.private_channels import MAX_CHANNELS, MAX_CONNECTIONS, PrivateChannels
from graphwiz_trader.venues.simulated.okx.public_channels import BUSINESS, FOR_VIPS, PRIVATE, Key, PublicChannels

SILENCE_MS = 30_000
_REQUEST_ID = re.compile(r"^[A-Za-z0-9]{1,32}$")
_ECHOED_BYTES = 1_024


class Request(msgspec.Struct):
    """What a client sends, but for ``ping``."""

    op: str
    args: list[dict[str, Any]] = []
    id: str | int = ""
    exp_time: str | int = msgspec.field(name="expTime", default="")


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the sockets of one venue share."""

    keys: ApiKeys
    public: PublicChannels
    private: PrivateChannels
    orders: OrderDesk
    clock_ms: Callable[[], int]
    events_first: bool
    faults: Faults


class OkxSocket(Connection):
    """``route`` is where it is: public, business or private."""

    def __init__(self, desk: Desk, route: str, number: int, *, is_vip: bool) -> None:
        super().__init__()
        self.route = route
        self.conn_id = f"{number:08x}"
        self.account: Account | None = None
        self._desk = desk
        self._is_vip = is_vip
        self._public: dict[Key, None] = {}
        self._requests: Windows[str] = Windows(SUBSCRIPTIONS)
        self._last_ms = desk.clock_ms()
        self.on_closed(self._leave)

    def send(self, payload: bytes, channel: str = "") -> None:
        self._last_ms = self._desk.clock_ms()
        super().send(payload, channel)

    def close_if_silent(self, now_ms: int) -> None:
        """OKX closes a connection on which nothing has passed for 30 s."""
        if now_ms - self._last_ms > SILENCE_MS:
            self.close(Goodbye.NO_DATA, "No data received in 30s")

    @property
    def account_name(self) -> str:
        return self.account.name if self.account is not None else ""

    def announce_shutdown(self, now_ms: int) -> None:  # noqa: ARG002  # OKX's notice has no time
        """As OKX does 60 s before an upgrade."""
        code, message = errors.SERVICE_UPGRADE
        self._event({"event": "notice", "code": str(code), "msg": message})

    def on_message(self, payload: bytes) -> None:
        now_ms = self._last_ms = self._desk.clock_ms()
        if payload == b"ping":
            self.send(b"pong")
            return
        try:
            request = _request.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = payload[:_ECHOED_BYTES].decode("utf-8", "replace")
            self._refuse(OkxError(60012, f"Invalid request: {said}"), "")
            return
        request_id = str(request.id)
        try:
            if request_id and not _REQUEST_ID.fullmatch(request_id):
                raise OkxError(60013, "Invalid args: id")
            self._do(request, request_id, now_ms)
        except OkxError as error:
            self._refuse(error, request_id)

    def _do(self, request: Request, request_id: str, now_ms: int) -> None:
        if request.op in ("subscribe", "unsubscribe", "login"):
            if not self._requests.take("", now_ms):
                raise OkxError(*errors.TOO_FREQUENT)
            if not request.args:
                raise OkxError(60013, "Invalid args")
            if request.op == "login":
                self._log_in(request.args, now_ms)
            for arg in request.args if request.op != "login" else ():
                self._change(request.op, arg, request_id, now_ms)
            return
        self._order(request, request_id, now_ms)

    def _change(self, op: str, arg: dict[str, Any], request_id: str, now_ms: int) -> None:
        """Each argument has an answer of its own."""
        try:
            if not all(type(value) is str for value in arg.values()) or not arg.get("channel"):
                raise OkxError(60013, "Invalid args")
            account = self._account_for(arg)
            key = self._find(arg) if account is None else None
        except OkxError as error:
            self._refuse(error, request_id)
            return
        if account is not None and op == "subscribe" and self._is_one_too_many(account, arg["channel"]):
            return
        self._event({"event": op, "arg": arg} | ({"id": request_id} if request_id else {}))
        if account is not None:
            self._change_private(op, arg, account, now_ms)
        elif key is not None and op == "unsubscribe":
            if not self._desk.public.is_played:
                self._desk.public.leave(key, self)
                self._public.pop(key, None)
        elif key is not None:
            self._desk.public.join(key, self, now_ms)
            self._public[key] = None

    def _account_for(self, arg: dict[str, str]) -> Account | None:
        """Whose channel this names, None when it is no channel of an account. Raises OkxError for nobody's."""
        if self.route != PRIVATE or not self._desk.private.knows(arg):
            return None
        if self.account is None:
            raise OkxError(*errors.NOT_LOGGED_IN)
        return self.account

    def _find(self, arg: dict[str, str]) -> Key:
        """A public channel's key. Raises OkxError for what does not exist here."""
        key = self._desk.public.find(self.route, arg)
        if key is None:
            raise errors.not_there(",".join(f"{name}:{value}" for name, value in arg.items()))
        if key[0] in FOR_VIPS and not self._is_vip:
            raise OkxError(*errors.NOT_YOUR_TIER)
        return key

    def _is_one_too_many(self, account: Account, channel: str) -> bool:
        count = self._desk.private.connections(account, channel)
        if count < MAX_CONNECTIONS:
            return False
        self._event({"event": "channel-conn-count-error", "channel": channel, "connCount": str(count)})
        return True

    def _change_private(self, op: str, arg: dict[str, str], account: Account, now_ms: int) -> None:
        private, channel = self._desk.private, arg["channel"]
        if op == "unsubscribe":
            private.leave(account, arg, self)
            return
        private.join(account, arg, self, now_ms)
        if private.subscribed(account, self) > MAX_CHANNELS:
            self.close(Goodbye.TOO_MANY_CHANNELS, "The total amount of subscribed channels exceeds the limit.")
            return
        count = str(private.connections(account, channel))
        self._event({"event": "channel-conn-count", "channel": channel, "connCount": count})

    def _log_in(self, args: list[dict[str, Any]], now_ms: int) -> None:
        if self.route not in (PRIVATE, BUSINESS):
            raise OkxError(*errors.LOGIN_NOT_HERE)
        if self.account is not None:
            raise OkxError(*errors.LOGGED_IN_ALREADY)
        self.account = self._desk.keys.log_in(args[0], now_ms)
        self._event({"event": "login", "code": "0", "msg": ""})

    def _order(self, request: Request, request_id: str, now_ms: int) -> None:
        if request.op not in order_operations.OPERATIONS:
            raise OkxError(60019, f"Invalid op: {request.op[:_ECHOED_BYTES]}")
        if self.route != PRIVATE:
            raise OkxError(*errors.NO_ORDERS_HERE)
        if self.account is None:
            raise OkxError(*errors.NOT_LOGGED_IN)
        orders = self._desk.orders
        fate = self._desk.faults.request(request.op, self.account_name)
        answer = b""
        if fate.is_processed:
            answer = order_operations.answer(
                orders,
                self.account,
                request.op,
                request.args,
                request_id=request_id,
                expires=request.exp_time,
                now_ms=now_ms,
            )
        if fate.unknown:
            unknown = OkxError(*errors.OUTCOME_UNKNOWN)
            answer = order_operations.refused(request.op, unknown, request_id=request_id, now_ms=now_ms)
        if self._desk.events_first or fate.events_first:
            orders.publish(now_ms)
        if not fate.is_lost:
            self.send(answer, request.op)
        orders.publish(now_ms)

    def _event(self, event: dict[str, Any]) -> None:
        self.send(msgspec.json.encode({**event, "connId": self.conn_id}))

    def _refuse(self, error: OkxError, request_id: str) -> None:
        event = {"event": "error", "msg": error.message, "code": error.code}
        self._event(event | ({"id": request_id} if request_id else {}))

    def _leave(self) -> None:
        for key in self._public:
            self._desk.public.leave(key, self)
        if self.account is not None:
            self._desk.private.leave_all(self.account, self)


_request = msgspec.json.Decoder(Request)
