"""The REST side of a venue: routes to endpoints, who signed, and what a response says of the limits.

Sources: Binance spot API docs, "REST API", "Request Security" (the signature covers query and body as they were sent,
percent-encoded, one behind the other) and "Limits".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKey, ApiKeys
from graphwiz_trader.venues.simulated.binance.desk import Desk, Endpoint, Private
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.time_unit import in_microseconds, wants_microseconds
from graphwiz_trader.venues.simulated.http_messages import HttpRequest, HttpResponse

Routes: TypeAlias = Mapping[str, Endpoint]
"""``"POST /api/v3/order"`` → its endpoint."""
_JSON = ("Content-Type", "application/json;charset=UTF-8")
_RETIRED = frozenset({"/api/v3/userDataStream"})


class RestApi:
    """The routes of one market."""

    def __init__(self, keys: ApiKeys, desk: Desk, routes: Routes) -> None:
        self._keys = keys
        self._desk = desk
        self._routes = routes

    def answer(self, request: HttpRequest, now_ms: int) -> HttpResponse:
        """Answer a request; whatever it is."""
        placed_by: Account | None = None
        try:
            body, placed_by = self._call(request, now_ms)
            if wants_microseconds(request.headers.get("x-mbx-time-unit")):
                body = in_microseconds(body)
            response = HttpResponse(200, body, (_JSON,))
        except BinanceError as error:
            response = refusal(error)
        told = self._desk.limiter.headers(request.client, placed_by, now_ms)
        return msgspec.structs.replace(response, headers=(*response.headers, *told))

    def _call(self, request: HttpRequest, now_ms: int) -> tuple[bytes, Account | None]:
        endpoint = self._routes.get(f"{request.method} {request.path}")
        if endpoint is None:
            if request.path in _RETIRED:
                raise BinanceError(*errors.GONE)
            raise no_such_path(request)
        form = request.body.decode("latin-1")
        parameters = Parameters.of_form(request.query, form)

        def sign_in() -> ApiKey:
            key = self._keys.find(request.headers.get("x-mbx-apikey", ""))
            if isinstance(endpoint, Private) and endpoint.is_signed:
                _check_signature(key, request.query, form, parameters, now_ms)
            return key

        return self._desk.call(endpoint, parameters, request.client, now_ms, sign_in)


def no_such_path(request: HttpRequest) -> BinanceError:
    return BinanceError(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)


def refusal(error: BinanceError) -> HttpResponse:
    """An error as a response, with the seconds until it makes sense to ask again."""
    wait_ms = error.retry_after_ms
    wait = (("Retry-After", str(-(-wait_ms // 1_000))),) if wait_ms is not None else ()
    return HttpResponse(error.status, msgspec.json.encode(error.form()), (_JSON, *wait))


def _check_signature(key: ApiKey, query: str, form: str, parameters: Parameters, now_ms: int) -> None:
    parameters.check_time(now_ms)
    signed = _without_signature(query) + _without_signature(form)
    if not key.verify(signed.encode("latin-1"), parameters.text("signature")):
        raise BinanceError(*errors.BAD_SIGNATURE)


def _without_signature(form: str) -> str:
    return "&".join(part for part in form.split("&") if not part.startswith("signature="))
