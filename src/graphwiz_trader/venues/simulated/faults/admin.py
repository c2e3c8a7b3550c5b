"""The admin port of a simulated exchange: its faults are listed, added and cleared there, by who has the token.

GET    /faults             what is armed, with its chances and how often it fired
POST   /faults             {"faults": [{"fault": "drop", ...}]}, as in a plan's file
DELETE /faults             all of them
DELETE /faults/3           one of them
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.faults.desk import FaultDesk
from graphwiz_trader.venues.simulated.faults.plan import FaultPlanError, read_plan
from graphwiz_trader.venues.simulated.http_front import HttpFront
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest, HttpResponse


class Address(msgspec.Struct, frozen=True):
    """Where the admin port is, and what every request must bring as ``Authorization: Bearer TOKEN``."""

    url: str
    token: str


class AdminPort:
    """``start`` and ``stop`` once each."""

    def __init__(self, desk: FaultDesk) -> None:
        self._desk = desk
        self._token = secrets.token_urlsafe(24)
        self._front = HttpFront(self)

    @property
    def address(self) -> Address:
        """Raises RuntimeError before ``start``."""
        return Address(f"{self._front.rest_url}/faults", self._token)

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        await self._front.start(port)

    async def stop(self) -> None:
        await self._front.stop()

    def answer(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        if not secrets.compare_digest(given, f"Bearer {self._token}".encode()):
            return _json(401, {"error": "send Authorization: Bearer and the token of the line that says ready"})
        if request.path.rstrip("/") == "/faults":
            match request.method:
                case "GET":
                    return _json(200, {"faults": self._desk.listing()})
                case "POST":
                    return self._add(request.body)
                case "DELETE":
                    self._desk.clear()
                    return _json(200, {"faults": []})
        number = request.path.removeprefix("/faults/")
        if request.method == "DELETE" and number.isascii() and number.isdigit() and len(number) < 10:
            if self._desk.clear(int(number)):
                return _json(200, {"cleared": int(number)})
            return _json(404, {"error": f"no fault {number} is armed; GET /faults lists them"})
        return _json(404, {"error": "expected GET, POST or DELETE on /faults, or DELETE on /faults/NUMBER"})

    def upgrade(self, request: HttpRequest) -> Answer:  # noqa: ARG002  # a Site's signature
        return _json(404, {"error": "there is no WebSocket here"})

    def _add(self, body: bytes) -> HttpResponse:
        try:
            asked = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _json(400, {"error": 'the body is no JSON; expected {"faults": [{"fault": ...}]}'})
        if isinstance(asked, dict) and "seed" in asked:
            return _json(400, {"error": "seed: it is the exchange's, from the file it began with"})
        try:
            return _json(201, {"numbers": self._desk.arm(read_plan(asked, self._desk.venues, "body"))})
        except FaultPlanError as error:
            return _json(400, {"error": str(error)})


def _json(status: int, what: dict[str, Any]) -> HttpResponse:
    return HttpResponse(status, msgspec.json.encode(what))
