"""The REST side of a venue: GET requests, answered on the port of the streams.

The WebSocket server hands over whatever is no upgrade request. It takes GET alone: everything public, and what an
account may ask about itself. Orders go over the WebSocket API.

Source: Binance spot API docs, "REST API": the signature covers the query as it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.binance.websocket_api import PublicMethod, SignedMethod
from graphwiz_trader.venues.simulated.orders import OrderRefusedError, Refusal

_MAX_FIELDS = 64


class RestApi:
    """Paths to answers."""

    def __init__(
        self,
        keys: ApiKeys,
        refusals: Mapping[Refusal, tuple[int, str]],
        *,
        public: Mapping[str, PublicMethod],
        signed: Mapping[str, SignedMethod],
    ) -> None:
        self._keys = keys
        self._refusals = refusals
        self._public = public
        self._signed = signed

    def answer(self, method: str, path: str, query: str, key: str, now_ms: int) -> tuple[int, bytes]:
        """The status and the JSON body. ``key`` is the API key of the request's header, empty without one."""
        try:
            parameters = Parameters(dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)))
        except ValueError:
            return problem(BinanceError(-1101, "Too many parameters sent for this endpoint."))
        try:
            if method != "GET":
                raise no_such_path(method, path)
            if path in self._public:
                return 200, self._public[path](parameters, now_ms)
            if path in self._signed:
                return 200, self._signed[path](parameters, self._caller(parameters, query, key, now_ms))
        except OrderRefusedError as refused:
            return problem(BinanceError(*self._refusals[refused.refusal]))
        except BinanceError as error:
            return problem(error)
        return problem(no_such_path(method, path))

    def _caller(self, parameters: Parameters, query: str, key: str, now_ms: int) -> Caller:
        found = self._keys.find(key)
        parameters.check_time(now_ms)
        signed = "&".join(part for part in query.split("&") if not part.startswith("signature="))
        if not found.verify(signed.encode(), parameters.text("signature")):
            raise BinanceError(*errors.BAD_SIGNATURE)
        return Caller(found.account, now_ms)


def no_such_path(method: str, path: str) -> BinanceError:
    return BinanceError(-5000, f"Path {path}, Method {method} is invalid", 404)


def problem(error: BinanceError) -> tuple[int, bytes]:
    """An error as status and body."""
    return error.status, msgspec.json.encode({"code": error.code, "msg": error.message})
