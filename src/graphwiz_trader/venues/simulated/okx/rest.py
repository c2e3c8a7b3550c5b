"""The REST side of the simulated OKX: paths to answers, each as ``{"code", "msg", "data"}``.

Source: OKX API v5 docs, "REST API". Public requests are limited by IP, signed ones by user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.http_messages import HttpRequest, HttpResponse
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.access import ApiKeys
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.limits import Rate, Windows
from graphwiz_trader.venues.simulated.okx.products import TYPES, Product, Products

DEFAULT_RATE = Rate(20, 2_000)
_MAX_FIELDS = 64
Query = Mapping[str, str]
PublicAnswer = Callable[[Query, int], list[Any]]
"""Query and time → ``data``."""


class Caller(NamedTuple):
    """Who signed a request, what it says, and when. ``args``: the body's objects, one or several."""

    account: Account
    query: Query
    args: list[dict[str, Any]]
    headers: Mapping[str, str]
    now_ms: int


class Envelope(NamedTuple):
    """The answer to an order operation: it has a code of its own, and the times it came and went, in µs."""

    code: str
    message: str
    data: list[Any]


SignedAnswer = Callable[[Caller], list[Any] | Envelope]


class RestApi:
    """``public``: path → answer. ``signed``: (method, path) → answer. ``rates``: of the paths with one of their own,
    None for those that count by themselves."""

    def __init__(
        self,
        keys: ApiKeys,
        clock_ms: Callable[[], int],
        *,
        public: Mapping[str, PublicAnswer],
        signed: Mapping[tuple[str, str], SignedAnswer],
        rates: Mapping[str, Rate | None],
    ) -> None:
        self._keys = keys
        self._clock_ms = clock_ms
        self._public = public
        self._signed = signed
        paths = {*public, *(path for _, path in signed)}
        self._windows: dict[str, Windows[object]] = {
            path: Windows(rate) for path in paths if (rate := rates.get(path, DEFAULT_RATE)) is not None
        }

    def answer(self, request: HttpRequest) -> HttpResponse:
        try:
            now_ms = self._clock_ms()
            found = self._answer(request, now_ms)
        except OkxError as error:
            return problem(error)
        if not isinstance(found, Envelope):
            return HttpResponse(200, msgspec.json.encode({"code": "0", "data": found, "msg": ""}))
        time_us = str(now_ms * 1_000)
        answer = {"code": found.code, "data": found.data, "msg": found.message, "inTime": time_us, "outTime": time_us}
        return HttpResponse(200, msgspec.json.encode(answer))

    def _answer(self, request: HttpRequest, now_ms: int) -> list[Any] | Envelope:
        path = request.path
        public = self._public.get(path)
        if public is not None and request.method == "GET":
            self._count(path, request.client, now_ms)
            return public(_query(request), now_ms)
        signed = self._signed.get((request.method, path))
        if signed is not None:
            account = self._caller(request, now_ms)
            self._count(path, account.uid, now_ms)
            return signed(Caller(account, _query(request), _body(request), request.headers, now_ms))
        known = public is not None or any(path == other for _, other in self._signed)
        raise OkxError(*(errors.BAD_METHOD if known else errors.NOT_FOUND))

    def _caller(self, request: HttpRequest, now_ms: int) -> Account:
        target = f"{request.path}?{request.query}" if request.query else request.path
        return self._keys.caller(request.headers, request.method, target, request.body, now_ms)

    def _count(self, path: str, subject: object, now_ms: int) -> None:
        windows = self._windows.get(path)
        if windows is not None and not windows.take(subject, now_ms):
            raise OkxError(*errors.TOO_MANY_REQUESTS)


def named_product(products: Products, query: Query) -> Product:
    """The instrument of ``instId``. Raises OkxError."""
    inst_id = query.get("instId")
    if inst_id is None:
        raise errors.missing("instId")
    found = products.find(inst_id)
    if found is None:
        raise OkxError(*errors.NO_INSTRUMENT)
    return found


def products_of_type(products: Products, query: Query) -> list[Product]:
    """What is listed of ``instType``. Raises OkxError."""
    inst_type = query.get("instType")
    if inst_type is None:
        raise errors.missing("instType")
    if inst_type not in TYPES:
        raise OkxError(51000, "Parameter instType error", 400)
    return products.of_type(inst_type)


def problem(error: OkxError) -> HttpResponse:
    """An error as an answer."""
    return HttpResponse(error.status, msgspec.json.encode({"code": error.code, "data": [], "msg": error.message}))


def _query(request: HttpRequest) -> dict[str, str]:
    try:
        return dict(parse_qsl(request.query, max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise OkxError(51000, "Parameter error", 400) from None


def _body(request: HttpRequest) -> list[dict[str, Any]]:
    """The objects of a body: one by itself, or a list of them."""
    if request.method == "GET":
        return []
    if not request.body:
        raise OkxError(*errors.NO_BODY)
    try:
        body = msgspec.json.decode(request.body, type=dict[str, Any] | list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise OkxError(*errors.BAD_JSON) from None
    return [body] if isinstance(body, dict) else body
