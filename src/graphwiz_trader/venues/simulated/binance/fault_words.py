"""How Binance says that something has gone wrong: rate limits, bans, trouble inside.

Sources: Binance spot API docs, "HTTP Return Codes", "IP Limits"; USD-M futures docs, "General Info".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.http_messages import HttpRequest, HttpResponse

_TOO_MANY = (429, 418)


class BinanceWords:
    """For spot and USD-M alike."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def http_error(self, status: int, retry_after_s: int | None) -> HttpResponse:
        """429 and 418 are about requests made too often, everything else about trouble inside."""
        code, message = (-1003, errors.TOO_MANY_REQUESTS_TEXT) if status in _TOO_MANY else errors.TRY_AGAIN[:2]
        response = _problem((code, message, status))
        if retry_after_s is None:
            return response
        headers = (*response.headers, ("Retry-After", str(retry_after_s)))
        return msgspec.structs.replace(response, headers=headers)

    def unknown_outcome(self, says: str, /) -> HttpResponse:
        return _problem(errors.OUTCOME_UNKNOWN[says])

    def account_name(self, request: HttpRequest) -> str:
        key = self._keys.known(request.headers.get("x-mbx-apikey", ""))
        return key.account.name if key is not None else ""


def _problem(error: tuple[int, str, int]) -> HttpResponse:
    code, message, status = error
    return HttpResponse(status, msgspec.json.encode({"code": code, "msg": message}))
