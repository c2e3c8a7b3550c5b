"""Accounts that trade at once and lose connections in the middle of requests: nothing appears, goes or is orphaned.

Every request has a connection of its own, over REST or WebSocket. It is sent whole and its answer read, or sent whole
and not waited for, or cut off anywhere. After that no asset is created or lost, each order stands under the account
that sent it, each order in a book is its owner's open order, and every order that was accepted can be asked for.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import NamedTuple

import msgspec
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.account_file import AccountEntry
from graphwiz_trader.venues.simulated.matching import NOBODY
from venues.simulated.clients import hmac_signed, now_ms
from venues.simulated.fuzz import words
from venues.simulated.fuzz.arena import VENUES, Arena, arena, responses, user
from venues.simulated.fuzz.test_websocket_fuzz import HANDSHAKE, TEXT, frame, frames
from venues.simulated.okx.okx_clients import login

USERS = 8
TRADED = [venue for venue in VENUES if venue != "binancecoinm"]
"""Venues that take orders."""


class Wanted(NamedTuple):
    """An order, or the name of one to cancel (``side`` empty)."""

    name: str
    side: str = ""
    price: str = ""
    size: str = ""


class Binance:
    """Writes requests, and reads what was answered: whether the venue accepted."""

    def __init__(self, venue: str) -> None:
        is_spot = venue == "binance"
        self.symbol = "BTCUSDT"
        self._path = "/api/v3/order" if is_spot else "/fapi/v1/order"
        self._socket = "/ws-api/v3" if is_spot else "/ws-fapi/v1"

    def request(self, who: AccountEntry, wanted: Wanted, *, over_rest: bool) -> bytes:
        method, params = self._params(wanted)
        if not over_rest:
            op = {"POST": "order.place", "DELETE": "order.cancel", "GET": "order.status"}[method]
            signed = hmac_signed(params, who.key, who.secret)
            asked = msgspec.json.encode({"id": 1, "method": op, "params": signed})
            return HANDSHAKE % self._socket.encode() + frame(TEXT, asked)
        form = words.written([*params.items(), ("timestamp", str(now_ms()))], "right")
        form += b"&signature=" + words.binance_signature(form, who.secret)
        return words.request(method, self._path.encode() + b"?" + form, {"X-MBX-APIKEY": who.key.encode()}, b"")

    def accepted(self, received: bytes, *, over_rest: bool) -> bool:
        if over_rest:
            return [reply.status for reply in responses(received)] == [200]
        said = frames(received.partition(b"\r\n\r\n")[2])
        return any(msgspec.json.decode(text).get("status") == 200 for opcode, text in said if opcode == TEXT)

    def _params(self, wanted: Wanted) -> tuple[str, dict[str, str]]:
        if not wanted.side:
            return ("DELETE" if wanted.size else "GET"), {"symbol": self.symbol, "origClientOrderId": wanted.name}
        params = {"symbol": self.symbol, "side": wanted.side.upper(), "type": "LIMIT", "timeInForce": "GTC"}
        params |= {"quantity": wanted.size, "price": wanted.price, "newClientOrderId": wanted.name}
        return "POST", params


class Okx:
    """The same for OKX's swaps."""

    symbol = "BTC-USDT-SWAP"

    def request(self, who: AccountEntry, wanted: Wanted, *, over_rest: bool) -> bytes:
        arg = {"instId": self.symbol, "clOrdId": wanted.name}
        if wanted.side:
            arg |= {"tdMode": "cross", "side": wanted.side, "ordType": "limit", "px": wanted.price, "sz": wanted.size}
        if not wanted.side and not wanted.size:
            target = f"/api/v5/trade/order?instId={self.symbol}&clOrdId={wanted.name}".encode()
            return words.request("GET", target, words.okx_headers("GET", target, b"", who.credentials), b"")
        op = "order" if wanted.side else "cancel-order"
        if not over_rest:
            known = msgspec.json.encode({"op": "login", "args": [login(who.key, who.secret, who.passphrase)]})
            asked = msgspec.json.encode({"id": "1", "op": op, "args": [arg]})
            return HANDSHAKE % b"/ws/v5/private" + frame(TEXT, known) + frame(TEXT, asked)
        target, body = f"/api/v5/trade/{op}".encode(), msgspec.json.encode(arg)
        return words.request("POST", target, words.okx_headers("POST", target, body, who.credentials), body)

    def accepted(self, received: bytes, *, over_rest: bool) -> bool:
        if over_rest:
            return [msgspec.json.decode(reply.body)["code"] for reply in responses(received)] == ["0"]
        said = frames(received.partition(b"\r\n\r\n")[2])
        answers = [msgspec.json.decode(text) for opcode, text in said if opcode == TEXT]
        return any(answer.get("op") and answer["code"] == "0" for answer in answers)


class Trader:
    """One account's owner, who is careless with connections. ``accepted``: the orders that were said to be."""

    def __init__(self, field: Arena, venue: str, number: int, random: Random) -> None:
        self.who = user(number)
        self.accepted: list[str] = []
        self.sent: list[str] = []
        self._field = field
        self._venue = venue
        self._random = random
        self.words = Okx() if venue == "okx" else Binance(venue)

    async def trade(self, requests: int) -> None:
        for _ in range(requests):
            await self._ask(self._wanted())

    async def knows(self, name: str) -> bool:
        """Whether the venue answers for an order of ours."""
        sent = self.words.request(self.who, Wanted(name), over_rest=True)
        return self.words.accepted(await self._field.exchange_bytes(self._venue, sent), over_rest=True)

    def _wanted(self) -> Wanted:
        random = self._random
        if self.sent and random.random() < 0.3:
            return Wanted(random.choice(self.sent), size="all of it")
        self.sent.append(f"{self.who.name}x{len(self.sent)}")
        price = str(10_000 + random.randint(-12, 12))
        return Wanted(self.sent[-1], random.choice(["buy", "sell"]), price, f"0.{random.randint(10, 30)}")

    async def _ask(self, wanted: Wanted) -> None:
        random, over_rest = self._random, self._random.random() < 0.5
        sent = self.words.request(self.who, wanted, over_rest=over_rest)
        if random.random() < 0.5:
            received = await self._field.exchange_bytes(self._venue, sent)
            if self.words.accepted(received, over_rest=over_rest) and wanted.side:
                self.accepted.append(wanted.name)
            return
        whole = random.random() < 0.5
        await self._leave_after(sent if whole else sent[: random.randrange(len(sent))])

    async def _leave_after(self, sent: bytes) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", self._field.port(self._venue))
        writer.write(sent)
        for _ in range(self._random.randint(0, 3)):
            await asyncio.sleep(0)
        writer.transport.abort()


def abuse(field: Arena, venue: str, seed: int, requests: int) -> list[Trader]:
    async def all_at_once() -> None:
        await asyncio.gather(*(trader.trade(requests) for trader in traders))

    traders = [Trader(field, venue, number, Random(f"{seed} {number}")) for number in range(USERS)]
    field.do(all_at_once())
    field.check()
    return traders


def assert_owned(field: Arena, venue: str, traders: list[Trader]) -> None:
    """Each order of an account was sent by its owner, and each order in a book is one of them and open."""
    at = field.venues[venue]
    accounts = {account.name: account for account in at.accounts}
    for trader in traders:
        mine = at.orders(accounts[trader.who.name], trader.words.symbol)
        assert {order.client_id for order in mine} <= set(trader.sent)
        assert set(trader.accepted) <= {order.client_id for order in mine}
        assert all(field.do(trader.knows(name)) for name in trader.accepted)
    for book in at.books.values():
        standing = {o.order_id for side in Side for o in book.matcher.orders(side) if o.owner != NOBODY}  # type: ignore[attr-defined]
        opened = {o.order_id for account in at.accounts for o in at.open_orders(account, book.listing.symbol)}
        assert standing == opened


def run(venue: str, seed: int, requests: int) -> None:
    with arena(others=USERS) as field:
        traders = abuse(field, venue, seed, requests)
        assert_owned(field, venue, traders)
        assert sum(len(trader.accepted) for trader in traders) > USERS * requests // 10
        at = field.venues[venue]
        assert any(o.executions for account in at.accounts for o in at.orders(account, traders[0].words.symbol))


@pytest.mark.parametrize("venue", TRADED)
def test_nothing_is_lost_and_no_order_orphaned_when_connections_break_in_the_middle_of_requests(venue):
    run(venue, seed=1, requests=25)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("venue", TRADED)
@pytest.mark.parametrize("seed", range(2, 7))
def test_nor_in_many_more_requests(venue, seed):
    run(venue, seed, requests=200)
