"""How OKX says that something has gone wrong: rate limits, trouble inside.

Source: OKX API v5 docs, "Error Code", "REST API": 50001, 50004, 50011.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.venues.simulated.http_messages import HttpRequest, HttpResponse
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.access import ApiKeys
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.rest import problem


class OkxWords:
    """For every product."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def http_error(self, status: int, retry_after_s: int | None) -> HttpResponse:
        code, message = errors.TOO_MANY_REQUESTS[:2] if status == errors.TOO_MANY_REQUESTS[2] else errors.OUT_OF_SERVICE
        response = problem(OkxError(code, message, status))
        if retry_after_s is None:
            return response
        headers = (*response.headers, ("Retry-After", str(retry_after_s)))
        return msgspec.structs.replace(response, headers=headers)

    def unknown_outcome(self, _says: str, /) -> HttpResponse:
        return problem(OkxError(*errors.OUTCOME_UNKNOWN))

    def account_name(self, request: HttpRequest) -> str:
        return self._keys.account_name(request.headers.get("ok-access-key", ""))
