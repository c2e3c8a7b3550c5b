"""REST requests and WebSocket handshakes on their way to a dialect, through the faults of its venue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from graphwiz_trader.venues.simulated.connection import Connection
from graphwiz_trader.venues.simulated.faults.frames import FaultyLine
from graphwiz_trader.venues.simulated.faults.venue_faults import Faults
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest, HttpResponse


class Words(Protocol):
    """How a dialect says what has gone wrong."""

    def http_error(self, status: int, retry_after_s: int | None) -> HttpResponse:
        """A refusal with this status, as the venue words it."""
        ...

    def unknown_outcome(self, says: str, /) -> HttpResponse:
        """The venue does not know whether it did what was asked. ``says``: one of `kinds.UNKNOWN`."""
        ...

    def account_name(self, request: HttpRequest) -> str:
        """Whose request it is by its key, signature unseen; empty for nobody's."""
        ...


class HttpFaults:
    """An `HttpFront`'s ``intercept``."""

    def __init__(self, faults: Faults, words: Words) -> None:
        self._faults = faults
        self._words = words

    def __call__(self, request: HttpRequest, serve: Callable[[], Answer]) -> Answer | None:
        name, account = f"{request.method} {request.path}", self._words.account_name(request)
        http = self._faults.http(name, account)
        if request.is_upgrade:
            answer = self._words.http_error(http.status, http.retry_after_s) if http.status else serve()
            if isinstance(answer, Connection):
                answer.meddle = FaultyLine(self._faults, answer)
            return answer
        fate = self._faults.request(name, account)
        is_processed = fate.is_processed and http.is_processed
        response = serve() if is_processed else None
        if fate.is_lost:
            return None
        if fate.unknown:
            response = self._words.unknown_outcome(fate.unknown)
        elif http.status:
            response = self._words.http_error(http.status, http.retry_after_s)
        if isinstance(response, HttpResponse) and http.delay_s:
            return msgspec.structs.replace(response, after_s=response.after_s + http.delay_s)
        return response
